//! What a module is: its specification, its arguments, its outcome and the door to its host.
//! Shared by the controller, the agent and every crate of modules; holds no module itself.

pub mod bootstrap;
mod ctx;
pub mod frame;
pub mod message;
mod module;
mod outcome;
pub mod privilege;
pub mod python;
pub mod safe_url;
mod similar;
mod spec;
mod spec_json;
pub mod validate;

pub use ctx::{Command, CommandOutput, Ctx, Port, Runner, Stream};
pub use module::{Module, parse_args};
pub use outcome::{Diff, Failure, ModuleResult, Outcome};
pub use similar::closest;
pub use spec::{Arg, Kind, Rule, Spec};
pub use spec_json::read_specs;

pub use serde_json::{Map, Value as Json, json};
