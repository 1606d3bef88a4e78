//! The commands that run at the moment, so that none outlives its request or the connection.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_millis(500);

/// Process groups and the requests they belong to.
static GROUPS: LazyLock<Mutex<HashMap<i32, u32>>> = LazyLock::new(Mutex::default);

fn groups() -> MutexGuard<'static, HashMap<i32, u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entered while a process group runs.
pub struct Entry(i32);

impl Entry {
    pub fn new(group: i32, request: u32) -> Self {
        groups().insert(group, request);
        Self(group)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        groups().remove(&self.0);
    }
}

/// Ends the commands of one request.
pub fn end_request(request: u32) {
    end(groups().iter().filter(|(_, owner)| **owner == request).map(|(group, _)| *group).collect());
}

/// Ends every command.
pub fn end_all() {
    end(groups().keys().copied().collect());
}

fn end(wanted: Vec<i32>) {
    let wanted: Vec<Pid> = wanted.into_iter().filter_map(Pid::from_raw).collect();
    for group in &wanted {
        let _ = kill_process_group(*group, Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    // A group whose leader nobody has reaped yet still answers; the table tells that it is over.
    let alive = |group: &Pid| {
        groups().contains_key(&group.as_raw_nonzero().get()) && test_kill_process_group(*group).is_ok()
    };
    while wanted.iter().any(alive) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    for group in &wanted {
        if test_kill_process_group(*group).is_ok() {
            let _ = kill_process_group(*group, Signal::KILL);
        }
    }
}
