//! Files by way of open directories, so that what was judged is what is changed.
//!
//! A path is walked name by name, each directory held open and each link read and judged, and whatever is changed in the end is an opened
//! object or a name in an opened directory. Nobody can put something else into the way in between.
//!
//! # Which links count
//!
//! Root follows its own links as Ansible does. A link of another user may say where that user's files are, and nothing else: what it leads
//! to must belong to the same user (or be a folder where everybody may write), or the path is refused. So a user's home is the user's to
//! arrange, and yet no task that root runs there reaches a file that this user could not have changed without root's help.
//! A task of an ordinary user can do only what that user may, and the kernel's `fs.protected_symlinks` is all that it needs.
//!
//! Below a directory (`Rule::Beneath`, for archives and other people's trees) a link may lead anywhere but out of it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rplay_module_api::settle;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

/// As many as Linux follows in one path.
const MOST_LINKS: u32 = 40;

/// Whether the last name of a path, if it is a link, stands for what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Itself,
    Followed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Links of other users lead to files of theirs.
    Owned,
    /// Links stay below the first directory.
    Beneath,
}

/// Where a path leads: a name in an opened directory.
pub struct Located {
    directory: File,
    /// Empty for the directory itself.
    name: OsString,
    object: Option<Object>,
    /// Without links, as far as it was walked.
    real: PathBuf,
    through: Option<Through>,
}

/// Something on a disk, opened for nothing but being looked at and having its attributes changed. It may be a link itself.
pub struct Object {
    /// Opened with `O_PATH`: neither a device nor a pipe notices.
    file: File,
    /// Directory and name where it was found.
    found: Option<(File, OsString)>,
}

/// The last link of another user that was followed.
#[derive(Clone, Debug)]
struct Through {
    link: PathBuf,
    owner: u32,
}

struct Walk {
    /// From the root, or the first directory, to where the walk stands.
    directories: Vec<(File, OsString)>,
    /// Above the first directory.
    above: PathBuf,
    rule: Rule,
    links: u32,
    through: Option<Through>,
}

fn root() -> io::Result<File> {
    open_at(CWD, OsStr::new("/"), OFlags::PATH | OFlags::DIRECTORY)
}

fn open_at(directory: BorrowedFd, name: &OsStr, flags: OFlags) -> io::Result<File> {
    Ok(File::from(rustix::fs::openat(directory, name, flags | OFlags::CLOEXEC, Mode::empty())?))
}

fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

impl Walk {
    fn here(&self) -> BorrowedFd<'_> {
        self.directories.last().map_or(CWD, |(directory, _)| directory.as_fd())
    }

    fn real(&self) -> PathBuf {
        let mut real = self.above.clone();
        real.extend(self.directories.iter().skip(1).map(|(_, name)| name));
        real
    }

    fn run(mut self, path: &Path, last: Last) -> io::Result<Located> {
        let mut names = names_of(path);
        while let Some(name) = names.pop_front() {
            match name.as_bytes() {
                b"/" => self.begin_at_root()?,
                b"." => {}
                b".." => self.up()?,
                _ => {
                    if let Some(located) = self.enter(name, &mut names, last)? {
                        return Ok(located);
                    }
                }
            }
        }
        // The path is a directory without a name: the root, or it ends in dots.
        let directory = self.here().try_clone_to_owned()?;
        let object = Object { file: directory.try_clone()?.into(), found: None };
        let real = self.real();
        Ok(Located {
            directory: directory.into(),
            name: OsString::new(),
            object: Some(object),
            real,
            through: self.through,
        })
    }

    fn begin_at_root(&mut self) -> io::Result<()> {
        match self.rule {
            Rule::Owned => self.directories = vec![(root()?, OsString::new())],
            Rule::Beneath => return Err(outside()),
        }
        Ok(())
    }

    fn up(&mut self) -> io::Result<()> {
        if self.directories.len() > 1 {
            self.directories.pop();
            return Ok(());
        }
        if self.rule == Rule::Beneath { Err(outside()) } else { Ok(()) }
    }

    /// Goes on through a name; the result, if it was the last one.
    fn enter(&mut self, name: OsString, rest: &mut VecDeque<OsString>, last: Last) -> io::Result<Option<Located>> {
        let is_last = rest.is_empty();
        let opened = match open_at(self.here(), &name, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(opened) => Some(opened),
            Err(err) if is_last && err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(err),
        };
        let Some(opened) = opened else { return self.end(name, None).map(Some) };
        let meta = opened.metadata()?;
        if meta.is_symlink() && !(is_last && last == Last::Itself) {
            self.follow(&name, &opened, &meta, rest)?;
            return Ok(None);
        }
        if is_last {
            return self.end(name, Some(opened)).map(Some);
        }
        if !meta.is_dir() {
            return Err(Errno::NOTDIR.into());
        }
        self.directories.push((opened, name));
        Ok(None)
    }

    fn end(&mut self, name: OsString, object: Option<File>) -> io::Result<Located> {
        let directory = File::from(self.here().try_clone_to_owned()?);
        let real = self.real().join(&name);
        let object = match object {
            Some(file) => Some(Object { file, found: Some((directory.try_clone()?, name.clone())) }),
            None => None,
        };
        Ok(Located { directory, name, object, real, through: self.through.take() })
    }

    fn follow(&mut self, name: &OsStr, link: &File, meta: &Metadata, rest: &mut VecDeque<OsString>) -> io::Result<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = OsString::from_vec(rustix::fs::readlinkat(link, "", Vec::new())?.into_bytes());
        if self.rule == Rule::Owned && meta.uid() != 0 && is_privileged() {
            let through = Through { link: self.real().join(name), owner: meta.uid() };
            if let Some(first) = self.through.as_ref().filter(|first| first.owner != through.owner) {
                let (one, other) = (first.link.display(), through.link.display());
                return Err(refused(format!("{one} and {other}, links of different users, are not followed")));
            }
            self.through = Some(through);
        }
        let mut target = Path::new(&target);
        if self.rule == Rule::Beneath && target.is_absolute() {
            let first = self.directories.first().map(|_| self.above.as_path());
            target = first.and_then(|first| target.strip_prefix(first).ok()).ok_or_else(outside)?;
            self.directories.truncate(1);
        }
        for name in names_of(target).into_iter().rev() {
            rest.push_front(name);
        }
        if rest.is_empty() {
            rest.push_front(OsString::from("."));
        }
        Ok(())
    }
}

/// The names of a path in order; `/` for the root, and no single dots.
fn names_of(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::CurDir | Component::Prefix(_) => None,
            other => Some(other.as_os_str().to_owned()),
        })
        .collect()
}

fn outside() -> io::Error {
    refused("it leads out of the destination through a link".to_owned())
}

/// Whether the error is that a link may not be followed.
pub fn is_refusal(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::PermissionDenied && err.raw_os_error().is_none()
}

fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Walks a path by the rule for links of other users.
pub fn locate(path: &Path, last: Last) -> io::Result<Located> {
    if let Some(located) = without_links(path, last)? {
        return Ok(located);
    }
    let absolute = if path.is_absolute() { path.to_owned() } else { std::env::current_dir()?.join(path) };
    let directories = vec![(root()?, OsString::new())];
    let walk = Walk { directories, above: PathBuf::from("/"), rule: Rule::Owned, links: 0, through: None };
    walk.run(&absolute, last)
}

/// The usual case in one step: no link is on the way. None where there is one, or where the kernel cannot tell (before Linux 5.6).
fn without_links(path: &Path, last: Last) -> io::Result<Option<Located>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    if !path.is_absolute() || path.components().any(|component| component == Component::ParentDir) {
        return Ok(None);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = rustix::fs::ResolveFlags::NO_SYMLINKS;
    let Ok(directory) = rustix::fs::openat2(CWD, parent, flags, Mode::empty(), resolve) else { return Ok(None) };
    let directory = File::from(directory);
    let object = child(&directory, name)?;
    if last == Last::Followed && object.as_ref().is_some_and(|object| object.metadata().is_ok_and(|it| it.is_symlink()))
    {
        return Ok(None);
    }
    Ok(Some(Located { directory, name: name.to_owned(), object, real: parent.join(name), through: None }))
}

fn child(directory: &File, name: &OsStr) -> io::Result<Option<Object>> {
    match open_at(directory.as_fd(), name, OFlags::PATH | OFlags::NOFOLLOW) {
        Ok(file) => Ok(Some(Object { file, found: Some((directory.try_clone()?, name.to_owned())) })),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

/// What is at `path`, for changing its attributes; a link is itself.
pub fn object(path: &Path) -> io::Result<Object> {
    locate(path, Last::Itself)?.into_object()
}

/// The path without links. What does not exist at its end stays as it is written.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let located = locate(path, Last::Followed)?;
    located.judge_object()?;
    Ok(located.real)
}

/// Opens a file for reading, through links that may be followed. A pipe does not make it wait.
pub fn open(path: &Path) -> io::Result<File> {
    locate(path, Last::Followed)?.into_object()?.open(OFlags::RDONLY)
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    io::Read::read_to_end(&mut open(path)?, &mut content)?;
    Ok(content)
}

/// Whether a program may be given this path: it is refused if a link on the way may not be followed, not if something is missing.
pub fn judge(path: &Path) -> io::Result<()> {
    match real_path(path) {
        Err(err) if is_refusal(&err) => Err(err),
        _ => Ok(()),
    }
}

/// Removes a file, or a link itself.
pub fn remove_file(path: &Path) -> io::Result<()> {
    let place = locate(path, Last::Itself)?;
    place.remove_file(place.name())
}

/// Removes an empty directory.
pub fn remove_dir(path: &Path) -> io::Result<()> {
    locate(path, Last::Itself)?.remove_dir()
}

/// Makes a directory and what is missing above it.
pub fn create_dir_all(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() || path == Path::new("") {
        return Ok(());
    }
    path.parent().map_or(Ok(()), |parent| create_dir_all(parent, mode))?;
    match locate(path, Last::Itself)?.create_dir(mode) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result,
    }
}

impl Located {
    /// What is there, if it exists.
    pub fn metadata(&self) -> Option<Metadata> {
        self.object.as_ref()?.metadata().ok()
    }

    pub fn into_object(self) -> io::Result<Object> {
        self.judge_object()?;
        self.object.ok_or_else(|| Errno::NOENT.into())
    }

    /// The directory, opened for nothing but names in it.
    pub fn directory(&self) -> io::Result<&File> {
        self.judge_directory()?;
        Ok(&self.directory)
    }

    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The path without links.
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// What has the name now.
    pub fn present(&self) -> io::Result<Option<Object>> {
        child(&self.directory, &self.name)
    }

    fn judge_object(&self) -> io::Result<()> {
        match &self.object {
            Some(object) => self.judge(&object.metadata()?),
            None => self.judge_directory(),
        }
    }

    /// A name in a directory is the business of who may write there.
    fn judge_directory(&self) -> io::Result<()> {
        const OTHERS_WRITE: u32 = 0o002;
        let meta = self.directory.metadata()?;
        if meta.mode() & OTHERS_WRITE != 0 { Ok(()) } else { self.judge(&meta) }
    }

    fn judge(&self, meta: &Metadata) -> io::Result<()> {
        let Some(Through { link, owner }) = self.through.as_ref().filter(|through| through.owner != meta.uid()) else {
            return Ok(());
        };
        Err(refused(format!(
            "the link {} belongs to user {owner} and leads to {}, which does not",
            link.display(),
            self.real.display()
        )))
    }

    /// Makes a file that was not there.
    pub fn create_new(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(self.directory()?, name, flags, Mode::from_raw_mode(mode))?))
    }

    pub fn create_dir(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(self.directory()?, &self.name, Mode::from_raw_mode(mode))?)
    }

    pub fn create_fifo(&self, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode);
        Ok(rustix::fs::mknodat(self.directory()?, &self.name, FileType::Fifo, mode, 0)?)
    }

    pub fn symlink(&self, target: &OsStr, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, self.directory()?, name)?)
    }

    /// Makes `name` here another name of what is at `source`, itself if it is a link.
    pub fn hard_link(&self, source: &Located, name: &OsStr) -> io::Result<()> {
        source.judge_object()?;
        Ok(rustix::fs::linkat(&source.directory, &source.name, self.directory()?, name, AtFlags::empty())?)
    }

    /// Gives what is at another name in this directory this one's name.
    pub fn rename_from(&self, name: &OsStr) -> io::Result<()> {
        let directory = self.directory()?;
        Ok(rustix::fs::renameat(directory, name, directory, &self.name)?)
    }

    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(self.directory()?, name, AtFlags::empty())?)
    }

    pub fn remove_dir(&self) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(self.directory()?, &self.name, AtFlags::REMOVEDIR)?)
    }

    /// Removes what is there, a directory with all that is in it.
    pub fn remove_all(&self) -> io::Result<()> {
        remove_all(self.directory()?, &self.name)
    }

    /// The directory's entries reach the disk, before the answer to the next request at the latest.
    pub fn sync_directory(&self) -> io::Result<()> {
        let directory = open_at(self.directory.as_fd(), OsStr::new("."), OFlags::RDONLY | OFlags::DIRECTORY)?;
        settle::later(move || synced(&directory))
    }
}

fn remove_all(directory: &File, name: &OsStr) -> io::Result<()> {
    let Some(object) = child(directory, name)? else { return Err(Errno::NOENT.into()) };
    if !object.metadata()?.is_dir() {
        return Ok(rustix::fs::unlinkat(directory, name, AtFlags::empty())?);
    }
    for entry in object.names()? {
        match remove_all(&object.file, &entry) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
    }
    Ok(rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)?)
}

/// Waits until everything is on the disk that was written to the file system of `path`.
pub fn sync_all(path: &Path) -> io::Result<()> {
    let located = locate(path, Last::Followed)?;
    let directory = located.into_object()?.open(OFlags::RDONLY)?;
    Ok(rustix::fs::syncfs(directory)?)
}

/// Waits until a file or directory is on the disk.
pub fn synced(file: &File) -> io::Result<()> {
    match rustix::fs::fsync(file) {
        // Some file systems have nothing to wait for.
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::ROFS) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

impl Object {
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    fn pinned(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// Opens the same object for more. A pipe does not make it wait, and a terminal does not become this process's.
    pub fn open(&self, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
        match open_at(CWD, self.pinned().as_os_str(), flags) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        // Without /proc: by its name, if it is still there.
        let Some((directory, name)) = &self.found else { return open_at(self.file.as_fd(), OsStr::new("."), flags) };
        let opened = open_at(directory.as_fd(), name, flags | OFlags::NOFOLLOW)?;
        let (own, other) = (self.file.metadata()?, opened.metadata()?);
        if (own.dev(), own.ino()) == (other.dev(), other.ino()) { Ok(opened) } else { Err(Errno::STALE.into()) }
    }

    pub fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        Ok(rustix::fs::chownat(&self.file, "", uid, gid, AtFlags::EMPTY_PATH)?)
    }

    /// Not for links, which have no mode.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode);
        match rustix::fs::chmod(self.pinned(), mode) {
            Err(Errno::NOENT) => Ok(rustix::fs::fchmod(self.open(OFlags::RDONLY)?, mode)?),
            result => Ok(result?),
        }
    }

    pub fn set_times(&self, times: FileTimes) -> io::Result<()> {
        self.open(OFlags::RDONLY)?.set_times(times)
    }

    pub fn attribute(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut value = vec![0; 65536];
        let length = rustix::fs::getxattr(self.pinned(), name, value.as_mut_slice())?;
        value.truncate(length);
        Ok(value)
    }

    /// Names of the extended attributes.
    pub fn attribute_names(&self) -> io::Result<Vec<String>> {
        let mut names = vec![0; 65536];
        let length = rustix::fs::listxattr(self.pinned(), names.as_mut_slice())?;
        let names = String::from_utf8_lossy(names.get(..length).unwrap_or_default()).into_owned();
        Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    pub fn set_attribute(&self, name: &str, value: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::setxattr(self.pinned(), name, value, XattrFlags::empty())?)
    }

    /// Where a link leads, as it is written.
    pub fn link_target(&self) -> io::Result<OsString> {
        Ok(OsString::from_vec(rustix::fs::readlinkat(&self.file, "", Vec::new())?.into_bytes()))
    }

    /// The names in a directory.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let directory = self.open(OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// What has this name in the directory.
    pub fn child(&self, name: &OsStr) -> io::Result<Object> {
        child(&self.file, name)?.ok_or_else(|| Errno::NOENT.into())
    }

    /// A name in this directory, whatever is there.
    pub fn place(&self, name: &OsStr, real: &Path) -> io::Result<Located> {
        let directory = self.file.try_clone()?;
        let object = child(&directory, name)?;
        Ok(Located { directory, name: name.to_owned(), object, real: real.join(name), through: None })
    }

    /// Walks a path below this directory, which is at `real`. No link leads out of it.
    pub fn beneath(&self, path: &Path, real: &Path, last: Last) -> io::Result<Located> {
        let directories = vec![(self.file.try_clone()?, OsString::new())];
        let walk = Walk { directories, above: real.to_owned(), rule: Rule::Beneath, links: 0, through: None };
        walk.run(path, last)
    }
}

#[cfg(test)]
mod tests;
