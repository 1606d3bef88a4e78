//! Adds the tasks of a file when the run has come to it.

use std::sync::Arc;

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Include, IncludeTarget, Invocation, RunEffect};
use crate::value::{Dict, Value};

pub const SPEC: Spec = Spec {
    name: "include_tasks",
    summary: "Include a file of tasks while the run goes on.",
    args: &[Arg::str("file", "The file.").required(), Arg::dict("apply", "Keywords for the included tasks.")],
    free_form: Some("file"),
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let Some(file) = invocation.text("file") else {
        return ActionResult::failed("No file specified for ansible.builtin.include_tasks");
    };
    let target = IncludeTarget::Tasks { file: file.into() };
    ActionResult::default().with("include", file).with("include_args", Dict::new()).with_run_effect(RunEffect::Include(
        Include { target, params: params(invocation), apply: apply(invocation), item: None },
    ))
}

/// What the included tasks get as variables: the include's `vars:` and the variables of its loop.
pub fn params(invocation: &Invocation<'_>) -> Arc<Dict> {
    let mut params = (*invocation.task.vars).clone();
    if let Some(control) = invocation.loop_variables {
        params.extend(control.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Arc::new(params)
}

/// `apply:`, unrendered: its keywords are read for each included task.
pub fn apply(invocation: &Invocation<'_>) -> Arc<Dict> {
    match invocation.task.args.get("apply") {
        Some(Value::Dict(dict)) => Arc::clone(dict),
        _ => Arc::default(),
    }
}
