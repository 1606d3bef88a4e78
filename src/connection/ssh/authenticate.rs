//! Proves who the user is: keys from files, keys from the ssh agent, passwords.

use std::path::{Path, PathBuf};

use ssh2::{KeyboardInteractivePrompt, Prompt};

use super::ConnectError;
use super::wire::{Wire, WireError};
use crate::connection::private_key::KeyFile;
use crate::connection::ssh_config::SshConfig;
use crate::connection::{SshSettings, Unreachable, limits};

/// Gives the password to every hidden question.
struct PasswordPrompt<'a> {
    password: &'a str,
    answered: bool,
}

impl KeyboardInteractivePrompt for PasswordPrompt<'_> {
    fn prompt(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt]) -> Vec<String> {
        // A second round asks again because the first answer was wrong; an account must not be locked by repeating it.
        let password = if self.answered { "" } else { self.password };
        self.answered |= !prompts.is_empty();
        prompts.iter().map(|prompt| if prompt.echo { String::new() } else { password.to_owned() }).collect()
    }
}

pub async fn authenticate(
    wire: &mut Wire,
    settings: &SshSettings,
    config: &SshConfig,
    passwords_allowed: bool,
) -> Result<(), ConnectError> {
    let user = config.user.as_str();
    let keys = KeyFile::read_all(config).map_err(Unreachable::ssh)?;
    let (given, usual): (Vec<&KeyFile>, Vec<&KeyFile>) = keys.iter().partition(|key| !is_usual(&key.path));
    let mut methods = None;
    let mut tried_password = false;
    for method in config.authentications() {
        let done = match method {
            // Asking first what the server takes would cost a round trip.
            "publickey" if config.public_keys => {
                // A key that was named for this host is the most likely one; servers count attempts.
                with_files(wire, config, &given).await?
                    || with_agent(wire, config, &keys).await?
                    || with_files(wire, config, &usual).await?
            }
            "password" if config.passwords && passwords_allowed && !tried_password => {
                let Some(password) = &settings.password else { continue };
                if !offers(wire, config, &mut methods, method).await? {
                    continue;
                }
                tried_password = true;
                accepted(wire.call(|session| session.userauth_password(user, password.expose())).await, wire, config)?
            }
            "keyboard-interactive" if config.keyboard_interactive && passwords_allowed && !tried_password => {
                let Some(password) = &settings.password else { continue };
                if !offers(wire, config, &mut methods, method).await? {
                    continue;
                }
                tried_password = true;
                let mut prompt = PasswordPrompt { password: password.expose(), answered: false };
                let call = wire.call(|session| session.userauth_keyboard_interactive(user, &mut prompt)).await;
                accepted(call, wire, config)?
            }
            _ => false,
        };
        if done || wire.session.authenticated() {
            return Ok(());
        }
    }
    offers(wire, config, &mut methods, "").await?;
    if wire.session.authenticated() {
        return Ok(());
    }
    let methods = methods.unwrap_or_default();
    if tried_password {
        let message = "Invalid/incorrect password: Permission denied, please try again.".to_owned();
        return Err(Unreachable { message, transient: false }.into());
    }
    if let Some(reason) = beyond_libssh2(config, &keys, &methods) {
        return Err(ConnectError::Unsupported(reason));
    }
    let mut reason = format!("{user}@{}: Permission denied ({methods}).", config.hostname);
    for key in keys.iter().filter(|key| key.is_encrypted()) {
        reason.push_str(&format!(" The key {} needs a passphrase: add it to ssh-agent.", key.path.display()));
    }
    for key in keys.iter().filter_map(|key| key.refusal.as_ref().map(|why| (key, why))) {
        reason.push_str(&format!(" The key {} is not used: {}.", key.0.path.display(), key.1));
    }
    Err(Unreachable::ssh(reason).into())
}

/// Whether the server takes this method; asked once. A server that asks for nothing lets the user in by the question.
async fn offers(
    wire: &mut Wire,
    config: &SshConfig,
    known: &mut Option<String>,
    method: &str,
) -> Result<bool, ConnectError> {
    if known.is_none() {
        let user = config.user.as_str();
        *known = match wire.call(|session| session.auth_methods(user).map(ToOwned::to_owned)).await {
            Ok(methods) => Some(methods),
            Err(_) if wire.session.authenticated() => Some(String::new()),
            Err(err) => return Err(closed(config, &err)),
        };
    }
    Ok(known.as_deref().unwrap_or_default().split(',').any(|offered| offered == method))
}

/// Whether the server took it; an error when the connection is gone.
fn accepted<T>(result: Result<T, WireError>, wire: &Wire, config: &SshConfig) -> Result<bool, ConnectError> {
    match result {
        Ok(_) => Ok(true),
        Err(WireError::Ssh(err)) if !is_broken(&err) => Ok(false),
        Err(_) if wire.session.authenticated() => Ok(true),
        Err(err) => Err(closed(config, &err)),
    }
}

fn is_broken(err: &ssh2::Error) -> bool {
    matches!(err.code(), ssh2::ErrorCode::Session(-1 | -4 | -7 | -12 | -13 | -14 | -38 | -43))
}

fn closed(config: &SshConfig, err: &WireError) -> ConnectError {
    let (host, port) = (&config.hostname, config.port);
    Unreachable::ssh(format!("Connection closed by {host} port {port} ({err})")).transient().into()
}

async fn with_files(wire: &mut Wire, config: &SshConfig, keys: &[&KeyFile]) -> Result<bool, ConnectError> {
    let user = config.user.as_str();
    for key in keys.iter().filter(|key| key.refusal.is_none() && !key.is_encrypted()) {
        let Some(content) = key.text() else { continue };
        let result = wire.call(|session| session.userauth_pubkey_memory(user, None, content, None)).await;
        if accepted(result, wire, config)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tries the keys of the ssh agent; with `IdentitiesOnly` those whose public half lies beside a named file.
async fn with_agent(wire: &mut Wire, config: &SshConfig, keys: &[KeyFile]) -> Result<bool, ConnectError> {
    let Some(socket) = config.identity_agent.clone() else { return Ok(false) };
    let named: Vec<Vec<u8>> = keys.iter().filter_map(|key| key.public.clone()).collect();
    let (user, identities_only) = (config.user.clone(), config.identities_only);
    let session = wire.session.clone();
    // libssh2 waits for the agent, and an agent may wait for its user. The deadline holds outside; here a thread may be left behind.
    let asked = tokio::task::spawn_blocking(move || {
        session.set_blocking(true);
        let result = ask_agent(&session, &socket, &user, &named, identities_only);
        session.set_blocking(false);
        result
    });
    match asked.await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(reason)) => Err(Unreachable::ssh(reason).into()),
        Err(_) => Ok(false),
    }
}

fn ask_agent(
    session: &ssh2::Session,
    socket: &Path,
    user: &str,
    named: &[Vec<u8>],
    identities_only: bool,
) -> Result<bool, String> {
    // libssh2 would not say that there are no descriptors left.
    if let Err(err) = std::os::unix::net::UnixStream::connect(socket) {
        return if limits::is_exhausted(&err) { Err(limits::explain(&err)) } else { Ok(false) };
    }
    let Ok(mut agent) = session.agent() else { return Ok(false) };
    if agent.set_identity_path(socket).is_err() || agent.connect().is_err() || agent.list_identities().is_err() {
        return Ok(false);
    }
    let mut identities = agent.identities().unwrap_or_default();
    identities.sort_by_key(|identity| !named.iter().any(|key| key == identity.blob()));
    let wanted = |identity: &&ssh2::PublicKey| !identities_only || named.iter().any(|key| key == identity.blob());
    Ok(identities.iter().filter(wanted).any(|identity| agent.userauth(user, identity).is_ok()))
}

fn is_usual(file: &Path) -> bool {
    const USUAL: [&str; 7] = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];
    file.file_name().is_some_and(|name| USUAL.iter().any(|usual| name == *usual))
}

/// What OpenSSH's own program has to offer beyond this: security keys, certificates, a Kerberos ticket.
fn beyond_libssh2(config: &SshConfig, keys: &[KeyFile], methods: &str) -> Option<String> {
    for key in keys {
        let mut certificate = key.path.as_os_str().to_owned();
        certificate.push("-cert.pub");
        if Path::new(&certificate).is_file() {
            return Some(format!("the key {} has a certificate", key.path.display()));
        }
        if key.key_type().is_some_and(|kind| kind.starts_with("sk-")) {
            return Some(format!("the key {} is a security key", key.path.display()));
        }
    }
    let ticket = || {
        let uid = rustix::process::getuid().as_raw();
        std::env::var_os("KRB5CCNAME").is_some() || PathBuf::from(format!("/tmp/krb5cc_{uid}")).exists()
    };
    (config.gssapi && methods.contains("gssapi") && ticket()).then(|| "a Kerberos ticket".to_owned())
}
