//! What need not have happened before a module's answer, but before the next one: the entry of a folder reaches the disk while the answer
//! is under way. A response says that something is left to be done (`Response::settling`), and who ends a run asks once more.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

struct State {
    /// Somebody waits for what is begun: else everything is done at once.
    waited_for: bool,
    next: u64,
    open: BTreeSet<u64>,
    trouble: Option<String>,
}

static STATE: Mutex<State> = Mutex::new(State { waited_for: false, next: 0, open: BTreeSet::new(), trouble: None });
static DONE: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on `later` may return before its work is done.
pub fn allow() {
    lock().waited_for = true;
}

/// Does something on a thread of its own.
pub fn later(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let mut state = lock();
    if !state.waited_for {
        drop(state);
        return work();
    }
    let id = state.next;
    state.next += 1;
    state.open.insert(id);
    drop(state);
    let begun = thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        let result = work();
        let mut state = lock();
        state.open.remove(&id);
        if let Err(err) = result {
            state.trouble.get_or_insert(err.to_string());
        }
        DONE.notify_all();
    });
    begun.map(drop).inspect_err(|_| {
        lock().open.remove(&id);
    })
}

/// What is begun from now on is not less than this.
pub fn mark() -> u64 {
    lock().next
}

/// Waits for what was begun before `mark`. Returns whether something is still being done, and what went wrong.
pub fn settle(mark: u64) -> (bool, Option<String>) {
    let begun_before = |state: &mut State| state.open.first().is_some_and(|first| *first < mark);
    let mut state = DONE.wait_while(lock(), begun_before).unwrap_or_else(PoisonError::into_inner);
    (!state.open.is_empty(), state.trouble.take())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn an_answer_waits_for_what_was_begun_before_its_request() {
        later(|| Err(io::Error::other("at once"))).expect_err("nobody waits for it");
        allow();
        let (go, wait) = channel::<()>();
        later(move || wait.recv().map_err(io::Error::other)).expect("it begins");
        let second = mark();
        assert_eq!(settle(second - 1), (true, None));
        later(|| Err(io::Error::other("the disk is gone"))).expect("it begins");
        go.send(()).expect("it waits");
        assert_eq!(settle(second).1.or_else(|| settle(mark()).1), Some("the disk is gone".to_owned()));
        assert_eq!(settle(mark()), (false, None));
    }
}
