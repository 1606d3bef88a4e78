//! Whether the host is the one that the user knows, as OpenSSH decides it.

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ssh2::Session;

use crate::connection::Unreachable;
use crate::connection::known_hosts::{self, KnownHosts, Verdict};
use crate::connection::ssh_config::{SshConfig, StrictHostKeys};

/// True when the key has changed and the user's configuration lets that pass.
pub fn check(session: &Session, config: &SshConfig, known: &KnownHosts, name: &str) -> Result<bool, Unreachable> {
    let (key, _) = session.host_key().ok_or_else(|| Unreachable::ssh("the host has no key"))?;
    if let Some(bits) = known_hosts::rsa_bits(key).filter(|bits| *bits < config.required_rsa_size) {
        return Err(Unreachable::ssh(format!(
            "Bad server host key: Invalid key length\r\nThe RSA key of {name} has {bits} bits, and RequiredRSASize is {}.",
            config.required_rsa_size
        )));
    }
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
fn changed_text(session: &Session, key: &[u8], config: &SshConfig, file: &Path, line: usize) -> String {
    let bar = "@".repeat(59);
    let kind = spoken_type(key);
    let mut fingerprint = String::new();
    if let Some(hash) = session.host_key_hash(ssh2::HashType::Sha256) {
        let _ = write!(fingerprint, "SHA256:{}", STANDARD_NO_PAD.encode(hash));
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
