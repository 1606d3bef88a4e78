//! What a task on a host came to: as the callback shows it, and as `register` keeps it.

use std::sync::Arc;

use super::event::{Event, Status, TaskReport};
use super::mask::Mask;
use super::task_executor::Job;
use crate::actions::table;
use crate::actions::{ActionResult, Effect, FailedIn};
use crate::value::{Dict, Value};

/// What became of a task on a host.
pub struct Executed {
    pub report: TaskReport,
    /// The result as `register` keeps it.
    pub fields: Dict,
    pub effects: Vec<Effect>,
    /// Handlers to notify.
    pub notify: Vec<String>,
    /// The host that facts belong to when it is not the job's.
    pub facts_host: Option<Arc<str>>,
    pub ignored: bool,
    pub ignore_unreachable: bool,
}

/// One pass through the task, for an item of its loop or the only one.
pub struct Pass {
    pub result: ActionResult,
    pub delegated_to: Option<String>,
    pub delegate_facts: bool,
    pub no_log: bool,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub show_diff: bool,
    /// The variables of the loop's item.
    pub item: Option<Dict>,
}

impl Pass {
    pub fn of(result: ActionResult) -> Self {
        Self {
            result,
            delegated_to: None,
            delegate_facts: false,
            no_log: false,
            ignore_errors: false,
            ignore_unreachable: false,
            show_diff: false,
            item: None,
        }
    }

    /// A loop is reported with what its items have in common.
    pub fn merge(&mut self, item: Pass) {
        self.delegated_to = None;
        self.no_log |= item.no_log;
        self.ignore_errors |= item.ignore_errors;
        self.ignore_unreachable |= item.ignore_unreachable;
        self.show_diff |= item.show_diff;
    }
}

impl Job {
    /// The result of a task whose code did not come to its end.
    pub fn crashed(&self, err: &tokio::task::JoinError) -> Executed {
        let message =
            if err.is_cancelled() { "the task was cancelled".to_owned() } else { format!("internal error: {err}") };
        self.report(Pass::of(ActionResult::failed_in(FailedIn::Task, message)), false)
    }

    pub fn item_finished(&self, pass: &Pass, label: Option<Value>) {
        let mut report = self.report_of(&pass.result, pass, false);
        report.item_label = Some(label.unwrap_or(Value::Null));
        self.shared.send(Event::ItemFinished(Box::new(report)));
    }

    /// A result as a registered variable has it.
    pub fn registered(&self, pass: &mut Pass) -> Dict {
        let mut fields = std::mem::take(&mut pass.result.fields);
        let skipped = fields.get("skipped").is_some_and(Value::is_truthy);
        let include = table::is_include(&self.task.action);
        if !fields.contains_key("failed") && !skipped && !include && !fields.contains_key("results") {
            fields.insert(Value::str("failed"), Value::Bool(false));
        }
        if fields.get("failed").is_some_and(Value::is_truthy) && !fields.contains_key("results") {
            fields.entry(Value::str("exception")).or_insert_with(|| Value::str("(traceback unavailable)"));
        }
        fields
    }

    pub fn report(&self, mut pass: Pass, looped: bool) -> Executed {
        let notify = self.notified(&pass.result);
        let report = self.report_of(&pass.result, &pass, looped);
        let facts_host = pass.delegate_facts.then(|| pass.delegated_to.as_deref().map(Arc::from)).flatten();
        let effects = std::mem::take(&mut pass.result.effects);
        let fields = self.registered(&mut pass);
        Executed {
            ignored: report.ignored,
            ignore_unreachable: pass.ignore_unreachable,
            report,
            fields,
            effects,
            notify,
            facts_host,
        }
    }

    /// The handlers that a changed result notifies.
    fn notified(&self, result: &ActionResult) -> Vec<String> {
        if !result.is("changed") || result.is_failed() || self.task.keyword("notify").is_none() {
            return Vec::new();
        }
        let Ok(scope) = self.shared.scope(&self.play, &self.task, &self.host, &self.search_path) else {
            return Vec::new();
        };
        let templar = self.shared.templar(&scope, &self.search_path);
        match self.reader(&templar).texts("notify") {
            Ok(names) => names,
            Err(failure) => {
                let text = failure.trouble.map(|trouble| trouble.text()).unwrap_or_default();
                self.shared.notices.warn(text, self.task.keywords.span("notify"));
                Vec::new()
            }
        }
    }

    pub fn report_of(&self, result: &ActionResult, pass: &Pass, looped: bool) -> TaskReport {
        let status = if result.is("unreachable") {
            Status::Unreachable
        } else if result.is_failed() {
            Status::Failed
        } else if result.is("skipped") {
            Status::Skipped
        } else if result.is("changed") {
            Status::Changed
        } else {
            Status::Ok
        };
        let ignored = match status {
            Status::Failed => pass.ignore_errors,
            Status::Unreachable => pass.ignore_unreachable,
            _ => false,
        };
        TaskReport {
            task: self.task.id,
            name: self.name.to_string(),
            place: self.task.span.clone(),
            action: table::short_name(&self.task.action).to_owned(),
            host: Arc::clone(&self.host),
            delegated_to: pass.delegated_to.clone(),
            status,
            ignored,
            fields: if pass.no_log { Mask::censor(&result.fields) } else { result.fields.clone() },
            diff: if pass.no_log { Vec::new() } else { result.diff.clone() },
            trouble: result.trouble.clone(),
            warnings: if pass.no_log { hidden(&result.warnings) } else { result.warnings.clone() },
            deprecations: if pass.no_log { Vec::new() } else { result.deprecations.clone() },
            item_label: None,
            looped,
            always_verbose: result.always_verbose && !pass.no_log,
            show_diff: pass.show_diff,
            no_log: pass.no_log,
            include: result.effects.iter().any(|effect| matches!(effect, Effect::Include(_))),
        }
    }
}

/// Warnings may quote what the task must not show; that there were some is told.
fn hidden(warnings: &[String]) -> Vec<String> {
    if warnings.is_empty() {
        return Vec::new();
    }
    vec!["A task has warnings that are hidden due to the fact that 'no_log: true' was specified.".to_owned()]
}
