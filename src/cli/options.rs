//! What may stand on the command line: Ansible's flags under Ansible's names, grouped as commands share them.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

/// Runs Ansible playbooks with compiled modules.
#[derive(Debug, Parser)]
#[command(name = "rplay", version, disable_version_flag = true, args_override_self = true)]
#[command(
    after_help = "Examples:\n  rplay site.yml -i hosts.ini --check --diff\n  rplay site.yml --limit web --tags config\n\n\
                  Other commands, each with its own --help: rplay adhoc, rplay inventory, rplay vault, and\n\
                  rplay install-links DIR, which gives rplay the names of Ansible's programs."
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
    /// Write each host's result into a file of this directory
    #[arg(short = 't', long, value_name = "DIR")]
    pub tree: Option<PathBuf>,
    /// Run in the background of the host, for so many seconds at most
    #[arg(short = 'B', long, value_name = "SECONDS")]
    pub background: Option<i64>,
    /// With -B: seconds between two looks at it; 0 does not wait for its end
    #[arg(short = 'P', long = "poll", value_name = "SECONDS")]
    pub poll_interval: Option<i64>,
    /// Seconds until the task is given up
    #[arg(long, value_name = "SECONDS")]
    pub task_timeout: Option<i64>,
    /// Directory of group_vars and host_vars, and of relative paths
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Makes links to rplay with the names of Ansible's programs; a file that is there stays as it is.
#[derive(Debug, Parser)]
#[command(name = "rplay install-links")]
pub struct InstallLinksOptions {
    /// Where the links are made, such as a folder of PATH
    pub directory: PathBuf,
}

/// Shows the inventory.
#[derive(Debug, Parser)]
#[command(name = "rplay inventory", version, disable_version_flag = true, args_override_self = true)]
pub struct InventoryOptions {
    /// With --graph: the group to begin with
    pub group: Option<String>,
    /// All hosts and groups
    #[arg(long)]
    pub list: bool,
    /// The variables of one host
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The groups as a tree
    #[arg(long)]
    pub graph: bool,
    /// YAML in place of JSON
    #[arg(short = 'y', long)]
    pub yaml: bool,
    /// TOML in place of JSON
    #[arg(long)]
    pub toml: bool,
    /// With --graph: variables, too
    #[arg(long)]
    pub vars: bool,
    /// With --list: variables stay with the groups and hosts that have them
    #[arg(long)]
    pub export: bool,
    /// Write into this file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Directory of group_vars and host_vars
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    #[command(flatten)]
    pub sources: SourceOptions,
}

/// What every command with an inventory takes.
#[derive(Clone, Debug, Args)]
pub struct SourceOptions {
    /// Inventory: a file, a directory, or hosts separated by commas
    #[arg(short = 'i', long, visible_alias = "inventory-file", value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these of the selected hosts
    #[arg(short = 'l', long, value_name = "SUBSET")]
    pub limit: Vec<String>,
    /// Variables: k=v, YAML or JSON, or @FILE
    #[arg(short = 'e', long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
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
    pub vault: VaultOptions,
}

impl SourceOptions {
    /// All `--limit` options as one pattern.
    pub fn limit(&self) -> Option<String> {
        (!self.limit.is_empty()).then(|| self.limit.join(","))
    }
}

/// What every command that works on hosts takes.
#[derive(Clone, Debug, Args)]
pub struct CommonOptions {
    #[command(flatten)]
    pub sources: SourceOptions,
    /// Only list the hosts that would be worked on
    #[arg(long)]
    pub list_hosts: bool,
    /// How many hosts at the same time
    #[arg(short = 'f', long, value_name = "N")]
    pub forks: Option<usize>,
    /// Change nothing, say what would change
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes inside files
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// Folders of modules, separated by colons, that go before the configured ones
    #[arg(short = 'M', long, value_name = "PATHS")]
    pub module_path: Vec<String>,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    #[command(flatten)]
    pub become_: BecomeOptions,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection Options")]
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
    /// Accepted for the sake of scripts: files do not go by scp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub scp_extra_args: Option<String>,
    /// Accepted for the sake of scripts: files do not go by sftp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub sftp_extra_args: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Privilege Escalation Options")]
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

#[derive(Clone, Debug, Args)]
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

/// Encrypts and decrypts files and strings.
#[derive(Debug, Parser)]
#[command(name = "rplay vault", version, disable_version_flag = true)]
pub struct VaultCommandOptions {
    #[command(subcommand)]
    pub action: VaultAction,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

#[derive(Debug, Subcommand)]
#[command(args_override_self = true)]
pub enum VaultAction {
    /// Write a new encrypted file in an editor
    Create {
        files: Vec<PathBuf>,
        /// Open the editor without a terminal, too
        #[arg(long)]
        skip_tty_check: bool,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
    /// Decrypt files, or standard input
    Decrypt {
        files: Vec<PathBuf>,
        /// Write here; - is standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        keys: VaultKeys,
    },
    /// Change encrypted files in an editor
    Edit {
        files: Vec<PathBuf>,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
    /// Show encrypted files
    View {
        files: Vec<PathBuf>,
        #[command(flatten)]
        keys: VaultKeys,
    },
    /// Encrypt files, or standard input
    Encrypt {
        files: Vec<PathBuf>,
        /// Write here; - is standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
    /// Encrypt strings for a variables file
    #[command(name = "encrypt_string")]
    EncryptString {
        /// What to encrypt; - is standard input
        strings: Vec<String>,
        /// Ask for the string
        #[arg(short = 'p', long)]
        prompt: bool,
        /// Show what is typed
        #[arg(long)]
        show_input: bool,
        /// Name of the variable, one for each string
        #[arg(short = 'n', long, value_name = "NAME")]
        name: Vec<String>,
        /// Name of the variable that comes from standard input
        #[arg(long, value_name = "NAME")]
        stdin_name: Option<String>,
        /// Write here; - is standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
    /// Give one variable of a file another value, which is asked for or comes from standard input; the rest of the file stays
    Set {
        file: PathBuf,
        /// The variable; a.b is the key b of a
        key: String,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
    /// Encrypt files with another password
    Rekey {
        files: Vec<PathBuf>,
        /// Read the new password from a file or script
        #[arg(long, value_name = "FILE", conflicts_with = "new_vault_id")]
        new_vault_password_file: Option<PathBuf>,
        /// The new vault identity and its password
        #[arg(long, value_name = "ID")]
        new_vault_id: Option<String>,
        #[command(flatten)]
        keys: EncryptionOptions,
    },
}

#[derive(Debug, Args)]
pub struct VaultKeys {
    #[command(flatten)]
    pub vault: VaultOptions,
    /// More output; repeat for still more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Args)]
pub struct EncryptionOptions {
    #[command(flatten)]
    pub keys: VaultKeys,
    /// The identity to encrypt with, where there are several
    #[arg(long, value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
}
