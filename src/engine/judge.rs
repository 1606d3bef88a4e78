//! Conditions of a task: whether it runs, whether it changed something, failed, or has to be tried again.

use std::sync::Arc;

use super::keyword_values::KeywordResult;
use super::shared::Shared;
use crate::actions::result::BROKEN_CONDITIONAL_HINT;
use crate::actions::table::{self, Resolved};
use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::template::{SearchPath, Templar, TemplateError, TemplateErrorKind};
use crate::value::{Dict, Value};
use crate::vars::Scope;

/// The result of a task that `when` keeps from running; none when it runs.
pub fn when(task: &Task, templar: &Templar) -> KeywordResult<Option<ActionResult>> {
    let Some(written) = task.keyword(Keyword::When) else { return Ok(None) };
    let condition = templar.condition(written).map_err(|err| condition_failed(task, Keyword::When, &err))?;
    if condition.result {
        return Ok(None);
    }
    let mut result = ActionResult::skipped().with_changed(false).with("skip_reason", "Conditional result was False");
    if let Some(decisive) = condition.false_condition {
        result = result.with("false_condition", as_data(decisive));
    }
    Ok(Some(result))
}

fn condition_failed(task: &Task, keyword: Keyword, err: &TemplateError) -> Box<ActionResult> {
    let mut result = ActionResult::template_failed(None, err);
    if let Some(cause) = result.cause_mut() {
        cause.place = cause.place.clone().or_else(|| task.keywords.span(keyword).cloned());
        if err.kind == TemplateErrorKind::BrokenConditional {
            cause.hint = Some(BROKEN_CONDITIONAL_HINT.to_owned());
        }
    }
    Box::new(result)
}

/// The variables of a condition about a result: the result itself under the name it is registered by.
fn with_result(task: &Task, scope: &Scope, result: &ActionResult) -> Scope {
    match task.keyword(Keyword::Register) {
        None => scope.clone(),
        Some(name) => {
            let fields = result.to_dict();
            scope.with_locals(Arc::new(Dict::from_iter([(Value::str(name.to_text()), Value::dict(fields))])))
        }
    }
}

fn holds(
    task: &Task,
    keyword: Keyword,
    scope: &Scope,
    shared: &Shared,
    search_path: &Arc<SearchPath>,
    result: &ActionResult,
) -> KeywordResult<Option<bool>> {
    let Some(written) = task.keyword(keyword) else { return Ok(None) };
    let scope = with_result(task, scope, result);
    let templar = shared.templar(&scope, search_path);
    match templar.condition(written) {
        Ok(condition) => Ok(Some(condition.result)),
        Err(err) => Err(condition_failed(task, keyword, &err)),
    }
}

/// Applies `changed_when` and `failed_when`.
pub fn changed_and_failed(
    task: &Task,
    scope: &Scope,
    shared: &Shared,
    search_path: &Arc<SearchPath>,
    result: &mut ActionResult,
) {
    match holds(task, Keyword::ChangedWhen, scope, shared, search_path, result) {
        Ok(None) => {}
        Ok(Some(changed)) => result.set_changed(changed),
        Err(failure) => return not_judged(result, Keyword::ChangedWhen, &failure),
    }
    match holds(task, Keyword::FailedWhen, scope, shared, search_path, result) {
        Ok(None) => {}
        Ok(Some(failed)) => {
            result.set("failed_when_result", failed);
            if !failed {
                // What an action reports itself is no exception.
                let reported = result.trouble().is_some_and(|trouble| trouble.failed_in == FailedIn::Action);
                if let Some(exception) = result.exception().filter(|_| !reported) {
                    result.set("failed_when_suppressed_exception", exception);
                }
                result.set_not_failed();
            } else if !result.is_failed() {
                called_failed(result);
            }
        }
        Err(failure) => not_judged(result, Keyword::FailedWhen, &failure),
    }
}

/// The result stays, but the task fails because it could not be judged; the result says why.
fn not_judged(result: &mut ActionResult, keyword: Keyword, failure: &ActionResult) {
    let why = failure.trouble().and_then(|trouble| trouble.causes.last()).map(|cause| cause.message.clone());
    result.set(&format!("{}_result", keyword.name()), why.unwrap_or_default());
    called_failed(result);
}

/// A result that the action itself does not call failed.
fn called_failed(result: &mut ActionResult) {
    let message = result.fields.get("msg").map(Value::to_text).unwrap_or_default();
    let causes = vec![Cause { message, ..Cause::default() }];
    result.set_failed(Some(Trouble { failed_in: FailedIn::Action, causes }));
}

pub fn until(
    task: &Task,
    scope: &Scope,
    shared: &Shared,
    search_path: &Arc<SearchPath>,
    result: &ActionResult,
) -> KeywordResult<bool> {
    Ok(holds(task, Keyword::Until, scope, shared, search_path, result)?.unwrap_or(true))
}

/// A result that only a condition calls failed gets a trouble to be shown.
pub fn fail(task: &Task, result: &mut ActionResult) {
    if result.trouble().is_some() {
        return;
    }
    let message = result.fields.get("msg").map(Value::to_text).filter(|text| !text.is_empty());
    let failed_in = if table::of(task).is_some_and(Resolved::is_module) { FailedIn::Module } else { FailedIn::Action };
    let message = message.unwrap_or_else(|| "Unknown error.".into());
    let causes = vec![Cause { message, ..Cause::default() }];
    result.set_failed(Some(Trouble { failed_in, causes }));
}

/// A condition shown in a result is no condition any more.
fn as_data(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::str(text.as_str()),
        other => other,
    }
}
