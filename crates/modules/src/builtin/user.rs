//! Users of the host.

mod commands;
mod present;
mod shadow;
mod ssh_key;

use std::path::PathBuf;

use rplay_module_api::{
    Command, CommandOutput, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::{accounts, os_error};
use present::Present;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(user) };

const EXAMPLE: &str = r"- name: Have a user
  user:
    name: app
    shell: /usr/sbin/nologin
    system: true
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The user."),
    Return::new("uid", Kind::Int, "with state present", "The number."),
    Return::new("group", Kind::Int, "with state present", "Number of the primary group."),
    Return::new("groups", Kind::Str, "with groups", "Further groups."),
    Return::new("home", Kind::Path, "with state present", "The home directory."),
    Return::new("shell", Kind::Path, "with state present", "The login shell."),
    Return::new("comment", Kind::Str, "with state present", "Name or description."),
    Return::new("ssh_public_key", Kind::Str, "with generate_ssh_key", "The public key."),
    Return::new("ssh_fingerprint", Kind::Str, "with generate_ssh_key", "Its fingerprint."),
];

/// Manage users.
#[derive(ModuleArgs)]
#[module(name = "user")]
#[module(required_if(non_unique = "yes", "uid"))]
struct Args {
    /// The user.
    #[arg(alias("user"))]
    name: String,
    /// Whether the user should be there.
    #[arg(default = "present", choices("absent", "present"))]
    state: String,
    /// The number.
    uid: Option<u32>,
    /// The number may be another user's too.
    #[arg(default = "no")]
    non_unique: bool,
    /// The primary group.
    group: Option<String>,
    /// Further groups.
    groups: Option<Vec<String>>,
    /// Keep groups that are not listed.
    #[arg(default = "no")]
    append: bool,
    /// Name or description.
    comment: Option<String>,
    /// The login shell.
    #[arg(kind = Path)]
    shell: Option<String>,
    /// The home directory.
    home: Option<PathBuf>,
    /// Make the home directory.
    #[arg(default = "yes", alias("createhome"))]
    create_home: bool,
    /// Move the old home directory to the new place.
    #[arg(default = "no")]
    move_home: bool,
    /// Directory that a new home directory is copied from.
    skeleton: Option<String>,
    /// Umask for a new home directory.
    umask: Option<String>,
    /// Make it a system user.
    #[arg(default = "no")]
    system: bool,
    /// The encrypted password.
    #[arg(no_log)]
    password: Option<String>,
    /// Whether logging in by password is locked.
    password_lock: Option<bool>,
    /// When to set the password.
    #[arg(default = "always", choices("always", "on_create"))]
    update_password: String,
    /// When the account ends, in seconds since 1970; negative for never.
    expires: Option<f64>,
    /// Days until the password must be changed.
    password_expire_max: Option<i64>,
    /// Days until the password may be changed.
    password_expire_min: Option<i64>,
    /// Days of warning before the password expires.
    password_expire_warn: Option<i64>,
    /// Days after that until the account is locked.
    password_expire_account_disable: Option<i64>,
    /// Work in the local files only.
    #[arg(default = "no")]
    local: bool,
    /// Delete even a user who is logged in.
    #[arg(default = "no")]
    force: bool,
    /// Delete the home directory too.
    #[arg(default = "no")]
    remove: bool,
    /// SELinux user.
    seuser: Option<String>,
    /// Lowest number for a new user.
    uid_min: Option<u32>,
    /// Highest number for a new user.
    uid_max: Option<u32>,
    /// Make an ssh key unless there is one.
    #[arg(default = "no")]
    generate_ssh_key: bool,
    /// Length of the key.
    ssh_key_bits: Option<u32>,
    /// Type of the key.
    #[arg(default = "rsa")]
    ssh_key_type: String,
    /// File of the key, below the home directory.
    ssh_key_file: Option<PathBuf>,
    /// Comment of the key; says by default who made it where.
    ssh_key_comment: Option<String>,
    /// Passphrase of the key.
    #[arg(no_log)]
    ssh_key_passphrase: Option<String>,
    /// For BSD; has no effect.
    login_class: Option<String>,
    /// For Solaris; has no effect.
    authorization: Option<String>,
    /// For Solaris; has no effect.
    role: Option<String>,
    /// For macOS and Solaris; has no effect.
    profile: Option<String>,
    /// For macOS; has no effect.
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
