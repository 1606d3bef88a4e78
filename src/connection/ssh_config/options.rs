//! Every option of ssh_config, and what becomes of it: it is honored in this process, its host is handed to OpenSSH's own program, it
//! is refused by name, or it is about something that does not happen here.

use std::path::PathBuf;
use std::time::Duration;

use super::{AddressFamily, SshConfig, StrictHostKeys, expand_home, split};

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In this process.
    Honored,
    /// It has no meaning here, for this reason.
    Idle(&'static str),
    /// By OpenSSH's program, unless the value is one of these or ssh's default.
    Program(&'static [&'static str]),
    /// Unless the value is this.
    Refused(&'static str),
}

use Fate::{Honored, Idle, Program, Refused};

const FORWARDING: Fate = Idle("it is about forwardings, which are ssh's");
const CANONICAL: Fate = Idle("`ssh -G` has applied it");
const TERMINAL: Fate = Idle("it is about what a person types or sees");
const SHARING: Fate = Idle("one connection serves all tasks anyway");
const KERBEROS: Fate = Idle("GSSAPI is done by ssh");

/// In alphabetical order, as ssh_config(5) of OpenSSH 10 has them. What is not here is handed to ssh unless it is ssh's default.
pub const OPTIONS: &[(&str, Fate)] = &[
    ("addkeystoagent", Idle("no key is decrypted here")),
    ("addressfamily", Honored),
    ("batchmode", Idle("nobody is asked anything")),
    ("bindaddress", Program(&["none"])),
    ("bindinterface", Program(&["none"])),
    ("canonicaldomains", CANONICAL),
    ("canonicalizefallbacklocal", CANONICAL),
    ("canonicalizehostname", CANONICAL),
    ("canonicalizemaxdots", CANONICAL),
    ("canonicalizepermittedcnames", CANONICAL),
    ("casignaturealgorithms", Idle("host certificates are checked by ssh")),
    ("certificatefile", Program(&["none"])),
    ("channeltimeout", Program(&["none"])),
    ("checkhostip", Program(&["no", "false"])),
    ("ciphers", Honored),
    ("clearallforwardings", FORWARDING),
    ("compression", Honored),
    ("connectionattempts", Honored),
    ("connecttimeout", Honored),
    ("controlmaster", SHARING),
    ("controlpath", SHARING),
    ("controlpersist", SHARING),
    ("dynamicforward", Program(&[])),
    ("enableescapecommandline", TERMINAL),
    ("enablesshkeysign", Idle("host-based logins are ssh's")),
    ("escapechar", TERMINAL),
    ("exitonforwardfailure", FORWARDING),
    ("fingerprinthash", Idle("fingerprints are shown as SHA256")),
    ("forkafterauthentication", Refused("no")),
    ("forwardagent", Program(&["no"])),
    ("forwardx11", Program(&["no"])),
    ("forwardx11timeout", FORWARDING),
    ("forwardx11trusted", FORWARDING),
    ("gatewayports", FORWARDING),
    ("globalknownhostsfile", Honored),
    ("gssapiauthentication", Honored),
    ("gssapiclientidentity", KERBEROS),
    ("gssapidelegatecredentials", KERBEROS),
    ("gssapikexalgorithms", KERBEROS),
    ("gssapikeyexchange", Program(&["no"])),
    ("gssapirenewalforcesrekey", KERBEROS),
    ("gssapiserveridentity", KERBEROS),
    ("gssapitrustdns", KERBEROS),
    ("hashknownhosts", Honored),
    ("host", Idle("it is the question")),
    ("hostbasedacceptedalgorithms", Idle("host-based logins are ssh's")),
    ("hostbasedauthentication", Program(&["no"])),
    ("hostkeyalgorithms", Honored),
    ("hostkeyalias", Honored),
    ("hostname", Honored),
    ("identitiesonly", Honored),
    ("identityagent", Honored),
    ("identityfile", Honored),
    ("ignoreunknown", Idle("`ssh -G` has applied it")),
    ("ipqos", Program(&[])),
    ("kbdinteractiveauthentication", Honored),
    ("kbdinteractivedevices", Program(&["none"])),
    ("kexalgorithms", Honored),
    ("knownhostscommand", Program(&["none"])),
    ("localcommand", Program(&["none"])),
    ("localforward", Program(&[])),
    ("loglevel", TERMINAL),
    ("logverbose", TERMINAL),
    ("macs", Honored),
    ("nohostauthenticationforlocalhost", Program(&["no"])),
    ("numberofpasswordprompts", Idle("a password is tried once")),
    ("obscurekeystroketiming", TERMINAL),
    ("passwordauthentication", Honored),
    ("permitlocalcommand", Idle("LocalCommand is ssh's")),
    ("permitremoteopen", FORWARDING),
    ("pkcs11provider", Program(&["none"])),
    ("port", Honored),
    ("preferredauthentications", Honored),
    ("proxycommand", Program(&["none"])),
    ("proxyjump", Program(&["none"])),
    ("proxyusefdpass", Idle("proxies are ssh's")),
    ("pubkeyacceptedalgorithms", Honored),
    ("pubkeyauthentication", Honored),
    ("refuseconnection", Program(&["none"])),
    ("rekeylimit", Program(&["0 0", "default none"])),
    ("remotecommand", Refused("none")),
    ("remoteforward", Program(&[])),
    ("requesttty", Idle("a command gets a terminal when it needs one")),
    ("requiredrsasize", Honored),
    ("revokedhostkeys", Program(&["none"])),
    ("securitykeyprovider", Idle("security keys are ssh's")),
    ("sendenv", Honored),
    ("serveralivecountmax", Honored),
    ("serveraliveinterval", Honored),
    ("sessiontype", Refused("default")),
    ("setenv", Honored),
    ("stdinnull", Refused("no")),
    ("streamlocalbindmask", FORWARDING),
    ("streamlocalbindunlink", FORWARDING),
    ("stricthostkeychecking", Honored),
    ("syslogfacility", TERMINAL),
    ("tag", Idle("`ssh -G` has applied it")),
    ("tcpkeepalive", Honored),
    ("tunnel", Program(&["no", "false"])),
    ("tunneldevice", FORWARDING),
    ("updatehostkeys", Idle("keys are learned when a host is met for the first time")),
    ("user", Honored),
    ("userknownhostsfile", Honored),
    ("verifyhostkeydns", Program(&["no", "false"])),
    ("versionaddendum", Program(&["none"])),
    ("visualhostkey", TERMINAL),
    ("warnweakcrypto", TERMINAL),
    ("xauthlocation", FORWARDING),
];

/// None for an option that OpenSSH has got since.
pub fn fate(name: &str) -> Option<Fate> {
    OPTIONS.iter().find(|(known, _)| *known == name).map(|(_, fate)| *fate)
}

/// Options whose values are lists of algorithms: ssh writes out what `+`, `-`, `^` and patterns mean.
pub const ALGORITHMS: [&str; 5] = ["ciphers", "hostkeyalgorithms", "kexalgorithms", "macs", "pubkeyacceptedalgorithms"];

/// Collects options, the last step before they count.
pub struct Collector {
    config: SshConfig,
    interval: u64,
    count: u32,
    agent: String,
    user_files: Option<Vec<PathBuf>>,
    global_files: Option<Vec<PathBuf>>,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            config: SshConfig::default(),
            interval: 0,
            count: 3,
            agent: "SSH_AUTH_SOCK".to_owned(),
            user_files: None,
            global_files: None,
        }
    }
}

fn yes(value: &str) -> bool {
    matches!(value, "yes" | "true")
}

/// Seconds, or as ssh writes times: `1h30m`.
pub fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut number) = (0_u64, None::<u64>);
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match char.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    total.checked_add(number.unwrap_or(0)).filter(|_| !text.is_empty())
}

impl Collector {
    /// Takes an honored option. Names are in lower case; the value is as it was written.
    pub fn take(&mut self, name: &str, value: &str) {
        let config = &mut self.config;
        let files = |value: &str| -> Vec<PathBuf> {
            split(value).iter().filter(|file| *file != "none").map(|file| expand_home(file)).collect()
        };
        let names = |value: &str| -> Vec<String> { value.split(',').map(str::to_owned).collect() };
        match name {
            "hostname" => config.hostname = value.to_owned(),
            "port" => config.port = value.parse().unwrap_or(22),
            "user" => config.user = value.to_owned(),
            "identityfile" if value == "none" => {}
            "identityfile" => config.identity_files.push(expand_home(value)),
            "identitiesonly" => config.identities_only = yes(value),
            "identityagent" => self.agent = value.to_owned(),
            "userknownhostsfile" => self.user_files = Some(files(value)),
            "globalknownhostsfile" => self.global_files = Some(files(value)),
            "stricthostkeychecking" => {
                config.strict_host_keys = match value {
                    "accept-new" => StrictHostKeys::AcceptNew,
                    "no" | "off" | "false" => StrictHostKeys::Off,
                    _ => StrictHostKeys::Refuse,
                }
            }
            "hostkeyalias" => config.host_key_alias = Some(value.to_owned()).filter(|value| value != "none"),
            "hashknownhosts" => config.hash_known_hosts = yes(value),
            "requiredrsasize" => config.required_rsa_size = value.parse().unwrap_or(1024),
            "pubkeyauthentication" => config.public_keys = value != "no" && value != "false",
            "passwordauthentication" => config.passwords = yes(value),
            "kbdinteractiveauthentication" => config.keyboard_interactive = yes(value),
            "gssapiauthentication" => config.gssapi = yes(value),
            "preferredauthentications" => config.preferred_authentications = Some(names(value)),
            "pubkeyacceptedalgorithms" => config.accepted_keys = Some(names(value)),
            "compression" => config.compression = yes(value),
            "tcpkeepalive" => config.tcp_keepalive = yes(value),
            "serveraliveinterval" => self.interval = seconds(value).unwrap_or(0),
            "serveralivecountmax" => self.count = value.parse().unwrap_or(3),
            "addressfamily" => {
                config.address_family = match value {
                    "inet" => AddressFamily::Inet,
                    "inet6" => AddressFamily::Inet6,
                    _ => AddressFamily::Any,
                }
            }
            "connecttimeout" => {
                config.connect_timeout = seconds(value).filter(|time| *time > 0).map(Duration::from_secs);
            }
            "connectionattempts" => config.connection_attempts = value.parse().unwrap_or(1),
            "ciphers" => config.ciphers = Some(value.to_owned()),
            "macs" => config.macs = Some(value.to_owned()),
            "kexalgorithms" => config.key_exchanges = Some(value.to_owned()),
            "hostkeyalgorithms" => config.host_key_algorithms = Some(value.to_owned()),
            "sendenv" => config.send_env.extend(split(value)),
            "setenv" => {
                let pairs = split(value);
                let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                config.set_env.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            _ => {}
        }
    }

    /// Notes that `ssh` may find a connection to share.
    pub fn shares_connection(&mut self) {
        self.config.shares_connection = true;
    }

    /// Notes an option that only ssh honors.
    pub fn hand_over(&mut self, name: &str, value: &str) {
        self.config.for_program.push(format!("{name} {value}").trim().to_owned());
    }

    pub fn refuse(&mut self, name: &str, value: &str) {
        self.config.refused.get_or_insert(format!(
            "the ssh option `{name} {value}` is set for this host, and no command can be run on a host with it"
        ));
    }

    pub fn finish(mut self) -> SshConfig {
        if self.interval > 0 && self.count > 0 {
            self.config.server_alive = Some((self.interval, self.count));
        }
        let listed = self.user_files.into_iter().chain(self.global_files).flatten();
        self.config.known_hosts_files = listed.collect();
        self.config.identity_agent = if self.agent == "none" { None } else { super::agent_socket(&self.agent) };
        self.config
    }
}
