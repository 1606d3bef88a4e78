//! What a module is: its specification, its arguments, its outcome and the door to its host.
//! Shared by the controller, the agent and every crate of modules; holds no module itself.

// What the derive writes names this crate, also in its own tests.
extern crate self as rplay_module_api;

mod args;
pub mod bootstrap;
pub mod config_parser;
mod ctx;
pub mod frame;
pub mod message;
mod module;
pub mod netrc;
mod outcome;
pub mod privilege;
pub mod python;
pub mod safe_url;
pub mod settle;
pub mod shell_words;
mod similar;
mod spec;
mod spec_json;
pub mod validate;
mod words;

pub use args::{ArgSet, ArgType, args_from_json, take_arg, take_args};
pub use ctx::{Command, CommandOutput, Ctx, Port, Runner, Stream};
pub use module::{Module, parse_args};
pub use outcome::{Diff, Failure, ModuleResult, Outcome};
pub use similar::closest;
pub use spec::{Arg, Kind, Return, Rule, Spec};
pub use words::truth;

pub use rplay_module_macros::{Choice, ModuleArgs};
pub use spec_json::read_specs;

pub use serde_json::{Map, Value as Json, json};
