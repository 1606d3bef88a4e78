//! What the command line and the configuration say about a run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Gathering;
use crate::value::Dict;
use crate::value::secret::Secret;

#[derive(Clone, Debug)]
pub struct RunOptions {
    pub limit: Option<String>,
    /// Hosts at work at the same time.
    pub forks: usize,
    /// `all` when nothing was asked for.
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub extra_vars: Arc<Dict>,
    pub start_at_task: Option<String>,
    /// Ask before each task.
    pub step: bool,
    pub force_handlers: bool,
    pub flush_cache: bool,
    pub gathering: Gathering,
    /// `inject_facts_as_vars`
    pub inject_facts: bool,
    /// `hash_behaviour=merge`
    pub merge_hashes: bool,
    pub any_errors_fatal: bool,
    /// A notified handler that does not exist stops the run.
    pub error_on_missing_handler: bool,
    /// Results are hidden unless a task says otherwise.
    pub no_log: bool,
    /// The strategy of plays that name none.
    pub strategy: Option<String>,
    /// Seconds that a task may take when it does not say so itself.
    pub task_timeout: Option<i64>,
    /// A debugger is opened for each task that fails.
    pub debugs_tasks: bool,
    /// But not where errors are ignored.
    pub debugger_ignores_errors: bool,
    /// The interpreter of modules in Python, or how it is found.
    pub python_interpreter: String,
    /// The folder of job files on targets, as it is written.
    pub async_directory: String,
    /// Seconds between two looks at a task in the background that does not say so itself.
    pub poll_interval: i64,
    pub connection: ConnectionOptions,
    pub become_: BecomeOptions,
}

/// Defaults that keywords and variables override; from the command line, else from the configuration.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// `-c`
    pub connection: Option<String>,
    /// `-u`
    pub user: Option<String>,
    pub port: Option<u16>,
    /// `-T`, seconds.
    pub timeout: Option<u64>,
    /// `--private-key`
    pub private_key_file: Option<PathBuf>,
    /// The shell that runs commands on targets.
    pub executable: String,
    pub ssh_executable: Option<String>,
    pub ssh_args: Option<String>,
    pub ssh_common_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    pub ssh_retries: u32,
    pub host_key_checking: bool,
    /// `-k`
    pub password: Option<Secret>,
}

#[derive(Clone, Debug, Default)]
pub struct BecomeOptions {
    /// `-b`
    pub enabled: bool,
    pub method: Option<String>,
    /// `--become-user`
    pub user: Option<String>,
    /// `become_user` of the configuration.
    pub default_user: Option<String>,
    pub exe: Option<String>,
    pub flags: Option<String>,
    /// What the configuration says about one method goes before what it says about all.
    pub sudo: BecomeProgram,
    pub su: BecomeProgram,
    /// `-K`
    pub password: Option<Secret>,
    /// Becomes also the user that logs in.
    pub allow_same_user: bool,
}

/// The configuration's section about one method.
#[derive(Clone, Debug, Default)]
pub struct BecomeProgram {
    pub user: Option<String>,
    pub exe: Option<String>,
    pub flags: Option<String>,
}

impl BecomeOptions {
    pub fn program(&self, method: &str) -> Option<&BecomeProgram> {
        match method {
            "sudo" => Some(&self.sudo),
            "su" => Some(&self.su),
            _ => None,
        }
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            connection: None,
            user: None,
            port: None,
            timeout: None,
            private_key_file: None,
            executable: "/bin/sh".to_owned(),
            ssh_executable: None,
            ssh_args: None,
            ssh_common_args: None,
            ssh_extra_args: None,
            ssh_retries: 0,
            host_key_checking: true,
            password: None,
        }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            limit: None,
            forks: 50,
            tags: vec!["all".to_owned()],
            skip_tags: Vec::new(),
            check: false,
            diff: false,
            verbosity: 0,
            extra_vars: Arc::default(),
            start_at_task: None,
            step: false,
            force_handlers: false,
            flush_cache: false,
            gathering: Gathering::Implicit,
            inject_facts: true,
            merge_hashes: false,
            any_errors_fatal: false,
            error_on_missing_handler: true,
            no_log: false,
            strategy: None,
            task_timeout: None,
            debugs_tasks: false,
            debugger_ignores_errors: true,
            python_interpreter: "auto".to_owned(),
            async_directory: "~/.ansible_async".to_owned(),
            poll_interval: 15,
            connection: ConnectionOptions::default(),
            become_: BecomeOptions::default(),
        }
    }
}
