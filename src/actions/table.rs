//! Every action with a part in the controller, one line each, sorted by name; and how a task's action is found.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rplay_module_api::Spec;

use super::{
    Action, add_host, assemble, assert, async_status, copy, debug, fail, fetch, group_by, include_role, include_tasks,
    include_vars, meta, pause, raw, reboot, script, set_fact, set_stats, template, unarchive, uri,
    validate_argument_spec, wait_for_connection,
};
use crate::action;
use crate::catalog::{self, BUILTIN, Found, Kind, LEGACY, Missing, Plugin, Scope, Table, home};
use crate::modules::{self, Module, foreign, library};
use crate::playbook::Task;

pub const ACTIONS: &[Action] = &[
    Action::new("add_host", &add_host::SPEC, action!(add_host::run)).any_argument().bypasses_hosts(),
    Action::new("assemble", &rplay_modules::builtin::assemble::MODULE.spec, action!(assemble::run)),
    Action::new("assert", &assert::SPEC, action!(assert::run)).unrendered(&["that"]),
    Action::new("async_status", &rplay_modules::builtin::async_status::MODULE.spec, action!(async_status::run)),
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
    Action::new("uri", &rplay_modules::builtin::uri::MODULE.spec, action!(uri::run)).takes_async(),
    Action::new("validate_argument_spec", &validate_argument_spec::SPEC, action!(validate_argument_spec::run)),
    Action::new("wait_for_connection", &wait_for_connection::SPEC, action!(wait_for_connection::run)),
];

/// What a task's action turned out to be.
#[derive(Clone, Copy)]
pub enum Implementation {
    Action(&'static Action),
    Module(Module),
}

/// An action or module under its full name.
pub struct Resolved {
    /// `namespace.collection.name`
    pub full_name: String,
    pub implementation: Implementation,
}

impl Resolved {
    pub fn name(&self) -> &'static str {
        match self.implementation {
            Implementation::Action(action) => action.name,
            Implementation::Module(module) => module.spec().name,
        }
    }

    pub fn spec(&self) -> &'static Spec {
        match self.implementation {
            Implementation::Action(action) => action.spec,
            Implementation::Module(module) => module.spec(),
        }
    }

    /// The argument that takes the task's text, if there is one.
    pub fn raw_name(&self) -> Option<&'static str> {
        let is_foreign = matches!(self.implementation, Implementation::Module(Module::Foreign(_)));
        let takes_text = || (self.takes_any_argument() && !is_foreign) || self.full_name == "ansible.builtin.group_by";
        self.spec().free_form.or_else(|| takes_text().then_some("_raw_params"))
    }

    /// Whether a failure of it reads `Module failed`.
    pub fn is_module(&self) -> bool {
        matches!(self.implementation, Implementation::Module(_))
    }

    pub fn takes_any_argument(&self) -> bool {
        match self.implementation {
            Implementation::Action(action) => action.any_argument,
            // What it takes, only it knows.
            Implementation::Module(Module::Foreign(_)) => true,
            Implementation::Module(_) => false,
        }
    }

    pub fn unrendered(&self) -> &'static [&'static str] {
        match self.implementation {
            Implementation::Action(action) => action.unrendered,
            Implementation::Module(_) => &[],
        }
    }

    /// Whether Ansible lets it run in the background.
    pub fn takes_async(&self) -> bool {
        match self.implementation {
            Implementation::Action(action) => action.takes_async,
            Implementation::Module(_) => true,
        }
    }

    pub fn bypasses_hosts(&self) -> bool {
        matches!(self.implementation, Implementation::Action(action) if action.bypasses_hosts)
    }

    /// Whether `module_defaults` for `group/NAME` are meant for it.
    pub fn in_group(&self, group: &str) -> bool {
        matches!(group, "aws" | "amazon.aws.aws")
            && matches!(self.implementation, Implementation::Module(Module::Aws(_)))
    }
}

/// An action goes before the module of the same name, of which it is the controller's half.
static TABLE: LazyLock<Table<Resolved>> = LazyLock::new(|| {
    let actions = ACTIONS.iter().map(|action| Resolved {
        full_name: home(Kind::Module, action.name, BUILTIN),
        implementation: Implementation::Action(action),
    });
    let modules = modules::all()
        .into_iter()
        .map(|(full_name, module)| Resolved { full_name, implementation: Implementation::Module(module) });
    // The rows live as long as the program.
    let rows: &'static [Resolved] = Vec::leak(modules.chain(actions).collect());
    let gather_facts = rows.iter().find(|row| row.full_name == "ansible.builtin.setup");
    let alias = gather_facts.map(|setup| ("ansible.builtin.gather_facts", setup));
    Table::new(Kind::Module, rows.iter().map(|row| (row.full_name.as_str(), row)).chain(alias))
});

/// The action or module that a task's `name` means where it is written.
pub fn resolve(name: &str, scope: &Scope) -> Result<Found<Resolved>, Missing> {
    // Removed from Ansible, and read here as what it was: an import.
    if matches!(name, "include" | "ansible.builtin.include" | "ansible.legacy.include") {
        return Ok(Found { full_name: "ansible.builtin.include".into(), plugin: Plugin::Known });
    }
    let found = TABLE.resolve(name, scope);
    let is_action = || found.as_ref().is_ok_and(|found| found.native().is_some_and(|row| !row.is_module()));
    // The project's own go before those of rplay, and are searched where no collection is named.
    let bare = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    if is_action() {
        return found;
    }
    if catalog::is_full(bare) {
        return elsewhere(name, scope, found);
    }
    match own(bare) {
        Some(row) => Ok(Found { full_name: row.full_name.as_str().into(), plugin: Plugin::Native(row) }),
        None if library::file(bare).is_some() => Ok(known(&format!("{LEGACY}{bare}"))),
        None => elsewhere(name, scope, found),
    }
}

/// A name that is nobody's here may be that of a module in a collection, which ansible-core finds.
fn elsewhere(name: &str, scope: &Scope, found: Result<Found<Resolved>, Missing>) -> Result<Found<Resolved>, Missing> {
    let Err(Missing::Unknown { .. }) = &found else { return found };
    if !catalog::is_full(name) && scope.collections.is_empty() {
        return found;
    }
    match foreign::full_name(name, scope.collections) {
        // A collection may send its names to modules of others.
        Some(full_name) => Ok(TABLE.resolve(&full_name, &Scope::default()).unwrap_or_else(|_| known(&full_name))),
        None => found,
    }
}

fn known(full_name: &str) -> Found<Resolved> {
    Found { full_name: full_name.into(), plugin: Plugin::Known }
}

/// The row of a module that the project brings along.
fn own(name: &str) -> Option<&'static Resolved> {
    static ROWS: Mutex<BTreeMap<&'static str, &'static Resolved>> = Mutex::new(BTreeMap::new());
    let own = library::find(name).filter(|own| own.program.is_ok())?;
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    Some(*rows.entry(own.spec.name).or_insert_with(|| {
        let implementation = Implementation::Module(Module::Library(own));
        Box::leak(Box::new(Resolved { full_name: format!("{LEGACY}{name}"), implementation }))
    }))
}

/// The full name of what a task's `name` means where it is written.
pub fn full_name(name: &str, scope: &Scope) -> Result<Arc<str>, Missing> {
    resolve(name, scope).map(|found| found.full_name)
}

/// What implements a task's action; none when its name is a template, or only known.
pub fn of(task: &Task) -> Option<&'static Resolved> {
    let full_name = task.full_action.as_deref()?;
    TABLE.row(full_name).filter(|row| !prefers_python(row)).or_else(|| own(full_name.strip_prefix(LEGACY)?))
}

/// The module of a name that is only known: Python's.
pub fn foreign_of(full_name: &str) -> &'static Resolved {
    static ROWS: Mutex<BTreeMap<String, &'static Resolved>> = Mutex::new(BTreeMap::new());
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    rows.entry(full_name.to_owned()).or_insert_with(|| {
        let implementation = Implementation::Module(Module::Foreign(foreign::of(full_name)));
        Box::leak(Box::new(Resolved { full_name: full_name.to_owned(), implementation }))
    })
}

/// Names in the environment variable `RPLAY_PREFER_PYTHON`, full or short, send what rplay has itself through Python all the same.
fn prefers_python(row: &Resolved) -> bool {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let names = std::env::var("RPLAY_PREFER_PYTHON").unwrap_or_default();
        names.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    });
    row.is_module() && NAMES.iter().any(|name| *name == row.full_name || name == catalog::short(&row.full_name))
}
