//! `community.general.unixy`: like the log of a machine that starts.

use std::collections::HashSet;

use super::color::Color;
use super::default::Default;
use super::minimal::field;
use super::terminal::Terminal;
use super::{Callback, Display, diff, dump, excerpt, recap, shown};
use crate::engine::Event;
use crate::engine::event::{About, EventKind, PlayInfo, Stats, Status, TaskInfo, TaskReport};
use crate::value::Value;

pub struct Unixy {
    display: Display,
    explained: HashSet<String>,
    /// Shows what this callback has no form of its own for.
    rest: Default,
}

impl Unixy {
    pub fn new(display: Display) -> Self {
        Self { rest: Default::new(display.clone()), display, explained: HashSet::new() }
    }

    fn task_started(&self, task: &TaskInfo, terminal: &mut Terminal) {
        let name = task.name.rsplit(" : ").next().unwrap_or_default();
        if name.starts_with("include") {
            return;
        }
        let marked = task.check && self.display.check_mode_markers;
        let mode = match (task.handler, marked) {
            (true, true) => " (via handler in check mode)... ",
            (true, false) => " (via handler)... ",
            (false, true) => " (check mode)...",
            (false, false) => "...",
        };
        terminal.line(format!("{name}{mode}"), None);
    }

    fn play_started(&self, play: Option<&PlayInfo>, terminal: &mut Terminal) {
        let mode = if self.display.check && self.display.check_mode_markers { " (in check mode)" } else { "" };
        let text = match play {
            Some(play) if !play.name.is_empty() => format!("\n- {}{mode} on hosts: {} -", play.name, play.patterns),
            _ if mode.is_empty() => "---".to_owned(),
            _ => "- check mode -".to_owned(),
        };
        terminal.line(&text, None);
    }

    fn finished(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        let (word, color) = match report.status {
            Status::Ok => ("ok", Color::Ok),
            Status::Changed => ("done", Color::Changed),
            Status::Skipped => ("skipped", Color::Skip),
            Status::Failed => ("failed", Color::Error),
            Status::Unreachable => ("unreachable", Color::Unreachable),
        };
        let is_failure = matches!(report.status, Status::Failed | Status::Unreachable);
        if is_failure && !report.looped {
            self.explain(report, terminal);
        }
        if report.status == Status::Changed && report.item_label.is_none() {
            self.diffs(report, terminal);
        }
        let hidden = match report.status {
            Status::Ok => !self.display.ok_hosts,
            Status::Skipped => !self.display.skipped_hosts,
            _ => false,
        };
        if hidden {
            return;
        }
        let names_item = report.item_label.is_some() && matches!(report.status, Status::Changed | Status::Failed);
        let item = if names_item { format!(" | item: {}", shown::item_label(report)) } else { String::new() };
        let text = format!("  {}", self.described(report, &format!("{word}{item}")));
        if is_failure && self.display.failed_to_stderr {
            terminal.error_line(&text, Some(color));
        } else {
            terminal.line(&text, Some(color));
        }
    }

    fn described(&self, report: &TaskReport, what: &str) -> String {
        let host = &report.host;
        if self.display.verbosity > 0 || report.always_verbose {
            let fields = shown::of_task(&report.fields, self.display.verbosity);
            return format!("{host} {what}: {}", dump::result(&fields, &self.display, Some(4)));
        }
        let mut text = match &report.delegated_to {
            Some(other) => format!("{host} -> {other} {what}"),
            None => format!("{host} {what}"),
        };
        for name in ["msg", "stdout", "stderr"] {
            let value = field(report, name);
            let is_summary = name == "msg" && value == "All items completed";
            if !value.is_empty() && !is_summary {
                text.push_str(&format!(" | {name}: {value}"));
            }
        }
        text
    }

    fn explain(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        let Some(text) = excerpt::of_report(report) else { return };
        if !self.explained.insert(text.clone()) {
            return;
        }
        if self.display.failed_to_stderr {
            terminal.error_line(&text, Some(Color::Error));
        } else {
            terminal.line(&text, Some(Color::Error));
        }
    }

    fn diffs(&self, report: &TaskReport, terminal: &mut Terminal) {
        let shown = report.diff.iter().filter(|_| report.show_diff && !report.no_log);
        for painted in shown.filter_map(|one| diff::render(one, &self.display, &terminal.palette)).collect::<Vec<_>>() {
            terminal.painted_line(&painted);
        }
    }

    fn recap(&self, stats: &Stats, terminal: &mut Terminal) {
        terminal.line("\n- Play recap -", None);
        for (host, numbers) in &stats.hosts {
            let mut line = terminal.palette.paint("  ", None);
            line.push(&recap::line(host, numbers, &["skipped"], &terminal.palette));
            terminal.painted_line(&line);
        }
        if self.display.custom_stats {
            recap::custom_stats(stats, terminal);
        }
    }
}

impl Callback for Unixy {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::PlaybookStarted { path, .. } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let mode = if self.display.check && self.display.check_mode_markers { " in check mode" } else { "" };
                terminal.line(format!("Executing playbook {name}{mode}"), None);
            }
            EventKind::PlayStarted { .. } => self.play_started(event.about.play.as_deref(), terminal),
            EventKind::TaskStarted => {
                if let Some(task) = &event.about.task {
                    self.task_started(task, terminal);
                }
            }
            EventKind::Finished(report) | EventKind::ItemFinished(report) => self.finished(report, terminal),
            EventKind::Retry { report, retries_left } => {
                let attempts = report.fields.get("attempts").and_then(Value::as_int).unwrap_or(0);
                let mut text = format!("  Retrying... ({attempts} of {})", attempts + retries_left);
                if self.display.verbosity > 0 {
                    let fields = shown::of_task(&report.fields, self.display.verbosity);
                    text.push_str(&format!("Result was: {}", dump::result(&fields, &self.display, None)));
                }
                terminal.line(&text, Some(Color::Debug));
            }
            EventKind::NoHostsMatched => terminal.line("  No hosts found!", Some(Color::Debug)),
            EventKind::NoHostsRemaining => terminal.line("  Ran out of hosts!", Some(Color::Error)),
            EventKind::PlaybookFinished(stats) => self.recap(stats, terminal),
            EventKind::Included { .. } | EventKind::IncludeFailed(_) => {
                // Without a banner above it: the task has been named.
                let about = About { task: None, ..event.about.clone() };
                self.rest.event(&Event { about, ..event.clone() }, terminal);
            }
            _ => self.rest.event(event, terminal),
        }
    }
}
