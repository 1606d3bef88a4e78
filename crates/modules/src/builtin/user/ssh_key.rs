//! A user's own ssh key, made by ssh-keygen.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Ctx, Failure, Outcome};

use super::Args;
use super::present::Present;
use crate::support::at::{self, Last, Located};
use crate::support::atomic_write::PendingFile;
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
        // The home is the user's, who could lead a program of root's anywhere: the key is made elsewhere and then put there.
        let made = ctx.tmpdir.join("key");
        generate(args, &made, ctx)?;
        let private = fs::read(&made).map_err(|err| failed(&made, &err))?;
        let public_key = fs::read(made.with_extension("pub")).map_err(|err| failed(&made, &err))?;
        if let Some(directory) = file.parent().filter(|it| !it.exists()) {
            give_directory(directory, user).map_err(|err| failed(directory, &err))?;
        }
        for (path, content, mode) in [(&file, private, 0o600), (&public, public_key, 0o644)] {
            give_file(path, &content, mode, user).map_err(|err| failed(path, &err))?;
        }
    }
    at::locate(&file, Last::Followed).and_then(Located::into_object).map_err(|err| failed(&file, &err))?;
    let fingerprint = keygen(Command::new(["ssh-keygen", "-l", "-f"]).arg(&file), ctx)?;
    outcome.fields.insert("ssh_fingerprint".into(), fingerprint.trim().into());
    outcome.fields.insert("ssh_key_file".into(), file.display().to_string().into());
    let key = at::read(&public).map(|key| String::from_utf8_lossy(&key).into_owned()).unwrap_or_default();
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

fn give_directory(directory: &Path, user: &Present) -> std::io::Result<()> {
    let place = at::locate(directory, Last::Itself)?;
    place.create_dir(0o700)?;
    place.present()?.ok_or(std::io::ErrorKind::NotFound)?.set_owner(Some(user.uid), Some(user.gid))
}

fn give_file(path: &Path, content: &[u8], mode: u32, user: &Present) -> std::io::Result<()> {
    let mut pending = PendingFile::beside(path)?;
    pending.file.write_all(content)?;
    pending.put_for(Some((user.uid, user.gid)), mode)
}

fn generate(args: &Args, file: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
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
            let quoted = rplay_module_api::shell_words::quote(passphrase);
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
