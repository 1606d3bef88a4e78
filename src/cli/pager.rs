//! Long texts on a terminal: the user's pager shows them.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind};

pub fn show(config: &Config, text: &[u8]) -> Result<(), Error> {
    let pager = config.get(setting::PAGER).filter(|_| io::stdout().is_terminal());
    let started = pager.and_then(|pager| {
        let less = std::env::var_os("LESS").unwrap_or_else(|| "FRSX".into());
        Command::new("sh").args(["-c", &pager]).env("LESS", less).stdin(Stdio::piped()).spawn().ok()
    });
    let Some(mut pager) = started else { return print(text, true) };
    if let Some(mut stdin) = pager.stdin.take() {
        // Whoever leaves the pager early wants no more.
        let _ = stdin.write_all(text);
    }
    let waited = pager.wait().map(drop);
    waited.map_err(|err| Error::new(ErrorKind::Output, format!("the pager cannot be waited for: {err}")))
}

/// Bytes as they are; a text that is shown to people ends its last line.
pub fn print(bytes: &[u8], whole_lines: bool) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let newline: &[u8] = if whole_lines && !bytes.ends_with(b"\n") { b"\n" } else { b"" };
    match stdout.write_all(bytes).and_then(|()| stdout.write_all(newline)).and_then(|()| stdout.flush()) {
        Err(err) if err.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Output, format!("the output could not be written: {err}")))
        }
        _ => Ok(()),
    }
}
