//! The common action: run the module with the rendered arguments, on the target or (AWS) in the controller.

use rplay_module_api::Json;

use super::{ActionResult, Effect, HostEffect, Invocation, ModuleCall};
use crate::modules::Module;
use crate::value::{Dict, Value};
use crate::vars::{UntrustedFacts, removal_warning};

pub async fn run(invocation: &Invocation<'_>, module: Module) -> ActionResult {
    let spec = module.spec();
    if invocation.check && !spec.check_mode {
        let name = spec.name;
        return ActionResult::skipped_because(format!("remote module ({name}) does not support check mode"));
    }
    let result = match module {
        Module::Target(_) => invocation.target.module_result(call(invocation, spec.name)).await,
        #[cfg(feature = "aws")]
        Module::Aws(_) => aws(invocation, spec.name).await,
    };
    finish(invocation, result)
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
    if let Some(facts) = UntrustedFacts::of_result(&mut result.fields) {
        let (facts, removed) = facts.clean();
        result.warnings.extend(removed.iter().map(|name| removal_warning(name)));
        result.effects.push(Effect::host(HostEffect::Facts(facts)));
    }
    if !WITHOUT_INVOCATION.contains(&invocation.action) && !result.is_unreachable() {
        let args = Value::from_json(Json::Object(invocation.checked.clone()));
        let details = Dict::from_iter([(Value::str("module_args"), args)]);
        result.fields.insert(Value::str("invocation"), Value::dict(details));
    }
    result
}

const WITHOUT_INVOCATION: &[&str] = &["command", "ping", "raw", "script", "setup", "shell"];

#[cfg(feature = "aws")]
async fn aws(invocation: &Invocation<'_>, name: &str) -> ActionResult {
    use crate::remote::RemoteEvent;

    if !invocation.target.is_local() {
        return ActionResult::failed(format!(
            "{name} runs on the controller; add `delegate_to: localhost` or `connection: local`"
        ));
    }
    let progress = std::sync::Arc::clone(&invocation.target.progress);
    let mut context = rplay_aws::Context {
        check: invocation.check,
        diff: invocation.diff,
        verbosity: invocation.verbosity,
        progress: std::sync::Arc::new(move |text| progress(RemoteEvent::Progress(text))),
        clients: aws_clients(),
        ..rplay_aws::Context::default()
    };
    context.environment.extend(invocation.target.environment.clone());
    ActionResult::from_module(rplay_aws::run(name, invocation.checked.clone(), &context).await)
}

/// SDK clients are made once per process: each opens connections and loads certificates.
#[cfg(feature = "aws")]
fn aws_clients() -> rplay_aws::Clients {
    static CLIENTS: std::sync::OnceLock<rplay_aws::Clients> = std::sync::OnceLock::new();
    CLIENTS.get_or_init(rplay_aws::Clients::default).clone()
}
