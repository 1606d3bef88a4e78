//! Access and modification times: now, a given time, or as they are.

use std::fs::FileTimes;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rplay_module_api::{Ctx, Failure};

use super::Args;
use crate::support::at::{self, Last, Located, Object};
use crate::support::file_attributes::{AttributeDiff, path_failure};
use crate::support::{local_time, os_error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Preserve,
    Now,
    At(i64),
}

pub(super) struct Times {
    modified: Time,
    accessed: Time,
}

impl Times {
    /// `touch` means now unless told otherwise, every other state leaves times alone.
    pub(super) fn from_args(args: &Args, touch: bool) -> Result<Self, Failure> {
        let default = if touch { Time::Now } else { Time::Preserve };
        let read = |written: &Option<String>, format: &str| match written.as_deref() {
            None | Some("") => Ok(default),
            Some("now") => Ok(Time::Now),
            Some("preserve") => Ok(Time::Preserve),
            Some(text) => local_time::parse(text, format).map(Time::At).ok_or_else(|| {
                Failure::new(format!(
                    "Error while obtaining timestamp for time {text} using format {format}: \
                     time data '{text}' does not match format '{format}'"
                ))
            }),
        };
        Ok(Self {
            modified: read(&args.modification_time, &args.modification_time_format)?,
            accessed: read(&args.access_time, &args.access_time_format)?,
        })
    }

    /// Sets the times of `path`; true when they change.
    pub(super) fn apply(&self, path: &Path, diff: &mut AttributeDiff, ctx: &mut Ctx) -> Result<bool, Failure> {
        if self.are_preserved() {
            return Ok(false);
        }
        match at::locate(path, Last::Followed).and_then(Located::into_object) {
            Ok(object) => self.apply_to(&object, path, diff, ctx),
            Err(err) => Err(not_updated(&err, path, ctx)),
        }
    }

    fn are_preserved(&self) -> bool {
        (self.modified, self.accessed) == (Time::Preserve, Time::Preserve)
    }

    /// As `apply`, for what was opened already.
    pub(super) fn apply_to(
        &self,
        object: &Object,
        path: &Path,
        diff: &mut AttributeDiff,
        ctx: &mut Ctx,
    ) -> Result<bool, Failure> {
        if self.are_preserved() {
            return Ok(false);
        }
        let meta = object.metadata().map_err(|err| not_updated(&err, path, ctx))?;
        let modified = wanted(self.modified, meta.mtime());
        let accessed = wanted(self.accessed, meta.atime());
        if modified.is_none() && accessed.is_none() {
            return Ok(false);
        }
        if let Some(time) = modified {
            diff.set("mtime", seconds(meta.mtime(), meta.mtime_nsec()), seconds_since_epoch(time));
        }
        if let Some(time) = accessed {
            diff.set("atime", seconds(meta.atime(), meta.atime_nsec()), seconds_since_epoch(time));
        }
        if !ctx.check {
            let mut times = FileTimes::new();
            times = modified.map_or(times, |time| times.set_modified(time));
            times = accessed.map_or(times, |time| times.set_accessed(time));
            object.set_times(times).map_err(|err| not_updated(&err, path, ctx))?;
        }
        Ok(true)
    }
}

fn not_updated(err: &io::Error, path: &Path, ctx: &mut Ctx) -> Failure {
    let msg = format!("Error while updating modification or access time: {}", os_error::with_path(err, path));
    path_failure(msg, path, ctx)
}

/// The time to set, if it is not what is there.
fn wanted(time: Time, present: i64) -> Option<SystemTime> {
    match time {
        Time::Preserve => None,
        Time::Now => Some(SystemTime::now()),
        Time::At(seconds) if seconds == present => None,
        Time::At(seconds) => match u64::try_from(seconds) {
            Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after)),
            Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs())),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown to people, as Python's floats are")]
fn seconds(whole: i64, nanoseconds: i64) -> f64 {
    whole as f64 + nanoseconds as f64 / 1e9
}

fn seconds_since_epoch(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or_else(|err| -err.duration().as_secs_f64(), |duration| duration.as_secs_f64())
}
