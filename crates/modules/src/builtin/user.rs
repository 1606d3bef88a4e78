//! Users of the host.

mod commands;
mod present;
mod shadow;
mod ssh_key;

use std::path::PathBuf;

use rplay_module_api::{
    Arg, Command, CommandOutput, Ctx, Failure, Json, Kind, Module, ModuleResult, Outcome, Rule, Spec, run,
};
use serde::Deserialize;

use crate::support::{accounts, os_error};
use present::Present;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "user",
        summary: "Manage users.",
        args: &[
            Arg::str("name", "The user.").required().aliases(&["user"]),
            Arg::str("state", "Whether the user should be there.").default("present").choices(&["absent", "present"]),
            Arg::int("uid", "The number."),
            Arg::bool("non_unique", "The number may be another user's too.").default("no"),
            Arg::str("group", "The primary group."),
            Arg::list("groups", "Further groups.", Kind::Str),
            Arg::bool("append", "Keep groups that are not listed.").default("no"),
            Arg::str("comment", "Name or description."),
            Arg::path("shell", "The login shell."),
            Arg::path("home", "The home directory."),
            Arg::bool("create_home", "Make the home directory.").default("yes").aliases(&["createhome"]),
            Arg::bool("move_home", "Move the old home directory to the new place.").default("no"),
            Arg::str("skeleton", "Directory that a new home directory is copied from."),
            Arg::str("umask", "Umask for a new home directory."),
            Arg::bool("system", "Make it a system user.").default("no"),
            Arg::str("password", "The encrypted password.").no_log(),
            Arg::bool("password_lock", "Whether logging in by password is locked."),
            Arg::str("update_password", "When to set the password.")
                .default("always")
                .choices(&["always", "on_create"]),
            Arg::float("expires", "When the account ends, in seconds since 1970; negative for never."),
            Arg::int("password_expire_max", "Days until the password must be changed."),
            Arg::int("password_expire_min", "Days until the password may be changed."),
            Arg::int("password_expire_warn", "Days of warning before the password expires."),
            Arg::int("password_expire_account_disable", "Days after that until the account is locked."),
            Arg::bool("local", "Work in the local files only.").default("no"),
            Arg::bool("force", "Delete even a user who is logged in.").default("no"),
            Arg::bool("remove", "Delete the home directory too.").default("no"),
            Arg::str("seuser", "SELinux user."),
            Arg::int("uid_min", "Lowest number for a new user."),
            Arg::int("uid_max", "Highest number for a new user."),
            Arg::bool("generate_ssh_key", "Make an ssh key unless there is one.").default("no"),
            Arg::int("ssh_key_bits", "Length of the key."),
            Arg::str("ssh_key_type", "Type of the key.").default("rsa"),
            Arg::path("ssh_key_file", "File of the key, below the home directory."),
            Arg::str("ssh_key_comment", "Comment of the key; says by default who made it where."),
            Arg::str("ssh_key_passphrase", "Passphrase of the key.").no_log(),
            Arg::str("login_class", "For BSD; has no effect."),
            Arg::str("authorization", "For Solaris; has no effect."),
            Arg::str("role", "For Solaris; has no effect."),
            Arg::str("profile", "For macOS and Solaris; has no effect."),
            Arg::bool("hidden", "For macOS; has no effect."),
        ],
        rules: &[Rule::RequiredIf { arg: "non_unique", value: "yes", needs: &["uid"], any: false }],
        ..Spec::EMPTY
    },
    run: run!(user),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    name: String,
    state: String,
    uid: Option<u32>,
    non_unique: bool,
    group: Option<String>,
    groups: Option<Vec<String>>,
    append: bool,
    comment: Option<String>,
    shell: Option<String>,
    home: Option<PathBuf>,
    create_home: bool,
    move_home: bool,
    skeleton: Option<String>,
    umask: Option<String>,
    system: bool,
    password: Option<String>,
    password_lock: Option<bool>,
    update_password: String,
    expires: Option<f64>,
    password_expire_max: Option<i64>,
    password_expire_min: Option<i64>,
    password_expire_warn: Option<i64>,
    password_expire_account_disable: Option<i64>,
    local: bool,
    force: bool,
    remove: bool,
    seuser: Option<String>,
    uid_min: Option<u32>,
    uid_max: Option<u32>,
    generate_ssh_key: bool,
    ssh_key_bits: Option<u32>,
    ssh_key_type: String,
    ssh_key_file: Option<PathBuf>,
    ssh_key_comment: Option<String>,
    ssh_key_passphrase: Option<String>,
    login_class: Option<String>,
    authorization: Option<String>,
    role: Option<String>,
    profile: Option<String>,
    hidden: Option<bool>,
}

impl Args {
    /// The further groups without blanks; none if nothing is said about them.
    fn groups(&self) -> Option<Vec<&str>> {
        let groups = self.groups.as_ref()?;
        Some(groups.iter().map(|it| it.trim()).filter(|it| !it.is_empty()).collect())
    }
}

fn user(args: Args, ctx: &mut Ctx) -> ModuleResult {
    warn_of_password(&args, ctx);
    warn_of_foreign(&args, ctx);
    if args.state == "absent" { absent(&args, ctx) } else { present(&args, ctx) }
}

fn warn_of_password(args: &Args, ctx: &mut Ctx) {
    let Some(password) = &args.password else { return };
    let is_locked = matches!(password.as_str(), "*" | "!" | "*************");
    if !is_locked && !shadow::looks_encrypted(password) {
        ctx.warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.");
    }
}

fn warn_of_foreign(args: &Args, ctx: &mut Ctx) {
    for (name, given) in [
        ("login_class", args.login_class.is_some()),
        ("authorization", args.authorization.is_some()),
        ("role", args.role.is_some()),
        ("profile", args.profile.is_some()),
        ("hidden", args.hidden.is_some()),
    ] {
        if given {
            ctx.warn(format!("{name} has no effect on Linux"));
        }
    }
}

fn absent(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let mut outcome = base(args);
    if accounts::user(&args.name, ctx).is_none() {
        return Ok(outcome);
    }
    outcome.changed = true;
    outcome = outcome.with("force", args.force).with("remove", args.remove);
    if !ctx.check {
        let output = execute(&commands::delete(args), args, ctx)?;
        add_output(&mut outcome, &output);
    }
    Ok(outcome)
}

fn present(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let mut outcome = base(args);
    let before = Present::read(&args.name, ctx);
    check_groups(args, before.is_some(), ctx)?;
    match &before {
        None => {
            outcome = outcome.with("system", args.system).with("create_home", args.create_home);
            outcome.changed = true;
            for words in commands::create(args, ctx) {
                run_unless_check(&words, args, &mut outcome, ctx)?;
            }
        }
        Some(before) => {
            outcome = outcome.with("append", args.append).with("move_home", args.move_home);
            for words in commands::modify(args, before, ctx) {
                outcome.changed = true;
                run_unless_check(&words, args, &mut outcome, ctx)?;
            }
        }
    }
    outcome.changed |= set_password(args, before.as_ref(), ctx)?;
    if args.password.is_some() {
        outcome.fields.insert("password".into(), "NOT_LOGGING_PASSWORD".into());
    }
    if let Some(groups) = args.groups() {
        outcome.fields.insert("groups".into(), groups.join(",").into());
    }
    let Some(now) = Present::read(&args.name, ctx) else { return Ok(outcome) };
    outcome = outcome
        .with("uid", now.uid)
        .with("group", now.gid)
        .with("comment", now.comment.clone())
        .with("home", now.home.clone())
        .with("shell", now.shell.clone());
    if before.is_some() && args.create_home && !std::path::Path::new(&now.home).exists() {
        outcome.changed = true;
        if !ctx.check {
            commands::make_home(args, &now)
                .map_err(|err| Failure::new(format!("{}: {}", now.home, os_error::numbered(&err))))?;
        }
    }
    if args.generate_ssh_key {
        ssh_key::ensure(args, &now, &mut outcome, ctx)?;
    }
    Ok(outcome)
}

fn base(args: &Args) -> Outcome {
    Outcome::changed(false).with("name", args.name.clone()).with("state", args.state.clone())
}

fn check_groups(args: &Args, exists: bool, ctx: &mut Ctx) -> Result<(), Failure> {
    let primary = args.group.as_deref().into_iter();
    for name in primary.chain(args.groups().into_iter().flatten()) {
        let by_id = name.parse().ok().and_then(|gid| accounts::group_by_id(gid, ctx));
        // A new user's own group comes with it.
        let comes_with_user = !exists && name == args.name && args.group.is_none();
        if accounts::group(name, ctx).is_none() && by_id.is_none() && !comes_with_user {
            return Err(Failure::new(format!("Group {name} does not exist")));
        }
    }
    Ok(())
}

fn run_unless_check(words: &[String], args: &Args, outcome: &mut Outcome, ctx: &mut Ctx) -> Result<(), Failure> {
    if !ctx.check {
        let output = execute(words, args, ctx)?;
        add_output(outcome, &output);
    }
    Ok(())
}

fn execute(words: &[String], args: &Args, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    execute_with_input(words, None, args, ctx)
}

fn execute_with_input(
    words: &[String],
    stdin: Option<String>,
    args: &Args,
    ctx: &mut Ctx,
) -> Result<CommandOutput, Failure> {
    let mut command = Command::new(words);
    command.stdin = stdin.map(String::into_bytes);
    let program = words.first().map_or("", String::as_str);
    let output = ctx.command(&command).map_err(|err| {
        Failure::new(format!("{program}: {}", os_error::numbered(&err))).with("name", args.name.clone())
    })?;
    // userdel says 12 when it could not remove a home directory that isn't there, which is no failure.
    if output.ok() || (program.ends_with("userdel") && output.rc == 12 && args.force) {
        return Ok(output);
    }
    let stderr = output.stderr_text();
    let msg = if stderr.is_empty() { output.stdout_text() } else { stderr };
    Err(Failure::new(msg).with("name", args.name.clone()).with("rc", output.rc))
}

fn add_output(outcome: &mut Outcome, output: &CommandOutput) {
    for (name, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
        if !text.is_empty() {
            let before = outcome.fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            outcome.fields.insert(name.into(), (before + &text).into());
        }
    }
}

/// Sets the encrypted password and its lock. Over a pipe, because the arguments of useradd are for all to see.
fn set_password(args: &Args, before: Option<&Present>, ctx: &mut Ctx) -> Result<bool, Failure> {
    let current = before.map(|it| it.password.clone()).unwrap_or_default();
    let sets = before.is_none() || args.update_password == "always";
    let unlocked = current.trim_start_matches('!');
    let wanted = match args.password.as_deref().filter(|_| sets) {
        Some(password) => password.to_owned(),
        None if before.is_some() => unlocked.to_owned(),
        None => String::new(),
    };
    let wanted = match args.password_lock {
        Some(true) if !wanted.starts_with('!') => format!("!{wanted}"),
        Some(false) => wanted.trim_start_matches('!').to_owned(),
        None if wanted == unlocked => current.clone(),
        _ => wanted,
    };
    let new_and_unsaid = before.is_none() && args.password.is_none();
    // What is already so, and a password that would be empty: unlocking must not open the account to everybody.
    if wanted == current || wanted.is_empty() || new_and_unsaid {
        return Ok(false);
    }
    if !ctx.check {
        let words = ["chpasswd".to_owned(), "-e".to_owned()];
        execute_with_input(&words, Some(format!("{}:{wanted}\n", args.name)), args, ctx)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
