//! Playbooks as data: plays, blocks, tasks, roles, and the loader that reads them.
//! Nothing here is run; what depends on a host's variables stays a `Value`.

mod argument_specs;
mod block;
mod collection;
mod import;
pub mod keywords;
mod loader;
mod old_arguments;
mod play;
mod role;
mod task;
pub mod task_action;
mod types;

pub use import::task_file_candidates;
pub use loader::{Loader, PlayScope};
pub use role::{RoleFiles, RoleRequest};
pub use task_action::TEMPLATE_WARNING;
pub use types::*;
