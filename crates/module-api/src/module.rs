//! A module: its specification and the function behind it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Ctx, Failure, ModuleResult, Spec};

/// One line of a table of modules.
pub struct Module {
    pub spec: Spec,
    /// Takes validated arguments; what is missing gets its default.
    pub run: fn(Map<String, Value>, &mut Ctx) -> ModuleResult,
}

/// Turns validated arguments into a struct that serde knows.
pub fn parse_args<T: DeserializeOwned>(args: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(args))
        .map_err(|err| Failure::new(format!("the arguments do not fit the module: {err}")))
}

/// Makes a `Module::run` from `fn(Args, &mut Ctx) -> ModuleResult`, where `Args` derives `ModuleArgs`.
#[macro_export]
macro_rules! run {
    ($function:path) => {
        |args, ctx| $function($crate::take_args(args)?, ctx)
    };
}
