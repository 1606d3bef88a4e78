//! OpenSSH's own program as the way to a host, for what libssh2 cannot do: certificates, security keys, GSSAPI, proxies.

use std::io;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;

use super::local::link_process;
use super::{Link, SshSettings, Unreachable, ssh_config};

/// What `ssh` ends with when the connection is at fault.
const CONNECTION_FAILED: i32 = 255;

pub struct SshProcess {
    settings: Arc<SshSettings>,
}

impl SshProcess {
    pub fn new(settings: &Arc<SshSettings>) -> Self {
        Self { settings: Arc::clone(settings) }
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

    /// The password waits in a memory file that `ssh` inherits and reads through a one-line askpass program; it is in no argument,
    /// no environment and no file with a name.
    fn answer_with_password(&self, command: &mut Command) -> io::Result<()> {
        use std::fs::File;
        use std::io::Write;
        use std::os::fd::AsRawFd;

        use rustix::fs::MemfdFlags;

        let Some(password) = &self.settings.password else { return Ok(()) };
        let mut secret = File::from(rustix::fs::memfd_create("rplay-password", MemfdFlags::CLOEXEC)?);
        secret.write_all(format!("{}\n", password.expose()).as_bytes())?;
        let mut askpass = File::from(rustix::fs::memfd_create("rplay-askpass", MemfdFlags::CLOEXEC)?);
        let pid = std::process::id();
        writeln!(askpass, "#!/bin/sh\nexec cat /proc/{pid}/fd/{}", secret.as_raw_fd())?;
        let readable = File::open(format!("/proc/self/fd/{}", askpass.as_raw_fd()))?;
        command.env("SSH_ASKPASS", format!("/proc/{pid}/fd/{}", readable.as_raw_fd()));
        command.env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
        command.args(["-o", "NumberOfPasswordPrompts=1"]);
        // Both must stay open for as long as ssh may ask. They are as private as this process is, which knows the password anyway.
        std::mem::forget((secret, readable));
        Ok(())
    }
}
