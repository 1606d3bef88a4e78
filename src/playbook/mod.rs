//! Playbooks as data: plays, blocks, tasks, roles, and the loader that reads them.
//! Nothing here is templated or run; what depends on variables stays a `Value`.

pub mod split_args;
pub mod task_action;
mod types;

pub use types::*;
