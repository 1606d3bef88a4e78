//! Runs a module with validated arguments on this machine: here `~` and `$VAR` get their meaning.

use rplay_module_api::{Ctx, Json, Map, Module, ModuleResult, validate};

use crate::support::home;

/// Expands path arguments by the task's environment and this machine's users, then runs the module.
pub fn invoke(module: &Module, mut args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    let environment = ctx.environment.clone();
    validate::expand_paths(&module.spec, &mut args, &|name| home::variable(&environment, name), &|user| {
        home::directory(&environment, user)
    });
    (module.run)(args, ctx)
}
