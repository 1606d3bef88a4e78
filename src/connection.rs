//! Ways to a host: a channel of bytes to a command that runs there. Knows nothing of agents and modules.

pub mod agents;
pub mod known_hosts;
pub mod limits;
mod link;
mod local;
mod private_key;
pub mod programs;
mod ssh;
pub mod ssh_config;
mod ssh_process;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use link::{Ending, Link, Over, ProcessGuard};
pub use local::expect_agent;

use self::programs::{Program, Upload};
use crate::value::secret::Secret;

/// A host and everything that decides how it is reached; two equal endpoints share a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// This machine.
    Local {
        /// The shell for `raw` commands.
        executable: String,
        /// Where commands and modules run: relative paths count from the playbook's folder.
        directory: PathBuf,
    },
    Ssh(Arc<SshSettings>),
}

/// As variables, options and ansible.cfg have them; what is not said here, ~/.ssh/config says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshSettings {
    /// `ansible_host`, or the inventory's name.
    pub host: String,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub private_key_file: Option<PathBuf>,
    /// `ansible_ssh_args` or `ssh_args`, if the user wrote any (Ansible's default is about ControlPersist, of no use here).
    pub ssh_args: Option<String>,
    pub common_args: String,
    pub extra_args: String,
    /// None leaves the decision to ~/.ssh/config.
    pub host_key_checking: bool,
    /// Seconds to connect in; Ansible's `timeout`, 10 by default.
    pub timeout: Duration,
    /// Further attempts when connecting fails.
    pub retries: u32,
    /// The `ssh` program.
    pub ssh_executable: String,
    /// The shell for `raw` commands.
    pub executable: String,
}

impl SshSettings {
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            user: None,
            password: None,
            private_key_file: None,
            ssh_args: None,
            common_args: String::new(),
            extra_args: String::new(),
            host_key_checking: true,
            timeout: Duration::from_secs(10),
            retries: 0,
            ssh_executable: "ssh".to_owned(),
            executable: "/bin/sh".to_owned(),
        }
    }
}

/// The host cannot be reached, or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    pub message: String,
    /// Another attempt may succeed.
    pub transient: bool,
}

impl Unreachable {
    pub fn ssh(reason: impl fmt::Display) -> Self {
        Self { message: format!("Failed to connect to the host via ssh: {reason}"), transient: false }
    }

    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unreachable {}

/// An authenticated way to a host, over which commands are started.
pub enum Connection {
    Local {
        directory: PathBuf,
    },
    /// With the name of who is logged in.
    Ssh(ssh::Session, String),
    SshProcess(ssh_process::SshProcess),
}

/// What shall run at the other end.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// The bootstrap script, which becomes the agent; the `nonce` is in all that it says.
    Agent { nonce: &'a str },
    /// A program of modules, by the same script.
    Program { program: &'a Program, nonce: &'a str },
    /// A command line for the login shell, with a terminal if wanted.
    Command { line: &'a str, terminal: bool },
}

impl Connection {
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, Unreachable> {
        let settings = match endpoint {
            Endpoint::Ssh(settings) => settings,
            Endpoint::Local { directory, .. } => return Ok(Connection::Local { directory: directory.clone() }),
        };
        let mut attempt = 0;
        loop {
            match Self::connect_ssh(settings).await {
                Err(err) if err.transient && attempt < settings.retries => {
                    // Ansible's pauses: 1, 3, 7, … seconds, 30 at most.
                    attempt += 1;
                    let pause = 2_u64.saturating_pow(attempt).saturating_sub(1).min(30);
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                }
                other => return other,
            }
        }
    }

    async fn connect_ssh(settings: &Arc<SshSettings>) -> Result<Self, Unreachable> {
        let config = ssh_config::effective(settings).await?;
        let over_program = |why: String| Connection::SshProcess(ssh_process::SshProcess::new(settings, &config, why));
        if config.needs_ssh_program() {
            return Ok(over_program(config.for_program.join(", ")));
        }
        match ssh::Session::connect(settings, &config).await {
            Ok(session) => Ok(Connection::Ssh(session, config.user.clone())),
            Err(ssh::ConnectError::Unsupported(why)) => Ok(over_program(why)),
            Err(ssh::ConnectError::Unreachable(err)) => Err(err),
        }
    }

    /// Who logs in there, as far as that is known without asking the host.
    pub fn user(&self) -> Option<&str> {
        match self {
            Connection::Local { .. } => None,
            Connection::Ssh(_, user) => Some(user),
            Connection::SshProcess(ssh) => Some(ssh.user()),
        }
    }

    /// The connection broke; a new one is needed.
    pub fn is_over(&self) -> bool {
        matches!(self, Connection::Ssh(session, _) if session.is_over())
    }

    /// Descriptors that are open for it while it waits for work with an agent.
    pub fn descriptors(&self) -> usize {
        match self {
            Connection::Ssh(..) => 1,
            // The pipes of a process, and what watches for its end.
            Connection::Local { .. } | Connection::SshProcess(_) => 4,
        }
    }

    /// Starts a command; the link carries its input and output.
    pub async fn open(&self, start: Start<'_>) -> Result<Link, Unreachable> {
        match (self, start) {
            (Connection::Local { directory }, Start::Agent { nonce }) => local::start_agent(directory, nonce),
            (Connection::Local { directory }, Start::Program { program, nonce }) => {
                local::start_file(program.path(), directory, nonce)
            }
            (Connection::Local { directory }, Start::Command { line, .. }) => local::start_command(line, directory),
            (Connection::Ssh(session, _), Start::Agent { nonce }) => {
                session.open(&agents::bootstrap_command(nonce), false).await
            }
            (Connection::Ssh(session, _), Start::Program { program, nonce }) => {
                session.open(&upload(program)?.bootstrap_command(nonce), false).await
            }
            (Connection::Ssh(session, _), Start::Command { line, terminal }) => session.open(line, terminal).await,
            (Connection::SshProcess(ssh), Start::Agent { nonce }) => {
                ssh.open(&agents::bootstrap_command(nonce), false).await
            }
            (Connection::SshProcess(ssh), Start::Program { program, nonce }) => {
                ssh.open(&upload(program)?.bootstrap_command(nonce), false).await
            }
            (Connection::SshProcess(ssh), Start::Command { line, terminal }) => ssh.open(line, terminal).await,
        }
    }
}

fn upload(program: &Program) -> Result<&Upload, Unreachable> {
    program.upload().map_err(|message| Unreachable { message, transient: false })
}
