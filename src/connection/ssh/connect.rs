//! From a name to an authenticated session: TCP, key exchange, the host's key, then the user.

use std::fmt::Write;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustix::net::sockopt;
use ssh2::{ErrorCode, MethodType, Session};

use super::{ConnectError, authenticate};
use crate::connection::known_hosts::{self, KnownHosts, Verdict};
use crate::connection::ssh_config::{AddressFamily, SshConfig, StrictHostKeys};
use crate::connection::{SshSettings, Unreachable};

const NO_KEY_EXCHANGE: [i32; 2] = [-5, -8];
const TIMED_OUT: i32 = -9;

pub struct Connected {
    pub session: Session,
    /// The session's own socket, to be waited on.
    pub socket: TcpStream,
}

pub fn connect(settings: &SshSettings, config: &SshConfig) -> Result<Connected, ConnectError> {
    let stream = open_socket(settings, config)?;
    let socket = stream.try_clone().map_err(Unreachable::ssh)?;
    let mut session = Session::new().map_err(Unreachable::ssh)?;
    session.set_timeout(u32::try_from(settings.timeout.as_millis()).unwrap_or(u32::MAX));
    session.set_compress(config.compression);
    session.set_tcp_stream(stream);
    let name = match &config.host_key_alias {
        Some(alias) => alias.clone(),
        None => known_hosts::entry_name(&config.hostname, config.port),
    };
    let known = KnownHosts::read(&config.known_hosts_files, &name);
    if known.has_authority() && config.from_ssh_program {
        return Err(ConnectError::Unsupported);
    }
    prefer(&session, config, &known);
    session.handshake().map_err(|err| handshake_error(&err, config))?;
    let changed = check_host_key(&session, config, &known, &name)?;
    authenticate::authenticate(&session, settings, config, !changed)?;
    session.set_timeout(0);
    Ok(Connected { session, socket })
}

/// Tells libssh2 the user's algorithms. What it doesn't know of them it leaves out.
fn prefer(session: &Session, config: &SshConfig, known: &KnownHosts) {
    let set = |kind, names: &Option<String>| {
        if let Some(names) = names {
            let _ = session.method_pref(kind, names);
        }
    };
    set(MethodType::Kex, &config.key_exchanges);
    set(MethodType::CryptCs, &config.ciphers);
    set(MethodType::CryptSc, &config.ciphers);
    set(MethodType::MacCs, &config.macs);
    set(MethodType::MacSc, &config.macs);
    // A key type by which the host is known comes first: another key of the same host would look like a changed one.
    let mut host_keys: Vec<&str> = Vec::new();
    for known in known.key_types() {
        match known {
            "ssh-rsa" => host_keys.extend(["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]),
            other => host_keys.push(other),
        }
    }
    let usual = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
    host_keys.extend(config.host_key_algorithms.as_deref().unwrap_or(usual).split(','));
    let _ = session.method_pref(MethodType::HostKey, &host_keys.join(","));
}

fn open_socket(settings: &SshSettings, config: &SshConfig) -> Result<TcpStream, Unreachable> {
    let (host, port) = (&config.hostname, config.port);
    let addresses = (host.as_str(), port).to_socket_addrs().map_err(|err| {
        let text = plain(&err);
        let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        Unreachable::ssh(format!("ssh: Could not resolve hostname {host}: {reason}"))
    })?;
    let wanted = |address: &SocketAddr| match config.address_family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    };
    let mut failure = "no address of the wanted family".to_owned();
    for address in addresses.filter(wanted) {
        match TcpStream::connect_timeout(&address, settings.timeout.max(Duration::from_millis(1))) {
            Ok(stream) => {
                tune(&stream, config);
                return Ok(stream);
            }
            Err(err) if err.kind() == io::ErrorKind::TimedOut => failure = "Connection timed out".to_owned(),
            Err(err) => failure = plain(&err),
        }
    }
    Err(Unreachable::ssh(format!("ssh: connect to host {host} port {port}: {failure}")).transient())
}

/// A host that vanishes without a word is noticed by the kernel in half a minute, or as `ServerAliveInterval` says.
fn tune(stream: &TcpStream, config: &SshConfig) {
    let _ = stream.set_nodelay(true);
    if !config.tcp_keepalive && config.server_alive.is_none() {
        return;
    }
    let (interval, count) = config.server_alive.unwrap_or((10, 3));
    let interval = Duration::from_secs(interval);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, interval);
    let _ = sockopt::set_tcp_keepintvl(stream, interval);
    let _ = sockopt::set_tcp_keepcnt(stream, u32::try_from(count).unwrap_or(3).max(1));
    let total = interval.as_millis().saturating_mul(u128::from(count) + 1);
    let _ = sockopt::set_tcp_user_timeout(stream, u32::try_from(total).unwrap_or(u32::MAX));
}

/// An I/O error as the C library words it.
fn plain(err: &io::Error) -> String {
    let text = err.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn handshake_error(err: &ssh2::Error, config: &SshConfig) -> ConnectError {
    let (host, port) = (&config.hostname, config.port);
    match err.code() {
        ErrorCode::Session(code) if NO_KEY_EXCHANGE.contains(&code) && config.from_ssh_program => {
            ConnectError::Unsupported
        }
        ErrorCode::Session(TIMED_OUT) => Unreachable::ssh(format!(
            "Connection timed out during banner exchange\r\nConnection to {host} port {port} timed out"
        ))
        .transient()
        .into(),
        _ => {
            let reason = err.message();
            Unreachable::ssh(format!("Connection closed by {host} port {port} ({reason})")).transient().into()
        }
    }
}

/// True when the key has changed and the user's configuration lets that pass.
fn check_host_key(session: &Session, config: &SshConfig, known: &KnownHosts, name: &str) -> Result<bool, Unreachable> {
    let (key, _) = session.host_key().ok_or_else(|| Unreachable::ssh("the host has no key"))?;
    match (known.check(key), config.strict_host_keys) {
        (Verdict::Known, _) => Ok(false),
        (Verdict::Revoked, _) => Err(Unreachable::ssh(format!(
            "@ WARNING: REVOKED HOST KEY DETECTED! @\r\nThe host key for {name} is marked as revoked.\r\nHost key verification failed."
        ))),
        (Verdict::Unknown, StrictHostKeys::Refuse) => {
            let kind = spoken_type(key);
            Err(Unreachable::ssh(format!(
                "No {kind} host key is known for {name} and you have requested strict checking.\r\nHost key verification failed."
            )))
        }
        (Verdict::Unknown, StrictHostKeys::AcceptNew | StrictHostKeys::Off) => {
            if let Some(file) = config.known_hosts_files.first().filter(|file| **file != *"/dev/null") {
                // As ssh does, an unwritable file is no reason to stop.
                let _ = known_hosts::add(file, name, key, config.hash_known_hosts);
            }
            Ok(false)
        }
        (Verdict::Changed { .. }, StrictHostKeys::Off) => Ok(true),
        (Verdict::Changed { file, line }, _) => Err(Unreachable::ssh(changed_text(session, key, config, &file, line))),
    }
}

/// In the words in which ssh warns.
fn changed_text(session: &Session, key: &[u8], config: &SshConfig, file: &std::path::Path, line: usize) -> String {
    use base64::Engine;
    let bar = "@".repeat(59);
    let kind = spoken_type(key);
    let mut fingerprint = String::new();
    if let Some(hash) = session.host_key_hash(ssh2::HashType::Sha256) {
        let _ = write!(fingerprint, "SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash));
    }
    let (host, file) = (&config.hostname, file.display());
    [
        &bar,
        "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
        &bar,
        "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!",
        "Someone could be eavesdropping on you right now (man-in-the-middle attack)!",
        "It is also possible that a host key has just been changed.",
        &format!("The fingerprint for the {kind} key sent by the remote host is\n{fingerprint}."),
        "Please contact your system administrator.",
        &format!("Add correct host key in {file} to get rid of this message."),
        &format!("Offending key in {file}:{line}"),
        &format!("Host key for {host} has changed and you have requested strict checking."),
        "Host key verification failed.",
    ]
    .join("\r\n")
}

/// The type of a key as ssh speaks of it.
fn spoken_type(key: &[u8]) -> &'static str {
    match known_hosts::key_type(key) {
        Some("ssh-ed25519") => "ED25519",
        Some("ssh-rsa") => "RSA",
        Some(name) if name.starts_with("ecdsa") => "ECDSA",
        _ => "unknown",
    }
}
