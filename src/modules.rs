//! Every module by name, wherever it is: in the agent (`crates/modules`) in a program of its own (`crates/aws`, `library/`), or in Python.

pub mod foreign;
pub mod library;

use rplay_module_api::Spec;

use crate::catalog::{BUILTIN, Kind, home};
use crate::connection::programs::Program;
pub use foreign::Foreign;
pub use library::Own;

#[derive(Clone, Copy)]
pub enum Module {
    Target(&'static rplay_module_api::Module),
    /// In `rplay-aws`.
    Aws(&'static Spec),
    /// The project's own.
    Library(&'static Own),
    /// Python's, or anything else that Ansible runs.
    Foreign(&'static Foreign),
}

impl Module {
    pub fn spec(&self) -> &'static Spec {
        match self {
            Module::Target(module) => &module.spec,
            Module::Aws(spec) => spec,
            Module::Library(own) => &own.spec,
            Module::Foreign(foreign) => &foreign.spec,
        }
    }

    /// The program that has it; none is the agent.
    pub fn program(&self) -> Result<Option<&'static Program>, String> {
        match self {
            Module::Target(_) | Module::Foreign(_) => Ok(None),
            Module::Aws(_) => Program::of_rplay("rplay-aws", "RPLAY_AWS").map(Some),
            Module::Library(own) => own.program.clone().map(Some),
        }
    }
}

/// Every module of rplay with its full name.
pub fn all() -> Vec<(String, Module)> {
    let target = rplay_modules::table::MODULES
        .iter()
        .map(|module| (home(Kind::Module, module.spec.name, BUILTIN), Module::Target(module)));
    let aws =
        rplay_aws_specs::SPECS.iter().map(|spec| (home(Kind::Module, spec.name, "amazon.aws"), Module::Aws(spec)));
    target.chain(aws).collect()
}

/// The specifications of all modules of rplay.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    let target = rplay_modules::table::MODULES.iter().map(|module| &module.spec);
    target.chain(rplay_aws_specs::SPECS.iter().copied())
}
