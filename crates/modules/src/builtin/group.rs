//! Groups of the host.

use rplay_module_api::{
    Command, CommandOutput, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::{accounts, os_error, program};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(group) };

const EXAMPLE: &str = r"- name: Have a group
  group:
    name: app
    system: true
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The group."),
    Return::new("gid", Kind::Int, "with state present", "Its number."),
    Return::new("state", Kind::Str, "always", "What it should be."),
    Return::new("system", Kind::Bool, "always", "Whether it was to be a system group."),
];

/// Manage groups.
#[derive(ModuleArgs)]
#[module(name = "group")]
#[module(required_if(non_unique = "yes", "gid"))]
struct Args {
    /// The group.
    name: String,
    /// Whether it should be there.
    #[arg(default = "present", choices("absent", "present"))]
    state: String,
    /// Its number.
    gid: Option<u32>,
    /// Make it a system group.
    #[arg(default = "no")]
    system: bool,
    /// Look and work in the local files only.
    #[arg(default = "no")]
    local: bool,
    /// The number may be another group's too.
    #[arg(default = "no")]
    non_unique: bool,
    /// Delete it even if it is somebody's primary group.
    #[arg(default = "no")]
    force: bool,
    /// Lowest number for a new group.
    gid_min: Option<u32>,
    /// Highest number for a new group.
    gid_max: Option<u32>,
}

fn group(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let present = accounts::group(&args.name, ctx);
    let words = match (args.state.as_str(), &present) {
        ("absent", None) => None,
        ("absent", Some(_)) => Some(delete_words(&args)),
        (_, None) => Some(add_words(&args)),
        (_, Some(group)) => args.gid.filter(|gid| *gid != group.id).map(|gid| modify_words(&args, gid)),
    };
    let mut outcome =
        Outcome::changed(words.is_some()).with("name", args.name.clone()).with("state", args.state.clone());
    if let Some(words) = words.filter(|_| !ctx.check) {
        let output = execute(&words, &args.name, ctx)?;
        for (name, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
            if !text.is_empty() {
                outcome.fields.insert(name.into(), text.into());
            }
        }
    }
    if args.state == "present"
        && let Some(group) = accounts::group(&args.name, ctx)
    {
        outcome = outcome.with("gid", group.id).with("system", args.system);
    }
    Ok(outcome)
}

fn execute(words: &[String], name: &str, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let failed = |msg: String| Failure::new(msg).with("name", name);
    let output = ctx
        .command(&Command::new(words))
        .map_err(|err| failed(format!("{}: {}", words.first().map_or("", String::as_str), os_error::numbered(&err))))?;
    if output.ok() { Ok(output) } else { Err(failed(output.stderr_text())) }
}

fn tool(args: &Args, name: &str) -> String {
    if args.local { format!("l{name}") } else { name.to_owned() }
}

/// Whether there is only busybox, as on Alpine.
fn is_minimal() -> bool {
    program::find("groupadd").is_none() && program::find("addgroup").is_some()
}

fn add_words(args: &Args) -> Vec<String> {
    if is_minimal() {
        let mut words = vec!["addgroup".to_owned()];
        if let Some(gid) = args.gid {
            words.extend(["-g".into(), gid.to_string()]);
        }
        words.extend(args.system.then(|| "-S".to_owned()));
        words.push(args.name.clone());
        return words;
    }
    let mut words = vec![tool(args, "groupadd")];
    if let Some(gid) = args.gid {
        words.extend(["-g".into(), gid.to_string()]);
        words.extend(args.non_unique.then(|| "-o".to_owned()));
    }
    words.extend(args.system.then(|| "-r".to_owned()));
    for (name, value) in [("GID_MIN", args.gid_min), ("GID_MAX", args.gid_max)] {
        if let Some(value) = value {
            words.extend(["-K".into(), format!("{name}={value}")]);
        }
    }
    words.push(args.name.clone());
    words
}

fn modify_words(args: &Args, gid: u32) -> Vec<String> {
    let mut words = vec![tool(args, "groupmod"), "-g".into(), gid.to_string()];
    words.extend(args.non_unique.then(|| "-o".to_owned()));
    words.push(args.name.clone());
    words
}

fn delete_words(args: &Args) -> Vec<String> {
    if is_minimal() {
        return vec!["delgroup".into(), args.name.clone()];
    }
    let mut words = vec![tool(args, "groupdel")];
    words.extend((args.force && !args.local).then(|| "-f".to_owned()));
    words.push(args.name.clone());
    words
}

#[cfg(test)]
mod tests {
    use rplay_module_api::{Json, json};

    use super::MODULE;
    use crate::support::testing;

    fn check(args: Json, script: &[(&str, i32, &str)], expected: &Json) {
        testing::check(&MODULE, args, script, expected);
    }

    #[test]
    fn commands() {
        check(
            json!({"name": "root"}),
            &[],
            &json!({"changed": false, "name": "root", "gid": 0, "system": false, "state": "present"}),
        );
        check(
            json!({"name": "nob0dy", "state": "absent"}),
            &[],
            &json!({"changed": false, "state": "absent", "gid": null}),
        );
        check(
            json!({"name": "nob0dy", "gid": 77, "system": true, "non_unique": true}),
            &[("groupadd -g 77 -o -r nob0dy", 0, "")],
            &json!({"changed": true}),
        );
        check(json!({"name": "root", "gid": 7}), &[("groupmod -g 7 root", 0, "")], &json!({"changed": true}));
        check(
            json!({"name": "root", "state": "absent", "force": true}),
            &[("groupdel -f root", 0, "")],
            &json!({"changed": true}),
        );
        check(
            json!({"name": "root", "state": "absent"}),
            &[("groupdel root", 8, "groupdel: cannot remove the primary group of user 'root'\n")],
            &json!({"failed": true, "name": "root", "msg": "groupdel: cannot remove the primary group of user 'root'\n"}),
        );
        check(
            json!({"name": "x", "non_unique": true}),
            &[],
            &json!({"msg": "non_unique is True but all of the following are missing: gid"}),
        );
    }
}
