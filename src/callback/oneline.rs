//! Ad hoc results in one line each (`-o`).

use super::color::Color;
use super::minimal::{caption, field, is_command, rc};
use super::terminal::Terminal;
use super::{Callback, Display, dump, excerpt, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskReport};

pub struct Oneline {
    display: Display,
}

impl Oneline {
    pub fn new(display: Display) -> Self {
        Self { display }
    }

    fn finished(&self, report: &TaskReport, terminal: &mut Terminal) {
        let (caption, color) = caption(report.status);
        let host = &report.host;
        let text = match report.status {
            Status::Skipped => format!("{host} | SKIPPED"),
            Status::Unreachable => format!("{host} | UNREACHABLE!: {}", field(report, "msg")),
            Status::Ok | Status::Changed if is_command(report) => command_text(report, caption),
            status => {
                if status == Status::Failed && !report.looped {
                    let said =
                        if is_command(report) { command_text(report, "FAILED") } else { self.explanation(report) };
                    terminal.line(&said, Some(color));
                }
                let fields = shown::of_task(&report.fields, self.display.verbosity);
                let indent = if report.always_verbose { 4 } else { 0 };
                let result = dump::result(&fields, &self.display, Some(indent)).replace('\n', "");
                format!("{host} | {caption} => {result}")
            }
        };
        terminal.line(&text, Some(color));
    }

    /// Points at a traceback, as programs that read these lines know it; the reason is in the result.
    fn explanation(&self, report: &TaskReport) -> String {
        let error = field(report, "exception");
        if self.display.verbosity >= 3 {
            return format!(
                "An exception occurred during task execution. The full traceback is:\n{}",
                error.replace('\n', "")
            );
        }
        let last = error.trim().lines().last().unwrap_or_default();
        format!(
            "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: {last}"
        )
    }
}

fn command_text(report: &TaskReport, caption: &str) -> String {
    let [stdout, stderr] =
        ["stdout", "stderr"].map(|name| field(report, name).replace('\n', "\\n").replace('\r', "\\r"));
    let text = format!("{} | {caption} | rc={} | (stdout) {stdout}", report.host, rc(report));
    if stderr.is_empty() { text } else { format!("{text} (stderr) {stderr}") }
}

impl Callback for Oneline {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::Finished(report) => self.finished(report, terminal),
            EventKind::Notice(notice) => terminal.error_line(&excerpt::notice_text(notice), Some(Color::Warn)),
            EventKind::Message(text) => terminal.line(text, None),
            _ => {}
        }
    }
}
