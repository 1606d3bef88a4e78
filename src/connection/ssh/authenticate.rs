//! Proves who the user is: keys from files, keys from the ssh agent, passwords.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ssh2::{KeyboardInteractivePrompt, Prompt, Session};

use super::ConnectError;
use crate::connection::ssh_config::SshConfig;
use crate::connection::{SshSettings, Unreachable};

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

pub fn authenticate(
    session: &Session,
    settings: &SshSettings,
    config: &SshConfig,
    passwords_allowed: bool,
) -> Result<(), ConnectError> {
    let user = &config.user;
    let (given, usual): (Vec<&PathBuf>, Vec<&PathBuf>) =
        config.identity_files.iter().filter(|file| file.is_file()).partition(|file| !is_usual(file));
    if config.public_keys {
        let with_file =
            |file: &&PathBuf| !session.authenticated() && session.userauth_pubkey_file(user, None, file, None).is_ok();
        // A key that was named for this host is the most likely one; servers count attempts.
        if given.iter().any(with_file) || with_agent(session, config) || usual.iter().any(with_file) {
            return Ok(());
        }
    }
    let methods = session.auth_methods(user).map(ToOwned::to_owned);
    if session.authenticated() {
        return Ok(());
    }
    let methods = methods.map_err(|err| {
        Unreachable::ssh(format!("Connection closed by {} port {} ({})", config.hostname, config.port, err.message()))
            .transient()
    })?;
    if let Some(password) = settings.password.as_ref().filter(|_| passwords_allowed) {
        let offered = |method: &str| methods.split(',').any(|offered| offered == method);
        let mut tried = false;
        if config.passwords && offered("password") {
            tried = true;
            if session.userauth_password(user, password.expose()).is_ok() {
                return Ok(());
            }
        }
        if config.keyboard_interactive && offered("keyboard-interactive") && !tried {
            tried = true;
            let mut prompt = PasswordPrompt { password: password.expose(), answered: false };
            if session.userauth_keyboard_interactive(user, &mut prompt).is_ok() && session.authenticated() {
                return Ok(());
            }
        }
        if tried {
            let message = "Invalid/incorrect password: Permission denied, please try again.".to_owned();
            return Err(Unreachable { message, transient: false }.into());
        }
    }
    if config.from_ssh_program && beyond_libssh2(config, &methods) {
        return Err(ConnectError::Unsupported);
    }
    let mut reason = format!("{user}@{}: Permission denied ({methods}).", config.hostname);
    for file in given.iter().chain(&usual).filter(|file| is_encrypted(file)) {
        reason.push_str(&format!(" The key {} needs a passphrase: add it to ssh-agent.", file.display()));
    }
    Err(Unreachable::ssh(reason).into())
}

/// Tries the keys of the ssh agent; with `IdentitiesOnly` those whose public half lies beside a named file.
fn with_agent(session: &Session, config: &SshConfig) -> bool {
    let Some(socket) = &config.identity_agent else { return false };
    let Ok(mut agent) = session.agent() else { return false };
    if agent.set_identity_path(socket).is_err() || agent.connect().is_err() || agent.list_identities().is_err() {
        return false;
    }
    let named: Vec<Vec<u8>> = config.identity_files.iter().filter_map(|file| public_half(file)).collect();
    let mut identities = agent.identities().unwrap_or_default();
    identities.sort_by_key(|identity| !named.iter().any(|key| key == identity.blob()));
    let wanted =
        |identity: &&ssh2::PublicKey| !config.identities_only || named.iter().any(|key| key == identity.blob());
    identities.iter().filter(wanted).any(|identity| agent.userauth(&config.user, identity).is_ok())
}

fn public_half(file: &Path) -> Option<Vec<u8>> {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    let text = fs::read_to_string(name).ok()?;
    BASE64.decode(text.split_whitespace().nth(1)?).ok()
}

fn is_usual(file: &Path) -> bool {
    const USUAL: [&str; 7] = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];
    file.file_name().is_some_and(|name| USUAL.iter().any(|usual| name == *usual))
}

/// Whether OpenSSH's own program has more to offer: security keys, certificates, a Kerberos ticket.
fn beyond_libssh2(config: &SshConfig, methods: &str) -> bool {
    let beside = |file: &Path, suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let key = config.identity_files.iter().any(|file| {
        let public = fs::read_to_string(beside(file, ".pub")).unwrap_or_default();
        beside(file, "-cert.pub").is_file() || (public.starts_with("sk-") && file.is_file())
    });
    let ticket = || {
        let uid = rustix::process::getuid().as_raw();
        std::env::var_os("KRB5CCNAME").is_some() || Path::new(&format!("/tmp/krb5cc_{uid}")).exists()
    };
    key || (config.gssapi && methods.contains("gssapi") && ticket())
}

fn is_encrypted(file: &Path) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    if text.contains("ENCRYPTED") {
        return true;
    }
    let inner: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    // The format's name, a zero byte, and the length-prefixed name of the cipher.
    let key = BASE64.decode(inner).unwrap_or_default();
    key.starts_with(b"openssh-key-v1\0") && key.get(19..23) != Some(b"none")
}
