//! A module: its specification and the function behind it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Ctx, Failure, ModuleResult, Spec};

/// One line of a table of modules.
pub struct Module {
    pub spec: Spec,
    /// Takes validated arguments, complete with defaults.
    pub run: fn(Map<String, Value>, &mut Ctx) -> ModuleResult,
}

/// Turns validated arguments into a module's own `Args`.
pub fn parse_args<T: DeserializeOwned>(args: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(args))
        .map_err(|err| Failure::new(format!("the arguments do not fit the module: {err}")))
}

/// Makes a `Module::run` from `fn(Args, &mut Ctx) -> ModuleResult`.
#[macro_export]
macro_rules! run {
    ($function:path) => {
        |args, ctx| $function($crate::parse_args(args)?, ctx)
    };
}
