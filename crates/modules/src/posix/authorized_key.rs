//! Keys that may log in as a user.

mod keys;

use std::io::Write;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::at::{self, Last};
use crate::support::atomic_write::{self, PendingFile};
use crate::support::file_attributes::FileAttributes;
use crate::support::{accounts, download, os_error};
use keys::{Key, Line};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(authorized_key) };

const EXAMPLE: &str = r"- name: Let an administrator in
  ansible.posix.authorized_key:
    user: root
    key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXUvXnkGWZzYPPzSaYKYtd8u9Ye6rgUWbfPOPNkBzaa admin
";

const RETURNS: &[Return] = &[
    Return::new("keyfile", Kind::Path, "success", "The file."),
    Return::new("user", Kind::Str, "success", "The user."),
];

/// Manage the ssh keys that may log in as a user.
#[derive(ModuleArgs)]
#[module(name = "authorized_key")]
struct Args {
    /// The user.
    user: String,
    /// The public keys, one a line, or the URL of such lines.
    key: String,
    /// The file, if not the user's own.
    path: Option<PathBuf>,
    /// Make the file's directory and set its owner and mode.
    #[arg(default = "yes")]
    manage_dir: bool,
    /// Whether the keys should be there.
    #[arg(default = "present", choices("absent", "present"))]
    state: String,
    /// Options of the keys.
    key_options: Option<String>,
    /// Remove all other keys.
    #[arg(default = "no")]
    exclusive: bool,
    /// Comment of the keys, instead of their own.
    comment: Option<String>,
    /// Check certificates when keys are fetched.
    #[arg(default = "yes")]
    validate_certs: bool,
    /// Follow a link instead of replacing it.
    #[arg(default = "no")]
    follow: bool,
}

struct Owner {
    uid: u32,
    gid: u32,
    home: PathBuf,
}

fn authorized_key(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let wanted = wanted_keys(&args, ctx)?;
    let owner = owner(&args.user, ctx);
    let file = match (&args.path, &owner) {
        (Some(path), _) => path.clone(),
        (None, Some(owner)) => owner.home.join(".ssh/authorized_keys"),
        (None, None) if ctx.check => {
            return Ok(result(&args, Path::new(""), true));
        }
        (None, None) => {
            return Err(Failure::new(format!(
                "Failed to lookup user {}: \"getpwnam(): name not found: '{}'\"",
                args.user, args.user
            )));
        }
    };
    let file = match at::real_path(&file) {
        Ok(real) if args.follow => real,
        Err(err) if args.follow && at::is_refusal(&err) => return Err(failed(&file, &err)),
        _ => file,
    };
    let before = match at::read(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(err) => return Err(failed(&file, &err)),
    };
    let lines: Vec<Line> = before.lines().map(Line::parse).collect();
    let after =
        if args.state == "absent" { keys::without(lines, &wanted) } else { keys::with(lines, &wanted, args.exclusive) };
    let after: String = after.iter().map(|it| format!("{}\n", it.text())).collect();
    let changed = !same_lines(&before, &after);
    let mut outcome = result(&args, &file, changed);
    if changed && ctx.diff {
        let path = file.display().to_string();
        outcome = outcome.with_diff(Diff {
            before: before.into(),
            after: after.clone().into(),
            before_header: Some(path.clone()),
            after_header: Some(path),
            prepared: None,
        });
    }
    if changed && !ctx.check {
        write(&args, &file, &after, owner.as_ref(), ctx)?;
    }
    Ok(outcome)
}

fn same_lines(before: &str, after: &str) -> bool {
    before.lines().eq(after.lines())
}

fn failed(path: &Path, err: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {}", path.display(), os_error::numbered(err)))
}

fn result(args: &Args, file: &Path, changed: bool) -> Outcome {
    Outcome::changed(changed)
        .with("user", args.user.clone())
        .with("key", args.key.clone())
        .with("keyfile", file.display().to_string())
        .with("path", args.path.as_ref().map(|it| it.display().to_string()))
        .with("state", args.state.clone())
        .with("exclusive", args.exclusive)
        .with("manage_dir", args.manage_dir)
        .with("key_options", args.key_options.clone())
        .with("comment", args.comment.clone())
        .with("validate_certs", args.validate_certs)
        .with("follow", args.follow)
}

fn owner(name: &str, ctx: &mut Ctx) -> Option<Owner> {
    let account = accounts::user(name, ctx)?;
    let home = PathBuf::from(account.home().unwrap_or_default());
    let gid = account.rest.split(':').next()?.parse().ok()?;
    Some(Owner { uid: account.id, gid, home })
}

fn wanted_keys(args: &Args, ctx: &mut Ctx) -> Result<Vec<Key>, Failure> {
    let text = if args.key.starts_with("http://") || args.key.starts_with("https://") {
        let bytes = download::bytes(&args.key, args.validate_certs, ctx)
            .map_err(|reason| Failure::new(format!("Error getting key from: {}: {reason}", args.key)))?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        args.key.clone()
    };
    let mut wanted = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Line::Key(mut key) = Line::parse(line) else {
            return Err(Failure::new(format!("invalid key specified: {line}")));
        };
        if let Some(options) = &args.key_options {
            key.options.clone_from(options);
        }
        if let Some(comment) = &args.comment {
            key.comment.clone_from(comment);
        }
        wanted.push(key);
    }
    Ok(wanted)
}

fn write(args: &Args, file: &Path, text: &str, owner: Option<&Owner>, ctx: &mut Ctx) -> Result<(), Failure> {
    if let Some(directory) = file.parent().filter(|_| args.manage_dir) {
        own_directory(directory, owner).map_err(|err| failed(directory, &err))?;
    }
    if file.exists() && !args.manage_dir {
        return atomic_write::replace(file, text.as_bytes(), None, &FileAttributes::default(), ctx);
    }
    // The file has its owner before it has its name: the directory is the user's, who may put other things there.
    let write = || {
        let mut pending = PendingFile::beside(file)?;
        pending.file.write_all(text.as_bytes())?;
        pending.put_for(owner.map(|owner| (owner.uid, owner.gid)), 0o600)
    };
    write().map_err(|err| atomic_write::cannot_write(file, &err))
}

fn own_directory(directory: &Path, owner: Option<&Owner>) -> std::io::Result<()> {
    at::create_dir_all(directory, 0o700)?;
    let directory = at::locate(directory, Last::Followed)?.into_object()?;
    if let Some(owner) = owner {
        directory.set_owner(Some(owner.uid), Some(owner.gid))?;
    }
    directory.set_mode(0o700)
}
