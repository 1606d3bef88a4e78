//! What the controller gives to a task: its mode, its environment and the way to show progress.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::Clients;

/// Everything a module needs besides its arguments.
#[derive(Clone)]
pub struct Context {
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    /// The process's environment with the task's `environment:` on top.
    pub environment: BTreeMap<String, String>,
    /// Shows what a long task is waiting for.
    pub progress: Arc<dyn Fn(String) + Send + Sync>,
    /// SDK clients of this run. Connections belong to the runtime that opened them, so keep one per run.
    pub clients: Clients,
    pub pace: Pace,
}

/// How patiently AWS is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Divides every interval between two polls.
    pub speedup: u32,
    /// The longest wait before the first retry of a throttled or failed call; doubles each time.
    pub first_retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speedup: 1, first_retry: Duration::from_secs(1) }
    }
}

impl Pace {
    pub(crate) fn interval(self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) / self.speedup.max(1)
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            check: false,
            diff: false,
            verbosity: 0,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            progress: Arc::new(|_| {}),
            clients: Clients::default(),
            pace: Pace::default(),
        }
    }
}

/// The environment may hold keys, so it is left out.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("check", &self.check)
            .field("diff", &self.diff)
            .field("verbosity", &self.verbosity)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
