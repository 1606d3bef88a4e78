//! One attempt to connect, under one deadline: socket, version, key exchange, the host's key, then the user.

use std::time::Duration;

use ssh2::{ErrorCode, MethodType, Session};

use super::wire::{Wire, WireError};
use super::{ConnectError, authenticate, dial, host_key};
use crate::connection::known_hosts::KnownHosts;
use crate::connection::ssh_config::SshConfig;
use crate::connection::{SshSettings, Unreachable, limits};

const NO_KEY_EXCHANGE: [i32; 2] = [-5, -8];
/// What a server may send before the user is logged in; an ordinary one sends a few kilobytes.
const MOST_BEFORE_LOGIN: u64 = 1 << 20;
const RATION: usize = 64 * 1024;

/// How far an attempt has come.
#[derive(Clone, Copy)]
enum Stage {
    Dial,
    Version,
    KeyExchange,
    Login,
}

pub async fn connect(settings: &SshSettings, config: &SshConfig) -> Result<Wire, ConnectError> {
    let mut stage = Stage::Dial;
    let limit = config.connect_timeout.unwrap_or(settings.timeout).max(Duration::from_millis(1));
    match tokio::time::timeout(limit, attempt(settings, config, &mut stage)).await {
        Ok(result) => result,
        Err(_) => Err(timed_out(stage, config, limit).transient().into()),
    }
}

fn timed_out(stage: Stage, config: &SshConfig, limit: Duration) -> Unreachable {
    let (host, port, limit) = (&config.hostname, config.port, limit.as_secs());
    Unreachable::ssh(match stage {
        Stage::Dial => format!("ssh: connect to host {host} port {port}: Connection timed out"),
        Stage::Version => {
            format!("Connection timed out during banner exchange\r\nConnection to {host} port {port} timed out")
        }
        Stage::KeyExchange => format!("Connection to {host} port {port} timed out during the key exchange ({limit}s)"),
        Stage::Login => format!(
            "Connection to {host} port {port} timed out while logging in ({limit}s; the setting `timeout` gives it longer)"
        ),
    })
}

async fn attempt(settings: &SshSettings, config: &SshConfig, stage: &mut Stage) -> Result<Wire, ConnectError> {
    let stream = dial::dial(config).await?;
    *stage = Stage::Version;
    let session = Session::new().map_err(Unreachable::ssh)?;
    session.set_compress(config.compression);
    let broken = |err: std::io::Error| Unreachable::ssh(limits::explain(&err));
    let mut wire = Wire::new(session, stream).map_err(broken)?;
    let name = config.known_as();
    let known = KnownHosts::read(&config.known_hosts_files, &name, config.known_without_port().as_deref())
        .map_err(Unreachable::ssh)?;
    if known.has_authority() {
        return Err(ConnectError::Unsupported("its host key is vouched for by an authority (@cert-authority)".into()));
    }
    prefer(&wire.session, config, &known)?;
    // Sends our version; nothing is received before the server's greeting has been looked at.
    let greeted = wire.attempt(0, Session::handshake);
    greeted.map_err(|err| handshake_error(&err, config))?;
    dial::skip_greeting(&mut wire).await.map_err(|reason| refused(config, &reason))?;
    *stage = Stage::KeyExchange;
    exchange_keys(&mut wire, config).await?;
    let changed = host_key::check(&wire.session, config, &known, &name)?;
    *stage = Stage::Login;
    authenticate::authenticate(&mut wire, settings, config, !changed).await?;
    if let Some((interval, count)) = config.server_alive {
        wire.keep_alive(interval, count);
    }
    Ok(wire)
}

async fn exchange_keys(wire: &mut Wire, config: &SshConfig) -> Result<(), ConnectError> {
    loop {
        match wire.attempt(RATION, Session::handshake) {
            Ok(Some(())) => return Ok(()),
            Ok(None) => {}
            Err(err) => return Err(handshake_error(&err, config)),
        }
        if wire.received > MOST_BEFORE_LOGIN {
            return Err(refused(config, "the host sends without end").into());
        }
        wire.ready().await.map_err(|err| handshake_error(&err, config))?;
    }
}

/// Tells libssh2 the user's algorithms. What it doesn't know of them it leaves out; when nothing is left, only ssh can connect.
fn prefer(session: &Session, config: &SshConfig, known: &KnownHosts) -> Result<(), ConnectError> {
    let set = |kind, option: &str, names: &str| {
        session.method_pref(kind, names).map_err(|_| ConnectError::Unsupported(format!("{option} {names}")))
    };
    if let Some(names) = &config.key_exchanges {
        set(MethodType::Kex, "KexAlgorithms", names)?;
    }
    let ciphers = match &config.ciphers {
        Some(ciphers) => ciphers.as_str(),
        None => fast_ciphers(),
    };
    set(MethodType::CryptCs, "Ciphers", ciphers)?;
    set(MethodType::CryptSc, "Ciphers", ciphers)?;
    if let Some(names) = &config.macs {
        set(MethodType::MacCs, "MACs", names)?;
        set(MethodType::MacSc, "MACs", names)?;
    }
    set(MethodType::HostKey, "HostKeyAlgorithms", &host_key_algorithms(config, known))
}

/// Key types by which the host is known come first: another key of the same host would look like a changed one. What the user
/// does not allow is never asked for, whatever stands in known_hosts.
fn host_key_algorithms(config: &SshConfig, known: &KnownHosts) -> String {
    const USUAL: &str =
        "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
    let allowed: Vec<&str> = config.host_key_algorithms.as_deref().unwrap_or(USUAL).split(',').collect();
    let is_known = |algorithm: &str| {
        let key_type = if algorithm.starts_with("rsa-sha2-") { "ssh-rsa" } else { algorithm };
        known.key_types().any(|known| known == key_type)
    };
    let (mut first, rest): (Vec<&str>, Vec<&str>) = allowed.into_iter().partition(|algorithm| is_known(algorithm));
    first.extend(rest);
    first.join(",")
}

/// AES in the processor is several times as fast as libssh2's ChaCha20; without it, it is the other way round.
fn fast_ciphers() -> &'static str {
    const WITH_AES: &str =
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,chacha20-poly1305@openssh.com";
    const WITHOUT: &str =
        "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr";
    #[cfg(target_arch = "x86_64")]
    let has_aes = std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    let has_aes = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let has_aes = false;
    if has_aes { WITH_AES } else { WITHOUT }
}

fn refused(config: &SshConfig, reason: &str) -> Unreachable {
    let (host, port) = (&config.hostname, config.port);
    Unreachable::ssh(format!("Connection closed by {host} port {port} ({reason})")).transient()
}

fn handshake_error(err: &WireError, config: &SshConfig) -> ConnectError {
    match err {
        WireError::Ssh(ssh) if matches!(ssh.code(), ErrorCode::Session(code) if NO_KEY_EXCHANGE.contains(&code)) => {
            ConnectError::Unsupported(format!("no algorithm in common ({})", super::wire::reason(ssh)))
        }
        err => refused(config, &err.to_string()).into(),
    }
}
