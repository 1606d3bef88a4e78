//! The result of an action: return values as a registered variable shows them, and what only the engine and callbacks see.

use rplay_module_api::{Diff, Failure, ModuleResult, Outcome};

use super::Effect;
use crate::source::Span;
use crate::template::TemplateError;
use crate::value::json::FromJsonMap;
use crate::value::{Dict, Value};

/// Return values (`changed`, `failed`, `msg`, `skipped`, `unreachable` among them) and what goes with them.
#[derive(Clone, Debug, Default)]
pub struct ActionResult {
    pub fields: Dict,
    pub diff: Vec<Diff>,
    pub warnings: Vec<String>,
    pub deprecations: Vec<String>,
    pub effects: Vec<Effect>,
    /// Why the task failed, for the message above its result.
    pub trouble: Option<Trouble>,
    /// The result is shown in full without `-v` (`debug`).
    pub always_verbose: bool,
}

pub const BROKEN_CONDITIONAL_HINT: &str =
    "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option.";

/// Who reports a failure; the message says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedIn {
    /// `Task failed: Action failed: …`
    Action,
    /// `Task failed: Module failed: …`
    Module,
    /// `Task failed: …`
    Task,
    /// The message stands alone.
    Plain,
}

/// A failure as a chain: what failed, and because of what.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub failed_in: FailedIn,
    /// Outermost first; the first one has the place of the task unless it names another.
    pub causes: Vec<Cause>,
}

#[derive(Clone, Debug, Default)]
pub struct Cause {
    pub message: String,
    pub place: Option<Span>,
    pub hint: Option<String>,
}

impl ActionResult {
    pub fn ok() -> Self {
        Self::default()
    }

    pub fn changed(changed: bool) -> Self {
        Self::default().with("changed", changed)
    }

    /// A failure that the action reports.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::failed_in(FailedIn::Action, message)
    }

    pub fn failed_in(failed_in: FailedIn, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut result = Self::default().with("failed", true).with("changed", false).with("msg", message.as_str());
        result.trouble = Some(Trouble { failed_in, causes: vec![Cause { message, ..Cause::default() }] });
        result
    }

    /// A template of the task could not be rendered; `what` was being done.
    pub fn template_failed(what: Option<&str>, error: &TemplateError) -> Self {
        let mut causes = Vec::new();
        if let Some(what) = what {
            causes.push(Cause { message: what.to_owned(), ..Cause::default() });
        }
        causes.push(Cause { message: error.message.clone(), place: error.place.clone(), hint: None });
        let trouble = Trouble { failed_in: FailedIn::Task, causes };
        let mut result = Self::default().with("failed", true).with("changed", false).with("msg", trouble.text());
        result.trouble = Some(trouble);
        result
    }

    pub fn unreachable(message: impl Into<String>) -> Self {
        let mut result = Self::failed_in(FailedIn::Task, message);
        result.fields.shift_remove("failed");
        let text = result.trouble.as_ref().map(Trouble::text).unwrap_or_default();
        result.with("unreachable", true).with("changed", false).with("msg", text)
    }

    pub fn skipped(message: impl Into<String>) -> Self {
        Self::default().with("skipped", true).with("changed", false).with("msg", message.into())
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(Value::str(name), value.into());
        self
    }

    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    pub fn is(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_truthy)
    }

    pub fn is_failed(&self) -> bool {
        self.is("failed")
    }

    pub fn from_module(result: ModuleResult) -> Self {
        match result {
            Ok(outcome) => Self::from_outcome(outcome),
            Err(failure) => Self::from_failure(failure),
        }
    }

    fn from_outcome(outcome: Outcome) -> Self {
        let mut fields = Dict::from_json(outcome.fields);
        fields.insert(Value::str("changed"), Value::Bool(outcome.changed));
        if outcome.skipped {
            fields.insert(Value::str("skipped"), Value::Bool(true));
        }
        Self {
            fields,
            diff: outcome.diff,
            warnings: outcome.warnings,
            deprecations: outcome.deprecations,
            ..Self::default()
        }
    }

    fn from_failure(failure: Failure) -> Self {
        let mut fields = Dict::from_json(failure.fields);
        fields.insert(Value::str("changed"), Value::Bool(failure.changed));
        fields.insert(Value::str("failed"), Value::Bool(true));
        fields.insert(Value::str("msg"), Value::str(failure.msg.as_str()));
        let trouble =
            Trouble { failed_in: FailedIn::Module, causes: vec![Cause { message: failure.msg, ..Cause::default() }] };
        Self { fields, warnings: failure.warnings, trouble: Some(trouble), ..Self::default() }
    }
}

impl Trouble {
    /// The whole chain in one line.
    pub fn text(&self) -> String {
        let prefix = match self.failed_in {
            FailedIn::Action => "Task failed: Action failed: ",
            FailedIn::Module => "Task failed: Module failed: ",
            FailedIn::Task => "Task failed: ",
            FailedIn::Plain => "",
        };
        let mut text = prefix.to_owned();
        for (index, cause) in self.causes.iter().enumerate() {
            if index + 1 == self.causes.len() {
                text.push_str(&cause.message);
            } else {
                text.push_str(cause.message.trim_end_matches('.'));
                text.push_str(": ");
            }
        }
        text
    }
}
