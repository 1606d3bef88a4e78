//! What dpkg is to do with a package: the first word of its status.

use rplay_module_api::{Command, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::{os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(dpkg_selections) };

const EXAMPLE: &str = r"- name: Keep the kernel as it is
  dpkg_selections:
    name: linux-image-amd64
    selection: hold
";

const RETURNS: &[Return] = &[
    Return::new("before", Kind::Str, "success", "The selection before."),
    Return::new("after", Kind::Str, "success", "The selection now."),
];

/// Manage the selections of dpkg.
#[derive(ModuleArgs)]
#[module(name = "dpkg_selections")]
struct Args {
    /// The package.
    name: String,
    /// What dpkg is to do with it.
    #[arg(choices("install", "hold", "deinstall", "purge"))]
    selection: String,
}

fn dpkg_selections(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let dpkg = program::find("dpkg").ok_or_else(|| program::missing("dpkg"))?;
    if args.name.contains(char::is_whitespace) || args.name.starts_with('-') {
        return Err(Failure::new(format!("{:?} is no name of a package", args.name)));
    }
    let command = Command::new([dpkg.as_os_str(), "--get-selections".as_ref(), args.name.as_ref()]);
    let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    let text = output.stdout_text();
    let Some(before) = text.split_whitespace().nth(1) else {
        return Err(Failure::new(format!(
            "Failed to find package '{}' to perform selection '{}'.",
            args.name, args.selection
        )));
    };
    let changed = before != args.selection;
    if changed && !ctx.check {
        let line = format!("{} {}\n", args.name, args.selection);
        let command = Command::new([dpkg.as_os_str(), "--set-selections".as_ref()]).stdin(line);
        let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
        if !output.ok() {
            return Err(Failure::new(output.stderr_text()).with("rc", output.rc));
        }
    }
    Ok(Outcome::changed(changed).with("before", before).with("after", args.selection.as_str()))
}
