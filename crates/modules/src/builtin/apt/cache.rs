//! The lists of packages: how old they are, and how to get new ones.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rplay_module_api::{Command, Ctx, Failure, Outcome};

use super::{Args, run};
use crate::support::os_error;

/// Touched by a successful update where update-notifier is installed.
const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";
const LISTS: &str = "/var/lib/apt/lists";

pub struct Cache {
    pub updated: bool,
    update_time: i64,
}

impl Cache {
    pub fn add_to(&self, outcome: Outcome) -> Outcome {
        outcome.with("cache_updated", self.updated).with("cache_update_time", self.update_time)
    }
}

/// Updates the lists if the arguments want it and they are too old.
pub fn update(args: &Args, ctx: &mut Ctx) -> Result<Cache, Failure> {
    let before = last_update();
    let wanted = args.options.update_cache.unwrap_or(args.options.cache_valid_time > 0);
    if !wanted || is_valid(before, args.options.cache_valid_time) {
        return Ok(Cache { updated: false, update_time: before.0 });
    }
    if ctx.check {
        return Ok(Cache { updated: true, update_time: before.0 });
    }
    update_now(
        args.options.update_cache_retries,
        args.options.update_cache_retry_max_delay,
        args.options.lock_timeout,
        ctx,
    )?;
    let after = last_update();
    Ok(Cache { updated: before != after, update_time: after.0 })
}

/// Seconds and nanoseconds.
type Stamp = (i64, i64);

fn last_update() -> Stamp {
    let time = |path| fs::metadata(path).map(|meta| (meta.mtime(), meta.mtime_nsec())).ok();
    time(STAMP).or_else(|| time(LISTS)).unwrap_or_default()
}

fn is_valid(stamp: Stamp, seconds: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    u64::try_from(stamp.0).unwrap_or(0).saturating_add(seconds) > now
}

/// `apt-get update`, again and again while the network or the lock is in the way.
pub fn update_now(retries: u32, longest_pause: u64, lock_timeout: u64, ctx: &mut Ctx) -> Result<(), Failure> {
    let locked_until = Instant::now() + Duration::from_secs(lock_timeout);
    let mut attempt = 0;
    loop {
        // Without the error mode apt-get calls it a success when servers cannot be reached.
        let command = Command::new(["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"]);
        let output = ctx
            .command(&run::with_environment(command).streamed())
            .map_err(|err| Failure::new(format!("Failed to update apt cache: {}", os_error::numbered(&err))))?;
        if output.ok() {
            return Ok(());
        }
        let stderr = output.stderr_text();
        if stderr.contains("Could not get lock") && Instant::now() < locked_until {
            std::thread::sleep(Duration::from_secs(1));
            continue;
        }
        attempt += 1;
        // What no repetition cures: sources that are written wrongly, and missing rights.
        let hopeless = stderr.contains("Malformed") || stderr.contains("Permission denied");
        if attempt > retries || hopeless {
            return Err(Failure::new(format!("Failed to update apt cache after {retries} retries: {}", stderr.trim()))
                .with("rc", output.rc)
                .with("stdout", output.stdout_text())
                .with("stderr", stderr));
        }
        let pause = (1_u64 << attempt.min(10)).min(longest_pause);
        ctx.port.progress(&format!("apt-get update failed, trying again in {pause} s"));
        std::thread::sleep(Duration::from_secs(pause));
    }
}
