//! The output of ad hoc commands.

use std::collections::HashSet;

use super::color::Color;
use super::default::who;
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
        if let Some(text) = excerpt::of_report(report)
            && self.explained.insert(text.clone())
        {
            terminal.line(&text, Some(Color::Error));
        }
        if report.show_diff && !report.no_log {
            for one in &report.diff {
                if let Some(painted) = diff::render(one, self.display.diff_context, terminal.color) {
                    terminal.painted_line(&painted.trimmed());
                }
            }
        }
        let (caption, color) = caption(report.status);
        let text = if is_command(report) && !matches!(report.status, Status::Skipped | Status::Unreachable) {
            command_text(report, caption)
        } else {
            format!(
                "{} | {caption} => {}",
                who(report),
                dump::result(&shown::fields(report, self.display.verbosity), self.display.verbosity, true)
            )
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

/// Whether the result is the output of a command: a failure before the command ran is data.
pub(super) fn is_command(report: &TaskReport) -> bool {
    COMMANDS.contains(&report.task.action.as_str()) && report.fields.get("rc").is_some()
}

fn command_text(report: &TaskReport, caption: &str) -> String {
    let caption = caption.trim_end_matches('!');
    let field = |name: &str| report.fields.get(name).map(Value::to_text).unwrap_or_default();
    format!(
        "{} | {caption} | rc={} >>\n{}{}{}",
        who(report),
        field("rc"),
        field("stdout"),
        field("stderr"),
        field("msg")
    )
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
