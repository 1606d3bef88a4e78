//! The settings that `ssh` itself would use for a host, asked of `ssh -G` so that ~/.ssh/config means what it means to ssh.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::process::Command;

use super::{SshSettings, Unreachable};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrictHostKeys {
    /// `yes`, and `ask`, as nobody is there to be asked.
    #[default]
    Refuse,
    AcceptNew,
    Off,
}

#[derive(Clone, Debug, Default)]
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
    pub public_keys: bool,
    pub passwords: bool,
    pub keyboard_interactive: bool,
    pub gssapi: bool,
    pub compression: bool,
    pub tcp_keepalive: bool,
    pub server_alive: Option<(u64, u64)>,
    pub address_family: AddressFamily,
    pub ciphers: Option<String>,
    pub macs: Option<String>,
    pub key_exchanges: Option<String>,
    pub host_key_algorithms: Option<String>,
    /// Names of settings that only OpenSSH's own program can honor.
    pub beyond_libssh2: Vec<&'static str>,
    /// False when OpenSSH is not installed and these are the defaults.
    pub from_ssh_program: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressFamily {
    #[default]
    Any,
    Inet,
    Inet6,
}

impl SshConfig {
    pub fn needs_ssh_program(&self) -> bool {
        !self.beyond_libssh2.is_empty()
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

type Cache = Mutex<HashMap<(String, Vec<String>), Arc<SshConfig>>>;
static CACHE: LazyLock<Cache> = LazyLock::new(Mutex::default);

/// What applies to this host; asked once per host and set of options.
pub async fn effective(settings: &SshSettings) -> Result<Arc<SshConfig>, Unreachable> {
    let arguments = arguments(settings);
    let key = (format!("{} {}", settings.ssh_executable, settings.host), arguments.clone());
    if let Some(known) = CACHE.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(known));
    }
    let mut command = Command::new(&settings.ssh_executable);
    command.args(&arguments).arg("-G").arg("--").arg(&settings.host);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let config = match command.output().await {
        Ok(output) if output.status.success() => parse(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => return Err(Unreachable::ssh(String::from_utf8_lossy(&output.stderr).trim())),
        Err(err)
            if settings.common_args.is_empty() && settings.extra_args.is_empty() && settings.ssh_args.is_none() =>
        {
            let _ = err;
            defaults(settings)
        }
        Err(err) => {
            let program = &settings.ssh_executable;
            return Err(Unreachable::ssh(format!("options for ssh are given, but `{program}` does not start: {err}")));
        }
    };
    let config = Arc::new(config);
    CACHE.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&config));
    Ok(config)
}

/// Without OpenSSH there is no configuration but ours.
fn defaults(settings: &SshSettings) -> SshConfig {
    let own_key = settings.private_key_file.iter().map(|file| expand_home(&file.to_string_lossy()));
    let usual = ["id_rsa", "id_ecdsa", "id_ed25519"].map(|name| home().join(".ssh").join(name));
    SshConfig {
        hostname: settings.host.clone(),
        port: settings.port.unwrap_or(22),
        user: settings.user.clone().unwrap_or_else(user_name),
        identity_files: own_key.chain(usual).collect(),
        identity_agent: agent_socket("SSH_AUTH_SOCK"),
        known_hosts_files: vec![home().join(".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts".into()],
        strict_host_keys: if settings.host_key_checking { StrictHostKeys::Refuse } else { StrictHostKeys::Off },
        public_keys: true,
        passwords: true,
        keyboard_interactive: true,
        tcp_keepalive: true,
        ..SshConfig::default()
    }
}

fn parse(text: &str) -> SshConfig {
    let mut config = SshConfig { from_ssh_program: true, port: 22, ..SshConfig::default() };
    let (mut interval, mut count) = (0, 3);
    let mut agent = "SSH_AUTH_SOCK".to_owned();
    for line in text.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let yes = matches!(value, "yes" | "true");
        match name.to_lowercase().as_str() {
            "hostname" => config.hostname = value.to_owned(),
            "port" => config.port = value.parse().unwrap_or(22),
            "user" => config.user = value.to_owned(),
            "identityfile" => config.identity_files.push(expand_home(value)),
            "identitiesonly" => config.identities_only = yes,
            "identityagent" => agent = value.to_owned(),
            "userknownhostsfile" => {
                let files = split(value).into_iter().filter(|file| file != "none").map(|file| expand_home(&file));
                config.known_hosts_files.splice(0..0, files);
            }
            "globalknownhostsfile" => {
                config.known_hosts_files.extend(split(value).iter().map(|file| expand_home(file)));
            }
            "stricthostkeychecking" => {
                config.strict_host_keys = match value {
                    "accept-new" => StrictHostKeys::AcceptNew,
                    "no" | "off" | "false" => StrictHostKeys::Off,
                    _ => StrictHostKeys::Refuse,
                }
            }
            "hostkeyalias" => config.host_key_alias = Some(value.to_owned()),
            "hashknownhosts" => config.hash_known_hosts = yes,
            "pubkeyauthentication" => config.public_keys = value != "no" && value != "false",
            "passwordauthentication" => config.passwords = yes,
            "kbdinteractiveauthentication" => config.keyboard_interactive = yes,
            "gssapiauthentication" => config.gssapi = yes,
            "compression" => config.compression = yes,
            "tcpkeepalive" => config.tcp_keepalive = yes,
            "serveraliveinterval" => interval = value.parse().unwrap_or(0),
            "serveralivecountmax" => count = value.parse().unwrap_or(3),
            "addressfamily" => {
                config.address_family = match value {
                    "inet" => AddressFamily::Inet,
                    "inet6" => AddressFamily::Inet6,
                    _ => AddressFamily::Any,
                }
            }
            "ciphers" => config.ciphers = Some(value.to_owned()),
            "macs" => config.macs = Some(value.to_owned()),
            "kexalgorithms" => config.key_exchanges = Some(value.to_owned()),
            "hostkeyalgorithms" => config.host_key_algorithms = Some(value.to_owned()),
            _ => config.beyond_libssh2.extend(beyond_libssh2(&name.to_lowercase(), value)),
        }
    }
    if interval > 0 {
        config.server_alive = Some((interval, count));
    }
    config.identity_agent = if agent == "none" { None } else { agent_socket(&agent) };
    config
}

/// The setting, when it asks for something that libssh2 has not got.
fn beyond_libssh2(name: &str, value: &str) -> Option<&'static str> {
    const NEEDED: &[(&str, &str)] = &[
        ("proxycommand", "none"),
        ("proxyjump", "none"),
        ("certificatefile", "none"),
        ("pkcs11provider", "none"),
        ("knownhostscommand", "none"),
        ("verifyhostkeydns", "false"),
        ("forwardagent", "no"),
        ("forwardx11", "no"),
        ("bindaddress", "none"),
        ("bindinterface", "none"),
        ("localforward", ""),
        ("remoteforward", ""),
        ("dynamicforward", ""),
        ("tunnel", "false"),
        ("setenv", ""),
        ("localcommand", "none"),
        ("remotecommand", "none"),
    ];
    NEEDED.iter().find(|(needed, harmless)| *needed == name && value != *harmless).map(|(needed, _)| *needed)
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
    let account = account(5).map(PathBuf::from);
    account.or_else(|| env::var_os("HOME").map(PathBuf::from)).unwrap_or_else(|| Path::new("/").to_owned())
}

fn user_name() -> String {
    account(0).or_else(|| env::var("USER").ok()).unwrap_or_default()
}

fn account(field: usize) -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = lines.find(|fields| fields.get(2).is_some_and(|field| *field == uid))?;
    own.get(field).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            split(r#" -o "Proxy Command=a b"  -p 22 'x y'\ z "" "#),
            ["-o", "Proxy Command=a b", "-p", "22", "x y z", ""]
        );
        assert_eq!(split("  "), Vec::<String>::new());
    }

    #[test]
    fn output_of_ssh_is_understood() {
        let config = parse(
            "host web\nuser deploy\nhostname 10.0.0.1\nport 2222\nstricthostkeychecking accept-new\n\
             identityfile /k/one\nuserknownhostsfile /k/known /k/known2\nglobalknownhostsfile /etc/k\n\
             serveraliveinterval 20\nserveralivecountmax 2\nproxyjump none\nforwardagent no\n",
        );
        assert_eq!((config.hostname.as_str(), config.port, config.user.as_str()), ("10.0.0.1", 2222, "deploy"));
        assert_eq!(config.strict_host_keys, StrictHostKeys::AcceptNew);
        assert_eq!(config.known_hosts_files, ["/k/known", "/k/known2", "/etc/k"].map(PathBuf::from));
        assert_eq!(config.server_alive, Some((20, 2)));
        assert!(!config.needs_ssh_program());
        assert_eq!(parse("proxyjump bastion\n").beyond_libssh2, ["proxyjump"]);
    }
}
