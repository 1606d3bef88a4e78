//! Puts a new file in an old one's place in one step: whoever reads sees the one or the other, and a failure leaves the old, a power cut
//! included: the content is on the disk before it gets its name. What was there passes its owner, mode and extended attributes on.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::{Command, CommandOutput, Ctx, Failure, shell_words};

use crate::support::at::{self, Last, Located, Object};
use crate::support::file_attributes::{self, FileAttributes};
use crate::support::os_error;

/// A file without its final name. It is removed unless it is put somewhere.
pub struct PendingFile {
    pub file: File,
    place: Located,
    name: OsString,
    path: PathBuf,
    placed: bool,
}

/// A name that nothing has, for what will get its own later.
pub fn temporary_name() -> OsString {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!(".rplay_{}_{clock:x}_{number}", std::process::id()).into()
}

impl PendingFile {
    /// Begins a file that will be `dest`, in the directory of `dest`, because a rename does not cross file systems.
    pub fn beside(dest: &Path) -> io::Result<Self> {
        Self::at(at::locate(dest, Last::Itself)?)
    }

    pub fn at(place: Located) -> io::Result<Self> {
        loop {
            let name = temporary_name();
            match place.create_new(&name, 0o600) {
                Ok(file) => {
                    let path = place.real().with_file_name(&name);
                    return Ok(Self { file, place, name, path, placed: false });
                }
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
                Err(err) => return Err(err),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it will get.
    pub fn target_name(&self) -> &OsStr {
        self.place.name()
    }

    /// Gives the file its name, with the owner and mode of what is there, or as a new file of this process. The mode that `attributes`
    /// asks for is set before that, so that a secret is never readable to others in between; the rest is the caller's.
    pub fn put(mut self, attributes: &FileAttributes) -> io::Result<()> {
        match self.place.present()? {
            Some(old) if !old.metadata()?.is_symlink() => {
                let meta = old.metadata()?;
                let mode = attributes.mode_for(meta.mode());
                self.take_over(&meta, mode)?;
                copy_extended_attributes(&old, &self.file, mode);
            }
            _ => self.become_new(attributes)?,
        }
        at::synced(&self.file)?;
        match self.place.rename_from(&self.name) {
            Ok(()) => {
                self.placed = true;
                self.place.sync_directory()
            }
            // A file that is mounted into a container cannot be replaced, only rewritten.
            Err(_) if attributes.unsafe_writes => self.rewrite(),
            Err(err) => Err(err),
        }
    }

    /// Gives the file its name, and with it an owner and a mode whatever was there.
    pub fn put_for(mut self, owner: Option<(u32, u32)>, mode: u32) -> io::Result<()> {
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::fchown(&self.file, Some(uid), Some(gid))?;
        }
        self.file.set_permissions(fs::Permissions::from_mode(mode))?;
        at::synced(&self.file)?;
        self.place.rename_from(&self.name)?;
        self.placed = true;
        self.place.sync_directory()
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut from = at::open(&self.path)?;
        let mut into = match self.place.present()? {
            Some(old) => old.open(rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::TRUNC)?,
            None => self.place.create_new(self.place.name(), 0o600)?,
        };
        io::copy(&mut from, &mut into)?;
        at::synced(&into)
    }

    /// Gives the file its name with the attributes that the caller gave it. It reaches the disk when the system likes: for files of which
    /// there are many, and whose task ends with `at::sync_all`.
    pub fn put_as_it_is(mut self) -> io::Result<()> {
        self.place.rename_from(&self.name)?;
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
            let _ = self.place.remove_file(&self.name);
        }
    }
}

/// Copies what can be copied: a target that has no such attributes is no reason to fail. An access list comes with `mode`, as it would
/// otherwise give the old file's back.
fn copy_extended_attributes(from: &Object, to: &File, mode: u32) {
    for name in from.attribute_names().unwrap_or_default() {
        if let Ok(mut value) = from.attribute(&name) {
            if name == "system.posix_acl_access" {
                limit_access_list(&mut value, mode);
            }
            let _ = rustix::fs::fsetxattr(to, &name, &value, rustix::fs::XattrFlags::empty());
        }
    }
}

/// Has an access list, as the kernel gives it, say what `chmod` would make of it. After four bytes of version it has entries of eight:
/// kind, permissions, and whose they are.
fn limit_access_list(list: &mut [u8], mode: u32) {
    const OWNER: u8 = 0x01;
    const GROUP: u8 = 0x04;
    const MASK: u8 = 0x10;
    const OTHERS: u8 = 0x20;
    let entries = list.get_mut(4..).unwrap_or_default();
    let has_mask = entries.chunks_exact(8).any(|entry| entry.first() == Some(&MASK));
    for entry in entries.chunks_exact_mut(8) {
        let [kind, _, permissions, ..] = entry else { continue };
        let shift = match *kind {
            OWNER => 6,
            MASK => 3,
            GROUP if !has_mask => 3,
            OTHERS => 0,
            _ => continue,
        };
        *permissions = u8::try_from((mode >> shift) & 0o7).unwrap_or(0);
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
    pending.put(attributes).map_err(|err| cannot_write(dest, &err))
}

pub fn cannot_write(dest: &Path, err: &io::Error) -> Failure {
    Failure::new(format!("could not write {}: {}", dest.display(), os_error::numbered(err)))
}

/// Runs the command that judges a new file; it is split into words as a shell would, but no shell runs it.
pub fn run_validation(validate: &str, file: &Path, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    if !validate.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {validate}")));
    }
    let words = shell_words::split(&validate.replace("%s", &file.to_string_lossy()))
        .map_err(|problem| Failure::new(format!("validate: {problem}: {validate}")))?;
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
    if !path.exists() {
        return Ok(None);
    }
    let name = PathBuf::from(format!("{}.{}.{}~", path.display(), std::process::id(), local_timestamp()));
    let failed = |err: io::Error| {
        Failure::new(format!(
            "Could not make backup of {} to {}: {}",
            path.display(),
            name.display(),
            os_error::numbered(&err)
        ))
    };
    let old = at::locate(path, Last::Followed).and_then(Located::into_object).map_err(failed)?;
    let meta = old.metadata().map_err(failed)?;
    let mut pending = PendingFile::beside(&name).map_err(failed)?;
    let mut content = old.open(rustix::fs::OFlags::RDONLY).map_err(failed)?;
    io::copy(&mut content, &mut pending.file).map_err(failed)?;
    let mode = meta.mode() & 0o7777;
    pending.take_over(&meta, mode).map_err(failed)?;
    copy_extended_attributes(&old, &pending.file, mode);
    // What a program may do is not its copy's.
    let _ = rustix::fs::fremovexattr(&pending.file, "security.capability");
    at::synced(&pending.file).map_err(failed)?;
    pending.place.rename_from(&pending.name).map_err(failed)?;
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
