//! The flags of `chattr` and `lsattr`, through the ioctl that these programs use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::IFlags;

/// Letter and bit, in the order in which lsattr prints them.
const FLAGS: &[(char, u32)] = &[
    ('s', 0x0000_0001),
    ('u', 0x0000_0002),
    ('S', 0x0000_0008),
    ('D', 0x0001_0000),
    ('i', 0x0000_0010),
    ('a', 0x0000_0020),
    ('d', 0x0000_0040),
    ('A', 0x0000_0080),
    ('c', 0x0000_0004),
    ('B', 0x0000_0100),
    ('Z', 0x0000_0200),
    ('X', 0x0000_0400),
    ('E', 0x0000_0800),
    ('I', 0x0000_1000),
    ('j', 0x0000_4000),
    ('t', 0x0000_8000),
    ('T', 0x0002_0000),
    ('h', 0x0004_0000),
    ('e', 0x0008_0000),
    ('V', 0x0010_0000),
    ('C', 0x0080_0000),
    ('x', 0x0200_0000),
    ('N', 0x1000_0000),
    ('P', 0x2000_0000),
    ('F', 0x4000_0000),
];

fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its other end.
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)
}

/// The flags of a file or directory.
pub fn read(path: &Path) -> io::Result<u32> {
    Ok(rustix::fs::ioctl_getflags(open(path)?)?.bits())
}

pub fn write(path: &Path, flags: u32) -> io::Result<()> {
    rustix::fs::ioctl_setflags(open(path)?, IFlags::from_bits_retain(flags)).map_err(io::Error::from)
}

pub fn letters(flags: u32) -> String {
    FLAGS.iter().filter(|(_, bit)| flags & bit != 0).map(|(letter, _)| letter).collect()
}

/// `flags` after `+i`, `-i` or `=i`; without an operator the letters replace what is there.
pub fn changed_by(flags: u32, written: &str) -> Result<u32, String> {
    let (operator, letters) = match written.chars().next() {
        Some(operator @ ('+' | '-' | '=')) => (operator, &written[1..]),
        _ => ('=', written),
    };
    let mut bits = 0;
    for letter in letters.chars() {
        let (_, bit) =
            FLAGS.iter().find(|(known, _)| *known == letter).ok_or_else(|| format!("unknown attribute `{letter}`"))?;
        bits |= bit;
    }
    Ok(match operator {
        '+' => flags | bits,
        '-' => flags & !bits,
        _ => bits,
    })
}
