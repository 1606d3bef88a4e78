//! How many descriptors this process may have, and what is said when there are no more.

use std::io;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// What was allowed when the process started: programs that it starts get this again.
static GIVEN: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit of descriptors to the hard one. A connection costs one, so the usual 1024 would be reached.
pub fn raise() {
    let given = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: given.maximum, maximum: given.maximum };
    if GIVEN.set(given).is_ok() {
        // Without it the run still works, with fewer connections at a time.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// Gives a child process the limit that this one was started with: programs of old walk through all descriptors that they may have.
pub fn restore_in(child: Option<u32>) {
    let pid = child.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let (Some(pid), Some(given)) = (pid, GIVEN.get()) {
        let _ = prlimit(Some(pid), Resource::Nofile, *given);
    }
}

/// Connections that may be open at a time, with room left for files and programs.
pub fn connections() -> usize {
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    allowed.saturating_sub((allowed / 4).clamp(32, 512)).max(4)
}

/// Whether an error says that a limit of this machine is reached, and nothing about what was asked for.
pub fn is_exhausted(err: &io::Error) -> bool {
    let code = err.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN))
        && err.kind() != io::ErrorKind::Interrupted
}

/// An error with the limit behind it, and where that is set.
pub fn explain(err: &io::Error) -> String {
    let hard = getrlimit(Resource::Nofile).maximum.map_or_else(|| "no limit".to_owned(), |hard| hard.to_string());
    match err.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => format!(
            "too many open files: this process may have {hard} (hard limit of open files: `ulimit -Hn`, `nofile` in \
             /etc/security/limits.conf, LimitNOFILE= of a systemd service). Raise it, or lower `forks`"
        ),
        Some(Errno::NFILE) => {
            "too many open files on the controller: the kernel's limit is reached (sysctl fs.file-max)".to_owned()
        }
        Some(Errno::AGAIN) => {
            "no further process on the controller: the limit of processes is reached (`ulimit -u`, `nproc` in \
             /etc/security/limits.conf, TasksMax= of a systemd service)"
                .to_owned()
        }
        Some(Errno::NOMEM) => "the controller has no memory left".to_owned(),
        _ => plain(err),
    }
}

/// An I/O error as the C library words it.
pub fn plain(err: &io::Error) -> String {
    let text = err.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
