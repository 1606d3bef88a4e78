//! Ad hoc results in one line each (`-o`).

use super::color::Color;
use super::default::who;
use super::minimal::{caption, is_command};
use super::terminal::Terminal;
use super::{Callback, dump, excerpt, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskReport};
use crate::value::Value;

pub struct Oneline {
    verbosity: u8,
}

impl Oneline {
    pub fn new(verbosity: u8) -> Self {
        Self { verbosity }
    }

    fn text(&self, report: &TaskReport) -> String {
        let (caption, _) = caption(report.status);
        if is_command(report) && !matches!(report.status, Status::Skipped | Status::Unreachable) {
            let field = |name: &str| {
                report
                    .fields
                    .get(name)
                    .map(Value::to_text)
                    .unwrap_or_default()
                    .replace('\n', "\\n")
                    .replace('\r', "\\r")
            };
            let stderr = field("stderr");
            let text = format!(
                "{} | {} | rc={} | (stdout) {}",
                who(report),
                caption.trim_end_matches('!'),
                field("rc"),
                field("stdout")
            );
            return if stderr.is_empty() { text } else { format!("{text} (stderr) {stderr}") };
        }
        format!(
            "{} | {caption} => {}",
            who(report),
            dump::result(&shown::fields(report, self.verbosity), self.verbosity.min(2), false).replace('\n', "")
        )
    }
}

impl Callback for Oneline {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::Finished(report) => {
                let (_, color) = caption(report.status);
                let text = self.text(report);
                terminal.line(&text, Some(color));
            }
            EventKind::Notice(notice) => terminal.error_line(&excerpt::notice_text(notice), Some(Color::Warn)),
            _ => {}
        }
    }
}
