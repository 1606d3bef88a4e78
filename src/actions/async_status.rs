//! The controller's half of `async_status`: it knows the folder in which the task's host has its job files.

use rplay_module_api::{Json, Map};

use super::{ActionResult, Invocation, ModuleCall, Target, module};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let call = call(invocation.checked.clone(), &invocation.target.async_directory);
    module::finish(invocation, invocation.target.module_result(call).await)
}

/// How a job stands; removes what a finished one has left, as nobody will ask again.
pub async fn of_job(target: &Target, id: &str) -> ActionResult {
    let args = |mode: &str| Map::from_iter([("jid", id), ("mode", mode)].map(|(name, it)| (name.into(), it.into())));
    let result = target.module_result(call(args("status"), &target.async_directory)).await;
    if result.get("finished").is_some_and(crate::value::Value::is_truthy) {
        target.module_result(call(args("cleanup"), &target.async_directory)).await;
    }
    result
}

fn call(mut args: Map<String, Json>, directory: &str) -> ModuleCall {
    args.insert("_async_dir".into(), directory.into());
    ModuleCall { module: "async_status".into(), action: "async_status".into(), args, ..ModuleCall::default() }
}
