//! Files of the project that an action sends: finding them, opening vaults, and what the target must know of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha1::{Digest, Sha1};

use super::Invocation;
use crate::blocking::blocking;
use crate::remote::FileSource;
use crate::vault;

/// A file or folder below `subdir` of the places where a task's files may be.
pub fn find(invocation: &Invocation<'_>, subdir: &str, name: &str) -> Result<PathBuf, String> {
    if let Some(path) = invocation.search_path.find(subdir, name) {
        return Ok(path);
    }
    let places: String =
        invocation.search_path.candidates(subdir, name).iter().map(|path| format!("\n\t{}", path.display())).collect();
    Err(format!(
        "Could not find or access '{name}'\nSearched in:{places} on the Ansible Controller.\n\
         If you are using a module and expect the file to exist on the remote, see the remote_src option"
    ))
}

/// A file that is ready to be sent.
pub struct Prepared {
    pub source: FileSource,
    /// SHA-1 in hex.
    pub checksum: String,
    pub size: u64,
    /// Permission bits as octal text.
    pub mode: String,
}

/// Opens a file, and decrypts it if it is a vault and that is wanted.
pub fn prepare(invocation: &Invocation<'_>, path: &Path, decrypt: bool) -> Result<Prepared, String> {
    blocking(|| read(invocation, path, decrypt))
}

fn read(invocation: &Invocation<'_>, path: &Path, decrypt: bool) -> Result<Prepared, String> {
    let explain = |err: io::Error| format!("{}: {err}", path.display());
    let mode = mode_of(path).map_err(explain)?;
    if decrypt && is_vault(path).map_err(explain)? {
        let plain = invocation.reader.read_plain_bytes(path).map_err(|err| err.message)?;
        let mut prepared = prepare_bytes(plain);
        prepared.mode = mode;
        return Ok(prepared);
    }
    let (checksum, size) = known_sha1(path).map_err(explain)?;
    Ok(Prepared { source: FileSource::Path(path.to_owned()), checksum, size, mode })
}

pub fn prepare_bytes(bytes: Vec<u8>) -> Prepared {
    let checksum = hex::encode(Sha1::digest(&bytes));
    let size = bytes.len() as u64;
    Prepared { source: FileSource::Bytes(bytes), checksum, size, mode: "0644".to_owned() }
}

/// Permission bits as octal text.
pub fn mode_of(path: &Path) -> io::Result<String> {
    Ok(format!("{:04o}", fs::metadata(path)?.permissions().mode() & 0o7777))
}

fn is_vault(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(vault::is_encrypted(&start))
}

/// Device, inode, length and time of the last change: while they are the same, so is the content.
type Version = (u64, u64, u64, i64, i64);

/// Checksum and length of a file, which is read once for all hosts.
fn known_sha1(path: &Path) -> io::Result<(String, u64)> {
    static KNOWN: Mutex<Option<HashMap<Version, String>>> = Mutex::new(None);
    let mut file = File::open(path)?;
    let of = file.metadata()?;
    let version = (of.dev(), of.ino(), of.len(), of.mtime(), of.mtime_nsec());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(checksum) = known().as_ref().and_then(|known| known.get(&version)) {
        return Ok((checksum.clone(), of.len()));
    }
    let (checksum, length) = sha1_of(&mut file)?;
    let now = file.metadata()?;
    // What was written a moment ago may be written again without looking newer.
    let is_settled = now.modified()?.elapsed().is_ok_and(|age| age.as_secs() >= 2);
    if is_settled && (length, now.mtime(), now.mtime_nsec()) == (of.len(), of.mtime(), of.mtime_nsec()) {
        known().get_or_insert_default().insert(version, checksum.clone());
    }
    Ok((checksum, length))
}

/// Checksum and length of what is read.
pub fn sha1_of(from: &mut impl Read) -> io::Result<(String, u64)> {
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex::encode(hasher.finalize()), length));
        }
        length += count as u64;
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
