//! Packages by whatever manager the host has. So far that is apt.

use rplay_module_api::{Arg, Ctx, Failure, Json, Map, Module, ModuleResult, Spec, parse_args};

use crate::builtin::apt;
use crate::support::package_manager;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "package",
        summary: "Manage packages with the host's package manager.",
        args: &[
            Arg::list("name", "Packages.", rplay_module_api::Kind::Str).required().aliases(&["pkg"]),
            Arg::str("state", "What the packages should be.").required(),
            Arg::str("use", "The package manager, instead of finding out.").default("auto"),
        ],
        // What it doesn't know itself it hands on.
        shared: &[apt::OPTIONS],
        rules: &[],
        ..Spec::EMPTY
    },
    run: package,
};

fn package(mut args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    let wanted = args.remove("use").and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
    let manager = match wanted.as_str() {
        "auto" | "" => package_manager::name().to_owned(),
        other => other.rsplit('.').next().unwrap_or(other).to_owned(),
    };
    let state = args.get("state").and_then(Json::as_str).unwrap_or_default().to_owned();
    if manager != "apt" {
        return Err(Failure::new(format!("Could not find a matching action for the \"{manager}\" package manager.")));
    }
    // Names that other managers have for the same.
    let state = match state.as_str() {
        "installed" => "present",
        "removed" => "absent",
        other => other,
    };
    if !apt::STATES.contains(&state) {
        return Err(Failure::new(format!("value of state must be one of: {}, got: {state}", apt::STATES.join(", "))));
    }
    args.insert("state".into(), state.into());
    apt::apt(parse_args(args)?, ctx)
}
