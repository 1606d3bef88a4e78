//! The action of a task whose name is a template, and of one whose action is known and not there.

use std::sync::Arc;

use super::keyword_values::KeywordResult;
use crate::actions::table::{self, Implementation, Resolved};
use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::blocking::blocking;
use crate::catalog::Scope;
use crate::modules::Module;
use crate::playbook::Task;
use crate::template::Templar;
use crate::value::{Str, Value};

/// The name that the template gives.
pub fn render(task: &Task, templar: &Templar) -> KeywordResult<String> {
    let written = Value::Str(Str::trusted(task.action.as_str(), Some(task.action_span.clone())));
    let name = templar.render(&written).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))?;
    Ok(name.to_text().trim().to_owned())
}

/// The task with `name` for its action.
pub fn settle(task: &Arc<Task>, name: &str) -> KeywordResult<Arc<Task>> {
    let collections = task.collections();
    let full_name = table::full_name(name, &Scope { collections: &collections }).map_err(|_| {
        Box::new(failed(task, format!("Cannot resolve {} to an action or module.", Value::str(name).repr())))
    })?;
    Ok(Arc::new(Task { full_action: Some(full_name), ..(**task).clone() }))
}

/// What implements the action of a task that is about to run.
pub fn implementation(task: &Task) -> KeywordResult<&'static Resolved> {
    let name = task.full_action.as_deref().unwrap_or(&task.action);
    let resolved = table::of(task).unwrap_or_else(|| table::foreign_of(name));
    if let Implementation::Module(Module::Foreign(module)) = resolved.implementation {
        blocking(|| module.built()).map_err(|reason| Box::new(failed(task, reason)))?;
    }
    Ok(resolved)
}

fn failed(task: &Task, message: String) -> ActionResult {
    let cause = Cause { message, place: Some(task.action_span.clone()), hint: None };
    ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes: vec![cause] }).with_changed(false)
}
