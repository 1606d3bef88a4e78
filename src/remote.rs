//! Modules on hosts: connects once per host, keeps the agent, and runs requests over it.

mod agent;
mod client;
mod pool;
mod raw;
pub mod result;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rplay_module_api::privilege::Elevation;
use rplay_module_api::{Json, Map, ModuleResult, Stream, message};

pub use crate::connection::programs::Program;
pub use crate::connection::{Endpoint, SshSettings, Unreachable};
pub use client::Client;
pub use pool::Pool;
pub use raw::RawOutput;

use crate::value::secret::Secret;

/// Another user and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Become {
    /// `sudo`, `su` or `doas`.
    pub method: String,
    pub user: String,
    /// Program in place of the method's own; may be several words.
    pub exe: Option<String>,
    /// Flags in place of the method's own.
    pub flags: Option<String>,
    pub password: Option<Secret>,
    /// Also when it is the user that logs in (`BECOME_ALLOW_SAME_USER`).
    pub allow_same_user: bool,
}

impl Become {
    /// Nothing has to be become: this user is logged in already.
    pub fn is_needless(&self, login: &str) -> bool {
        !self.allow_same_user && self.user == login
    }

    /// The words of a shell that run a program as this user, as they are shown.
    fn command_line(&self, program: &str) -> String {
        Elevation::new(&self.to_message(), "rplay").map_or_else(|why| why, |elevation| elevation.command(program))
    }

    /// The form in which it travels, password included.
    fn to_message(&self) -> message::Become {
        message::Become {
            method: self.method.clone(),
            user: self.user.clone(),
            exe: self.exe.clone(),
            flags: self.flags.clone(),
            password: self.password.as_ref().map(|password| password.expose().to_owned()),
        }
    }
}

/// Content that a module receives under a name.
#[derive(Clone, Debug)]
pub enum FileSource {
    Bytes(Vec<u8>),
    /// A file of the controller, read when it is sent.
    Path(PathBuf),
    /// Sent when the module asks for it, and never before: most hosts have it already.
    Kept(Arc<[u8]>),
}

/// A module to run on a host.
#[derive(Clone, Debug, Default)]
pub struct ModuleRequest {
    /// The program that has the module; none is the agent.
    pub program: Option<&'static Program>,
    pub module: String,
    /// The name as the task wrote it.
    pub action: String,
    /// Validated, complete with defaults.
    pub args: Map<String, Json>,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub no_log: bool,
    pub environment: BTreeMap<String, String>,
    pub become_: Option<Become>,
    /// Wants `RemoteEvent::Output` while commands run.
    pub live_output: bool,
    /// The module is to go on by itself.
    pub background: Option<message::Background>,
    /// The module is no part of the program, but these files.
    pub foreign: Option<message::Foreign>,
    /// What the module may ask for.
    pub files: Vec<(String, FileSource)>,
    /// Where files go that the module sends; written beside and moved into place when complete.
    pub receive: Vec<(String, PathBuf)>,
}

/// How a module ended.
#[derive(Clone, Debug)]
pub struct ModuleReply {
    pub result: ModuleResult,
    pub warnings: Vec<String>,
}

/// What happens while a module runs.
#[derive(Clone, Debug)]
pub enum RemoteEvent {
    Output(Stream, Vec<u8>),
    Progress(String),
    /// What is started on the host, told from `-vvv` on.
    Exec(String),
    /// Nothing has come from the host for a while; this is what is waited for.
    Silence(String),
}

/// The module did not come to an end.
#[derive(Clone, Debug)]
pub enum RemoteError {
    Unreachable(Unreachable),
    /// The task failed before or beside its module, in Ansible's words.
    Failed(String),
}

impl From<Unreachable> for RemoteError {
    fn from(err: Unreachable) -> Self {
        RemoteError::Unreachable(err)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteError::Unreachable(err) => fmt::Display::fmt(err, f),
            RemoteError::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for RemoteError {}
