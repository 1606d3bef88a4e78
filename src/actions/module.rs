//! The common action: run the module with the rendered arguments on the target.

use rplay_module_api::Json;

use super::{ActionResult, Effect, HostEffect, Invocation, ModuleCall, foreign};
use crate::modules::Module;
use crate::value::{Dict, Value};
use crate::vars::{UntrustedFacts, removal_warning};

pub async fn run(invocation: &Invocation<'_>, module: Module) -> ActionResult {
    if let Module::Foreign(module) = module {
        return foreign::run(invocation, module).await;
    }
    let spec = module.spec();
    if invocation.check && !spec.check_mode {
        let name = spec.name;
        return ActionResult::skipped_because(format!("remote module ({name}) does not support check mode"));
    }
    let program = match module.program() {
        Ok(program) => program,
        Err(reason) => return ActionResult::failed(reason),
    };
    let call = ModuleCall { program, ..call(invocation, spec.name) };
    finish(invocation, invocation.target.module_result(call).await)
}

/// The call of a module with the task's own arguments.
pub fn call(invocation: &Invocation<'_>, module: &str) -> ModuleCall {
    ModuleCall {
        module: module.to_owned(),
        action: invocation.action.to_owned(),
        args: invocation.checked.clone(),
        ..ModuleCall::default()
    }
}

/// What every module's result has besides its own fields.
pub fn finish(invocation: &Invocation<'_>, mut result: ActionResult) -> ActionResult {
    take_facts(&mut result);
    result.lists_diffs = WITH_LISTS_OF_DIFFS.contains(&invocation.action);
    // What was started in the background has no result yet.
    let in_background = invocation.target.background.is_some();
    if !in_background && !WITHOUT_INVOCATION.contains(&invocation.action) && !result.is_unreachable() {
        let args = Value::from_json(Json::Object(invocation.checked.clone()));
        let details = Dict::from_iter([(Value::str("module_args"), args)]);
        result.fields.insert(Value::str("invocation"), Value::dict(details));
    }
    result
}

/// Facts that a module returns become the host's.
pub fn take_facts(result: &mut ActionResult) {
    if let Some(facts) = UntrustedFacts::of_result(&mut result.fields) {
        let (facts, removed) = facts.clean();
        result.warnings.extend(removed.iter().map(|name| removal_warning(name)));
        result.effects.push(Effect::host(HostEffect::Facts(facts)));
    }
}

/// Sorted. The others have one difference, not in a list.
const WITH_LISTS_OF_DIFFS: &[&str] = &["apt_repository", "blockinfile", "copy", "lineinfile", "template"];

const WITHOUT_INVOCATION: &[&str] = &["async_status", "command", "ping", "raw", "script", "setup", "shell"];
