//! Compares entries with what is on disk and writes those that differ. Nothing is written outside of the destination.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rplay_module_api::{Ctx, Failure};

use super::archive::{self, Entry, Format, Kind, Owner};
use super::inner_path;
use super::selection::Selection;
use crate::support::atomic_write::PendingFile;
use crate::support::file_attributes::FileAttributes;
use crate::support::{accounts, os_error};

pub(super) struct Extraction<'a> {
    dest: &'a Path,
    /// The destination without links, to tell what is below it.
    real_dest: PathBuf,
    selection: &'a Selection,
    attributes: &'a FileAttributes,
    keep_newer: bool,
    check: bool,
    /// Owners can be given to files.
    privileged: bool,
    pub changed: bool,
    /// Names as the archive has them, stripped.
    pub names: Vec<String>,
    pub paths: Vec<PathBuf>,
    /// What changes, a line each.
    pub listing: String,
    /// Files that look the same but have other content.
    differing: BTreeSet<usize>,
    /// Directories get mode and time when nothing more is written into them.
    directories: Vec<(PathBuf, Entry)>,
    checked_parents: BTreeSet<PathBuf>,
}

impl<'a> Extraction<'a> {
    pub(super) fn new(
        dest: &'a Path,
        selection: &'a Selection,
        attributes: &'a FileAttributes,
        keep_newer: bool,
        check: bool,
        ctx: &mut Ctx,
    ) -> Result<Self, Failure> {
        // A mode that cannot be understood is better found before anything is written.
        attributes.parsed_mode(dest, ctx)?;
        let real_dest = fs::canonicalize(dest).map_err(|err| Failure::new(os_error::with_path(&err, dest)))?;
        Ok(Self {
            dest,
            real_dest,
            selection,
            attributes,
            keep_newer,
            check,
            privileged: rustix::process::geteuid().is_root() && selection.same_owner,
            changed: false,
            names: Vec::new(),
            paths: Vec::new(),
            listing: String::new(),
            differing: BTreeSet::new(),
            directories: Vec::new(),
            checked_parents: BTreeSet::new(),
        })
    }

    /// Unpacks what differs. A second pass is needed only for files whose difference was found while their content went by.
    pub(super) fn run(&mut self, src: &Path, format: Format, ctx: &mut Ctx) -> Result<(), Failure> {
        let failed = |msg: String, changed: bool| {
            let mut failure = Failure::new(format!("failed to unpack {}: {msg}", src.display()));
            failure.changed = changed;
            failure
        };
        let result =
            archive::each_entry(src, format, &mut |index, entry, content| self.first_visit(index, entry, content, ctx));
        result.map_err(|msg| failed(msg, self.changed && !self.check))?;
        if !self.check && !self.differing.is_empty() {
            let result = archive::each_entry(src, format, &mut |index, entry, content| {
                if !self.differing.contains(&index) {
                    return Ok(());
                }
                let Some(path) = self.place(&entry)? else { return Ok(()) };
                self.write(&path, &entry, content, ctx)
            });
            result.map_err(|msg| failed(msg, self.changed))?;
        }
        self.finish_directories(ctx).map_err(|msg| failed(msg, self.changed))
    }

    /// Where an entry belongs; none for one that is not wanted.
    fn place(&self, entry: &Entry) -> Result<Option<PathBuf>, String> {
        let name = String::from_utf8_lossy(&entry.name);
        if !self.selection.takes(&name) {
            return Ok(None);
        }
        inner_path(&entry.name)?;
        if !self.selection.strips() {
            return Ok(Some(self.dest.join(inner_path(&entry.name)?)));
        }
        match self.selection.stripped(&name) {
            Some(stripped) => Ok(Some(self.dest.join(inner_path(stripped.as_bytes())?))),
            None => Ok(None),
        }
    }

    fn first_visit(&mut self, index: usize, entry: Entry, content: &mut dyn Read, ctx: &mut Ctx) -> Result<(), String> {
        let Some(path) = self.place(&entry)? else { return Ok(()) };
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        self.names.push(self.selection.stripped(&name).unwrap_or_default().to_owned());
        if path == self.dest && entry.kind == Kind::Directory {
            return Ok(());
        }
        self.check_parent(&path)?;
        self.paths.push(path.clone());
        let present = fs::symlink_metadata(&path).ok();
        if let (true, Some(present)) = (self.keep_newer, &present)
            && entry.modified.is_some_and(|modified| present.mtime() > modified)
        {
            return Ok(());
        }
        let same = match &present {
            Some(present) => self.same_metadata(&path, &entry, present, ctx),
            None => false,
        };
        if same && entry.kind == Kind::File && !same_content(&path, content)? {
            self.note(&name, &entry, true);
            self.differing.insert(index);
            return Ok(());
        }
        if entry.kind == Kind::Directory && !self.check {
            self.directories.push((path.clone(), entry.clone()));
        }
        if same {
            return Ok(());
        }
        self.note(&name, &entry, present.is_some());
        if self.check { Ok(()) } else { self.write(&path, &entry, content, ctx) }
    }

    /// A line of the listing that `--diff` shows, in the manner of rsync.
    fn note(&mut self, name: &str, entry: &Entry, exists: bool) {
        let kind = match entry.kind {
            Kind::Directory => 'd',
            Kind::Symlink(_) => 'L',
            _ => 'f',
        };
        let what = if exists { "c.st....." } else { "+++++++.." };
        self.listing.push_str(&format!(">{kind}{what} {name}\n"));
        self.changed = true;
    }

    /// The parent must be below the destination, and so must be what it really is: an archive may bring links along.
    fn check_parent(&mut self, path: &Path) -> Result<(), String> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.checked_parents.contains(parent) {
            return Ok(());
        }
        // The nearest directory that exists decides; below it only directories of our own are made.
        let existing = parent.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok()).unwrap_or(parent);
        let real = fs::canonicalize(existing).map_err(|err| os_error::with_path(&err, existing))?;
        if !real.starts_with(&self.real_dest) {
            return Err(format!("{} leads out of the destination through a link", path.display()));
        }
        if existing == parent {
            self.checked_parents.insert(parent.to_owned());
        }
        Ok(())
    }

    fn same_metadata(&self, path: &Path, entry: &Entry, present: &fs::Metadata, ctx: &mut Ctx) -> bool {
        let same_mode = self.attributes.mode.is_some()
            || entry.mode.is_none_or(|mode| Self::permitted(mode) == present.mode() & 0o7777);
        let same_kind = match &entry.kind {
            Kind::File => present.is_file() && present.size() == entry.size && same_time(entry, present) && same_mode,
            Kind::Directory => present.is_dir() && same_mode,
            Kind::Symlink(target) => {
                return fs::read_link(path).is_ok_and(|found| found.as_os_str().as_bytes() == target.as_slice());
            }
            Kind::Hardlink(target) => {
                return self.hardlink_source(target).is_ok_and(|source| {
                    fs::symlink_metadata(source)
                        .is_ok_and(|source| (source.dev(), source.ino()) == (present.dev(), present.ino()))
                });
            }
            Kind::Fifo => {
                use std::os::unix::fs::FileTypeExt;
                present.file_type().is_fifo()
            }
            Kind::Other(_) => false,
        };
        let (uid, gid) = self.owner(entry, ctx);
        same_kind
            && (self.attributes.owner.is_some() || uid.is_none_or(|uid| uid == present.uid()))
            && (self.attributes.group.is_some() || gid.is_none_or(|gid| gid == present.gid()))
    }

    /// The mode that this user's umask leaves of an entry's; root keeps it as it is.
    fn permitted(mode: u32) -> u32 {
        if rustix::process::geteuid().is_root() {
            mode
        } else {
            mode & 0o777 & !crate::support::file_attributes::umask()
        }
    }

    /// Numbers of owner and group, by name where the host knows the name.
    fn owner(&self, entry: &Entry, ctx: &mut Ctx) -> (Option<u32>, Option<u32>) {
        match &entry.owner {
            Some(Owner { uid, gid, user, group }) if self.privileged => (
                Some(accounts::user(user, ctx).map_or(*uid, |account| account.id)),
                Some(accounts::group(group, ctx).map_or(*gid, |account| account.id)),
            ),
            _ => (None, None),
        }
    }

    fn hardlink_source(&self, target: &[u8]) -> Result<PathBuf, String> {
        let name = String::from_utf8_lossy(target);
        let stripped = self
            .selection
            .stripped(&name)
            .ok_or_else(|| format!("a hard link leads to {name}, which is not unpacked"))?;
        let path = if self.selection.strips() { inner_path(stripped.as_bytes())? } else { inner_path(target)? };
        let path = self.dest.join(path);
        let real = fs::canonicalize(&path).map_err(|err| os_error::with_path(&err, &path))?;
        if real.starts_with(&self.real_dest) {
            Ok(path)
        } else {
            Err(format!("a hard link leads out of the destination to {name}"))
        }
    }

    fn write(&mut self, path: &Path, entry: &Entry, content: &mut dyn Read, ctx: &mut Ctx) -> Result<(), String> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|err| os_error::with_path(&err, parent))?;
        }
        let failed = |err: io::Error| os_error::with_path(&err, path);
        let owner = self.owner(entry, ctx);
        match &entry.kind {
            Kind::File => self.write_file(path, entry, content, owner),
            Kind::Directory => {
                if !path.is_dir() || path.is_symlink() {
                    remove(path)?;
                    fs::create_dir(path).map_err(failed)?;
                }
                Ok(())
            }
            Kind::Symlink(target) => {
                remove(path)?;
                symlink(OsStr::from_bytes(target), path).map_err(failed)?;
                std::os::unix::fs::lchown(path, owner.0, owner.1).map_err(failed)
            }
            Kind::Hardlink(target) => {
                let source = self.hardlink_source(target)?;
                remove(path)?;
                fs::hard_link(source, path).map_err(failed)
            }
            Kind::Fifo => {
                remove(path)?;
                let mode = rustix::fs::Mode::from_raw_mode(Self::permitted(entry.mode.unwrap_or(0o644)));
                rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)
                    .map_err(|err| failed(err.into()))
            }
            Kind::Other(what) => Err(format!("{} is {what}, which is not supported", path.display())),
        }
    }

    fn write_file(
        &self,
        path: &Path,
        entry: &Entry,
        content: &mut dyn Read,
        (uid, gid): (Option<u32>, Option<u32>),
    ) -> Result<(), String> {
        let failed = |err: io::Error| os_error::with_path(&err, path);
        if path.is_dir() && !path.is_symlink() {
            remove(path)?;
        }
        let mut pending = PendingFile::beside(path).map_err(failed)?;
        copy(content, &mut pending.file, path)?;
        if uid.is_some() || gid.is_some() {
            std::os::unix::fs::fchown(&pending.file, uid, gid).map_err(failed)?;
        }
        let mode = Self::permitted(entry.mode.unwrap_or(0o666 & !crate::support::file_attributes::umask()));
        let mode = self.attributes.mode_for(mode);
        pending.file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        if let Some(time) = entry.modified.and_then(system_time) {
            pending.file.set_times(FileTimes::new().set_modified(time)).map_err(failed)?;
        }
        pending.put_as_it_is(path).map_err(failed)
    }

    fn finish_directories(&mut self, ctx: &mut Ctx) -> Result<(), String> {
        // Children before parents: what is done to a child changes its parent's time.
        for (path, entry) in std::mem::take(&mut self.directories).into_iter().rev() {
            let failed = |err: io::Error| os_error::with_path(&err, &path);
            let (uid, gid) = self.owner(&entry, ctx);
            if self.attributes.owner.is_none() && self.attributes.group.is_none() && (uid.is_some() || gid.is_some()) {
                std::os::unix::fs::lchown(&path, uid, gid).map_err(failed)?;
            }
            if let (Some(mode), None) = (entry.mode, &self.attributes.mode) {
                fs::set_permissions(&path, Permissions::from_mode(Self::permitted(mode))).map_err(failed)?;
            }
            if let (true, Some(time)) = (self.changed, entry.modified.and_then(system_time)) {
                let directory = File::open(&path).map_err(failed)?;
                directory.set_times(FileTimes::new().set_modified(time)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn same_time(entry: &Entry, present: &fs::Metadata) -> bool {
    // Zip keeps only every second second.
    let slack = i64::from(entry.owner.is_none());
    entry.modified.is_none_or(|modified| (modified - present.mtime()).abs() <= slack)
}

fn system_time(seconds: i64) -> Option<SystemTime> {
    let duration = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(duration) } else { UNIX_EPOCH.checked_add(duration) }
}

/// Makes room for something else; a directory goes only if it is empty.
fn remove(path: &Path) -> Result<(), String> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    removed.map_err(|err| os_error::with_path(&err, path))
}

fn copy(content: &mut dyn Read, into: &mut File, path: &Path) -> Result<(), String> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                into.write_all(bytes).map_err(|err| os_error::with_path(&err, path))?;
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(format!("the archive is damaged: {err}")),
        }
    }
}

/// Whether the file holds what the entry does.
fn same_content(path: &Path, content: &mut dyn Read) -> Result<bool, String> {
    let Ok(mut file) = File::open(path) else { return Ok(false) };
    let (mut ours, mut theirs) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let count = match content.read(&mut theirs) {
            Ok(count) => count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(format!("the archive is damaged: {err}")),
        };
        let (Some(ours), Some(theirs)) = (ours.get_mut(..count), theirs.get(..count)) else { return Ok(false) };
        if count == 0 {
            return Ok(true);
        }
        if file.read_exact(ours).is_err() || ours != theirs {
            return Ok(false);
        }
    }
}
