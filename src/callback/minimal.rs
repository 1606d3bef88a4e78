//! The output of ad hoc commands.

use std::collections::HashSet;

use super::color::Color;
use super::terminal::Terminal;
use super::{Callback, Display, diff, dump, excerpt, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskReport};
use crate::value::Value;

/// Actions whose output is text, not data.
const COMMANDS: &[&str] = &["command", "shell", "raw", "script"];

pub struct Minimal {
    display: Display,
    explained: HashSet<String>,
}

impl Minimal {
    pub fn new(display: Display) -> Self {
        Self { display, explained: HashSet::new() }
    }

    fn finished(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        if let Some(text) = excerpt::of_report(report).filter(|_| !report.looped)
            && self.explained.insert(text.clone())
        {
            terminal.line(&text, Some(Color::Error));
        }
        if report.show_diff && !report.no_log {
            for one in &report.diff {
                if let Some(painted) = diff::render(one, &self.display, &terminal.palette) {
                    terminal.painted_line(&painted);
                }
            }
        }
        let (caption, color) = caption(report.status);
        let host = &report.host;
        let text = match report.status {
            Status::Skipped => format!("{host} | SKIPPED"),
            Status::Ok | Status::Changed | Status::Failed if is_command(report) => command_text(report, caption),
            status => {
                // What fails is shown as it is, also of `debug`.
                let fields = match status {
                    Status::Failed | Status::Unreachable => shown::of_task(&report.fields, self.display.verbosity),
                    _ => shown::fields(report, self.display.verbosity),
                };
                format!("{host} | {caption} => {}", dump::result(&fields, &self.display, Some(4)))
            }
        };
        terminal.line(&text, Some(color));
    }
}

/// Word and color for a status, as both ad hoc callbacks show them.
pub(super) fn caption(status: Status) -> (&'static str, Color) {
    match status {
        Status::Ok => ("SUCCESS", Color::Ok),
        Status::Changed => ("CHANGED", Color::Changed),
        Status::Skipped => ("SKIPPED", Color::Skip),
        Status::Failed => ("FAILED!", Color::Error),
        Status::Unreachable => ("UNREACHABLE!", Color::Unreachable),
    }
}

/// Whether the result is the output of a command.
pub(super) fn is_command(report: &TaskReport) -> bool {
    COMMANDS.contains(&report.task.action.as_str()) && report.fields.get("module_stderr").is_none()
}

/// A field as text; nothing when there is none.
pub(super) fn field(report: &TaskReport, name: &str) -> String {
    report.fields.get(name).map(Value::to_text).unwrap_or_default()
}

/// The exit code, which a loop does not have.
pub(super) fn rc(report: &TaskReport) -> String {
    report.fields.get("rc").map_or_else(|| "-1".to_owned(), Value::to_text)
}

fn command_text(report: &TaskReport, caption: &str) -> String {
    let caption = caption.trim_end_matches('!');
    let [stdout, stderr, msg] = ["stdout", "stderr", "msg"].map(|name| field(report, name));
    format!("{} | {caption} | rc={} >>\n{stdout}{stderr}{msg}", report.host, rc(report))
}

impl Callback for Minimal {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::Finished(report) => self.finished(report, terminal),
            EventKind::Notice(notice) => terminal.error_line(&excerpt::notice_text(notice), Some(Color::Warn)),
            EventKind::Message(text) => terminal.line(text, None),
            _ => {}
        }
    }
}
