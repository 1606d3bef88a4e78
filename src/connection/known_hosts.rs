//! Host keys: reads OpenSSH's known_hosts files, and adds to them when the user's configuration says so.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::limits;

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Known,
    Unknown,
    /// Another key of the same type stands here.
    Changed {
        file: PathBuf,
        line: usize,
    },
    Revoked,
}

/// One line that names the host.
#[derive(Debug)]
struct Line {
    file: PathBuf,
    number: usize,
    marker: Option<String>,
    key_type: String,
    key: Vec<u8>,
}

/// What the files say about one host.
#[derive(Debug, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
    /// Lines for the host's name without the port.
    elsewhere: Vec<Line>,
}

/// The name under which a host's keys are listed.
pub fn entry_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

impl KnownHosts {
    /// Reads the lines about `name`. Files that are not there say nothing; one that cannot be read is an error, as it may say that
    /// the key has changed. `without_port` is the host's name alone, by which a host on another port may be known, too.
    pub fn read(files: &[PathBuf], name: &str, without_port: Option<&str>) -> Result<Self, String> {
        let mut known = Self::default();
        for file in files {
            let content = match fs::read(file) {
                Ok(content) => content,
                Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
                Err(err) => {
                    let reason = limits::explain(&err);
                    return Err(format!(
                        "the host keys in {} cannot be read: {reason}\r\nHost key verification failed.",
                        file.display()
                    ));
                }
            };
            known.add(file, &String::from_utf8_lossy(&content), name, without_port);
        }
        Ok(known)
    }

    /// Takes the lines of a file that are about the host.
    pub fn add(&mut self, file: &Path, content: &str, name: &str, without_port: Option<&str>) {
        for (index, line) in content.lines().enumerate() {
            self.lines.extend(parse(file, index + 1, line, name));
            self.elsewhere.extend(without_port.and_then(|name| parse(file, index + 1, line, name)));
        }
    }

    /// Key types by which the host is known; asking the server for these avoids a false alarm.
    pub fn key_types(&self) -> impl Iterator<Item = &str> {
        let lines = if self.lines.is_empty() { &self.elsewhere } else { &self.lines };
        lines.iter().filter(|line| line.marker.is_none()).map(|line| line.key_type.as_str())
    }

    /// Whether the host is vouched for by an authority, which is beyond this file.
    pub fn has_authority(&self) -> bool {
        self.lines.iter().chain(&self.elsewhere).any(|line| line.marker.as_deref() == Some("@cert-authority"))
    }

    pub fn check(&self, key: &[u8]) -> Verdict {
        let same_key = |line: &&Line| line.key == key;
        if self
            .lines
            .iter()
            .chain(&self.elsewhere)
            .filter(same_key)
            .any(|line| line.marker.as_deref() == Some("@revoked"))
        {
            return Verdict::Revoked;
        }
        let plain = || self.lines.iter().filter(|line| line.marker.is_none());
        if plain().any(|line| line.key == key) {
            return Verdict::Known;
        }
        let wanted = key_type(key);
        // OpenSSH takes a host that is known by other key types only for changed, too.
        let of_type = plain().find(|line| Some(line.key_type.as_str()) == wanted);
        match of_type.or_else(|| plain().next()) {
            Some(line) => Verdict::Changed { file: line.file.clone(), line: line.number },
            // A key that differs from the one without a port is no changed key: another server may listen there.
            None if self.elsewhere.iter().any(|line| line.marker.is_none() && line.key == key) => Verdict::Known,
            None => Verdict::Unknown,
        }
    }
}

/// Length of an RSA key; none for others.
pub fn rsa_bits(key: &[u8]) -> Option<u32> {
    if key_type(key) != Some("ssh-rsa") {
        return None;
    }
    let skip = |bytes: &[u8]| -> Option<(usize, usize)> {
        let (length, _) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        Some((4, length))
    };
    let mut rest = key;
    for _ in 0..2 {
        let (header, length) = skip(rest)?;
        rest = rest.get(header.checked_add(length)?..)?;
    }
    let (header, length) = skip(rest)?;
    let modulus = rest.get(header..header.checked_add(length)?)?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let bytes = u32::try_from(modulus.len() - first).ok()?;
    bytes.checked_mul(8)?.checked_sub(modulus.get(first)?.leading_zeros())
}

/// The type a public key names at its beginning.
pub fn key_type(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

fn parse(file: &Path, number: usize, line: &str, name: &str) -> Option<Line> {
    let mut words = line.split_whitespace().peekable();
    let first = *words.peek()?;
    if first.starts_with('#') {
        return None;
    }
    let marker = first.starts_with('@').then(|| words.next().unwrap_or_default().to_owned());
    let patterns = words.next()?;
    if !matches(patterns, name) {
        return None;
    }
    let key_type = words.next()?.to_owned();
    let key = BASE64.decode(words.next()?).ok()?;
    Some(Line { file: file.to_owned(), number, marker, key_type, key })
}

fn matches(patterns: &str, name: &str) -> bool {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        return hashed.split_once('|').is_some_and(|(salt, hash)| {
            let (Ok(salt), Ok(hash)) = (BASE64.decode(salt), BASE64.decode(hash)) else { return false };
            digest(&salt, name) == hash
        });
    }
    let mut found = false;
    for pattern in patterns.split(',') {
        if let Some(not) = pattern.strip_prefix('!') {
            if wildcard(not.to_lowercase().as_bytes(), name.as_bytes()) {
                return false;
            }
        } else {
            found |= wildcard(pattern.to_lowercase().as_bytes(), name.as_bytes());
        }
    }
    found
}

fn digest(salt: &[u8], name: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else { return Vec::new() };
    mac.update(name.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// `*` and `?`, in linear time.
pub fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Adds a key, in one write, so that controllers running at the same time do not mix their lines.
pub fn add(file: &Path, name: &str, key: &[u8], hashed: bool) -> io::Result<()> {
    let Some(key_type) = key_type(key) else { return Err(io::Error::other("a host key without a type")) };
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let name = if hashed {
        let salt: [u8; 20] = rand::random();
        format!("|1|{}|{}", BASE64.encode(salt), BASE64.encode(digest(&salt, name)))
    } else {
        name.to_owned()
    };
    let mut opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
    let mut line = format!("{name} {key_type} {}\n", BASE64.encode(key));
    if opened.seek(SeekFrom::End(-1)).is_ok() {
        let mut last = [0];
        opened.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    opened.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key_type: &str, content: &str) -> Vec<u8> {
        let length = u32::try_from(key_type.len()).expect("short").to_be_bytes();
        [&length, key_type.as_bytes(), content.as_bytes()].concat()
    }

    fn check(text: &str, name: &str, key: &[u8]) -> Verdict {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs::write(file.path(), text).expect("written");
        let without_port = name.strip_prefix('[').and_then(|name| name.split_once(']')).map(|(name, _)| name);
        match KnownHosts::read(&[file.path().to_owned()], name, without_port).expect("readable").check(key) {
            Verdict::Changed { line, .. } => Verdict::Changed { file: PathBuf::new(), line },
            other => other,
        }
    }

    #[test]
    fn lines_of_every_form() {
        let (ours, other) = (key("ssh-ed25519", "ours"), key("ssh-ed25519", "other"));
        let encoded = BASE64.encode(&ours);
        let line = |names: &str| format!("# comment\n\n{names} ssh-ed25519 {encoded} who@where\n");
        let changed = Verdict::Changed { file: PathBuf::new(), line: 3 };
        assert_eq!(check(&line("web1,10.0.0.1"), "web1", &ours), Verdict::Known);
        assert_eq!(check(&line("web1,10.0.0.1"), "10.0.0.1", &other), changed);
        // As ssh does, a host on another port may be known by its name alone, and is not taken for changed by it.
        assert_eq!(check(&line("web1"), "[web1]:2222", &ours), Verdict::Known);
        assert_eq!(check(&line("web1"), "[web1]:2222", &other), Verdict::Unknown);
        assert_eq!(check(&line("@revoked web1"), "[web1]:2222", &ours), Verdict::Revoked);
        assert_eq!(check(&line("[web1]:2222"), &entry_name("Web1", 2222), &ours), Verdict::Known);
        assert_eq!(check(&line("*.lab,!db.lab"), "web.lab", &ours), Verdict::Known);
        assert_eq!(check(&line("*.lab,!db.lab"), "db.lab", &ours), Verdict::Unknown);
        assert_eq!(check(&line("@revoked web1"), "web1", &ours), Verdict::Revoked);
        assert_eq!(check("web1 ssh-ed25519\n@\nweb1\n", "web1", &ours), Verdict::Unknown);
    }

    #[test]
    fn added_keys_are_found_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("new/known_hosts");
        let ours = key("ssh-rsa", "ours");
        add(&file, "plain", &ours, false).expect("added");
        fs::write(&file, fs::read_to_string(&file).expect("read").trim_end()).expect("written");
        add(&file, "[hidden]:1", &ours, true).expect("added");
        let text = fs::read_to_string(&file).expect("read");
        assert!(text.lines().count() == 2 && !text.contains("hidden"), "{text}");
        assert_eq!(check(&text, "plain", &ours), Verdict::Known);
        assert_eq!(check(&text, "[hidden]:1", &ours), Verdict::Known);
        assert_eq!(check(&text, "hidden", &ours), Verdict::Unknown);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let there = folder.path().join("no-such-file");
        assert!(KnownHosts::read(&[there, "/dev/null".into()], "web1", None).is_ok());
        let err = KnownHosts::read(&[folder.path().to_owned()], "web1", None).expect_err("a folder");
        assert!(err.contains("cannot be read: Is a directory"), "{err}");
    }
}
