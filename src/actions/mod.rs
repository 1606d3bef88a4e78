//! Actions: what a task does, as far as the controller has a part in it.
//! An action knows one task on one host. It never knows the engine: what should change there it returns as `Effect`s.

mod add_host;
pub mod ask;
mod assemble;
mod assert;
pub mod async_status;
mod copy;
mod debug;
pub mod effect;
mod fail;
mod fetch;
mod foreign;
mod group_by;
mod include_role;
mod include_tasks;
mod include_vars;
mod meta;
pub mod module;
mod pause;
mod raw;
mod reboot;
pub mod result;
mod script;
mod set_fact;
mod set_stats;
mod source_file;
pub mod table;
pub mod target;
mod template;
mod unarchive;
mod uri;
mod validate_argument_spec;
mod wait_for_connection;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use rplay_module_api::{Json, Map, Spec};

use crate::playbook::Task;
use crate::template::{SearchPath, Templar};
use crate::value::Dict;
use crate::yaml;

pub use ask::{Answer, Pause, Question};
pub use effect::{Effect, HostEffect, Include, IncludeTarget, RunEffect};
pub use result::{ActionResult, Cause, Ended, FailedIn, Trouble};
pub use target::{ModuleCall, Target};

/// What an action is given.
pub struct Invocation<'a> {
    pub task: &'a Task,
    /// Short name of the action (`copy`), whatever the task wrote.
    pub action: &'static str,
    /// The name of the inventory host that the task runs for (with `delegate_to` another than the target).
    pub host: &'a str,
    /// Rendered arguments as the user named them. Values of `Action::unrendered` are as written.
    pub args: Dict,
    /// The same after validation against the specification: aliases resolved, types converted, defaults filled in.
    pub checked: Map<String, Json>,
    /// Renders with the variables of this task, host and loop item.
    pub templar: &'a Templar,
    /// The variables of the loop's item.
    pub loop_variables: Option<&'a Dict>,
    /// The machine that the task works on.
    pub target: &'a Target,
    pub search_path: &'a SearchPath,
    pub playbook_dir: &'a Path,
    /// Reads files of the project: YAML with places, vaults opened.
    pub reader: &'a yaml::Reader,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub no_log: bool,
    /// Tells the user what the task waits for.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
    /// Prints a line.
    pub say: &'a (dyn Fn(&str) + Send + Sync),
    /// Asks the user.
    pub ask: &'a (dyn Fn(Question) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> + Send + Sync),
}

pub type ActionFuture<'a> = Pin<Box<dyn Future<Output = ActionResult> + Send + 'a>>;

/// One line of the table of actions.
pub struct Action {
    pub name: &'static str,
    /// The arguments that the user may write. For the controller's half of a module, that module's specification.
    pub spec: &'static Spec,
    /// Arguments that the action renders itself, because they are expressions or are used by name.
    pub unrendered: &'static [&'static str],
    /// Any argument is accepted: they are data (`set_fact`, `add_host`).
    pub any_argument: bool,
    /// The task runs once for all hosts (`add_host`).
    pub bypasses_hosts: bool,
    /// All that it does is one module on the target, so that it can do so in the background.
    pub takes_async: bool,
    pub run: for<'a> fn(&'a Invocation<'a>) -> ActionFuture<'a>,
}

impl Invocation<'_> {
    /// A text argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.checked.get(name).and_then(Json::as_str)
    }

    pub fn bool(&self, name: &str) -> bool {
        self.checked.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.checked.get(name).and_then(Json::as_f64)
    }
}

impl Action {
    pub const fn new(
        name: &'static str,
        spec: &'static Spec,
        run: for<'a> fn(&'a Invocation<'a>) -> ActionFuture<'a>,
    ) -> Self {
        Self { name, spec, unrendered: &[], any_argument: false, bypasses_hosts: false, takes_async: false, run }
    }

    pub const fn unrendered(mut self, names: &'static [&'static str]) -> Self {
        self.unrendered = names;
        self
    }

    pub const fn any_argument(mut self) -> Self {
        self.any_argument = true;
        self
    }

    pub const fn takes_async(mut self) -> Self {
        self.takes_async = true;
        self
    }

    pub const fn bypasses_hosts(mut self) -> Self {
        self.bypasses_hosts = true;
        self
    }
}

/// Makes an `Action::run` from an `async fn(&Invocation<'_>) -> ActionResult`.
#[macro_export]
macro_rules! action {
    ($function:path) => {
        |invocation| Box::pin($function(invocation))
    };
}
