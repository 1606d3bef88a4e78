//! What must not be shown: results under `no_log`, and arguments that their module's specification calls secret.

use rplay_module_api::{Json, Map, Spec, validate};

use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::value::mask;
use crate::value::{Dict, Str, Value};

/// The secret values of one call.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    secrets: Vec<String>,
}

/// What an item is called under `no_log`.
pub const CENSORED_ITEM: &str = "(censored due to no_log)";
const HIDDEN: &str = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

impl Mask {
    pub fn of(spec: &Spec, args: &Map<String, Json>) -> Self {
        let mut secrets: Vec<String> =
            validate::secret_values(spec, args).into_iter().filter(|secret| !secret.is_empty()).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        for secret in &secrets {
            mask::remember(secret);
        }
        Self { secrets }
    }

    /// Hides the secrets wherever they turn up in a result.
    pub fn apply(&self, result: &mut ActionResult) {
        if self.secrets.is_empty() {
            return;
        }
        for (name, value) in &mut result.fields {
            if !KEPT.contains(&name.to_text().as_str()) {
                self.hide(value);
            }
        }
        let text = |text: &mut String| *text = self.text(text);
        result.warnings.iter_mut().for_each(text);
        if let Some(trouble) = result.trouble_mut() {
            trouble.causes.iter_mut().for_each(|cause| cause.message = self.text(&cause.message));
        }
        for diff in &mut result.diff {
            for side in [&mut diff.before, &mut diff.after] {
                validate::hide(side, &self.secrets);
            }
            if let Some(prepared) = &mut diff.prepared {
                *prepared = self.text(prepared);
            }
        }
    }

    fn text(&self, text: &str) -> String {
        validate::without(text, &self.secrets)
    }

    fn hide(&self, value: &mut Value) {
        match value {
            Value::Str(text) if self.secrets.iter().any(|secret| text.contains(secret.as_str())) => {
                *text = Str::data(self.text(text));
            }
            Value::Int(number) if self.secrets.iter().any(|secret| *secret == number.to_string()) => {
                *value = Value::str(validate::WHOLE);
            }
            Value::List(items) => items.make_mut().iter_mut().for_each(|item| self.hide(item)),
            Value::Dict(dict) => std::sync::Arc::make_mut(dict).values_mut().for_each(|item| self.hide(item)),
            _ => {}
        }
    }

    /// What is told of a failure under `no_log`.
    pub fn censored() -> Trouble {
        Trouble { failed_in: FailedIn::Task, causes: vec![Cause { message: HIDDEN.to_owned(), ..Cause::default() }] }
    }

    /// What is shown of a result under `no_log`.
    pub fn censor(fields: &Dict) -> Dict {
        let mut out = Dict::new();
        for name in ["attempts", "changed", "retries", "skipped", "failed", "unreachable"] {
            if let Some(value) = fields.get(name) {
                out.insert(Value::str(name), value.clone());
            }
        }
        out.insert(Value::str("censored"), Value::str(HIDDEN));
        out
    }
}

/// Words of Ansible's own in results that a short secret must not damage.
const KEPT: &[&str] = &["changed", "failed", "rc", "skipped", "unreachable", "ansible_loop_var"];
