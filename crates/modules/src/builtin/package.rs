//! Packages by whatever manager the host has. So far that is apt.

use rplay_module_api::{Ctx, Failure, Module, ModuleArgs, ModuleResult, Spec, run};

use crate::builtin::apt;
use crate::support::package_manager;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, ..Args::SPEC }, run: run!(package) };

const EXAMPLE: &str = r"- name: Have a package, whatever the host calls its manager
  package:
    name: curl
    state: present
";

/// Manage packages with the host's package manager.
#[derive(ModuleArgs)]
#[module(name = "package")]
struct Args {
    /// Packages.
    #[arg(alias("pkg"))]
    name: Option<Vec<String>>,
    /// What the packages should be.
    #[arg(default = "present")]
    state: String,
    /// The package manager, instead of finding out.
    #[arg(name = "use", default = "auto")]
    manager: String,
    // What it doesn't know itself it hands on.
    #[arg(flatten)]
    apt: apt::Options,
}

fn package(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let manager = match args.manager.as_str() {
        "auto" | "" => package_manager::name().to_owned(),
        other => other.rsplit('.').next().unwrap_or(other).to_owned(),
    };
    if manager != "apt" {
        return Err(Failure::new(format!("Could not find a matching action for the \"{manager}\" package manager.")));
    }
    // Names that other managers have for the same.
    let state = match args.state.as_str() {
        "installed" => "present",
        "removed" => "absent",
        other => other,
    };
    if !apt::STATES.contains(&state) {
        return Err(Failure::new(format!("value of state must be one of: {}, got: {state}", apt::STATES.join(", "))));
    }
    apt::apt(apt::Args { package: args.name, state: state.to_owned(), options: args.apt }, ctx)
}
