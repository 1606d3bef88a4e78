//! A process that outlives the agent by a moment: when the agent is gone without having tidied up (killed, out of memory), the guard ends
//! the commands that were running and removes the temporary directory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal};

/// The agent's end of the pipe. Its end is what the guard waits for.
static LINE: OnceLock<File> = OnceLock::new();

const STARTED: u8 = 1;
const ENDED: u8 = 2;
const DIRECTORY: u8 = 3;

/// Starts the guard. Called before the first thread: the guard is a copy of this process.
pub fn start() -> io::Result<()> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // SAFETY: there is one thread, so the copy may do whatever this process may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(writer);
            guard(reader);
            // SAFETY: ends the copy without what the agent has registered for its own end.
            unsafe { libc::_exit(0) }
        }
        _ => {
            let _ = LINE.set(File::from(writer));
            rplay_modules::support::process::watch(|group, runs| {
                tell(if runs { STARTED } else { ENDED }, &group.to_le_bytes());
            });
            Ok(())
        }
    }
}

/// The directory that is to go with the agent.
pub fn removes(directory: &Path) {
    tell(DIRECTORY, directory.as_os_str().as_bytes());
}

/// One message is one write, which other threads' do not get into.
fn tell(what: u8, body: &[u8]) {
    let Some(mut line) = LINE.get() else { return };
    let length = u16::try_from(body.len()).unwrap_or(0);
    let mut message = vec![what];
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(body.get(..usize::from(length)).unwrap_or_default());
    let _ = line.write_all(&message);
}

fn guard(reader: OwnedFd) {
    // Neither the agent's channel nor its terminal may be kept open, or hear of the guard.
    let _ = rustix::process::setsid();
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
    let _ = std::env::set_current_dir("/");
    let mut groups = BTreeSet::new();
    let mut directory = None;
    let mut line = File::from(reader);
    while let Some((what, body)) = next(&mut line) {
        let group = body.as_slice().try_into().map(i32::from_le_bytes);
        match (what, group) {
            (STARTED, Ok(group)) => {
                groups.insert(group);
            }
            (ENDED, Ok(group)) => {
                groups.remove(&group);
            }
            (DIRECTORY, _) => directory = Some(PathBuf::from(std::ffi::OsString::from_vec(body))),
            _ => {}
        }
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    if let Some(directory) = directory {
        let _ = fs::remove_dir_all(directory);
    }
}

fn next(line: &mut File) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 3];
    line.read_exact(&mut head).ok()?;
    let [what, low, high] = head;
    let mut body = vec![0; usize::from(u16::from_le_bytes([low, high]))];
    line.read_exact(&mut body).ok()?;
    Some((what, body))
}
