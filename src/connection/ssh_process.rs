//! OpenSSH's own program as the way to a host, for what libssh2 cannot do: certificates, security keys, GSSAPI, proxies.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::MemfdFlags;
use rustix::pipe::PipeFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

use super::local::link_process;
use super::ssh_config::{SshConfig, StrictHostKeys};
use super::{Link, Over, SshSettings, Unreachable, limits, ssh_config};

/// What `ssh` ends with when the connection is at fault.
const CONNECTION_FAILED: i32 = 255;
/// What `ssh` may need for hosts on the way and for logging in, besides the time to connect.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

pub struct SshProcess {
    settings: Arc<SshSettings>,
    user: String,
    /// What libssh2 could not do.
    why: String,
    checks_host_keys: bool,
    /// `ssh` can tell when it is logged in, unless the user has given it another command to run then, or another `ssh` logs in for it.
    tells_login: bool,
    password_files: Mutex<Option<PasswordFiles>>,
}

impl SshProcess {
    pub fn new(settings: &Arc<SshSettings>, config: &SshConfig, why: String) -> Self {
        Self {
            settings: Arc::clone(settings),
            user: config.user.clone(),
            why,
            checks_host_keys: config.strict_host_keys == StrictHostKeys::Refuse,
            tells_login: !config.shares_connection
                && !config.for_program.iter().any(|option| option.starts_with("localcommand ")),
            password_files: Mutex::default(),
        }
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// Starts the command and waits until the host has let it in.
    pub async fn open(&self, line: &str, terminal: bool) -> Result<Link, Unreachable> {
        let program = &self.settings.ssh_executable;
        let failed = |err: io::Error| {
            let (reason, why) = (limits::explain(&err), &self.why);
            Unreachable::ssh(format!("{program}: {reason} (OpenSSH's own program is needed for this host: {why})"))
        };
        let (link, login) = self.start(line, terminal).map_err(failed)?;
        let Some(login) = login else { return Ok(link) };
        let limit = self.settings.timeout + LOGIN_TIMEOUT;
        tokio::select! {
            told = login.wait() => told.map_err(failed)?,
            // Why it ended, the one who reads from the link finds out.
            _ = link.ending.wait() => {}
            () = tokio::time::sleep(limit) => {
                link.ending.set(Over::Lost("timed out".to_owned()));
                if let Some(guard) = &link.guard {
                    guard.end();
                }
                let said = link.ending.error_text();
                let said = String::from_utf8_lossy(&said);
                let (host, seconds) = (&self.settings.host, limit.as_secs());
                let text = format!("{program} is not logged in to {host} after {seconds}s {}", said.trim());
                return Err(Unreachable::ssh(text.trim()).transient());
            }
        }
        Ok(link)
    }

    fn start(&self, line: &str, terminal: bool) -> io::Result<(Link, Option<Login>)> {
        let mut command = Command::new(&self.settings.ssh_executable);
        if self.checks_host_keys {
            // With a program that answers questions, ssh would ask that one whether it may trust an unknown key.
            command.args(["-o", "StrictHostKeyChecking=yes"]);
        }
        let login = if self.tells_login { Some(Login::new()?) } else { None };
        if let Some(login) = &login {
            let shell = std::env::var("SHELL").unwrap_or_default();
            if shell.ends_with("nologin") || shell.ends_with("/false") {
                // An account that runs services: its shell would run no command.
                command.env("SHELL", "/bin/sh");
            }
            command
                .args(["-o", "PermitLocalCommand=yes", "-o"])
                .arg(format!("LocalCommand=echo > {}", path_of(&login.writer)));
        }
        command.args(ssh_config::arguments(&self.settings));
        if self.settings.password.is_some() {
            self.answer_with_password(&mut command)?;
        } else {
            command.args(["-o", "BatchMode=yes"]);
        }
        command.arg(if terminal { "-tt" } else { "-T" }).arg("--").arg(&self.settings.host).arg(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn()?;
        limits::restore_in(child.id());
        Ok((link_process(child, Some(CONNECTION_FAILED))?, login))
    }

    /// The password waits in a memory file that `ssh` reads through a one-line askpass program; it is in no argument, no environment
    /// and no file with a name.
    fn answer_with_password(&self, command: &mut Command) -> io::Result<()> {
        let Some(password) = &self.settings.password else { return Ok(()) };
        let mut files = self.password_files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.is_none() {
            *files = Some(PasswordFiles::new(password.expose())?);
        }
        let askpass = files.as_ref().map(|files| path_of(&files.askpass)).unwrap_or_default();
        command.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
        command.args(["-o", "NumberOfPasswordPrompts=1"]);
        Ok(())
    }
}

/// Told by `ssh` itself, through the command that it runs on this machine once it is logged in.
struct Login {
    reader: Receiver,
    writer: File,
}

impl Login {
    fn new() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { reader: Receiver::from_owned_fd(reader)?, writer: File::from(writer) })
    }

    async fn wait(&self) -> io::Result<()> {
        self.reader.readable().await
    }
}

/// Kept for as long as `ssh` may ask. They are as private as this process is, which knows the password anyway.
struct PasswordFiles {
    _secret: File,
    askpass: File,
}

impl PasswordFiles {
    fn new(password: &str) -> io::Result<Self> {
        let mut secret = File::from(rustix::fs::memfd_create("rplay-password", MemfdFlags::CLOEXEC)?);
        writeln!(secret, "{password}")?;
        let mut writer = File::from(rustix::fs::memfd_create("rplay-askpass", MemfdFlags::CLOEXEC)?);
        // Only a question for a password: not whether a key is trusted, nor what opens a private key.
        writeln!(
            writer,
            "#!/bin/sh\ncase \"$1\" in\n*yes/no* | *ingerprint* | *assphrase*) exit 1 ;;\n*assword*) exec cat {} ;;\nesac\nexit 1",
            path_of(&secret)
        )?;
        // A file that is open for writing cannot be executed.
        let askpass = File::open(path_of(&writer))?;
        Ok(Self { _secret: secret, askpass })
    }
}

fn path_of(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
