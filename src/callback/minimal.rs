//! Ansible's output for ad hoc commands: one result after the other, commands as plain text.

use super::color::Color;
use super::output::Output;
use super::{Callback, CallbackOptions, diff_text, dump, shown};
use crate::engine::Event;
use crate::engine::event::{Status, TaskReport};
use crate::value::Value;

pub struct Minimal {
    options: CallbackOptions,
}

/// Modules whose output is text rather than fields.
const PLAIN: &[&str] = &["command", "raw", "shell"];

impl Minimal {
    pub fn new(options: CallbackOptions) -> Self {
        Self { options }
    }

    fn plain(report: &TaskReport, caption: &str) -> String {
        let field = |name: &str| report.fields.get(name).map(Value::to_text).unwrap_or_default();
        let rc = report.fields.get("rc").map_or_else(|| "-1".to_owned(), Value::to_text);
        let host = &report.host;
        format!("{host} | {caption} | rc={rc} >>\n{}{}{}\n", field("stdout"), field("stderr"), field("msg"))
    }

    fn finished(&self, report: &TaskReport, output: &mut Output) {
        for warning in &report.warnings {
            output.warning(warning);
        }
        if report.show_diff && !report.diff.is_empty() {
            let text = diff_text::text(&report.diff, output.color);
            output.line(&text, None);
        }
        let plain = PLAIN.contains(&report.action.as_str()) && !report.fields.contains_key("ansible_job_id");
        let fields = dump::dict(&shown::of_task(&report.fields, self.options.verbosity), Some(4));
        let host = shown::host_label(report);
        let (text, color) = match report.status {
            Status::Ok | Status::Changed => {
                let changed = report.status == Status::Changed;
                let (word, color) = if changed { ("CHANGED", Color::Changed) } else { ("SUCCESS", Color::Ok) };
                let text = if plain { Self::plain(report, word) } else { format!("{host} | {word} => {fields}") };
                (text, color)
            }
            Status::Skipped => (format!("{host} | SKIPPED"), Color::Skip),
            Status::Failed if plain && report.fields.contains_key("rc") => (Self::plain(report, "FAILED"), Color::Error),
            Status::Failed => (format!("{host} | FAILED! => {fields}"), Color::Error),
            Status::Unreachable => (format!("{host} | UNREACHABLE! => {fields}"), Color::Unreachable),
        };
        output.line(&text, Some(color));
    }
}

impl Callback for Minimal {
    fn event(&mut self, event: &Event, output: &mut Output) {
        match event {
            Event::Finished(report) => self.finished(report, output),
            Event::Notice(notice) => output.notice(notice),
            Event::Message(text) => output.line(text, None),
            Event::NoHostsMatched => output.line("skipping: no hosts matched", Some(Color::Skip)),
            _ => {}
        }
    }
}
