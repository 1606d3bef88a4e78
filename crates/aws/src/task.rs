//! One running task: its clients, its warnings, its waiting.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rplay_module_api::{Failure, ModuleResult};

use crate::connection::Settings;
use crate::context::Context;
use crate::services::Service;

pub type Running<'a> = Pin<Box<dyn Future<Output = ModuleResult> + Send + 'a>>;

/// Makes an `AwsModule::run` from `async fn(Args, &Task) -> ModuleResult`.
macro_rules! run {
    ($function:path) => {
        |args, task| Box::pin(async move { $function(rplay_module_api::parse_args(args)?, task).await })
    };
}
pub(crate) use run;

pub struct Task {
    pub module: &'static str,
    pub context: Context,
    pub settings: Settings,
    warnings: Mutex<Vec<String>>,
}

impl Task {
    pub fn new(module: &'static str, context: Context, settings: Settings) -> Self {
        Self { module, context, settings, warnings: Mutex::new(Vec::new()) }
    }

    /// The client of a service for this task's account and region.
    pub async fn client<S: Service>(&self) -> Result<S::Client, Failure> {
        self.context.clients.get::<S>(&self.settings, self.context.pace).await
    }

    pub fn warn(&self, text: impl Into<String>) {
        if let Ok(mut warnings) = self.warnings.lock() {
            warnings.push(text.into());
        }
    }

    pub fn into_warnings(self) -> Vec<String> {
        self.warnings.into_inner().unwrap_or_default()
    }

    pub fn wait(&self, what: impl Into<String>, timeout: Duration) -> Wait<'_> {
        Wait { task: self, what: what.into(), started: Instant::now(), timeout }
    }
}

/// A visible wait with an end. The caller asks AWS, then calls `pause`.
pub struct Wait<'a> {
    task: &'a Task,
    what: String,
    started: Instant,
    timeout: Duration,
}

/// The wait has taken as long as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl Wait<'_> {
    /// Says what is seen now and waits `seconds`, or until the timeout if that comes first.
    pub async fn pause(&self, seen: &str, seconds: u64) -> Result<(), TimedOut> {
        let waited = self.started.elapsed();
        let Some(left) = self.timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return Err(TimedOut);
        };
        let text = if seen.is_empty() {
            format!("{}: {} s", self.what, waited.as_secs())
        } else {
            format!("{}: {seen}, {} s", self.what, waited.as_secs())
        };
        (self.task.context.progress)(text);
        tokio::time::sleep(self.task.context.pace.interval(seconds).min(left)).await;
        Ok(())
    }

    /// Seconds since the wait began, at the pace of a real account.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed() * self.task.context.pace.speedup.max(1)
    }
}

/// Local time as `time.asctime` writes it, for the texts of timeouts.
pub fn asctime() -> String {
    chrono::Local::now().format("%a %b %e %H:%M:%S %Y").to_string()
}
