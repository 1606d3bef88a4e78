//! Files of modules under their SHA-256. A file comes from the controller once, whichever module needs it next.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use rplay_module_api::message::Foreign;
use rplay_module_api::{Failure, Port};
use sha2::{Digest, Sha256};

use crate::scratch;

/// Below the home of the user whom the agent runs as.
const FOLDER: &str = ".cache/rplay/modules";

static VERIFIED: LazyLock<Mutex<std::collections::HashSet<String>>> = LazyLock::new(Mutex::default);
static COUNT: AtomicU32 = AtomicU32::new(0);

pub fn failed(err: io::Error) -> Failure {
    Failure::new(format!("the module's files could not be kept: {err}"))
}

/// Makes all files of a module be there.
pub fn fill(foreign: &Foreign, port: &mut dyn Port) -> io::Result<()> {
    let mut missing: Vec<&str> = Vec::new();
    for (_, hash) in &foreign.files {
        if !missing.contains(&hash.as_str()) && !is_there(hash)? {
            missing.push(hash);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    port.announce_files(&missing)?;
    for hash in missing {
        let mut content = Vec::new();
        port.receive_file(hash, &mut content)?;
        keep(hash, &content)?;
    }
    Ok(())
}

/// All files of a module, by their hashes.
pub fn contents(foreign: &Foreign, port: &mut dyn Port) -> io::Result<HashMap<String, Vec<u8>>> {
    fill(foreign, port)?;
    foreign.files.iter().map(|(_, hash)| Ok((hash.clone(), read(hash)?))).collect()
}

pub fn path(hash: &str) -> io::Result<PathBuf> {
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::other(format!("{hash} is no SHA-256")));
    }
    Ok(folder()?.join(hash))
}

pub fn read(hash: &str) -> io::Result<Vec<u8>> {
    fs::read(path(hash)?)
}

/// A file that an earlier run has left is read once: a disk may have damaged it.
fn is_there(hash: &str) -> io::Result<bool> {
    let path = path(hash)?;
    let known = || VERIFIED.lock().unwrap_or_else(PoisonError::into_inner).contains(hash);
    if !path.is_file() {
        return Ok(false);
    }
    if known() {
        return Ok(true);
    }
    let whole = fs::read(&path).is_ok_and(|content| sum(&content) == hash);
    if whole {
        remember(hash);
    }
    Ok(whole)
}

fn remember(hash: &str) {
    VERIFIED.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.to_owned());
}

fn keep(hash: &str, content: &[u8]) -> io::Result<()> {
    if sum(content) != hash {
        return Err(io::Error::other(format!("a file has another SHA-256 than {hash}")));
    }
    let path = path(hash)?;
    let new = path.with_extension(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(content).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    remember(hash);
    Ok(())
}

fn sum(content: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// In the user's cache, so that the next run finds what this one has brought; where that cannot be, for this run alone.
fn folder() -> io::Result<&'static Path> {
    static PLACE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        if let Some(kept) = home.map(|home| home.join(FOLDER))
            && make(&kept).is_ok()
            && is_own(&kept)
        {
            return Ok(kept);
        }
        let base = scratch::base().map_err(|err| err.to_string())?.join("modules");
        make(&base).map_err(|err| format!("{}: {err}", base.display()))?;
        Ok(base)
    });
    place.as_deref().map_err(|err| io::Error::other(err.clone()))
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Nobody else can put anything there.
fn is_own(folder: &Path) -> bool {
    let own = rustix::process::getuid().as_raw();
    fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir() && meta.uid() == own && meta.mode() & 0o022 == 0)
}
