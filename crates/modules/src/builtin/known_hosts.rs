//! Keys of hosts in known_hosts files. Names are compared by ssh-keygen, which knows hashed ones and patterns.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{
    Choice, Command, CommandOutput, Ctx, Diff, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return,
    Spec, run,
};

use crate::support::file_attributes::{FileAttributes, path_json, with_path_info};
use crate::support::{atomic_write, os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(known_hosts) };

const EXAMPLE: &str = r"- name: Know the key of a host
  known_hosts:
    path: /etc/ssh/ssh_known_hosts
    name: git.example.com
    key: git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXUvXnkGWZzYPPzSaYKYtd8u9Ye6rgUWbfPOPNkBzaa

- name: Forget a host
  known_hosts:
    path: /etc/ssh/ssh_known_hosts
    name: old.example.com
    state: absent
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The host."),
    Return::new("key", Kind::Str, "always", "The key as it was given."),
    Return::new("path", Kind::Path, "always", "The file."),
    Return::new("hash_host", Kind::Bool, "always", "Whether the name is hashed."),
];

/// Manage the keys of hosts that ssh knows.
#[derive(ModuleArgs)]
#[module(name = "known_hosts")]
struct Args {
    /// The host, with a port as `[name]:2222`.
    #[arg(alias("host"))]
    name: String,
    /// The line of the key, with the host's name; needed to add it.
    key: Option<String>,
    /// The file.
    #[arg(default = "~/.ssh/known_hosts")]
    path: PathBuf,
    /// Write a hash in place of the host's name.
    #[arg(default = "no")]
    hash_host: bool,
    /// Whether the key should be there.
    #[arg(default = "present")]
    state: State,
}

#[derive(Choice, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

/// What ssh-keygen finds of a host in a file.
#[derive(Default)]
struct Found {
    /// The key itself is there, or without a key any of the host.
    same: bool,
    /// Number of the line, from 1, that has the key, or another of the same type.
    line: Option<usize>,
}

fn known_hosts(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let keygen = program::find("ssh-keygen").ok_or_else(|| program::missing("ssh-keygen"))?;
    let key = match &args.key {
        Some(key) => Some(check_key(&args, &keygen, key, ctx)?),
        None if args.state == State::Present => return Err(Failure::new("No key specified when adding a host")),
        None => None,
    };
    let found = find(&args.name, key.as_deref(), &args.path, &keygen, ctx)?;
    let before = crate::support::text_file::read(&args.path)?;
    let before = String::from_utf8_lossy(&before).into_owned();
    let present = args.state == State::Present;
    let changed = if present { !found.same } else { found.same };
    let after = if changed { after(&before, &found, key.as_deref().filter(|_| present)) } else { before.clone() };
    if changed && !ctx.check {
        match &key {
            None => forget(&args, &keygen, ctx)?,
            Some(_) => {
                let missing = args.path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
                if missing.is_some() {
                    return Err(Failure::new(format!(
                        "Failed to write to file '{}': [Errno 2] No such file or directory",
                        args.path.display()
                    )));
                }
                atomic_write::replace(&args.path, after.as_bytes(), None, &FileAttributes::default(), ctx)?;
            }
        }
    }
    Ok(outcome(&args, changed, before, after, ctx))
}

fn outcome(args: &Args, changed: bool, before: String, after: String, ctx: &mut Ctx) -> Outcome {
    let shown = args.path.to_string_lossy().into_owned();
    let existed = !before.is_empty() || (args.path.exists() && (ctx.check || !changed));
    let outcome = Outcome::changed(changed).with_diff(Diff {
        before: before.into(),
        after: after.into(),
        before_header: Some(if existed { shown.clone() } else { "/dev/null".to_owned() }),
        after_header: Some(shown),
        ..Diff::default()
    });
    if ctx.check {
        return outcome;
    }
    let outcome = outcome
        .with("name", args.name.clone())
        .with("key", args.key.clone().map_or(Json::Null, Json::from))
        .with("path", path_json(&args.path))
        .with("hash_host", args.hash_host)
        .with("state", args.state.text());
    with_path_info(outcome, &args.path, ctx)
}

/// The file without the line that is replaced or removed, and with the new key at its end.
fn after(before: &str, found: &Found, key: Option<&str>) -> String {
    let lines = before.split_inclusive('\n').enumerate();
    let mut text: String = lines.filter(|(index, _)| Some(index + 1) != found.line).map(|(_, line)| line).collect();
    if let Some(key) = key {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(key);
    }
    text
}

/// The key as it is written, once it is known to be one of the host.
fn check_key(args: &Args, keygen: &Path, key: &str, ctx: &mut Ctx) -> Result<String, Failure> {
    let line = format!("{}\n", key.trim_end_matches('\n'));
    // A key that is to be removed may be anything.
    if args.state == State::Absent && !args.hash_host {
        return Ok(line);
    }
    let file = ctx.tmpdir.join("key");
    fs::write(&file, &line).map_err(|err| Failure::new(os_error::with_path(&err, &file)))?;
    let output = keygen_run(keygen, &["-F", &args.name], &file, ctx)?;
    if output.stdout.is_empty() {
        return Err(Failure::new("Host parameter does not match hashed host field in supplied key"));
    }
    if !args.hash_host {
        return Ok(line);
    }
    let output = keygen_run(keygen, &["-H"], &file, ctx)?;
    let hashed = fs::read_to_string(&file).map_err(|err| Failure::new(os_error::with_path(&err, &file)))?;
    if output.ok() { Ok(hashed) } else { Err(Failure::new(output.stderr_text())) }
}

fn find(name: &str, key: Option<&str>, path: &Path, keygen: &Path, ctx: &mut Ctx) -> Result<Found, Failure> {
    if !path.exists() {
        return Ok(Found::default());
    }
    let output = keygen_run(keygen, &["-F", name], path, ctx)?;
    let text = output.stdout_text();
    if text.is_empty() {
        return Ok(Found::default());
    }
    let Some(key) = key else { return Ok(Found { same: true, line: None }) };
    let wanted = kind_and_key(key);
    let mut found = Found::default();
    let mut line_number = None;
    for line in text.lines() {
        if line.starts_with('#') {
            line_number = line.split_whitespace().last().and_then(|it| it.trim_start_matches("line:").parse().ok());
            continue;
        }
        let here = kind_and_key(line);
        if here == wanted {
            return Ok(Found { same: true, line: line_number });
        }
        if here.0 == wanted.0 {
            found.line = line_number;
        }
    }
    Ok(found)
}

/// Type and key of a line, with the marker of a certificate authority as part of the type.
fn kind_and_key(line: &str) -> (String, String) {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let marker = if first.starts_with('@') { first } else { "" };
    if !marker.is_empty() {
        words.next();
    }
    let kind = words.next().unwrap_or_default();
    (format!("{marker}{kind}"), words.next().unwrap_or_default().to_owned())
}

/// All keys of the host go; ssh-keygen keeps the file as it was beside it, with `.old`.
fn forget(args: &Args, keygen: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    let output = keygen_run(keygen, &["-R", &args.name], &args.path, ctx)?;
    if output.ok() { Ok(()) } else { Err(Failure::new(output.stderr_text())) }
}

fn keygen_run(keygen: &Path, words: &[&str], file: &Path, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let mut command = Command::new([keygen]);
    for word in words {
        command = command.arg(word);
    }
    let command = command.arg("-f").arg(file);
    ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))
}
