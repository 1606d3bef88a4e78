//! Private directories for requests, all inside one that goes when the agent goes.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::guard;

static BASE: OnceLock<PathBuf> = OnceLock::new();

/// A directory for one request.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(request: u32) -> io::Result<Self> {
        let path = base()?.join(request.to_string());
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nearly always empty, and then one call is enough.
        if fs::remove_dir(&self.0).is_err() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Removes everything; called once, at the end.
pub fn remove_all() {
    if let Some(base) = BASE.get() {
        let _ = fs::remove_dir_all(base);
    }
}

pub fn base() -> io::Result<&'static Path> {
    if let Some(base) = BASE.get() {
        return Ok(base);
    }
    let made = make_base()?;
    guard::removes(&made);
    if let Err(surplus) = BASE.set(made) {
        // Another request was quicker.
        let _ = fs::remove_dir(surplus);
        if let Some(base) = BASE.get() {
            guard::removes(base);
        }
    }
    BASE.get().map(PathBuf::as_path).ok_or_else(|| io::Error::other("no temporary directory"))
}

fn make_base() -> io::Result<PathBuf> {
    let mut random = [0_u8; 8];
    io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut random)?;
    let name = format!(".rplay-{}-{:016x}", std::process::id(), u64::from_le_bytes(random));
    let wanted = std::env::var_os("TMPDIR").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = wanted.into_iter().chain(["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from)).chain(home);
    let mut last = io::Error::other("no temporary directory");
    for place in places.filter(|place| place.is_absolute() && is_safe(place)) {
        let path = place.join(&name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(err) => last = io::Error::new(err.kind(), format!("{}: {err}", path.display())),
        }
    }
    Err(last)
}

/// Whether a directory in there stays where it is: others may not write there, or only move what is theirs.
fn is_safe(place: &Path) -> bool {
    const STICKY: u32 = 0o1000;
    fs::metadata(place).is_ok_and(|meta| meta.mode() & 0o022 == 0 || meta.mode() & STICKY != 0)
}
