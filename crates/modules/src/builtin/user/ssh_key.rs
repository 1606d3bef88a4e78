//! A user's own ssh key, made by ssh-keygen.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Ctx, Failure, Outcome};

use super::Args;
use super::present::Present;
use crate::support::os_error;

pub fn ensure(args: &Args, user: &Present, outcome: &mut Outcome, ctx: &mut Ctx) -> Result<(), Failure> {
    let file = key_file(args, user);
    let public = PathBuf::from(format!("{}.pub", file.display()));
    if file.exists() {
        ctx.warn(format!(
            "Found existing ssh key private file \"{}\", no force, so skipping ssh-keygen generation",
            file.display()
        ));
    } else {
        outcome.changed = true;
        if ctx.check {
            return Ok(());
        }
        generate(args, user, &file, ctx)?;
        for path in [&file, &public] {
            chown(path, Some(user.uid), Some(user.gid)).map_err(|err| failed(path, &err))?;
        }
    }
    let fingerprint = keygen(Command::new(["ssh-keygen", "-l", "-f"]).arg(&file), ctx)?;
    outcome.fields.insert("ssh_fingerprint".into(), fingerprint.trim().into());
    outcome.fields.insert("ssh_key_file".into(), file.display().to_string().into());
    let key = fs::read_to_string(&public).unwrap_or_default();
    outcome.fields.insert("ssh_public_key".into(), key.trim().into());
    Ok(())
}

fn key_file(args: &Args, user: &Present) -> PathBuf {
    match &args.ssh_key_file {
        Some(file) => Path::new(&user.home).join(file),
        None => Path::new(&user.home).join(".ssh").join(format!("id_{}", args.ssh_key_type)),
    }
}

fn failed(path: &Path, err: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {}", path.display(), os_error::numbered(err)))
}

fn generate(args: &Args, user: &Present, file: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    if let Some(directory) = file.parent().filter(|it| !it.exists()) {
        fs::DirBuilder::new().mode(0o700).create(directory).map_err(|err| failed(directory, &err))?;
        chown(directory, Some(user.uid), Some(user.gid)).map_err(|err| failed(directory, &err))?;
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let comment = args.ssh_key_comment.clone().unwrap_or_else(|| format!("ansible-generated on {host}"));
    let mut command = Command::new(["ssh-keygen", "-q", "-t", &args.ssh_key_type, "-C", &comment, "-f"]).arg(file);
    if let Some(bits) = args.ssh_key_bits.filter(|bits| *bits > 0) {
        command = command.arg("-b").arg(bits.to_string());
    }
    match &args.ssh_key_passphrase {
        None => command = command.arg("-N").arg(""),
        // Arguments are for all to see, so ssh-keygen asks a program that only this user can read.
        Some(passphrase) => {
            let answer = ctx.tmpdir.join("askpass");
            let mut script = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o700)
                .open(&answer)
                .map_err(|err| failed(&answer, &err))?;
            let quoted = crate::support::shell_words::quote(passphrase);
            write!(script, "#!/bin/sh\nprintf '%s\\n' {quoted}\n").map_err(|err| failed(&answer, &err))?;
            command = command.env("SSH_ASKPASS", &answer).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
        }
    }
    let result = keygen(command, ctx);
    if args.ssh_key_passphrase.is_some() {
        let _ = fs::remove_file(ctx.tmpdir.join("askpass"));
    }
    result.map(|_| ())
}

fn keygen(command: Command, ctx: &mut Ctx) -> Result<String, Failure> {
    let output =
        ctx.command(&command).map_err(|err| Failure::new(format!("ssh-keygen: {}", os_error::numbered(&err))))?;
    if output.ok() {
        return Ok(output.stdout_text());
    }
    Err(Failure::new(output.stderr_text()).with("rc", output.rc))
}
