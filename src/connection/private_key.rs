//! Files with private keys, read as far as that tells whether and how they can be used.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::known_hosts::{key_type, rsa_bits};
use super::limits;
use super::ssh_config::SshConfig;

/// No private key is as long; what is named as one may be anything.
const LONGEST: u64 = 1 << 20;

pub struct KeyFile {
    pub path: PathBuf,
    content: String,
    /// The public half: of the file itself, or of the one beside it.
    pub public: Option<Vec<u8>>,
    /// Why the user's configuration does not allow the key.
    pub refusal: Option<String>,
}

impl KeyFile {
    /// The keys that the configuration names. Files that are not there are passed over, as ssh does; a limit of this machine that
    /// keeps one from being read is an error.
    pub fn read_all(config: &SshConfig) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for path in &config.identity_files {
            match read(path) {
                Ok(Some(content)) => keys.push(Self::new(path, content, config)),
                Ok(None) => {}
                Err(err) if limits::is_exhausted(&err) => {
                    return Err(format!("{}: {}", path.display(), limits::explain(&err)));
                }
                Err(_) => {}
            }
        }
        Ok(keys)
    }

    fn new(path: &Path, content: String, config: &SshConfig) -> Self {
        let public = public_half(path, &content);
        let mut key = Self { path: path.to_owned(), content, public, refusal: None };
        let kind = key.key_type().map(str::to_owned);
        key.refusal = kind.as_deref().and_then(|kind| config.refuses_key(kind)).or_else(|| {
            let bits = key.public.as_deref().and_then(rsa_bits)?;
            (bits < config.required_rsa_size)
                .then(|| format!("it has {bits} bits, and RequiredRSASize is {}", config.required_rsa_size))
        });
        key
    }

    /// As libssh2 wants it; none when it is only a public key, whose private half an agent has.
    pub fn text(&self) -> Option<&str> {
        self.content.contains("PRIVATE KEY-----").then_some(&self.content)
    }

    /// `ssh-rsa` and the like.
    pub fn key_type(&self) -> Option<&str> {
        match &self.public {
            Some(public) => key_type(public),
            None if self.content.contains("BEGIN RSA PRIVATE KEY") => Some("ssh-rsa"),
            None => None,
        }
    }

    pub fn is_encrypted(&self) -> bool {
        if self.content.contains("ENCRYPTED") {
            return true;
        }
        // The format's name with a zero byte, and the length-prefixed name of the cipher.
        self.opened().is_some_and(|key| key.get(19..23) != Some(b"none"))
    }

    fn opened(&self) -> Option<Vec<u8>> {
        opened(&self.content)
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    };
    if !meta.is_file() || meta.len() > LONGEST {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&fs::read(path)?).into_owned()))
}

/// What is inside OpenSSH's own format.
fn opened(content: &str) -> Option<Vec<u8>> {
    let inner: String = content.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    BASE64.decode(inner).ok().filter(|key| key.starts_with(b"openssh-key-v1\0"))
}

fn public_half(path: &Path, content: &str) -> Option<Vec<u8>> {
    let from_line = |text: &str| BASE64.decode(text.split_whitespace().nth(1)?).ok();
    if let Some(key) = opened(content) {
        return public_of_openssh(&key).map(<[u8]>::to_vec);
    }
    if !content.contains("PRIVATE KEY-----") {
        return from_line(content);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    from_line(&read(Path::new(&name)).ok()??)
}

/// Names of cipher and derivation, its options, the number of keys, then the public key: each with its length before it.
fn public_of_openssh(key: &[u8]) -> Option<&[u8]> {
    let mut rest = key.get(b"openssh-key-v1\0".len()..)?;
    for _ in 0..3 {
        rest = field(rest)?.1;
    }
    field(rest.get(4..)?).map(|(public, _)| public)
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn keys_of_every_kind_tell_what_they_are() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (kind, format, expected, encrypted) in [
            ("ed25519", "RFC4716", "ssh-ed25519", false),
            ("rsa", "RFC4716", "ssh-rsa", true),
            ("rsa", "PEM", "ssh-rsa", false),
            ("ecdsa", "RFC4716", "ecdsa-sha2-nistp256", false),
        ] {
            let path = folder.path().join(format!("{kind}-{format}-{encrypted}"));
            let passphrase = if encrypted { "a long one" } else { "" };
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-m", format, "-N", passphrase, "-f"])
                .arg(&path)
                .status()
                .expect("ssh-keygen runs");
            assert!(made.success());
            let mut config = SshConfig { identity_files: vec![path], required_rsa_size: 4096, ..SshConfig::default() };
            let keys = KeyFile::read_all(&config).expect("readable");
            let key = keys.first().expect("one");
            assert_eq!((key.key_type(), key.is_encrypted()), (Some(expected), encrypted), "{kind} {format}");
            assert_eq!(key.refusal.is_some(), kind == "rsa", "{:?}", key.refusal);
            config.required_rsa_size = 1024;
            assert!(KeyFile::read_all(&config).expect("readable").first().expect("one").refusal.is_none());
        }
    }
}
