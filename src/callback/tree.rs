//! Results of ad hoc commands as files, one for each host (`-t`), beside another callback.

use std::fs;
use std::path::{Path, PathBuf};

use super::color::Color;
use super::plain::plain;
use super::terminal::Terminal;
use super::{Callback, dump, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, TaskReport};
use crate::error::{Error, ErrorKind};

pub struct Tree {
    inner: Box<dyn Callback>,
    directory: PathBuf,
    verbosity: u8,
}

impl Tree {
    /// Shows a run with another callback, and writes its results below a directory, which is made.
    pub fn new(inner: Box<dyn Callback>, directory: &Path, verbosity: u8) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(|err| {
            Error::new(ErrorKind::Output, format!("Unable to access or create the configured directory: {err}"))
        })?;
        Ok(Self { inner, directory: directory.to_path_buf(), verbosity })
    }

    fn write(&self, report: &TaskReport, terminal: &mut Terminal) {
        let text = dump::result(&shown::fields(report, self.verbosity), self.verbosity.min(2), false);
        // A host's name comes from the inventory, which may be a program: it names a file here, never another folder.
        let written = if report.host.contains('/') {
            Err(std::io::Error::from(std::io::ErrorKind::InvalidFilename))
        } else {
            fs::write(self.directory.join(&*report.host), plain(&text).as_bytes())
        };
        if let Err(err) = written {
            let text = format!("[WARNING]: Unable to write to {}'s file: {err}", report.host);
            terminal.error_line(&text, Some(Color::Warn));
        }
    }
}

impl Callback for Tree {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        if let EventKind::Finished(report) = &event.kind {
            self.write(report, terminal);
        }
        self.inner.event(event, terminal);
    }
}
