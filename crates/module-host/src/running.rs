//! The commands that run at the moment, so that none outlives its request or the connection.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rplay_module_api::{Command, CommandOutput, Port, Runner};
use rplay_modules::support::process::Processes;

/// How often a request that was cancelled is looked at, until it has ended.
const TICK: Duration = Duration::from_millis(10);

static REQUESTS: LazyLock<Mutex<HashMap<u32, Commands>>> = LazyLock::new(Mutex::default);

fn requests() -> MutexGuard<'static, HashMap<u32, Commands>> {
    REQUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the commands of one request, until it is cancelled.
#[derive(Clone)]
pub struct Commands {
    processes: Processes,
    cancelled: Arc<AtomicBool>,
}

/// Entered while a request runs.
pub struct Entry(u32);

impl Commands {
    pub fn enter(request: u32) -> (Self, Entry) {
        let commands = Self { processes: Processes::default(), cancelled: Arc::default() };
        requests().insert(request, commands.clone());
        (commands, Entry(request))
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.processes.kill();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        requests().remove(&self.0);
    }
}

impl Runner for Commands {
    fn run(&mut self, command: &Command, port: &mut dyn Port) -> io::Result<CommandOutput> {
        if self.cancelled.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the task was cancelled"));
        }
        self.processes.run(command, port)
    }
}

/// Ends the commands of a request, and those that it may be about to start.
pub fn cancel(request: u32) {
    thread::spawn(move || {
        loop {
            match requests().get(&request) {
                Some(commands) => commands.cancel(),
                None => return,
            }
            thread::sleep(TICK);
        }
    });
}

/// Ends every command.
pub fn cancel_all() {
    for _ in 0..2 {
        requests().values().for_each(Commands::cancel);
        thread::sleep(Duration::from_millis(1));
    }
}
