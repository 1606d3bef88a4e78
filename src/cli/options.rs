//! What may stand on the command line: Ansible's flags under Ansible's names, grouped as commands share them.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};

/// Runs Ansible playbooks with compiled modules.
#[derive(Debug, Parser)]
#[command(name = "rplay", version, disable_version_flag = true, args_override_self = true)]
#[command(
    after_help = "Other commands: rplay adhoc PATTERN -m MODULE -a ARGS runs one module on the hosts of a pattern."
)]
pub struct PlaybookOptions {
    /// Playbooks, run one after the other
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<PathBuf>,
    /// Only check that the playbooks can be read
    #[arg(long)]
    pub syntax_check: bool,
    /// List the tasks that would be run
    #[arg(long)]
    pub list_tasks: bool,
    /// List all tags
    #[arg(long)]
    pub list_tags: bool,
    /// Start at the task of this name
    #[arg(long, value_name = "NAME")]
    pub start_at_task: Option<String>,
    /// Ask before each task
    #[arg(long)]
    pub step: bool,
    /// Run handlers even if a task fails
    #[arg(long)]
    pub force_handlers: bool,
    /// Only run what has one of these tags
    #[arg(short = 't', long, value_name = "TAGS")]
    pub tags: Vec<String>,
    /// Only run what has none of these tags
    #[arg(long, value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Runs one module on the hosts of a pattern.
#[derive(Debug, Parser)]
#[command(name = "rplay adhoc", version, disable_version_flag = true, args_override_self = true)]
pub struct AdhocOptions {
    /// Host pattern
    pub pattern: String,
    /// Module to run
    #[arg(short = 'm', long, value_name = "MODULE")]
    pub module_name: Option<String>,
    /// Arguments of the module, as k=v or as JSON
    #[arg(short = 'a', long, value_name = "ARGS", allow_hyphen_values = true)]
    pub args: Option<String>,
    /// One line for each host
    #[arg(short = 'o', long)]
    pub one_line: bool,
    /// Directory of group_vars and host_vars, and of relative paths
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    #[command(flatten)]
    pub common: CommonOptions,
}

#[derive(Debug, Args)]
pub struct CommonOptions {
    /// Inventory: a file, a directory, or hosts separated by commas
    #[arg(short = 'i', long, visible_alias = "inventory-file", value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these of the selected hosts
    #[arg(short = 'l', long, value_name = "SUBSET")]
    pub limit: Vec<String>,
    /// Only list the hosts that would be worked on
    #[arg(long)]
    pub list_hosts: bool,
    /// Variables: k=v, YAML or JSON, or @FILE
    #[arg(short = 'e', long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// How many hosts at the same time
    #[arg(short = 'f', long, value_name = "N")]
    pub forks: Option<usize>,
    /// Change nothing, say what would change
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes inside files
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// More output; repeat for still more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
    /// Forget gathered facts
    #[arg(long)]
    pub flush_cache: bool,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    #[command(flatten)]
    pub become_: BecomeOptions,
    #[command(flatten)]
    pub vault: VaultOptions,
}

#[derive(Debug, Args)]
pub struct ConnectionOptions {
    /// Connect as this user
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub remote_user: Option<String>,
    /// How to reach hosts: ssh or local
    #[arg(short = 'c', long, value_name = "CONNECTION")]
    pub connection: Option<String>,
    /// Key to authenticate with
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Seconds until a connection attempt is given up
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Ask for the connection's password
    #[arg(short = 'k', long, conflicts_with = "connection_password_file")]
    pub ask_pass: bool,
    /// Read the connection's password from a file
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub connection_password_file: Option<PathBuf>,
    /// Options for ssh, such as a ProxyCommand
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// More options for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
}

#[derive(Debug, Args)]
pub struct BecomeOptions {
    /// Become another user on the host
    #[arg(short = 'b', long = "become")]
    pub become_: bool,
    /// sudo, su or doas
    #[arg(long, value_name = "METHOD")]
    pub become_method: Option<String>,
    /// The user to become
    #[arg(long, value_name = "USER")]
    pub become_user: Option<String>,
    /// Ask for the password that becoming needs
    #[arg(short = 'K', long = "ask-become-pass", conflicts_with = "become_password_file")]
    pub ask_become_pass: bool,
    /// Read the password that becoming needs from a file
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct VaultOptions {
    /// A vault identity and its password: LABEL@FILE, LABEL@SCRIPT or LABEL@prompt
    #[arg(long, value_name = "ID")]
    pub vault_id: Vec<String>,
    /// Ask for the vault's password
    #[arg(short = 'J', long, visible_alias = "ask-vault-pass")]
    pub ask_vault_password: bool,
    /// Read the vault's password from a file or script
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_file: Vec<PathBuf>,
}
