//! Compares entries with what is on disk and writes those that differ. Nothing is written outside of the destination.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rplay_module_api::{Ctx, Failure};

use super::archive::{self, Entry, Format, Kind, Owner};
use super::inner_path;
use super::selection::Selection;
use crate::support::at::{self, Last, Located, Object};
use crate::support::atomic_write::PendingFile;
use crate::support::file_attributes::FileAttributes;
use crate::support::{accounts, os_error};

pub(super) struct Extraction<'a> {
    dest: &'a Path,
    /// The destination, opened: every name of the archive is looked up below it.
    root: Object,
    /// The destination without links.
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
    /// What was unpacked, below the destination.
    pub paths: Vec<PathBuf>,
    /// What changes, a line each.
    pub listing: String,
    /// Files that look the same but have other content.
    differing: BTreeSet<usize>,
    /// Directories get mode and time when nothing more is written into them.
    directories: Vec<(PathBuf, Entry)>,
}

/// More entries than any honest archive has; each takes memory.
const MOST_ENTRIES: usize = 1_000_000;
/// What an archive leaves of the disk to others, in bytes.
const RESERVE: u64 = 16 << 20;

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
        let located = at::locate(dest, Last::Followed);
        let opened = located.and_then(|located| Ok((located.real().to_owned(), located.into_object()?)));
        let (real_dest, root) = opened.map_err(|err| Failure::new(os_error::with_path(&err, dest)))?;
        Ok(Self {
            dest,
            root,
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
        })
    }

    /// Unpacks what differs. A second pass is needed only for files whose difference was found while their content went by.
    pub(super) fn run(&mut self, src: &Path, format: Format, ctx: &mut Ctx) -> Result<(), Failure> {
        let failed = |msg: String, changed: bool| {
            let mut failure = Failure::new(format!("failed to unpack {}: {msg}", src.display()));
            failure.changed = changed;
            failure
        };
        archive::verify(src, format).map_err(|msg| failed(msg, false))?;
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
        self.finish_directories(ctx).map_err(|msg| failed(msg, self.changed))?;
        if self.changed && !self.check {
            at::sync_all(self.dest).map_err(|err| failed(os_error::with_path(&err, self.dest), true))?;
        }
        Ok(())
    }

    /// Where an entry belongs below the destination; none for one that is not wanted.
    fn place(&self, entry: &Entry) -> Result<Option<PathBuf>, String> {
        let name = String::from_utf8_lossy(&entry.name);
        if !self.selection.takes(&name) {
            return Ok(None);
        }
        let path = inner_path(&entry.name)?;
        if !self.selection.strips() {
            return Ok(Some(path));
        }
        self.selection.stripped(&name).map(|stripped| inner_path(stripped.as_bytes())).transpose()
    }

    fn first_visit(&mut self, index: usize, entry: Entry, content: &mut dyn Read, ctx: &mut Ctx) -> Result<(), String> {
        let Some(path) = self.place(&entry)? else { return Ok(()) };
        if self.names.len() >= MOST_ENTRIES {
            return Err(format!("it has more than {MOST_ENTRIES} entries"));
        }
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        let shown = if self.selection.strips() { self.selection.stripped(&name).unwrap_or_default() } else { &name };
        self.names.push(shown.to_owned());
        self.paths.push(path.clone());
        if path == Path::new("") && entry.kind == Kind::Directory {
            return Ok(());
        }
        let present = self.find(&path)?;
        let meta = present.as_ref().and_then(|present| present.metadata().ok());
        if let (true, Some(meta)) = (self.keep_newer, &meta)
            && entry.modified.is_some_and(|modified| meta.mtime() > modified)
        {
            return Ok(());
        }
        let same = match (&present, &meta) {
            (Some(present), Some(meta)) => self.same_metadata(present, &entry, meta, ctx),
            _ => false,
        };
        if let Some(present) = present.as_ref().filter(|_| same && entry.kind == Kind::File)
            && !same_content(present, content)?
        {
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
        self.note(&name, &entry, meta.is_some());
        if self.check { Ok(()) } else { self.write(&path, &entry, content, ctx) }
    }

    /// What the task's attributes are for: all that was unpacked, and the topmost directories on the way to it, which the archive may only
    /// imply. That is what Ansible does, to which the topmost one of `./a/b` is the destination.
    pub(super) fn paths_for_attributes(&self) -> Vec<PathBuf> {
        let mut paths = self.paths.clone();
        let mut seen: BTreeSet<PathBuf> = paths.iter().cloned().collect();
        for (name, path) in self.names.iter().zip(&self.paths) {
            let mut components = path.components();
            let top = match (components.next(), components.next()) {
                _ if name.starts_with("./") => PathBuf::new(),
                (Some(top), Some(_)) => PathBuf::from(top.as_os_str()),
                _ => continue,
            };
            if seen.insert(top.clone()) {
                paths.push(top);
            }
        }
        paths
    }

    /// What is at a path below the destination, itself if it is a link; nothing either where a directory on the way is missing.
    pub(super) fn find(&self, path: &Path) -> Result<Option<Object>, String> {
        match self.root.beneath(path, &self.real_dest, Last::Itself).and_then(Located::into_object) {
            Ok(object) => Ok(Some(object)),
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(err) => Err(self.trouble(path, &err)),
        }
    }

    /// A name to put something at. The directories on the way are made; links among them stay below the destination.
    fn locate(&self, path: &Path) -> Result<Located, String> {
        let failed = |err: io::Error| self.trouble(path, &err);
        for parent in path.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev().skip(1) {
            let place = self.root.beneath(parent, &self.real_dest, Last::Followed).map_err(failed)?;
            if place.metadata().is_none() {
                place.create_dir(0o777).map_err(failed)?;
            }
        }
        self.root.beneath(path, &self.real_dest, Last::Itself).map_err(failed)
    }

    fn trouble(&self, path: &Path, err: &io::Error) -> String {
        os_error::with_path(err, &self.dest.join(path))
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

    fn same_metadata(&self, object: &Object, entry: &Entry, present: &fs::Metadata, ctx: &mut Ctx) -> bool {
        let same_mode = self.attributes.mode.is_some()
            || entry.mode.is_none_or(|mode| Self::permitted(mode) == present.mode() & 0o7777);
        let same_kind = match &entry.kind {
            Kind::File => present.is_file() && present.size() == entry.size && same_time(entry, present) && same_mode,
            Kind::Directory => present.is_dir() && same_mode,
            Kind::Symlink(target) => {
                return object.link_target().is_ok_and(|found| found.as_bytes() == target.as_slice());
            }
            Kind::Hardlink(target) => {
                let source = self.hardlink_source(target).ok().and_then(|source| source.metadata());
                return source.is_some_and(|source| (source.dev(), source.ino()) == (present.dev(), present.ino()));
            }
            Kind::Fifo => present.file_type().is_fifo(),
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

    /// What a hard link is another name of: something below the destination that is no link itself.
    fn hardlink_source(&self, target: &[u8]) -> Result<Located, String> {
        let name = String::from_utf8_lossy(target);
        let stripped = self
            .selection
            .stripped(&name)
            .ok_or_else(|| format!("a hard link leads to {name}, which is not unpacked"))?;
        let path = if self.selection.strips() { inner_path(stripped.as_bytes())? } else { inner_path(target)? };
        let source = self.root.beneath(&path, &self.real_dest, Last::Itself);
        let source = source.map_err(|err| format!("a hard link leads to {name}: {}", os_error::numbered(&err)))?;
        if source.metadata().is_none() {
            return Err(format!("a hard link leads to {name}, which is not there"));
        }
        Ok(source)
    }

    fn write(&mut self, path: &Path, entry: &Entry, content: &mut dyn Read, ctx: &mut Ctx) -> Result<(), String> {
        let place = self.locate(path)?;
        let failed = |err: io::Error| os_error::with_path(&err, &self.dest.join(path));
        let owner = self.owner(entry, ctx);
        match &entry.kind {
            Kind::File => self.write_file(place, entry, content, owner).map_err(|err| err.text(&self.dest.join(path))),
            Kind::Directory => {
                if !place.metadata().is_some_and(|meta| meta.is_dir()) {
                    remove(&place).and_then(|()| place.create_dir(0o777)).map_err(failed)?;
                }
                Ok(())
            }
            Kind::Symlink(target) => {
                remove(&place).map_err(failed)?;
                place.symlink(OsStr::from_bytes(target), place.name()).map_err(failed)?;
                match place.present().map_err(failed)? {
                    Some(link) if owner != (None, None) => link.set_owner(owner.0, owner.1).map_err(failed),
                    _ => Ok(()),
                }
            }
            Kind::Hardlink(target) => {
                let source = self.hardlink_source(target)?;
                remove(&place).and_then(|()| place.hard_link(&source, place.name())).map_err(failed)
            }
            Kind::Fifo => {
                let mode = Self::permitted(entry.mode.unwrap_or(0o644));
                remove(&place).and_then(|()| place.create_fifo(mode)).map_err(failed)
            }
            Kind::Other(what) => Err(format!("{} is {what}, which is not supported", self.dest.join(path).display())),
        }
    }

    fn write_file(
        &self,
        place: Located,
        entry: &Entry,
        content: &mut dyn Read,
        (uid, gid): (Option<u32>, Option<u32>),
    ) -> Result<(), Unwritten> {
        let space = rustix::fs::fstatvfs(place.directory()?).map_err(io::Error::from)?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        if entry.size.saturating_add(RESERVE) > free {
            return Err(Unwritten::Archive(format!("unpacks to {} bytes, and {free} are free", entry.size)));
        }
        if place.metadata().is_some_and(|meta| meta.is_dir()) {
            remove(&place)?;
        }
        let mut pending = PendingFile::at(place)?;
        copy(content, &mut pending.file, entry.size)?;
        if uid.is_some() || gid.is_some() {
            std::os::unix::fs::fchown(&pending.file, uid, gid)?;
        }
        let mode = Self::permitted(entry.mode.unwrap_or(0o666 & !crate::support::file_attributes::umask()));
        let mode = self.attributes.mode_for(mode);
        pending.file.set_permissions(Permissions::from_mode(mode))?;
        if let Some(time) = entry.modified.and_then(system_time) {
            pending.file.set_times(FileTimes::new().set_modified(time))?;
        }
        Ok(pending.put_as_it_is()?)
    }

    fn finish_directories(&mut self, ctx: &mut Ctx) -> Result<(), String> {
        // Children before parents: what is done to a child changes its parent's time.
        for (path, entry) in std::mem::take(&mut self.directories).into_iter().rev() {
            let failed = |err: io::Error| os_error::with_path(&err, &self.dest.join(&path));
            // The archive itself may have put something else in its place.
            let Some(directory) = self.find(&path)? else { continue };
            if !directory.metadata().is_ok_and(|meta| meta.is_dir()) {
                continue;
            }
            let (uid, gid) = self.owner(&entry, ctx);
            if self.attributes.owner.is_none() && self.attributes.group.is_none() && (uid.is_some() || gid.is_some()) {
                directory.set_owner(uid, gid).map_err(failed)?;
            }
            if let (Some(mode), None) = (entry.mode, &self.attributes.mode) {
                directory.set_mode(Self::permitted(mode)).map_err(failed)?;
            }
            if let (true, Some(time)) = (self.changed, entry.modified.and_then(system_time)) {
                directory.set_times(FileTimes::new().set_modified(time)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Why a file could not be written: the disk's reason, or the archive's.
enum Unwritten {
    Disk(io::Error),
    Archive(String),
}

impl From<io::Error> for Unwritten {
    fn from(err: io::Error) -> Self {
        Unwritten::Disk(err)
    }
}

impl Unwritten {
    fn text(self, path: &Path) -> String {
        match self {
            Unwritten::Disk(err) => os_error::with_path(&err, path),
            Unwritten::Archive(reason) => format!("{} {reason}", path.display()),
        }
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
fn remove(place: &Located) -> io::Result<()> {
    match place.metadata() {
        Some(meta) if meta.is_dir() => place.remove_dir(),
        Some(_) => place.remove_file(place.name()),
        None => Ok(()),
    }
}

/// Writes the content, which is not longer than the archive said.
fn copy(content: &mut dyn Read, into: &mut File, size: u64) -> Result<(), Unwritten> {
    let mut buffer = vec![0; 64 * 1024];
    let mut left = size;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                left = left.checked_sub(count as u64).ok_or_else(|| {
                    Unwritten::Archive(format!("is longer than the {size} bytes that the archive says"))
                })?;
                into.write_all(bytes)?;
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(Unwritten::Archive(format!("cannot be unpacked, the archive is damaged: {err}"))),
        }
    }
}

/// Whether the file holds what the entry does.
fn same_content(present: &Object, content: &mut dyn Read) -> Result<bool, String> {
    let Ok(mut file) = present.open(rustix::fs::OFlags::RDONLY) else { return Ok(false) };
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
