//! Ansible's default output.

use super::banner::banner;
use super::color::Color;
use super::output::Output;
use super::{Callback, CallbackOptions, diff_text, dump, excerpt, shown};
use crate::engine::Event;
use crate::engine::event::{HostStats, Stats, Status, TaskHead, TaskReport};

pub struct Default {
    options: CallbackOptions,
    /// The task whose banner was printed last, and one whose banner waits for something to show.
    banner: Option<u64>,
    head: Option<TaskHead>,
}

impl Default {
    pub fn new(options: CallbackOptions) -> Self {
        Self { options, banner: None, head: None }
    }

    fn banner(&self, text: &str, output: &mut Output) {
        output.line(&banner(text, self.options.columns), None);
    }

    /// With hosts hidden, a banner is printed when there is something to show below it.
    fn hides(&self) -> bool {
        !self.options.display_ok_hosts || !self.options.display_skipped_hosts
    }

    fn task(&mut self, head: &TaskHead, output: &mut Output) {
        self.head = Some(head.clone());
        self.banner = None;
        if !self.hides() {
            self.task_banner(output);
        }
    }

    fn task_banner(&mut self, output: &mut Output) {
        let Some(head) = self.head.take() else { return };
        let prefix = if head.handler { "RUNNING HANDLER" } else { "TASK" };
        let check = if head.check && self.options.check_mode_markers { " [CHECK MODE]" } else { "" };
        let args = head.args.as_deref().unwrap_or_default();
        self.banner(&format!("{prefix} [{}{args}]{check}", head.name), output);
        if self.options.verbosity >= 2 {
            let place = format!("task path: {}:{}", head.place.path().display(), head.place.line);
            output.line(&place, Some(Color::Debug));
        }
        self.banner = Some(head.id);
    }

    fn is_verbose(&self, report: &TaskReport, from: u8) -> bool {
        self.options.verbosity > from || report.always_verbose
    }

    fn dumped(&self, report: &TaskReport) -> String {
        let fields = shown::fields(report, self.options.verbosity);
        let indent = (report.always_verbose || self.options.verbosity > 2).then_some(4);
        dump::dict(&fields, indent)
    }

    fn warnings(&self, report: &TaskReport, output: &mut Output) {
        for warning in &report.warnings {
            output.warning(warning);
        }
        for deprecation in &report.deprecations {
            output.error_line(&format!("[DEPRECATION WARNING]: {deprecation}"), Some(Color::Deprecate));
        }
    }

    /// The chain of causes above a failed result; the same one is shown once.
    fn trouble(&self, report: &TaskReport, output: &mut Output) {
        let Some(trouble) = &report.trouble else { return };
        let text = if report.no_log {
            format!("[ERROR]: {CENSORED}\n{}\n", excerpt::origin(&report.place))
        } else {
            format!("[ERROR]: {}", excerpt::trouble(trouble, &report.place))
        };
        if !output.is_new(&text) {
            return;
        }
        if self.options.display_failed_stderr {
            output.error_line(&text, Some(Color::Error));
        } else {
            output.line(&text, Some(Color::Error));
        }
    }

    fn diff(&mut self, report: &TaskReport, output: &mut Output) {
        if !report.show_diff || report.diff.is_empty() {
            return;
        }
        let text = diff_text::text(&report.diff, output.color);
        if !text.is_empty() {
            self.task_banner(output);
            output.line(&text, None);
        }
    }

    fn finished(&mut self, report: &TaskReport, output: &mut Output) {
        if !report.looped {
            self.diff(report, output);
        }
        let host = shown::host_label(report);
        match report.status {
            Status::Ok | Status::Changed => {
                let changed = report.status == Status::Changed;
                if !changed && !self.options.display_ok_hosts {
                    return self.warnings(report, output);
                }
                self.task_banner(output);
                self.warnings(report, output);
                if report.looped {
                    return;
                }
                let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
                let mut text = format!("{word}: [{host}]");
                if self.is_verbose(report, 0) {
                    text = format!("{text} => {}", self.dumped(report));
                }
                output.line(&text, Some(color));
            }
            Status::Skipped => {
                if !self.options.display_skipped_hosts {
                    return;
                }
                self.task_banner(output);
                let mut text = format!("skipping: [{host}]");
                if self.is_verbose(report, 0) {
                    text = format!("{text} => {}", self.dumped(report));
                }
                output.line(&text, Some(Color::Skip));
            }
            Status::Failed | Status::Unreachable => self.failed(report, &host, output),
        }
    }

    fn failed(&mut self, report: &TaskReport, host: &str, output: &mut Output) {
        self.task_banner(output);
        if self.options.show_task_path_on_failure && self.options.verbosity < 2 {
            let place = format!("task path: {}:{}", report.place.path().display(), report.place.line);
            output.line(&place, Some(Color::Debug));
        }
        self.warnings(report, output);
        if !report.looped {
            self.trouble(report, output);
            let (word, color) = match report.status {
                Status::Unreachable => ("UNREACHABLE", Color::Unreachable),
                _ => ("FAILED", Color::Error),
            };
            let text = format!("fatal: [{host}]: {word}! => {}", self.dumped(report));
            if self.options.display_failed_stderr {
                output.error_line(&text, Some(color));
            } else {
                output.line(&text, Some(color));
            }
        }
        if report.ignored {
            output.line("...ignoring", Some(Color::Skip));
        }
    }

    fn item(&mut self, report: &TaskReport, output: &mut Output) {
        self.diff(report, output);
        let host = shown::host_label(report);
        let label = shown::item_label(report);
        let verbose = self.is_verbose(report, 0);
        match report.status {
            Status::Ok | Status::Changed => {
                let changed = report.status == Status::Changed;
                if !changed && !self.options.display_ok_hosts {
                    return self.warnings(report, output);
                }
                self.task_banner(output);
                self.warnings(report, output);
                let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
                let mut text = format!("{word}: [{host}] => (item={label})");
                if verbose {
                    text = format!("{text} => {}", self.dumped(report));
                }
                output.line(&text, Some(color));
            }
            Status::Skipped => {
                if !self.options.display_skipped_hosts {
                    return;
                }
                self.task_banner(output);
                let mut text = format!("skipping: [{host}] => (item={label}) ");
                if verbose {
                    text = format!("{text} => {}", self.dumped(report));
                }
                output.line(&text, Some(Color::Skip));
            }
            Status::Failed | Status::Unreachable => {
                self.task_banner(output);
                self.warnings(report, output);
                self.trouble(report, output);
                let text = format!("failed: [{host}] (item={label}) => {}", self.dumped(report));
                output.line(&text, Some(Color::Error));
            }
        }
    }

    fn retry(&mut self, report: &TaskReport, left: i64, output: &mut Output) {
        self.task_banner(output);
        let host = shown::host_label(report);
        let mut text = format!("FAILED - RETRYING: [{host}]: {} ({left} retries left).", report.name);
        if self.is_verbose(report, 2) {
            let fields = shown::of_task(&report.fields, self.options.verbosity);
            text = format!("{text}Result was: {}", dump::dict(&fields, Some(4)));
        }
        output.line(&text, Some(Color::Debug));
    }

    fn recap(&self, stats: &Stats, output: &mut Output) {
        self.banner("PLAY RECAP", output);
        for (host, numbers) in &stats.hosts {
            output.line(&recap_line(host, *numbers, output.color), None);
        }
        output.line("\n", None);
        if self.options.show_custom_stats && !stats.custom.is_empty() {
            self.banner("CUSTOM STATS: ", output);
            let compact = |dict| dump::dict(dict, Some(1)).replace('\n', "");
            let mut hosts: Vec<_> = stats.custom.iter().filter(|(host, _)| *host != "_run").collect();
            hosts.sort_by_key(|(host, _)| (*host).clone());
            for (host, values) in hosts {
                output.line(&format!("\t{host}: {}", compact(values)), None);
            }
            if let Some(values) = stats.custom.get("_run") {
                output.line(&format!("\n\tRUN: {}", compact(values)), None);
            }
            output.line("\n", None);
        }
    }
}

const CENSORED: &str =
    "Task failed: the output has been hidden due to the fact that 'no_log: true' was specified for this result";

fn recap_line(host: &str, numbers: HostStats, colored: bool) -> String {
    let paint = |name: &str, number: u32, color: Color| {
        let text = format!("{name}={number:<4}");
        if colored && number > 0 { color.paint(&text) } else { text }
    };
    let host = if colored {
        let color = if numbers.failed > 0 || numbers.unreachable > 0 {
            Color::Error
        } else if numbers.changed > 0 {
            Color::Changed
        } else {
            Color::Ok
        };
        format!("{:<37}", color.paint(host))
    } else {
        format!("{host:<26}")
    };
    format!(
        "{host} : {} {} {} {} {} {} {}",
        paint("ok", numbers.ok, Color::Ok),
        paint("changed", numbers.changed, Color::Changed),
        paint("unreachable", numbers.unreachable, Color::Unreachable),
        paint("failed", numbers.failed, Color::Error),
        paint("skipped", numbers.skipped, Color::Skip),
        paint("rescued", numbers.rescued, Color::Ok),
        paint("ignored", numbers.ignored, Color::Warn),
    )
}

impl Callback for Default {
    fn event(&mut self, event: &Event, output: &mut Output) {
        match event {
            Event::PlaybookStarted { path } if self.options.verbosity > 1 => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                self.banner(&format!("PLAYBOOK: {name}"), output);
            }
            Event::PlayStarted { name, .. } => {
                let name = name.trim();
                let text = if name.is_empty() { "PLAY".to_owned() } else { format!("PLAY [{name}]") };
                self.banner(&text, output);
                self.head = None;
            }
            Event::NoHostsMatched => output.line("skipping: no hosts matched", Some(Color::Skip)),
            Event::NoHostsRemaining => self.banner("NO MORE HOSTS LEFT", output),
            Event::NoMatchingTask(name) => output.error_line(
                &format!("[ERROR]: No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."),
                Some(Color::Error),
            ),
            Event::TaskStarted(head) => self.task(head, output),
            Event::HostStarted { host, .. } if self.options.show_per_host_start => {
                self.task_banner(output);
                output.line(&format!("[started] on {host}"), Some(Color::Ok));
            }
            Event::Finished(report) => self.finished(report, output),
            Event::ItemFinished(report) => self.item(report, output),
            Event::Retry { report, retries_left } => self.retry(report, *retries_left, output),
            Event::Included { what, hosts, item } => {
                self.task_banner(output);
                let mut text = format!("included: {what} for {}", hosts.join(", "));
                if let Some(item) = item {
                    text = format!("{text} => (item={})", item.to_text());
                }
                output.line(&text, Some(Color::Skip));
            }
            Event::IncludeFailed(err) => output.error_line(&format!("[ERROR]: {}", err.message), Some(Color::Error)),
            Event::HandlerNotified { host, handler } if self.options.verbosity > 1 => {
                output.line(&format!("NOTIFIED HANDLER {handler} for {host}"), Some(Color::Debug));
            }
            Event::Notice(notice) => output.notice(notice),
            Event::Message(text) => output.line(text, None),
            Event::Output { bytes, .. } if self.options.status_line && self.options.verbosity > 0 => output.bytes(bytes),
            Event::AsyncPolled { host, job, finished, failed } => {
                let word = match (finished, failed) {
                    (true, false) => "OK",
                    (true, true) => "FAILED",
                    _ => "POLL",
                };
                output.line(&format!("ASYNC {word} on {host}: jid={job}"), Some(Color::Debug));
            }
            Event::PlaybookFinished(stats) => self.recap(stats, output),
            _ => {}
        }
    }
}
