//! What frames carry as JSON: greeting, request, response, and how to become another user.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ModuleResult;

/// Who the agent is, said once when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
    pub user: String,
    pub home: String,
    pub machine: String,
    pub hostname: String,
}

/// A module to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Request {
    pub module: String,
    /// The name as the task wrote it.
    pub action: String,
    /// Validated, complete with defaults.
    pub args: Map<String, Value>,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub no_log: bool,
    pub environment: BTreeMap<String, String>,
    /// Running output is wanted.
    pub live_output: bool,
    /// The module goes on by itself, and the response only says that it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
    /// The module is none of the program's own, but comes along as files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Foreign>,
}

/// A module that something else on the target runs: Python, another interpreter, or the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    pub style: Style,
    /// Names and SHA-256 of its files: of a module in Python all that it imports of Ansible's, else its own file.
    pub files: Vec<(String, String)>,
    pub interpreter: Interpreter,
}

/// How a foreign module is given its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// It imports `ansible.module_utils`.
    Python {
        /// The name under which Python imports it.
        name: String,
        /// How values are written as JSON.
        profile: String,
        /// How many files it may have open; 0 for as many as the interpreter may.
        open_files: u64,
    },
    /// In a file: `name=value` in one line, quoted as for a shell.
    #[default]
    Pairs,
    /// In a file, as JSON.
    Json,
    /// As JSON within its own text.
    Embedded,
}

/// What runs a foreign module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interpreter {
    /// The system: the file is a program.
    #[default]
    None,
    /// A program with its first arguments.
    Words(Vec<String>),
    /// The first of these that is there. The result tells which.
    Discovered(Vec<String>),
}

/// The return value that tells which interpreter was discovered.
pub const DISCOVERED: &str = "_discovered_interpreter";

/// How a module runs in the background (`async`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Background {
    /// Seconds after which it is killed.
    pub limit: u64,
    /// The folder of job files, as it was written.
    pub directory: String,
    /// The first part of the job's id; the second is the number of a process.
    pub name: String,
}

/// How a request ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Response {
    pub result: ModuleResult,
    /// The failure is not the module's: nobody could be found to run it.
    #[serde(default)]
    pub never_ran: bool,
    pub warnings: Vec<String>,
    /// Something of what was done reaches the disk only now; the next response comes after it.
    #[serde(default)]
    pub settling: bool,
}

/// Another user and the way to it.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Become {
    /// `sudo`, `su` or `doas`.
    pub method: String,
    pub user: String,
    /// Program in place of the method's own; may be several words.
    pub exe: Option<String>,
    /// Flags in place of the method's own.
    pub flags: Option<String>,
    pub password: Option<String>,
}

impl fmt::Debug for Become {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Become")
            .field("method", &self.method)
            .field("user", &self.user)
            .field("exe", &self.exe)
            .field("flags", &self.flags)
            .field("password", &self.password.as_ref().map(|_| "********"))
            .finish()
    }
}

/// Text as one word for a POSIX shell.
pub fn shell_quote(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}
