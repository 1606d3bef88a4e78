//! The flags of `chattr` and `lsattr`, through the ioctl that these programs use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{IFlags, OFlags};

use crate::support::at::Object;

/// Letter, bit and Ansible's name (if it has one), in the order in which lsattr prints them.
const FLAGS: &[(char, u32, &str)] = &[
    ('s', 0x0000_0001, "zero"),
    ('u', 0x0000_0002, "undelete"),
    ('S', 0x0000_0008, "synchronous"),
    ('D', 0x0001_0000, "dirsync"),
    ('i', 0x0000_0010, "immutable"),
    ('a', 0x0000_0020, "append"),
    ('d', 0x0000_0040, "nodump"),
    ('A', 0x0000_0080, "noatime"),
    ('c', 0x0000_0004, "compressed"),
    ('B', 0x0000_0100, ""),
    ('Z', 0x0000_0200, "compresseddirty"),
    ('X', 0x0000_0400, "compressedraw"),
    ('E', 0x0000_0800, "encrypted"),
    ('I', 0x0000_1000, "indexed"),
    ('j', 0x0000_4000, "journalled"),
    ('t', 0x0000_8000, "notail"),
    ('T', 0x0002_0000, "blockroot"),
    ('h', 0x0004_0000, "blocksize"),
    ('e', 0x0008_0000, "extents"),
    ('V', 0x0010_0000, ""),
    ('C', 0x0080_0000, "nocow"),
    ('x', 0x0200_0000, ""),
    ('N', 0x1000_0000, "inline"),
    ('P', 0x2000_0000, ""),
    ('F', 0x4000_0000, ""),
];

fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its other end.
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)
}

/// The flags of a file or directory.
pub fn read(path: &Path) -> io::Result<u32> {
    Ok(rustix::fs::ioctl_getflags(open(path)?)?.bits())
}

pub fn read_of(object: &Object) -> io::Result<u32> {
    Ok(rustix::fs::ioctl_getflags(open_object(object)?)?.bits())
}

pub fn write(object: &Object, flags: u32) -> io::Result<()> {
    rustix::fs::ioctl_setflags(open_object(object)?, IFlags::from_bits_retain(flags)).map_err(io::Error::from)
}

fn open_object(object: &Object) -> io::Result<File> {
    if object.metadata()?.is_symlink() {
        return Err(io::Error::from_raw_os_error(libc::ELOOP));
    }
    object.open(OFlags::RDONLY)
}

pub fn letters(flags: u32) -> String {
    FLAGS.iter().filter(|(_, bit, _)| flags & bit != 0).map(|(letter, ..)| letter).collect()
}

pub fn names(flags: u32) -> Vec<&'static str> {
    FLAGS.iter().filter(|(_, bit, name)| flags & bit != 0 && !name.is_empty()).map(|(.., name)| *name).collect()
}

/// The generation number that lsattr calls version.
pub fn version(path: &Path) -> io::Result<u32> {
    const FS_IOC_GETVERSION: u64 = 0x8008_7601;
    let file = open(path)?;
    let mut version: libc::c_long = 0;
    // SAFETY: the request writes one `long` (in fact an `int`) to the address, which is valid for it.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_GETVERSION as _, &raw mut version) };
    if result == 0 { Ok(u32::try_from(version & 0xffff_ffff).unwrap_or(0)) } else { Err(io::Error::last_os_error()) }
}

/// `flags` after `+i`, `-i` or `=i`; without an operator the letters replace what is there.
pub fn changed_by(flags: u32, written: &str) -> Result<u32, String> {
    let (operator, letters) = match written.chars().next() {
        Some(operator @ ('+' | '-' | '=')) => (operator, &written[1..]),
        _ => ('=', written),
    };
    let mut bits = 0;
    for letter in letters.chars() {
        let (_, bit, _) =
            FLAGS.iter().find(|(known, ..)| *known == letter).ok_or_else(|| format!("unknown attribute `{letter}`"))?;
        bits |= bit;
    }
    Ok(match operator {
        '+' => flags | bits,
        '-' => flags & !bits,
        _ => bits,
    })
}
