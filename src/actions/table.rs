//! Every action with a part in the controller, one line each, sorted by name; and how a task's action is found.

use rplay_module_api::Spec;

use super::{
    Action, add_host, assemble, assert, copy, debug, fail, fetch, group_by, include_role, include_tasks, include_vars,
    meta, pause, raw, reboot, script, set_fact, set_stats, template, unarchive, uri, wait_for_connection,
};
use crate::action;
use crate::modules::{self, Module};

pub const ACTIONS: &[Action] = &[
    Action::new("add_host", &add_host::SPEC, action!(add_host::run)).any_argument().bypasses_hosts(),
    Action::new("assemble", &rplay_modules::builtin::assemble::MODULE.spec, action!(assemble::run)),
    Action::new("assert", &assert::SPEC, action!(assert::run)).unrendered(&["that"]),
    Action::new("copy", &rplay_modules::builtin::copy::MODULE.spec, action!(copy::run)),
    Action::new("debug", &debug::SPEC, action!(debug::run)).unrendered(&["var"]),
    Action::new("fail", &fail::SPEC, action!(fail::run)),
    Action::new("fetch", &rplay_modules::builtin::fetch::MODULE.spec, action!(fetch::run)),
    Action::new("group_by", &group_by::SPEC, action!(group_by::run)),
    Action::new("include_role", &include_role::SPEC, action!(include_role::run)),
    Action::new("include_tasks", &include_tasks::SPEC, action!(include_tasks::run)),
    Action::new("include_vars", &include_vars::SPEC, action!(include_vars::run)),
    Action::new("meta", &meta::SPEC, action!(meta::run)),
    Action::new("pause", &pause::SPEC, action!(pause::run)).bypasses_hosts(),
    Action::new("raw", &raw::SPEC, action!(raw::run)),
    Action::new("reboot", &reboot::SPEC, action!(reboot::run)),
    Action::new("script", &script::SPEC, action!(script::run)),
    Action::new("set_fact", &set_fact::SPEC, action!(set_fact::run)).any_argument(),
    Action::new("set_stats", &set_stats::SPEC, action!(set_stats::run)),
    Action::new("template", &template::SPEC, action!(template::run)),
    Action::new("unarchive", &rplay_modules::builtin::unarchive::MODULE.spec, action!(unarchive::run)),
    Action::new("uri", &rplay_modules::builtin::uri::MODULE.spec, action!(uri::run)),
    Action::new("wait_for_connection", &wait_for_connection::SPEC, action!(wait_for_connection::run)),
];

/// What a task's action turned out to be.
#[derive(Clone, Copy)]
pub enum Resolved {
    Action(&'static Action),
    Module(Module),
}

impl Resolved {
    pub fn name(&self) -> &'static str {
        match self {
            Resolved::Action(action) => action.name,
            Resolved::Module(module) => module.spec().name,
        }
    }

    pub fn spec(&self) -> &'static Spec {
        match self {
            Resolved::Action(action) => action.spec,
            Resolved::Module(module) => module.spec(),
        }
    }

    pub fn is_module(&self) -> bool {
        matches!(self, Resolved::Module(_))
    }

    pub fn takes_any_argument(&self) -> bool {
        match self {
            Resolved::Action(action) => action.any_argument,
            // What it takes nobody knows; the task fails with the reason.
            Resolved::Module(Module::Library(own)) => own.program.is_err(),
            Resolved::Module(_) => false,
        }
    }

    pub fn unrendered(&self) -> &'static [&'static str] {
        match self {
            Resolved::Action(action) => action.unrendered,
            Resolved::Module(_) => &[],
        }
    }

    pub fn bypasses_hosts(&self) -> bool {
        matches!(self, Resolved::Action(action) if action.bypasses_hosts)
    }

    /// The name as Ansible's messages have it.
    pub fn full_name(&self) -> String {
        match self {
            Resolved::Module(Module::Aws(spec)) => format!("amazon.aws.{}", spec.name),
            Resolved::Module(Module::Library(own)) => format!("ansible.legacy.{}", own.spec.name),
            _ => format!("ansible.builtin.{}", self.name()),
        }
    }
}

/// Older names of actions.
const ALIASES: &[(&str, &str)] = &[("gather_facts", "setup"), ("ansible.builtin.gather_facts", "setup")];

/// The action or module that a task's `name` means.
pub fn resolve(name: &str) -> Option<Resolved> {
    let name = ALIASES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
    let short = short_name(name);
    if let Ok(index) = ACTIONS.binary_search_by(|action| action.name.cmp(short)) {
        return ACTIONS.get(index).map(Resolved::Action);
    }
    modules::find(name).map(Resolved::Module)
}

/// The name that actions go by here, without a built-in collection.
pub fn short_name(name: &str) -> &str {
    modules::short_name(name)
}

/// Every name that a task may use, for "did you mean".
pub fn names() -> Vec<&'static str> {
    let actions = ACTIONS.iter().map(|action| action.name);
    let static_ones = ["gather_facts", "import_playbook", "import_role", "import_tasks"];
    actions.chain(modules::specs().map(|spec| spec.name)).chain(static_ones).collect()
}

pub fn is_known(name: &str) -> bool {
    resolve(name).is_some()
        || matches!(short_name(name), "import_tasks" | "import_role" | "import_playbook" | "include")
}

/// Whether a failure of it reads `Module failed`.
pub fn is_module(name: &str) -> bool {
    matches!(resolve(name), Some(Resolved::Module(_)))
}

pub fn is_include(name: &str) -> bool {
    matches!(short_name(name), "include_tasks" | "include_role")
}

pub fn is_meta(name: &str) -> bool {
    short_name(name) == "meta"
}

/// Whether `module_defaults` for `group/NAME` are meant for this module.
pub fn in_group(module: &str, group: &str) -> bool {
    matches!(group, "aws" | "amazon.aws.aws") && matches!(modules::find(module), Some(Module::Aws(_)))
}
