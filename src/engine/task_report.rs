//! What a task on a host came to: as the callback shows it, and as `register` keeps it.

use super::event::{EventKind, Status, TaskReport};
use super::mask::Mask;
use super::task_executor::Job;
use crate::actions::{ActionResult, Effect, Ended, FailedIn, RunEffect};
use crate::playbook::keywords::Keyword;
use crate::value::{Dict, Value};

/// What became of a task on a host.
pub struct Executed {
    pub report: TaskReport,
    /// The result as `register` keeps it.
    pub fields: Dict,
    pub effects: Vec<Effect>,
    /// Handlers to notify.
    pub notify: Vec<String>,
    pub ignored: bool,
    pub ignore_unreachable: bool,
    /// The user has been told of it.
    pub told: bool,
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
        self.tell(EventKind::ItemFinished(Box::new(report)));
    }

    /// The result of a task that could not begin.
    pub fn failed(&self, failure: ActionResult) -> Executed {
        self.report(Pass::of(failure), false)
    }

    pub fn report(&self, mut pass: Pass, looped: bool) -> Executed {
        let notify = self.notified(&pass.result);
        let report = self.report_of(&pass.result, &pass, looped);
        Executed {
            ignored: report.ignored,
            ignore_unreachable: pass.ignore_unreachable,
            told: false,
            fields: if pass.no_log { pass.result.to_dict() } else { report.fields.clone() },
            report,
            effects: std::mem::take(&mut pass.result.effects),
            notify,
        }
    }

    /// The handlers that a changed result notifies.
    fn notified(&self, result: &ActionResult) -> Vec<String> {
        if !result.is_changed() || result.is_failed() || self.task.keyword(Keyword::Notify).is_none() {
            return Vec::new();
        }
        let Ok(scope) = self.shared.scope(&self.play, &self.task, &self.host, &self.search_path) else {
            return Vec::new();
        };
        let templar = self.shared.templar(&scope, &self.search_path);
        match self.reader(&templar).texts(Keyword::Notify) {
            Ok(names) => names,
            Err(failure) => {
                let text = failure.trouble().map(crate::actions::Trouble::text).unwrap_or_default();
                self.shared.notices.warn(text, self.task.keywords.span(Keyword::Notify));
                Vec::new()
            }
        }
    }

    pub fn report_of(&self, result: &ActionResult, pass: &Pass, looped: bool) -> TaskReport {
        let status = match result.ended() {
            Ended::Unreachable => Status::Unreachable,
            Ended::Failed => Status::Failed,
            Ended::Skipped => Status::Skipped,
            Ended::Ok if result.is_changed() => Status::Changed,
            Ended::Ok => Status::Ok,
        };
        let ignored = match status {
            Status::Failed => pass.ignore_errors,
            Status::Unreachable => pass.ignore_unreachable,
            _ => false,
        };
        let fields = result.to_dict();
        TaskReport {
            delegated_to: pass.delegated_to.clone(),
            ignored,
            diff: if pass.no_log { Vec::new() } else { result.diff.clone() },
            trouble: result.trouble().map(|trouble| if pass.no_log { Mask::censored() } else { trouble.clone() }),
            warnings: if pass.no_log { hidden(&result.warnings) } else { result.warnings.clone() },
            deprecations: if pass.no_log { Vec::new() } else { result.deprecations.clone() },
            looped,
            always_verbose: result.always_verbose && !pass.no_log,
            show_diff: pass.show_diff,
            no_log: pass.no_log,
            include: result.effects.iter().any(|effect| matches!(effect, Effect::Run(RunEffect::Include(_)))),
            ..TaskReport::new(&self.info, &self.host, status, if pass.no_log { Mask::censor(&fields) } else { fields })
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
