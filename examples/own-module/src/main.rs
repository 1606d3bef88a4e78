//! `ini_value`, a module of one's own: sets one value in a file of `key = value` lines. Copy the program into `library/` beside
//! a playbook, and tasks can use it: rplay asks it for its specification, and sends it to the hosts that need it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use rplay_module_api::{Choice, Ctx, Diff, Failure, Module, ModuleArgs, ModuleResult, Outcome, run};

const INI_VALUE: Module = Module { spec: Args::SPEC, run: run!(ini_value) };

/// Sets one value in a file of `key = value` lines.
#[derive(ModuleArgs)]
#[module(name = "ini_value")]
#[module(required_if(state = "present", "value"))]
struct Args {
    /// What is set.
    key: String,
    /// The file; made if it is not there.
    #[arg(alias("dest"))]
    path: PathBuf,
    /// Whether the key is to be there.
    #[arg(default = "present")]
    state: State,
    /// Its value.
    value: Option<String>,
}

#[derive(Choice, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

fn main() -> ExitCode {
    rplay_module_host::main(&[&INI_VALUE])
}

/// Look, compare, stop there in check mode, change, report.
fn ini_value(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let failed = |err: std::io::Error| Failure::new(format!("{}: {err}", args.path.display()));
    let before = match fs::read_to_string(&args.path) {
        Ok(text) => text,
        Err(err) if err.kind() == ErrorKind::NotFound => String::new(),
        Err(err) => return Err(failed(err)),
    };
    let value = args.value.as_deref().filter(|_| args.state == State::Present);
    let after = with_value(&before, &args.key, value);
    let changed = before != after;
    if changed && !ctx.check {
        fs::write(&args.path, &after).map_err(failed)?;
    }
    let outcome = Outcome::changed(changed).with("key", args.key.as_str()).with("value", args.value.as_deref());
    if !ctx.diff || !changed {
        return Ok(outcome);
    }
    let header = Some(args.path.display().to_string());
    Ok(outcome.with_diff(Diff {
        before: before.into(),
        after: after.into(),
        before_header: header.clone(),
        after_header: header,
        ..Diff::default()
    }))
}

fn with_value(text: &str, key: &str, value: Option<&str>) -> String {
    let line = value.map(|value| format!("{key} = {value}"));
    let is_it = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    let mut lines: Vec<&str> = Vec::new();
    let mut seen = false;
    for old in text.lines() {
        if !is_it(old) {
            lines.push(old);
        } else if !seen {
            lines.extend(line.as_deref());
            seen = true;
        }
    }
    if !seen {
        lines.extend(line.as_deref());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::with_value;

    #[test]
    fn one_line_is_the_value() {
        assert_eq!(with_value("", "a", Some("1")), "a = 1\n");
        assert_eq!(with_value("a=0\nb = 2\na = 3\n", "a", Some("1")), "a = 1\nb = 2\n");
        assert_eq!(with_value("a = 1\nb = 2\n", "a", None), "b = 2\n");
        assert_eq!(with_value("# a = 1\n", "b", Some("x = y")), "# a = 1\nb = x = y\n");
    }
}
