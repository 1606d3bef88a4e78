//! What OpenSSH's configuration says about a host, so that it means here what it means to `ssh`. Plain files are read in this
//! process; where they need more than that, `ssh -G` is asked.

mod ask;
mod files;
pub mod options;

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::{SshSettings, Unreachable, known_hosts};
use crate::account;
pub use ask::parse_output;
pub use files::evaluate;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrictHostKeys {
    /// `yes`, and `ask`, as nobody is there to be asked.
    #[default]
    Refuse,
    AcceptNew,
    Off,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressFamily {
    #[default]
    Any,
    Inet,
    Inet6,
}

/// The settings that count for one host. Lists of algorithms are none where the user leaves them to the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshConfig {
    pub hostname: String,
    pub port: u16,
    pub user: String,
    pub identity_files: Vec<PathBuf>,
    pub identities_only: bool,
    /// Socket of the ssh agent; none when it must not be used or isn't there.
    pub identity_agent: Option<PathBuf>,
    pub known_hosts_files: Vec<PathBuf>,
    pub strict_host_keys: StrictHostKeys,
    pub host_key_alias: Option<String>,
    pub hash_known_hosts: bool,
    /// Bits of the shortest RSA key that is accepted, on both sides.
    pub required_rsa_size: u32,
    pub public_keys: bool,
    pub passwords: bool,
    pub keyboard_interactive: bool,
    pub gssapi: bool,
    pub preferred_authentications: Option<Vec<String>>,
    pub accepted_keys: Option<Vec<String>>,
    pub compression: bool,
    pub tcp_keepalive: bool,
    /// `ServerAliveInterval` in seconds and `ServerAliveCountMax`.
    pub server_alive: Option<(u64, u32)>,
    pub address_family: AddressFamily,
    pub connect_timeout: Option<Duration>,
    pub connection_attempts: u32,
    pub ciphers: Option<String>,
    pub macs: Option<String>,
    pub key_exchanges: Option<String>,
    pub host_key_algorithms: Option<String>,
    /// Patterns of `SendEnv`, and what `SetEnv` says.
    pub send_env: Vec<String>,
    pub set_env: Vec<(String, String)>,
    /// `ssh` may use a connection that another `ssh` has made (`ControlPath`).
    pub shares_connection: bool,
    /// Options, with their values, that only OpenSSH's own program can honor.
    pub for_program: Vec<String>,
    /// An option under which no host can be managed, and why.
    pub refused: Option<String>,
}

impl Default for SshConfig {
    /// What ssh does without any configuration.
    fn default() -> Self {
        Self {
            hostname: String::new(),
            port: 22,
            user: String::new(),
            identity_files: Vec::new(),
            identities_only: false,
            identity_agent: None,
            known_hosts_files: Vec::new(),
            strict_host_keys: StrictHostKeys::Refuse,
            host_key_alias: None,
            hash_known_hosts: false,
            required_rsa_size: 1024,
            public_keys: true,
            passwords: true,
            keyboard_interactive: true,
            gssapi: false,
            preferred_authentications: None,
            accepted_keys: None,
            compression: false,
            tcp_keepalive: true,
            server_alive: None,
            address_family: AddressFamily::Any,
            connect_timeout: None,
            connection_attempts: 1,
            ciphers: None,
            macs: None,
            key_exchanges: None,
            host_key_algorithms: None,
            send_env: Vec::new(),
            set_env: Vec::new(),
            shares_connection: false,
            for_program: Vec::new(),
            refused: None,
        }
    }
}

impl SshConfig {
    pub fn needs_ssh_program(&self) -> bool {
        !self.for_program.is_empty()
    }

    /// The name under which the host's keys are listed.
    pub fn known_as(&self) -> String {
        self.host_key_alias.clone().unwrap_or_else(|| known_hosts::entry_name(&self.hostname, self.port))
    }

    /// The host's name alone, by which a host on another port may be known, too.
    pub fn known_without_port(&self) -> Option<String> {
        (self.host_key_alias.is_none() && self.port != 22).then(|| self.hostname.to_lowercase())
    }

    /// Ways to log in, in the order in which they are tried.
    pub fn authentications(&self) -> Vec<&str> {
        match &self.preferred_authentications {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => vec!["publickey", "password", "keyboard-interactive"],
        }
    }

    /// Why the user's configuration does not let a key of this type be used.
    pub fn refuses_key(&self, key_type: &str) -> Option<String> {
        let accepted = self.accepted_keys.as_ref()?;
        let signs = |algorithm: &String| {
            algorithm == key_type
                || (key_type == "ssh-rsa" && algorithm.starts_with("rsa-sha2-") && !algorithm.contains("cert"))
        };
        (!accepted.iter().any(signs)).then(|| format!("PubkeyAcceptedAlgorithms does not name {key_type}"))
    }

    /// Variables that a session on the host gets.
    pub fn sent_environment(&self) -> Vec<(String, String)> {
        let mut sent = self.set_env.clone();
        if self.send_env.is_empty() {
            return sent;
        }
        for (name, value) in env::vars() {
            let wanted = self.send_env.iter().any(|pattern| known_hosts::wildcard(pattern.as_bytes(), name.as_bytes()));
            if wanted && !sent.iter().any(|(known, _)| *known == name) {
                sent.push((name, value));
            }
        }
        sent
    }
}

/// The options for `ssh` that follow from our settings, in Ansible's order: ssh takes the first it meets.
pub fn arguments(settings: &SshSettings) -> Vec<String> {
    let mut arguments = split(settings.ssh_args.as_deref().unwrap_or_default());
    let mut option = |text: String| arguments.extend(["-o".to_owned(), text]);
    if !settings.host_key_checking {
        option("StrictHostKeyChecking=no".into());
    }
    if let Some(port) = settings.port {
        option(format!("Port={port}"));
    }
    if let Some(file) = &settings.private_key_file {
        option(format!("IdentityFile=\"{}\"", expand_home(&file.to_string_lossy()).display()));
    }
    if settings.password.is_none() {
        option("KbdInteractiveAuthentication=no".into());
        option("PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey".into());
        option("PasswordAuthentication=no".into());
    }
    if let Some(user) = &settings.user {
        option(format!("User=\"{user}\""));
    }
    option(format!("ConnectTimeout={}", settings.timeout.as_secs().max(1)));
    arguments.extend(split(&settings.common_args));
    arguments.extend(split(&settings.extra_args));
    arguments
}

/// Words of a command line, with shell quoting.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    let mut quote = None;
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (char, Some(open)) if char == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, None) if char.is_whitespace() => words.extend(word.take()),
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// One question to the configuration: program, options, host.
type Question = (String, Vec<String>, String);
type Answer = Arc<OnceCell<Result<Arc<SshConfig>, String>>>;
static ANSWERS: LazyLock<Mutex<HashMap<Question, Answer>>> = LazyLock::new(Mutex::default);

/// What applies to this host; asked once per host and set of options.
pub async fn effective(settings: &SshSettings) -> Result<Arc<SshConfig>, Unreachable> {
    let arguments = arguments(settings);
    // A wrapper may add options of its own.
    if matches!(settings.ssh_executable.as_str(), "ssh" | "/usr/bin/ssh")
        && let Some(config) = files::read(&arguments, &settings.host)
    {
        return Ok(Arc::new(config));
    }
    let question = (settings.ssh_executable.clone(), arguments, settings.host.clone());
    let answer =
        Arc::clone(ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).entry(question.clone()).or_default());
    let config = answer.get_or_init(|| ask::ask(&question.0, &question.1, &question.2)).await.clone();
    if config.is_err() {
        // The next task may find that it is mended.
        ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&question);
    }
    let config = config.map_err(Unreachable::ssh)?;
    match &config.refused {
        Some(refused) => Err(Unreachable::ssh(refused)),
        None => Ok(config),
    }
}

fn agent_socket(setting: &str) -> Option<PathBuf> {
    let socket = match setting {
        "SSH_AUTH_SOCK" => env::var_os("SSH_AUTH_SOCK")?.into(),
        variable if variable.starts_with('$') => env::var_os(variable.trim_start_matches('$'))?.into(),
        path => expand_home(path),
    };
    socket.exists().then_some(socket)
}

fn expand_home(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => home().join(rest),
        None => PathBuf::from(path),
    }
}

/// The home that OpenSSH uses: the account's, whatever the environment says.
fn home() -> PathBuf {
    let account = account::own().map(|account| account.home);
    account.or_else(|| env::var_os("HOME").map(PathBuf::from)).unwrap_or_else(|| Path::new("/").to_owned())
}

fn user_name() -> String {
    account::own().map(|account| account.name).or_else(|| env::var("USER").ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
