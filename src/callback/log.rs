//! The log that `log_path` names: what is shown, without colors, one record after the other as Ansible writes them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Local};

use super::color::{Painted, Palette};
use crate::account;
use crate::error::{Error, ErrorKind};

/// One for the process: everything that it shows goes there.
static LOG: OnceLock<Mutex<Log>> = OnceLock::new();

struct Log {
    /// Appended to; other runs may do the same.
    file: File,
    path: PathBuf,
    user: String,
    /// Why a record is missing.
    trouble: Option<io::Error>,
}

/// Has everything logged from now on. The error is Ansible's sentence about a file that can't be opened; its runs go on without a log.
pub fn open(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("DEFAULT_LOG_PATH can not be a directory '{}', aborting", path.display()));
    }
    let file = File::options().append(true).create(true).open(path).map_err(|err| {
        format!("log file at '{}' is not writeable and we cannot create it, aborting: {err}", path.display())
    })?;
    LOG.get_or_init(|| Mutex::new(Log { file, path: path.to_owned(), user: user(), trouble: None }));
    Ok(())
}

/// Logs what is shown by other means than a `Terminal`.
pub fn text(text: &str) {
    painted(&Palette::default().paint(text, None));
}

pub fn painted(shown: &Painted) {
    let Some(log) = LOG.get() else { return };
    let text = shown.uncolored();
    let text = text.trim_start_matches('\n');
    if text.is_empty() {
        return;
    }
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let record = record(text, Local::now(), &log.user);
    // One write for each record, so that those of several runs do not mix.
    if let Err(err) = log.file.write_all(record.as_bytes()) {
        log.trouble.get_or_insert(err);
    }
}

/// Says whether all of it could be written.
pub fn finish() -> Result<(), Error> {
    let Some(log) = LOG.get() else { return Ok(()) };
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(err) = log.trouble.take() else { return Ok(()) };
    let path = log.path.display();
    let error = Error::new(ErrorKind::Output, format!("the log {path} is not whole, it could not be written: {err}"));
    Err(error.hint("the run itself is over; log_path (ANSIBLE_LOG_PATH) says where the log is"))
}

fn record(text: &str, at: DateTime<Local>, user: &str) -> String {
    let (time, process) = (at.format("%Y-%m-%d %H:%M:%S,%3f"), std::process::id());
    format!("{time} p={process} u={user} n=ansible {}| {text}\n", level(text))
}

/// Messages have a level of their own; everything else is information.
fn level(text: &str) -> &'static str {
    if text.starts_with("[ERROR]") || text.starts_with("error: ") {
        "ERROR"
    } else if text.starts_with("[WARNING]") || text.starts_with("[DEPRECATION WARNING]") {
        "WARNING"
    } else {
        "INFO"
    }
}

/// As Python's `getpass` finds it.
fn user() -> String {
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| {
        let name = std::env::var(name).ok()?;
        (!name.is_empty()).then_some(name)
    });
    let own = || account::own().map(|account| account.name);
    named.or_else(own).unwrap_or_else(|| format!("uid={}", nix::unistd::getuid()))
}

#[cfg(test)]
mod tests {
    use super::super::color::Color;
    use super::*;
    use crate::config::Config;

    #[test]
    fn records_are_ansibles() {
        let at = DateTime::from_timestamp_millis(1_700_000_000_042).expect("a time").with_timezone(&Local);
        let time = at.format("%Y-%m-%d %H:%M:%S,042");
        let expected =
            |level: &str, text: &str| format!("{time} p={} u=me n=ansible {level}| {text}\n", std::process::id());
        for (text, level) in [
            ("ok: [h1]\n", "INFO"),
            ("[WARNING]: w", "WARNING"),
            ("[DEPRECATION WARNING]: d", "WARNING"),
            ("[ERROR]: e\nOrigin: f:1:1\n", "ERROR"),
            ("fatal: [h1]: FAILED!", "INFO"),
        ] {
            assert_eq!(record(text, at, "me"), expected(level, text));
        }
    }

    #[test]
    fn colors_go_and_what_was_shown_of_escapes_stays() {
        let palette = Palette::of(&Config::default());
        assert_eq!(palette.paint("a\x1b[2Jb\nc", Some(Color::Ok)).uncolored(), "a\\u001b[2Jb\nc");
        assert_eq!(palette.paint("plain", None).uncolored(), "plain");
    }
}
