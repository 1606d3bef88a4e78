//! Puts a new file in an old one's place in one step: whoever reads sees the one or the other, and a failure leaves the old.
//! What was there passes its owner, mode and extended attributes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::{Command, CommandOutput, Ctx, Failure};

use crate::support::file_attributes::{self, FileAttributes};
use crate::support::os_error;

/// A file without its final name. It is removed unless it is put somewhere.
pub struct PendingFile {
    pub file: File,
    path: PathBuf,
    placed: bool,
}

impl PendingFile {
    /// Begins a file in the directory of `dest`, because a rename does not cross file systems.
    pub fn beside(dest: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let directory = match dest.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!(".rplay_{}_{clock:x}_{number}", std::process::id()));
            match OpenOptions::new().write(true).read(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Self { file, path, placed: false }),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
                Err(err) => return Err(err),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the file to `dest`, with the owner and mode of what is there, or as a new file of this process. The mode that `attributes`
    /// asks for is set before the rename, so that a secret is never readable to others in between; the rest is the caller's.
    pub fn put(mut self, dest: &Path, attributes: &FileAttributes) -> io::Result<()> {
        match fs::symlink_metadata(dest) {
            Ok(old) if !old.is_symlink() => {
                self.take_over(&old, attributes.mode_for(old.mode()))?;
                copy_extended_attributes(dest, &self.path);
            }
            _ => self.become_new(attributes)?,
        }
        match fs::rename(&self.path, dest) {
            Ok(()) => {
                self.placed = true;
                Ok(())
            }
            // A file that is mounted into a container cannot be replaced, only rewritten.
            Err(_) if attributes.unsafe_writes => {
                let mut into = OpenOptions::new().write(true).truncate(true).create(true).open(dest)?;
                io::copy(&mut File::open(&self.path)?, &mut into)?;
                Ok(())
            }
            Err(err) => Err(err),
        }
    }

    /// Renames the file to `dest` with the attributes that the caller gave it.
    pub fn put_as_it_is(mut self, dest: &Path) -> io::Result<()> {
        fs::rename(&self.path, dest)?;
        self.placed = true;
        Ok(())
    }

    fn take_over(&self, old: &fs::Metadata, mode: u32) -> io::Result<()> {
        let own = self.file.metadata()?;
        if (own.uid(), own.gid()) != (old.uid(), old.gid())
            && let Err(err) = std::os::unix::fs::fchown(&self.file, Some(old.uid()), Some(old.gid()))
            && err.kind() != io::ErrorKind::PermissionDenied
        {
            return Err(err);
        }
        // After the owner: chown takes the set-id bits away.
        self.file.set_permissions(fs::Permissions::from_mode(mode))
    }

    fn become_new(&self, attributes: &FileAttributes) -> io::Result<()> {
        let own = self.file.metadata()?;
        let gid = rustix::process::getegid().as_raw();
        if own.gid() != gid {
            // A directory with the set-group-id bit gave the file its group; Ansible gives it the user's.
            let _ = std::os::unix::fs::fchown(&self.file, None, Some(gid));
        }
        let mode = attributes.mode_for(0o666 & !file_attributes::umask());
        self.file.set_permissions(fs::Permissions::from_mode(mode))
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Copies what can be copied: a target that has no such attributes is no reason to fail.
fn copy_extended_attributes(from: &Path, to: &Path) {
    // Most files have none, and most of the rest few: one call says so.
    let mut names = [0_u8; 4096];
    let Ok(length) = rustix::fs::llistxattr(from, names.as_mut_slice()) else { return };
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 65536];
        if let Ok(length) = rustix::fs::lgetxattr(from, name, value.as_mut_slice()) {
            let value = value.get(..length).unwrap_or_default();
            let _ = rustix::fs::lsetxattr(to, name, value, rustix::fs::XattrFlags::empty());
        }
    }
}

/// Replaces the content of `dest`, asking `validate` first.
pub fn replace(
    dest: &Path,
    content: &[u8],
    validate: Option<&str>,
    attributes: &FileAttributes,
    ctx: &mut Ctx,
) -> Result<(), Failure> {
    let mut pending = PendingFile::beside(dest).map_err(|err| cannot_write(dest, &err))?;
    pending.file.write_all(content).map_err(|err| cannot_write(dest, &err))?;
    if let Some(validate) = validate {
        run_validation(validate, pending.path(), ctx)?;
    }
    pending.put(dest, attributes).map_err(|err| cannot_write(dest, &err))
}

pub fn cannot_write(dest: &Path, err: &io::Error) -> Failure {
    Failure::new(format!("could not write {}: {}", dest.display(), os_error::numbered(err)))
}

/// Runs the command that judges a new file; it is split into words as a shell would, but no shell runs it.
pub fn run_validation(validate: &str, file: &Path, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    if !validate.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {validate}")));
    }
    let Some(words) = crate::support::shell_words::split(&validate.replace("%s", &file.to_string_lossy())) else {
        return Err(Failure::new(format!("validate has an unclosed quote: {validate}")));
    };
    let output = ctx.command(&Command::new(words)).map_err(|err| {
        Failure::new(format!("failed to validate: {}", os_error::numbered(&err))).with("cmd", validate)
    })?;
    if output.ok() {
        return Ok(output);
    }
    Err(Failure::new("failed to validate")
        .with("exit_status", output.rc)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text()))
}

/// Copies a file that is about to be replaced; returns the copy's name, or none if there is nothing to keep.
pub fn back_up(path: &Path) -> Result<Option<PathBuf>, Failure> {
    let Ok(meta) = fs::metadata(path) else { return Ok(None) };
    let name = PathBuf::from(format!("{}.{}.{}~", path.display(), std::process::id(), local_timestamp()));
    let failed = |err: io::Error| {
        Failure::new(format!(
            "Could not make backup of {} to {}: {}",
            path.display(),
            name.display(),
            os_error::numbered(&err)
        ))
    };
    let mut pending = PendingFile::beside(&name).map_err(failed)?;
    io::copy(&mut File::open(path).map_err(failed)?, &mut pending.file).map_err(failed)?;
    pending.take_over(&meta, meta.mode() & 0o7777).map_err(failed)?;
    copy_extended_attributes(path, &pending.path);
    fs::rename(&pending.path, &name).map_err(failed)?;
    pending.placed = true;
    if let (Ok(modified), Ok(accessed)) = (meta.modified(), meta.accessed()) {
        let _ = pending.file.set_times(fs::FileTimes::new().set_modified(modified).set_accessed(accessed));
    }
    Ok(Some(name))
}

/// `2026-01-31@13:05:59`, in the time of the host.
fn local_timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let parts = crate::support::local_time::from_unix(i64::try_from(seconds).unwrap_or(0));
    format!(
        "{:04}-{:02}-{:02}@{:02}:{:02}:{:02}",
        parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second
    )
}
