//! Results in a file for each host: `tree` keeps the last one, `community.general.log_plays` appends all of them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Local};

use super::color::Color;
use super::terminal::Terminal;
use super::whole::{self, Whole};
use super::{Callback, Display, dump, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskReport};
use crate::value::{Value, mask};

pub struct Tree {
    folder: PathBuf,
    display: Display,
}

impl Tree {
    pub fn new(folder: PathBuf, display: Display) -> Self {
        Self { folder, display: display.in_json() }
    }
}

impl Callback for Tree {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        let EventKind::Finished(report) = &event.kind else { return };
        if report.status == Status::Skipped {
            return;
        }
        let fields = shown::of_task(&whole::of_task(report), self.display.verbosity);
        let text = dump::result(&fields, &self.display, report.always_verbose.then_some(4));
        let file = || File::create(path(&self.folder, report)?);
        if let Err(err) = write(&self.folder, file, &text) {
            not_written(&self.folder, report, &err, terminal);
        }
    }
}

pub struct LogPlays {
    folder: PathBuf,
    playbook: String,
    whole: Whole,
}

impl LogPlays {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, playbook: String::new(), whole: Whole::default() }
    }

    fn entry(&mut self, report: &TaskReport, at: SystemTime) -> String {
        let category = match report.status {
            Status::Ok | Status::Changed => "OK",
            Status::Failed => "FAILED",
            Status::Skipped => "SKIPPED",
            Status::Unreachable => "UNREACHABLE",
        };
        let style = dump::Json { ascii: true, unsorted: true, ..dump::Json::default() };
        let mut fields = self.whole.result(report);
        let invocation = fields.shift_remove("invocation").map(|value| dump::json(&value, style));
        let result = dump::json(&Value::dict(fields), style);
        let data = invocation.map_or_else(|| result.clone(), |invocation| format!("{invocation} => {result} "));
        let now = DateTime::<Local>::from(at).format("%b %d %Y %H:%M:%S");
        let task = &report.task;
        let name = task.given_name.as_ref().map_or("", |_| task.name.as_str());
        format!("{now} - {} - {name} - {} - {category} - {data}\n\n", self.playbook, task.written_action)
    }
}

impl Callback for LogPlays {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::PlaybookStarted { path, .. } => self.playbook = path.display().to_string(),
            EventKind::ItemFinished(report) => self.whole.item(report),
            EventKind::Finished(report) => {
                let text = self.entry(report, event.at);
                let file = || File::options().create(true).append(true).open(path(&self.folder, report)?);
                if let Err(err) = write(&self.folder, file, &text) {
                    not_written(&self.folder, report, &err, terminal);
                }
            }
            _ => {}
        }
    }
}

/// The host's file. A host's name comes from the inventory: it is a name here, and no way out of the folder.
fn path(folder: &Path, report: &TaskReport) -> io::Result<PathBuf> {
    let name = Path::new(&*report.host);
    if name.file_name() != Some(name.as_os_str()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the host's name is no file name"));
    }
    Ok(folder.join(name))
}

/// Makes the folder if need be. No secret gets into a file.
fn write(folder: &Path, open: impl FnOnce() -> io::Result<File>, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    open()?.write_all(mask::hide(text).as_bytes())
}

fn not_written(folder: &Path, report: &TaskReport, err: &io::Error, terminal: &mut Terminal) {
    let text = format!("[WARNING]: Unable to write to '{}'s file in {}: {err}", report.host, folder.display());
    terminal.error_line(&text, Some(Color::Warn));
}
