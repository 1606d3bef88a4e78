//! The result of an action: how it ended, what it returns, and what only the engine and reporters see.

use rplay_module_api::{Diff, Failure, ModuleResult, Outcome};

use super::effect::{Effect, HostEffect, RunEffect};
use crate::error::{Error, ErrorKind};
use crate::source::Span;
use crate::template::TemplateError;
use crate::value::json::FromJsonMap;
use crate::value::{Dict, Value};

/// How a task ended on a host. Whether it changed something is another question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    #[default]
    Ok,
    Skipped,
    Failed,
    Unreachable,
}

#[derive(Clone, Debug, Default)]
pub struct ActionResult {
    ended: Ended,
    /// None when the action leaves it open; then nothing changed.
    changed: Option<bool>,
    /// Why the task failed, for the message above its result. A loop's items have told theirs.
    trouble: Option<Trouble>,
    /// The action ran, so that the result says whether it failed.
    acted: bool,
    /// Return values besides `changed`, `failed`, `skipped` and `unreachable`, which follow from the rest.
    pub fields: Dict,
    pub diff: Vec<Diff>,
    /// A single difference stands in a list, too.
    pub lists_diffs: bool,
    pub warnings: Vec<String>,
    pub deprecations: Vec<String>,
    pub effects: Vec<Effect>,
    /// The result is shown in full without `-v` (`debug`).
    pub always_verbose: bool,
    /// It holds what nobody may see, whatever the task says.
    pub no_log: bool,
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
        Self { changed: Some(changed), ..Self::default() }
    }

    /// A failure that the action reports.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::failed_in(FailedIn::Action, message)
    }

    /// A failure whose `msg` is the message alone, without who reports it.
    pub fn failed_in(failed_in: FailedIn, message: impl Into<String>) -> Self {
        let message = message.into();
        let msg = Value::str(message.as_str());
        Self::fails(Trouble { failed_in, causes: vec![Cause { message, ..Cause::default() }] }).with("msg", msg)
    }

    /// A failure whose `msg` tells the whole chain.
    pub fn fails(trouble: Trouble) -> Self {
        let mut result = Self::default().with("msg", trouble.text());
        result.set_failed(Some(trouble));
        result
    }

    /// A template of the task could not be rendered; `what` was being done.
    pub fn template_failed(what: Option<&str>, error: &TemplateError) -> Self {
        let what = what.map(|what| Cause { message: what.to_owned(), ..Cause::default() });
        let why = Cause { message: error.message.clone(), place: error.place.clone(), hint: None };
        Self::fails(Trouble { failed_in: FailedIn::Task, causes: what.into_iter().chain([why]).collect() })
    }

    pub fn unreachable(message: impl Into<String>) -> Self {
        let causes = vec![Cause { message: message.into(), ..Cause::default() }];
        let mut result = Self::fails(Trouble { failed_in: FailedIn::Task, causes });
        result.ended = Ended::Unreachable;
        result
    }

    /// Nothing was done, and the fields say why.
    pub fn skipped() -> Self {
        Self { ended: Ended::Skipped, ..Self::default() }
    }

    pub fn skipped_because(message: impl Into<String>) -> Self {
        Self::skipped().with_changed(false).with("msg", message.into())
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    #[must_use]
    pub fn with_changed(mut self, changed: bool) -> Self {
        self.changed = Some(changed);
        self
    }

    /// An effect on the variables of the task's host.
    #[must_use]
    pub fn with_host_effect(mut self, effect: HostEffect) -> Self {
        self.effects.push(Effect::host(effect));
        self
    }

    #[must_use]
    pub fn with_run_effect(mut self, effect: RunEffect) -> Self {
        self.effects.push(Effect::Run(effect));
        self
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(Value::str(name), value.into());
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    pub fn ended(&self) -> Ended {
        self.ended
    }

    pub fn is_changed(&self) -> bool {
        self.changed == Some(true)
    }

    pub fn is_failed(&self) -> bool {
        self.ended == Ended::Failed
    }

    pub fn is_skipped(&self) -> bool {
        self.ended == Ended::Skipped
    }

    pub fn is_unreachable(&self) -> bool {
        self.ended == Ended::Unreachable
    }

    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    pub fn trouble_mut(&mut self) -> Option<&mut Trouble> {
        self.trouble.as_mut()
    }

    /// The innermost cause of the failure.
    pub fn cause_mut(&mut self) -> Option<&mut Cause> {
        self.trouble.as_mut()?.causes.last_mut()
    }

    pub fn set_changed(&mut self, changed: bool) {
        self.changed = Some(changed);
    }

    pub fn set_skipped(&mut self) {
        self.ended = Ended::Skipped;
    }

    /// What was done before stands in the fields.
    pub fn set_failed(&mut self, trouble: Option<Trouble>) {
        self.ended = Ended::Failed;
        self.trouble = trouble;
    }

    pub fn set_unreachable(&mut self) {
        self.ended = Ended::Unreachable;
    }

    /// A failure that is none, because a condition says so.
    pub fn set_not_failed(&mut self) {
        if self.ended == Ended::Failed {
            self.ended = Ended::Ok;
        }
        self.trouble = None;
    }

    /// The action ran, whatever came of it.
    pub fn set_acted(&mut self) {
        self.acted = true;
    }

    /// The failure as what stops the run.
    pub fn into_error(self, place: Option<&Span>) -> Error {
        let cause = self.trouble.and_then(|mut trouble| trouble.causes.pop()).unwrap_or_default();
        Error::new(ErrorKind::Project, cause.message).at(cause.place.as_ref().or(place))
    }

    /// The result as `register` keeps it and as reporters show it. No other place makes this dictionary.
    pub fn to_dict(&self) -> Dict {
        let mut dict = Dict::with_capacity(self.fields.len() + 4);
        let mut add = |name: &str, value: Value| {
            dict.insert(Value::str(name), value);
        };
        let failed = matches!(self.ended, Ended::Failed | Ended::Unreachable);
        if self.ended == Ended::Failed {
            add("failed", Value::Bool(true));
        }
        if self.ended == Ended::Unreachable {
            add("unreachable", Value::Bool(true));
        }
        if let Some(changed) = self.changed.filter(|_| !failed) {
            add("changed", Value::Bool(changed));
        }
        if self.ended == Ended::Skipped {
            add("skipped", Value::Bool(true));
        }
        for (name, value) in &self.fields {
            dict.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let of_items = self.fields.contains_key("results");
        if self.acted && !of_items {
            dict.entry(Value::str("failed")).or_insert(Value::Bool(false));
        }
        dict.entry(Value::str("changed")).or_insert(Value::Bool(self.is_changed()));
        if let Some(exception) = self.exception() {
            dict.entry(Value::str("exception")).or_insert(exception);
        }
        if let Some(diff) = self.diff_value() {
            dict.insert(Value::str("diff"), diff);
        }
        if !self.warnings.is_empty() {
            let warnings = self.warnings.iter().map(|warning| Value::str(warning.as_str()));
            dict.insert(Value::str("warnings"), Value::list(warnings.collect()));
        }
        if !self.deprecations.is_empty() {
            let message =
                |text: &String| Value::dict(Dict::from_iter([(Value::str("msg"), Value::str(text.as_str()))]));
            dict.insert(Value::str("deprecations"), Value::list(self.deprecations.iter().map(message).collect()));
        }
        dict
    }

    fn diff_value(&self) -> Option<Value> {
        let mut diffs = self.diff.iter().filter_map(|diff| serde_json::to_value(diff).ok()).map(Value::from_json);
        match self.diff.as_slice() {
            [] => None,
            [_] if !self.lists_diffs => diffs.next(),
            _ => Some(Value::list(diffs.collect())),
        }
    }

    /// What Ansible puts where a traceback would stand.
    pub fn exception(&self) -> Option<Value> {
        let failed = self.ended == Ended::Failed && !self.fields.contains_key("results");
        failed.then(|| self.get("exception").cloned().unwrap_or_else(|| Value::str("(traceback unavailable)")))
    }

    pub fn from_module(result: ModuleResult) -> Self {
        match result {
            Ok(outcome) => Self::from_outcome(outcome),
            Err(failure) => Self::from_failure(failure),
        }
    }

    fn from_outcome(outcome: Outcome) -> Self {
        Self {
            ended: if outcome.skipped { Ended::Skipped } else { Ended::Ok },
            changed: Some(outcome.changed),
            fields: own_fields(Dict::from_json(outcome.fields)),
            diff: outcome.diff,
            warnings: outcome.warnings,
            deprecations: outcome.deprecations,
            ..Self::default()
        }
    }

    fn from_failure(failure: Failure) -> Self {
        let mut fields = own_fields(Dict::from_json(failure.fields));
        fields.insert(Value::str("msg"), Value::str(failure.msg.as_str()));
        let causes = [Some(failure.msg), failure.because].into_iter().flatten();
        let causes = causes.map(|message| Cause { message, ..Cause::default() }).collect();
        let trouble = Trouble { failed_in: FailedIn::Module, causes };
        Self {
            ended: Ended::Failed,
            changed: Some(failure.changed),
            fields,
            warnings: failure.warnings,
            trouble: Some(trouble),
            ..Self::default()
        }
    }
}

/// What a module returns doesn't decide how its task ended.
fn own_fields(mut fields: Dict) -> Dict {
    fields.retain(|name, _| !matches!(name.as_str(), Some("changed" | "failed" | "skipped" | "unreachable")));
    fields
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
        if self.causes.iter().all(|cause| cause.message.is_empty()) {
            text.truncate(text.trim_end_matches(": ").len());
            text.push('.');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_does_not_decide_how_its_task_ended() {
        let fields = serde_json::json!({"failed": true, "unreachable": true, "x": 1});
        let serde_json::Value::Object(fields) = fields else { unreachable!() };
        let result = ActionResult::from_module(Ok(Outcome { fields, changed: true, ..Outcome::default() }));
        let dict = result.to_dict();
        assert_eq!(dict.get("failed"), None);
        assert_eq!(dict.get("changed"), Some(&Value::Bool(true)));
        assert_eq!(dict.get("x"), Some(&Value::Int(1)));
    }
}
