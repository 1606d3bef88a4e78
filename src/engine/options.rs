//! What the command line and the configuration say about a run.

use std::path::PathBuf;
use std::sync::Arc;

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
    pub connection: ConnectionOptions,
    pub become_: BecomeOptions,
}

/// Defaults that keywords and variables override; from the command line, else from the configuration.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    /// `-c`
    pub connection: Option<String>,
    /// `-u`
    pub user: Option<String>,
    /// `-T`, seconds.
    pub timeout: Option<u64>,
    /// `--private-key`
    pub private_key_file: Option<PathBuf>,
    pub ssh_common_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    /// `-k`
    pub password: Option<Secret>,
}

#[derive(Clone, Debug, Default)]
pub struct BecomeOptions {
    /// `-b`
    pub enabled: bool,
    pub method: Option<String>,
    pub user: Option<String>,
    /// `-K`
    pub password: Option<Secret>,
}
