//! One line for each result.

use super::color::Color;
use super::output::Output;
use super::{Callback, CallbackOptions, dump, shown};
use crate::engine::Event;
use crate::engine::event::{Status, TaskReport};
use crate::value::Value;

pub struct Oneline {
    options: CallbackOptions,
}

impl Oneline {
    pub fn new(options: CallbackOptions) -> Self {
        Self { options }
    }

    fn plain(report: &TaskReport, caption: &str) -> String {
        let field = |name: &str| {
            let text = report.fields.get(name).map(Value::to_text).unwrap_or_default();
            text.replace('\n', "\\n").replace('\r', "\\r")
        };
        let (host, rc) = (&report.host, report.fields.get("rc").map_or_else(|| "-1".to_owned(), Value::to_text));
        let errors = field("stderr");
        if errors.is_empty() {
            format!("{host} | {caption} | rc={rc} | (stdout) {}", field("stdout"))
        } else {
            format!("{host} | {caption} | rc={rc} | (stdout) {} (stderr) {errors}", field("stdout"))
        }
    }

    fn finished(&self, report: &TaskReport, output: &mut Output) {
        let host = shown::host_label(report);
        let fields = dump::dict(&shown::of_task(&report.fields, self.options.verbosity), None).replace('\n', "");
        let plain = matches!(report.action.as_str(), "command" | "raw" | "shell");
        let (text, color) = match report.status {
            Status::Ok | Status::Changed => {
                let changed = report.status == Status::Changed;
                let (word, color) = if changed { ("CHANGED", Color::Changed) } else { ("SUCCESS", Color::Ok) };
                (if plain { Self::plain(report, word) } else { format!("{host} | {word} => {fields}") }, color)
            }
            Status::Skipped => (format!("{host} | SKIPPED"), Color::Skip),
            Status::Failed if plain => (Self::plain(report, "FAILED"), Color::Error),
            Status::Failed => (format!("{host} | FAILED! => {fields}"), Color::Error),
            Status::Unreachable => {
                let message = report.fields.get("msg").map(Value::to_text).unwrap_or_default();
                (format!("{host} | UNREACHABLE!: {message}"), Color::Unreachable)
            }
        };
        output.line(&text, Some(color));
    }
}

impl Callback for Oneline {
    fn event(&mut self, event: &Event, output: &mut Output) {
        match event {
            Event::Finished(report) => self.finished(report, output),
            Event::Notice(notice) => output.notice(notice),
            Event::Message(text) => output.line(text, None),
            _ => {}
        }
    }
}
