//! What the script that started the agent left to it: a file under its final name, and the directory where the login began.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rplay_module_api::bootstrap::{final_name, new_name, place};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// Called before any thread or file of this program: it closes descriptors by number.
pub fn settle(how: &str, sha256: &str, nonce: &str) {
    let begin = inherited(place::BEGIN);
    drop(inherited(place::PROGRAM));
    if how == place::NEW
        && let Err(err) = install(sha256, nonce)
    {
        // It runs all the same; the next run sends the file again.
        eprint(&format!("the agent's file was not kept: {err}"));
    }
    if how != place::HERE {
        leave(begin);
    }
}

fn inherited(number: i32) -> Option<OwnedFd> {
    // SAFETY: nothing in this program has opened a file yet, so the number is free or was given by the script, for this function alone.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    match rustix::io::fcntl_getfd(&fd) {
        Ok(_) => Some(fd),
        Err(_) => {
            std::mem::forget(fd);
            None
        }
    }
}

/// The verified file reaches the disk before it gets its name: after a power cut there is the whole file or none.
fn install(sha256: &str, nonce: &str) -> io::Result<()> {
    let (from, to) = (new_name(nonce), final_name(sha256));
    let folder = rustix::fs::openat(CWD, ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let kept = (|| {
        let file = rustix::fs::openat(&folder, &from, OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        synced(&file)?;
        rustix::fs::renameat(&folder, &from, &folder, &to)?;
        synced(&folder)
    })();
    if kept.is_err() {
        let _ = rustix::fs::unlinkat(&folder, &from, AtFlags::empty());
    }
    kept
}

fn synced(fd: impl AsFd) -> io::Result<()> {
    match rustix::fs::fsync(fd) {
        // There are file systems that have nothing to write to.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOTSUP | rustix::io::Errno::ROFS) | Ok(()) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

/// Back to where the login began or, as Ansible does with a directory that cannot be read, home.
fn leave(begin: Option<OwnedFd>) {
    if begin.is_some_and(|begin| rustix::process::fchdir(begin).is_ok()) {
        return;
    }
    let home = std::env::var_os("HOME").filter(|home| std::env::set_current_dir(home).is_ok());
    if home.is_none() {
        let _ = std::env::set_current_dir("/");
    }
}

fn eprint(text: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}
