//! Ansible vaults: formats 1.1 and 1.2, their passwords, and strings that stay sealed until they are used.

mod cipher;
mod derive;
mod password;

use std::fmt;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};
use crate::value::{Sealed, Str, Value, mask};

pub use password::{Password, PasswordSources};

const MAGIC: &str = "$ANSIBLE_VAULT";

/// The id of a password that was given without one.
pub const DEFAULT_ID: &str = "default";

pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

/// Why a vault stays closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("Attempting to decrypt but no vault secrets found.")]
    NoSecrets,
    #[error("Decryption failed (no vault secrets were found that could decrypt).")]
    WrongPassword,
    #[error("Input is not vault encrypted data.")]
    NotVault,
    #[error("Vault format error: {0}.")]
    Format(String),
    #[error("Vault format version {0} with cipher {1} is not supported.")]
    Unsupported(String, String),
    #[error("The plaintext is not UTF-8 text.")]
    NotText,
}

/// The passwords of a run with their ids, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    passwords: Vec<(String, Password)>,
    /// Try only passwords whose id is the vault's (`VAULT_ID_MATCH`).
    pub match_ids: bool,
}

/// What a vault held, the password that opened it, and the vault's id.
pub struct Opened<'s> {
    pub plain: Vec<u8>,
    pub password: &'s Password,
    pub id: Option<String>,
}

/// A vault taken apart.
struct Envelope<'a> {
    id: Option<&'a str>,
    salt: Vec<u8>,
    hmac: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Secrets {
    pub fn add(&mut self, id: impl Into<String>, password: Password) {
        self.passwords.push((id.into(), password));
    }

    pub fn is_empty(&self) -> bool {
        self.passwords.is_empty()
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.passwords.iter().map(|(id, _)| id.as_str())
    }

    pub fn decrypt(&self, vault: &[u8]) -> Result<Vec<u8>, Failure> {
        self.open(vault).map(|opened| opened.plain)
    }

    /// Decrypts, and tells with what, so that it can be encrypted in the same way again.
    pub fn open(&self, vault: &[u8]) -> Result<Opened<'_>, Failure> {
        let text = std::str::from_utf8(vault).map_err(|_| Failure::Format("it is not text".to_owned()))?;
        if !text.starts_with(MAGIC) {
            return Err(Failure::NotVault);
        }
        if self.passwords.is_empty() {
            return Err(Failure::NoSecrets);
        }
        let envelope = open_envelope(text)?;
        let has_id = |id: &str| envelope.id == Some(id);
        let matching = self.passwords.iter().filter(|(id, _)| has_id(id));
        let only_own = self.match_ids && envelope.id.is_some();
        let others = self.passwords.iter().filter(|(id, _)| !only_own && !has_id(id));
        matching
            .chain(others)
            .find_map(|(_, password)| {
                let plain = cipher::decrypt(password.expose(), &envelope.salt, &envelope.hmac, &envelope.ciphertext)?;
                Some(Opened { plain, password, id: envelope.id.map(str::to_owned) })
            })
            .ok_or(Failure::WrongPassword)
    }

    /// Derives the keys of several vaults side by side, so that opening one after the other takes no time then.
    pub fn prepare<'a>(&self, vaults: impl Iterator<Item = &'a [u8]>) {
        let vaults: Vec<&[u8]> = vaults.collect();
        if vaults.len() < 2 {
            return;
        }
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(vaults.len());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(vault) = vaults.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // What is wrong with a vault is said when it is opened.
                        let _ = self.decrypt(vault);
                    }
                });
            }
        });
    }

    /// The password of an id, or the first one, with its id.
    pub fn for_encryption(&self, id: Option<&str>) -> Option<(&str, &Password)> {
        let chosen = match id {
            Some(id) => self.passwords.iter().find(|(name, _)| name == id),
            None => self.passwords.first(),
        };
        chosen.map(|(name, password)| (name.as_str(), password))
    }

    /// Encrypts with the password of an id, or with the first one.
    pub fn encrypt(&self, plain: &[u8], id: Option<&str>) -> Result<String, Failure> {
        let (name, password) = self.for_encryption(id).ok_or(Failure::NoSecrets)?;
        Ok(encrypt_with(password, plain, None, Some(name)))
    }

    /// The error for a file that cannot be opened.
    pub fn file_error(failure: &Failure, path: &Path) -> Error {
        let place = Span::new(&SourceFile::new(path, ""), 1, 1);
        let err = Error::new(ErrorKind::Vault, failure.to_string()).at(Some(&place));
        match failure {
            Failure::NoSecrets => err.hint("give the password with --vault-password-file or --ask-vault-pass"),
            Failure::WrongPassword => err.hint("none of the given vault passwords is right for this file"),
            _ => err,
        }
    }
}

/// Encrypts with a password that need not be among the run's; a salt of the caller's makes the result repeatable.
pub fn encrypt_with(password: &Password, plain: &[u8], salt: Option<&[u8]>, id: Option<&str>) -> String {
    let random: [u8; 32] = rand::random();
    let salt = salt.unwrap_or(&random);
    let label = id.filter(|id| *id != DEFAULT_ID);
    close_envelope(&cipher::encrypt(password.expose(), salt, plain), salt, label)
}

fn open_envelope(text: &str) -> Result<Envelope<'_>, Failure> {
    let format = |what: &str| Failure::Format(what.to_owned());
    let mut lines = text.lines();
    let mut header = lines.next().unwrap_or("").trim_end().split(';').skip(1);
    let version = header.next().ok_or_else(|| format("the header has no version"))?;
    let cipher = header.next().ok_or_else(|| format("the header has no cipher"))?;
    let id = header.next();
    if !matches!(version, "1.1" | "1.2") || cipher != "AES256" {
        return Err(Failure::Unsupported(version.to_owned(), cipher.to_owned()));
    }
    let body: String = lines.map(str::trim).collect();
    let inner = hex::decode(&body).map_err(|err| Failure::Format(format!("the body is not hexadecimal: {err}")))?;
    let parts: Vec<&[u8]> = inner.splitn(3, |byte| *byte == b'\n').collect();
    let [salt, hmac, ciphertext] = parts.as_slice() else {
        return Err(format("it is cut short: of salt, HMAC and ciphertext something is missing"));
    };
    let part = |digits: &[u8], what: &str| {
        hex::decode(digits).map_err(|err| Failure::Format(format!("the {what} is damaged or cut short: {err}")))
    };
    Ok(Envelope {
        id: id.map(str::trim).filter(|id| !id.is_empty()),
        salt: part(salt, "salt")?,
        hmac: part(hmac, "HMAC")?,
        ciphertext: part(ciphertext, "ciphertext")?,
    })
}

fn close_envelope(sealed: &cipher::Encrypted, salt: &[u8], label: Option<&str>) -> String {
    let inner = format!("{}\n{}\n{}", hex::encode(salt), hex::encode(&sealed.hmac), hex::encode(&sealed.ciphertext));
    let mut out = match label {
        Some(label) => format!("{MAGIC};1.2;AES256;{label}\n"),
        None => format!("{MAGIC};1.1;AES256\n"),
    };
    for (index, char) in hex::encode(inner).chars().enumerate() {
        if index > 0 && index % 80 == 0 {
            out.push('\n');
        }
        out.push(char);
    }
    out.push('\n');
    out
}

/// A vaulted string as a value.
pub fn seal(ciphertext: &str, secrets: Option<&Arc<Secrets>>, place: Option<&Span>) -> Value {
    Value::Sealed(Arc::new(SealedString {
        ciphertext: ciphertext.to_owned(),
        secrets: secrets.cloned(),
        place: place.cloned(),
        opened: OnceLock::new(),
    }))
}

struct SealedString {
    ciphertext: String,
    secrets: Option<Arc<Secrets>>,
    place: Option<Span>,
    opened: OnceLock<Result<Str, String>>,
}

impl Sealed for SealedString {
    fn ciphertext(&self) -> &str {
        &self.ciphertext
    }

    fn open(&self) -> Result<Str, String> {
        self.opened
            .get_or_init(|| {
                let none = Secrets::default();
                let secrets = self.secrets.as_deref().unwrap_or(&none);
                let plain = secrets
                    .decrypt(self.ciphertext.as_bytes())
                    .and_then(|bytes| String::from_utf8(bytes).map_err(|_| Failure::NotText));
                match plain {
                    Ok(text) => {
                        mask::remember(&text);
                        Ok(Str::trusted(text, self.place.clone()).into_vaulted())
                    }
                    Err(failure) => Err(failure.to_string()),
                }
            })
            .clone()
    }

    fn place(&self) -> Option<&Span> {
        self.place.as_ref()
    }
}

impl fmt::Debug for SealedString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<sealed>")
    }
}

#[cfg(test)]
mod tests;
