//! Packages by whatever manager the host has: its module gets the arguments.

use rplay_module_api::{Arg, Ctx, Failure, Json, Map, Module, ModuleResult, Spec, validate};

use crate::support::package_manager;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "package",
        summary: "Manage packages with the host's package manager.",
        args: OWN,
        shared: &[&HANDED_ON],
        example: EXAMPLE,
        ..Spec::EMPTY
    },
    run: package,
};

const EXAMPLE: &str = r"- name: Have a package, whatever the host calls its manager
  package:
    name: curl
    state: present
";

const OWN: &[Arg] = &[
    Arg::raw("name", "Packages.").aliases(&["pkg"]),
    Arg::str("state", "What the packages should be.").default("present"),
    Arg::str("use", "The package manager, instead of finding out.").default("auto"),
];

/// The managers that can be handed on to.
const MANAGERS: &[&Module] = &[&crate::builtin::apt::MODULE, &crate::builtin::dnf::MODULE, &crate::builtin::dnf::DNF5];

/// What the managers take besides. What it means is the manager's business, so that anything may be given.
const HANDED_ON: [Arg; COUNT] = union().0;
const COUNT: usize = union::<MOST>().1;
/// More than all managers have together.
const MOST: usize = 256;

/// The arguments of all managers that are not its own, each once, and how many.
const fn union<const N: usize>() -> ([Arg; N], usize) {
    let mut all = [Arg::raw("", ""); N];
    let mut count = 0;
    let mut manager = 0;
    while manager < MANAGERS.len() {
        let spec = &MANAGERS[manager].spec;
        let mut list = 0;
        while list <= spec.shared.len() {
            let args = if list == 0 { spec.args } else { spec.shared[list - 1] };
            let mut index = 0;
            while index < args.len() {
                let arg = &args[index];
                if !has(OWN, OWN.len(), arg.name) && !is(arg.name, "package") && !has(&all, count, arg.name) {
                    if count < N {
                        all[count] = Arg::raw(arg.name, arg.summary).aliases(arg.aliases);
                    }
                    count += 1;
                }
                index += 1;
            }
            list += 1;
        }
        manager += 1;
    }
    (all, count)
}

const fn has(args: &[Arg], count: usize, name: &str) -> bool {
    let mut index = 0;
    while index < count && index < args.len() {
        if is(args[index].name, name) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

fn package(mut args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    let text = |value: Option<Json>| value.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
    let manager = match text(args.remove("use")).as_str() {
        "auto" | "" => package_manager::name().to_owned(),
        other => other.rsplit('.').next().unwrap_or(other).to_owned(),
    };
    let name = match manager.as_str() {
        "yum" | "yum4" | "dnf4" => "dnf",
        other => other,
    };
    let Some(module) = MANAGERS.iter().find(|module| module.spec.name == name) else {
        return Err(Failure::new(format!("Could not find a matching action for the \"{manager}\" package manager.")));
    };
    // Names that other managers have for the same.
    if let (Some(Json::String(state)), Some(known)) = (args.get_mut("state"), module.spec.find("state"))
        && !known.choices.contains(&state.as_str())
    {
        match state.as_str() {
            "installed" => "present".clone_into(state),
            "removed" => "absent".clone_into(state),
            _ => {}
        }
    }
    let args = validate::validate(&module.spec, args).map_err(|problem| Failure::new(problem.message))?;
    crate::invoke(module, args, ctx)
}
