//! Archives from anyone: read in full before anything of them is believed, and nothing leaves the folder it is unpacked in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use crate::error::{Error, ErrorKind};

/// What an archive may hold, unpacked.
const MOST_BYTES: u64 = 4_000_000_000;
const MOST_ENTRIES: usize = 500_000;
const MOST_OF_ONE: u64 = 1_000_000_000;

#[derive(Clone, Debug)]
pub enum Kind {
    File { executable: bool, content: Vec<u8> },
    Folder,
    Link(PathBuf),
}

/// An archive's entries by their path, which has neither `..` nor a root.
#[derive(Debug)]
pub struct Entries {
    pub entries: BTreeMap<PathBuf, Kind>,
    /// Paths of links that the archive has something else for, too: what comes later would be written through them.
    pub overwritten: Vec<PathBuf>,
}

impl Entries {
    pub fn read(file: &Path) -> Result<Self, Error> {
        let trouble = |why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::File, format!("the archive {} cannot be read: {why}", file.display()))
        };
        let mut opened = BufReader::new(fs::File::open(file).map_err(|err| trouble(&err))?);
        let mut magic = [0; 6];
        let length = read_up_to(&mut opened, &mut magic).map_err(|err| trouble(&err))?;
        let start = io::Cursor::new(magic[..length].to_vec()).chain(opened);
        match &magic {
            [0x1f, 0x8b, ..] => Self::of(GzDecoder::new(start)),
            [b'B', b'Z', b'h', ..] => {
                Err("it is compressed with bzip2, which is not supported here (tar and tar.gz are)".to_owned())
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                Err("it is compressed with xz, which is not supported here (tar and tar.gz are)".to_owned())
            }
            _ => Self::of(start),
        }
        .map_err(|why| trouble(&why))
    }

    fn of(reader: impl Read) -> Result<Self, String> {
        let mut archive = Archive::new(reader.take(MOST_BYTES));
        let mut entries = BTreeMap::new();
        let mut overwritten = Vec::new();
        let mut total = 0;
        for entry in archive.entries().map_err(|err| err.to_string())? {
            let mut entry = entry.map_err(|err| err.to_string())?;
            let path = entry.path().map_err(|err| err.to_string())?.into_owned();
            let Some(inner) = inside(&path) else {
                return Err(format!("the entry {} leaves the folder", path.display()));
            };
            if inner.as_os_str().is_empty() {
                continue;
            }
            if entries.len() >= MOST_ENTRIES {
                return Err(format!("it has more than {MOST_ENTRIES} entries"));
            }
            let kind = match entry.header().entry_type() {
                EntryType::Directory => Kind::Folder,
                EntryType::Regular | EntryType::Continuous => {
                    total += entry.size();
                    if entry.size() > MOST_OF_ONE || total > MOST_BYTES {
                        return Err(format!("it holds more than {MOST_BYTES} bytes"));
                    }
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content).map_err(|err| err.to_string())?;
                    Kind::File { executable: entry.header().mode().unwrap_or(0) & 0o100 != 0, content }
                }
                EntryType::Symlink => {
                    let target = entry.link_name().map_err(|err| err.to_string())?;
                    Kind::Link(target.ok_or("a link without a target")?.into_owned())
                }
                EntryType::XGlobalHeader | EntryType::XHeader => continue,
                _ => return Err(format!("the entry {} is neither a file, a folder nor a link", path.display())),
            };
            if let Some(Kind::Link(_)) = entries.get(&inner) {
                overwritten.push(inner);
            } else {
                entries.insert(inner, kind);
            }
        }
        Ok(Self { entries, overwritten })
    }

    pub fn file(&self, path: &str) -> Option<&[u8]> {
        match self.entries.get(Path::new(path))? {
            Kind::File { content, .. } => Some(content),
            Kind::Folder | Kind::Link(_) => None,
        }
    }

    /// The entries below a folder of the archive, with the rest of their paths.
    pub fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = (PathBuf, &'a Kind)> {
        self.entries.iter().filter_map(move |(path, kind)| Some((path.strip_prefix(folder).ok()?.to_owned(), kind)))
    }
}

fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < into.len() {
        match from.read(&mut into[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// The path without `.`; none where it leaves the folder. `a/../b` is taken for what it means.
pub fn inside(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// Whether a link at this path stays in the folder.
pub fn link_stays(path: &Path, target: &Path) -> bool {
    !target.is_absolute() && inside(&path.parent().unwrap_or(Path::new("")).join(target)).is_some()
}

/// Writes one entry below a folder. Nothing is written through a link.
pub fn unpack(folder: &Path, path: &Path, kind: &Kind) -> Result<(), String> {
    let target = folder.join(path);
    for parent in path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()) {
        if folder.join(parent).is_symlink() {
            return Err(format!("{} lies behind a link", path.display()));
        }
    }
    let made = match kind {
        Kind::Folder => fs::create_dir_all(&target),
        Kind::File { executable, content } => target
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| if target.is_symlink() { fs::remove_file(&target) } else { Ok(()) })
            .and_then(|()| fs::write(&target, content))
            .and_then(|()| {
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&target, fs::Permissions::from_mode(mode))
            }),
        Kind::Link(to) => {
            if !link_stays(path, to) {
                return Err(format!("the link {} points to {}, which is outside", path.display(), to.display()));
            }
            target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| symlink(to, &target))
        }
    };
    made.map_err(|err| format!("{}: {err}", target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_are_none() {
        assert_eq!(inside(Path::new("./a/../b")), Some(PathBuf::from("b")));
        assert_eq!(inside(Path::new("a/../../b")), None);
        assert_eq!(inside(Path::new("/a")), None);
        assert!(link_stays(Path::new("a/b"), Path::new("../c")));
        assert!(!link_stays(Path::new("a/b"), Path::new("../../c")));
        assert!(!link_stays(Path::new("a"), Path::new("/etc/passwd")));
    }
}
