//! Pseudo-terminals, for programs that read a password from nothing else.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};

/// Makes a terminal hand on every byte as it is. Anything else than a terminal is left alone.
pub fn make_raw(fd: impl AsFd) {
    if isatty(&fd)
        && let Ok(mut attributes) = tcgetattr(&fd)
    {
        attributes.make_raw();
        let _ = tcsetattr(&fd, OptionalActions::Now, &attributes);
    }
}

pub struct Pair {
    pub master: File,
    pub slave: OwnedFd,
}

/// A raw pseudo-terminal.
pub fn open() -> io::Result<Pair> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    make_raw(&slave);
    Ok(Pair { master: File::from(master), slave })
}
