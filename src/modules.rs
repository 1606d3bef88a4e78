//! Every module by name, wherever it is: in the agent (`crates/modules`) or in a program of its own (`crates/aws`, `library/`).

pub mod library;

use rplay_module_api::Spec;

use crate::connection::programs::Program;
pub use library::Own;

#[derive(Clone, Copy)]
pub enum Module {
    Target(&'static rplay_module_api::Module),
    /// In `rplay-aws`.
    Aws(&'static Spec),
    /// The project's own.
    Library(&'static Own),
}

impl Module {
    pub fn spec(&self) -> &'static Spec {
        match self {
            Module::Target(module) => &module.spec,
            Module::Aws(spec) => spec,
            Module::Library(own) => &own.spec,
        }
    }

    /// The program that has it; none is the agent.
    pub fn program(&self) -> Result<Option<&'static Program>, String> {
        match self {
            Module::Target(_) => Ok(None),
            Module::Aws(_) => Program::of_rplay("rplay-aws", "RPLAY_AWS").map(Some),
            Module::Library(own) => own.program.clone().map(Some),
        }
    }
}

/// Collections whose modules rplay has built in, under their last name.
const COLLECTIONS: &[&str] =
    &["amazon.aws.", "ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.aws.", "community.general."];

/// A name without the collection that is part of rplay.
pub fn short_name(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The module that `name` means, with or without its collection.
pub fn find(name: &str) -> Option<Module> {
    // The project's own go before those of rplay, and are searched where no collection is named.
    if let Some(own) = library::find(name.strip_prefix("ansible.legacy.").unwrap_or(name)) {
        return Some(Module::Library(own));
    }
    let short = short_name(name);
    let aws = rplay_aws_specs::SPECS.iter().find(|spec| spec.name == short).map(|spec| Module::Aws(spec));
    aws.or_else(|| rplay_modules::table::find(short).map(Module::Target))
}

/// The specifications of all modules of rplay.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    let target = rplay_modules::table::MODULES.iter().map(|module| &module.spec);
    target.chain(rplay_aws_specs::SPECS.iter().copied())
}
