//! SIGINT: the first one ends the run in order, the second one ends the process, whatever runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::SIGINT;
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind};

/// As a shell reports a process that SIGINT ended.
const ENDED_AT_ONCE: i32 = 130;

/// Interrupts within this time are one.
const SAME_INTERRUPT: Duration = Duration::from_millis(500);

/// Listens on a thread of its own, since all others may be busy with something that never ends.
pub struct Interrupt {
    first: Arc<Notify>,
    listening: Handle,
}

impl Interrupt {
    pub fn new() -> Result<Self, Error> {
        let failed = |err: std::io::Error| Error::new(ErrorKind::Internal, format!("cannot handle signals: {err}"));
        // The signal handler itself ends the process once this is set.
        let armed = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(SIGINT, ENDED_AT_ONCE, Arc::clone(&armed)).map_err(failed)?;
        let mut signals = Signals::new([SIGINT]).map_err(failed)?;
        let listening = signals.handle();
        let first = Arc::new(Notify::new());
        let notify = Arc::clone(&first);
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                notify.notify_one();
                // `timeout` and some shells send one interrupt twice, to the process and to its group.
                std::thread::sleep(SAME_INTERRUPT);
                armed.store(true, Ordering::Relaxed);
            }
        });
        Ok(Self { first, listening })
    }

    /// Returns at the first interrupt.
    pub async fn first(&self) {
        self.first.notified().await;
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.listening.close();
    }
}
