//! OpenSSH's own program as the way to a host, for what libssh2 cannot do: certificates, security keys, GSSAPI, proxies.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::MemfdFlags;
use tokio::process::Command;

use super::local::link_process;
use super::{Link, SshSettings, Unreachable, ssh_config};

/// What `ssh` ends with when the connection is at fault.
const CONNECTION_FAILED: i32 = 255;

pub struct SshProcess {
    settings: Arc<SshSettings>,
    password_files: Mutex<Option<PasswordFiles>>,
}

impl SshProcess {
    pub fn new(settings: &Arc<SshSettings>) -> Self {
        Self { settings: Arc::clone(settings), password_files: Mutex::default() }
    }

    pub fn open(&self, line: &str, terminal: bool) -> Result<Link, Unreachable> {
        self.start(line, terminal).map_err(|err| Unreachable::ssh(format!("{}: {err}", self.settings.ssh_executable)))
    }

    fn start(&self, line: &str, terminal: bool) -> io::Result<Link> {
        let mut command = Command::new(&self.settings.ssh_executable);
        command.args(ssh_config::arguments(&self.settings));
        if self.settings.password.is_some() {
            self.answer_with_password(&mut command)?;
        } else {
            command.args(["-o", "BatchMode=yes"]);
        }
        command.arg(if terminal { "-tt" } else { "-T" }).arg("--").arg(&self.settings.host).arg(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        link_process(command.spawn()?, Some(CONNECTION_FAILED))
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
        writeln!(writer, "#!/bin/sh\nexec cat {}", path_of(&secret))?;
        // A file that is open for writing cannot be executed.
        let askpass = File::open(path_of(&writer))?;
        Ok(Self { _secret: secret, askpass })
    }
}

fn path_of(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
