//! Signals end the agent in good order.

use std::io;
use std::mem::MaybeUninit;
use std::thread;

const ENDING: [libc::c_int; 3] = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM];

/// Blocks the signals that end a program, for this thread and all it will start, and waits for them in one of its own.
/// Commands get an empty mask again when they are started (std does that).
pub fn end_on_signals() -> io::Result<()> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initializes the set before anything reads it.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in ENDING {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        let set = set.assume_init();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        set
    };
    thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(move || {
        let mut signal = 0;
        // SAFETY: both point to live values.
        while unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {}
        end(128 + signal);
    })?;
    Ok(())
}

/// Ends every command, removes what was made, and leaves.
pub fn end(code: i32) -> ! {
    crate::running::cancel_all();
    rplay_module_api::settle::settle(u64::MAX);
    crate::scratch::remove_all();
    std::process::exit(code)
}
