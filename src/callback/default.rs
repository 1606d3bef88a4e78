//! The output of `ansible-playbook`.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use super::banner::banner;
use super::color::Color;
use super::terminal::Terminal;
use super::{Callback, Display, diff, dump, excerpt, recap, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskInfo, TaskReport};
use crate::error::{Notice, NoticeKind};
use crate::source::Span;
use crate::value::Dict;

pub struct Default {
    display: Display,
    /// Output and messages of a result stand below it, as they are.
    texts_apart: bool,
    /// The task of the last banner. One that isn't printed yet may never be: perhaps no host has anything to show.
    last_task: Option<Uuid>,
    /// Failures that were explained; the same explanation is not repeated for each host.
    explained: HashSet<String>,
    warned: HashSet<String>,
}

impl Default {
    pub fn new(display: Display) -> Self {
        Self { display, texts_apart: false, last_task: None, explained: HashSet::new(), warned: HashSet::new() }
    }

    /// The callback `debug` of ansible.posix.
    pub fn with_texts_apart(display: Display) -> Self {
        Self { texts_apart: true, ..Self::new(display) }
    }

    /// Adds a result for people; `fields` are what the callback shows of it.
    fn add_dump(&self, fields: &Dict, always_verbose: bool, out: &mut String) {
        if !self.texts_apart {
            return dump::add_result(fields, &self.display, always_verbose.then_some(4), out);
        }
        let is_apart = |name: &str| TEXTS.contains(&name) || matches!(name, "stdout_lines" | "stderr_lines");
        let rest = fields.iter().filter(|(name, _)| !is_apart(&name.to_text()));
        let rest: Dict = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
        dump::add_result(&rest, &self.display, Some(4), out);
        let texts = TEXTS.iter().filter_map(|name| Some((name, fields.get(*name).filter(|text| text.is_truthy())?)));
        for (index, (name, text)) in texts.enumerate() {
            let before = if index > 0 { "\n" } else { "" };
            out.push_str(&format!("{before}\n\n{}:\n\n{}", name.to_uppercase(), shown::label(text)));
        }
    }

    /// Where hosts wait for one another the banner stands above what is to come; elsewhere above each result whose task is another than
    /// that of the result before.
    fn task_started(&mut self, event: &Event, terminal: &mut Terminal) {
        let in_step = event.about.play.as_ref().is_none_or(|play| matches!(play.strategy, "debug" | "linear"));
        if in_step {
            self.last_task = None;
            if self.display.skipped_hosts && self.display.ok_hosts {
                self.print_banner(event.about.task.as_ref(), terminal);
            }
        }
    }

    pub(super) fn print_banner(&mut self, task: Option<&Arc<TaskInfo>>, terminal: &mut Terminal) {
        let Some(task) = task.filter(|task| self.last_task != Some(task.uuid)) else { return };
        self.last_task = Some(task.uuid);
        let kind = if task.handler { "RUNNING HANDLER" } else { "TASK" };
        let mode = if self.display.check_mode_markers && task.check { " [CHECK MODE]" } else { "" };
        let title = banner(&format!("{kind} [{}]{mode}", task.name), terminal.columns);
        terminal.line(&title, None);
        if self.display.verbosity >= 2 {
            task_path(&task.place, terminal);
        }
    }

    fn finished(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        self.warnings(report, terminal);
        if report.include && matches!(report.status, Status::Ok | Status::Changed) {
            self.print_banner(Some(&report.task), terminal);
            return;
        }
        if report.status == Status::Changed || report.looped {
            self.diffs(report, terminal);
        }
        match report.status {
            Status::Ok | Status::Changed => self.succeeded(report, terminal),
            Status::Skipped => self.skipped(report, terminal),
            Status::Failed | Status::Unreachable => self.failed(report, terminal),
        }
    }

    fn succeeded(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        let changed = report.status == Status::Changed;
        if report.looped || (!changed && !self.display.ok_hosts) {
            return;
        }
        self.print_banner(Some(&report.task), terminal);
        let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
        let item =
            report.item_label.as_ref().map(|_| format!(" => (item={})", shown::item_label(report))).unwrap_or_default();
        let mut text = format!("{word}: [{}]{item}", who(report));
        self.add_verbose(report, &mut text);
        terminal.line(text, Some(color));
    }

    fn skipped(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        if !self.display.skipped_hosts {
            return;
        }
        self.print_banner(Some(&report.task), terminal);
        let item = report
            .item_label
            .as_ref()
            .map(|_| format!(" => (item={}) ", shown::item_label(report)))
            .unwrap_or_default();
        let mut text = format!("skipping: [{}]{item}", who(report));
        self.add_verbose(report, &mut text);
        terminal.line(text, Some(Color::Skip));
    }

    fn failed(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        self.print_banner(Some(&report.task), terminal);
        let unreachable = report.status == Status::Unreachable;
        if !report.looped {
            self.explain(report, terminal);
            if self.display.path_on_failure && self.display.verbosity < 2 && report.item_label.is_none() && !unreachable
            {
                task_path(&report.task.place, terminal);
            }
            let fields = shown::fields(report, self.display.verbosity);
            let mut text = match (&report.item_label, unreachable) {
                (Some(_), _) => format!("failed: [{}] (item={}) => ", who(report), shown::item_label(report)),
                (None, false) => format!("fatal: [{}]: FAILED! => ", who(report)),
                (None, true) => format!("fatal: [{}]: UNREACHABLE! => ", who(report)),
            };
            let always_verbose = report.always_verbose && !unreachable;
            self.add_dump(&fields, always_verbose, &mut text);
            let color = if unreachable { Color::Unreachable } else { Color::Error };
            self.failure_line(text, color, terminal);
        }
        // What Ansible keeps of a result of debug does not tell that it was a loop.
        if report.looped && !unreachable && report.task.action == "debug" {
            let text = format!("fatal: [{}]: FAILED! => {{\"msg\": \"One or more items failed\"}}", who(report));
            self.failure_line(text, Color::Error, terminal);
        }
        if report.ignored && report.item_label.is_none() {
            terminal.line("...ignoring", Some(Color::Skip));
        }
    }

    fn explain(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        let Some(text) = excerpt::of_report(report) else { return };
        if self.explained.insert(text.clone()) {
            self.failure_line(text, Color::Error, terminal);
        }
    }

    fn failure_line(&self, text: String, color: Color, terminal: &mut Terminal) {
        if self.display.failed_to_stderr {
            terminal.error_line(&text, Some(color));
        } else {
            terminal.line(text, Some(color));
        }
    }

    /// Says at both ends of a run that nothing is changed.
    fn dry_run(&self, terminal: &mut Terminal) {
        if self.display.check && self.display.check_mode_markers {
            let title = banner("DRY RUN", terminal.columns);
            terminal.line(&title, None);
        }
    }

    fn add_verbose(&self, report: &TaskReport, text: &mut String) {
        if self.display.verbosity == 0 && !report.always_verbose {
            return;
        }
        let fields = shown::fields(report, self.display.verbosity);
        text.push_str(" => ");
        self.add_dump(&fields, report.always_verbose, text);
    }

    fn diffs(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        if !report.show_diff || report.no_log {
            return;
        }
        for one in &report.diff {
            if let Some(painted) = diff::render(one, &self.display, &terminal.palette) {
                self.print_banner(Some(&report.task), terminal);
                terminal.painted_line(&painted);
            }
        }
    }

    fn warnings(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        for (kind, messages) in
            [(NoticeKind::Warning, &report.warnings), (NoticeKind::Deprecation, &report.deprecations)]
        {
            for message in messages {
                self.notice(&Notice { kind, message: message.clone(), place: None }, terminal);
            }
        }
    }

    fn notice(&mut self, notice: &Notice, terminal: &mut Terminal) {
        let text = excerpt::notice_text(notice);
        if self.warned.insert(text.clone()) {
            let color = match notice.kind {
                NoticeKind::Warning => Color::Warn,
                NoticeKind::Deprecation => Color::Deprecate,
            };
            terminal.error_line(&text, Some(color));
        }
    }
}

/// What `with_texts_apart` shows below a result.
const TEXTS: &[&str] = &["stdout", "stderr", "msg", "module_stdout", "module_stderr"];

fn task_path(place: &Span, terminal: &mut Terminal) {
    terminal.line(format!("task path: {}:{}", place.path().display(), place.line), Some(Color::Debug));
}

/// A line about a task in the background.
fn job_line(word: &str, event: &Event, what: &str, terminal: &mut Terminal) {
    let host = event.about.host.as_deref().unwrap_or_default();
    terminal.line(format!("ASYNC {word} on {host}: {what}"), Some(Color::Debug));
}

/// The host, and where its task was delegated to.
pub(super) fn who(report: &TaskReport) -> String {
    match &report.delegated_to {
        Some(other) => format!("{} -> {other}", report.host),
        None => report.host.to_string(),
    }
}

impl Callback for Default {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::PlaybookStarted { path, plays } => {
                if self.display.verbosity >= 2 {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let title = banner(&format!("PLAYBOOK: {name}"), terminal.columns);
                    terminal.line(&title, None);
                    let here = std::env::current_dir().unwrap_or_default();
                    let path = path.strip_prefix(here).unwrap_or(path).display();
                    terminal.line(format!("{plays} plays in {path}"), Some(Color::Verbose));
                }
                self.dry_run(terminal);
            }
            EventKind::PlayStarted { .. } => {
                let name = event.about.play.as_ref().map(|play| play.name.as_str()).unwrap_or_default();
                self.last_task = None;
                let name = if name.is_empty() { String::new() } else { format!(" [{name}]") };
                let mode = if self.display.check_mode_markers && self.display.check { " [CHECK MODE]" } else { "" };
                let title = banner(&format!("PLAY{name}{mode}"), terminal.columns);
                terminal.line(&title, None);
            }
            EventKind::NoHostsMatched => terminal.line("skipping: no hosts matched", Some(Color::Skip)),
            EventKind::NoMatchingTask(name) => terminal.error_line(
                &format!(
                    "[ERROR]: No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."
                ),
                Some(Color::Error),
            ),
            EventKind::NoHostsRemaining => {
                let title = banner("NO MORE HOSTS LEFT", terminal.columns);
                terminal.line(&title, None);
            }
            EventKind::TaskStarted => self.task_started(event, terminal),
            EventKind::HostStarted => {
                if let (true, Some(task), Some(host)) =
                    (self.display.per_host_start, &event.about.task, &event.about.host)
                {
                    let kind = if task.handler { "HANDLER" } else { "TASK" };
                    terminal.line(format!(" [started {kind}: {} on {host}]", task.name), Some(Color::Ok));
                }
            }
            EventKind::Finished(report) | EventKind::ItemFinished(report) => self.finished(report, terminal),
            EventKind::Retry { report, retries_left } => {
                let mut text = format!(
                    "FAILED - RETRYING: [{}]: {} ({retries_left} retries left).",
                    who(report),
                    report.task.name
                );
                if self.display.verbosity > 2 || report.always_verbose {
                    text.push_str("Result was: ");
                    let fields = shown::of_task(&report.fields, self.display.verbosity);
                    self.add_dump(&fields, report.always_verbose, &mut text);
                }
                terminal.line(&text, Some(Color::Debug));
            }
            EventKind::JobPolled { job, started, finished } => {
                let [started, finished] = [started, finished].map(|value| if *value { "True" } else { "False" });
                let what = format!("jid={job} started={started} finished={finished}");
                job_line("POLL", event, &what, terminal);
            }
            EventKind::JobEnded { job, failed } => {
                let word = if *failed { "FAILED" } else { "OK" };
                let job = job.as_deref().unwrap_or("None");
                job_line(word, event, &format!("jid={job}"), terminal);
            }
            EventKind::Included { what, hosts, item } => {
                self.print_banner(event.about.task.as_ref(), terminal);
                let item = item.as_ref().map(|item| format!(" => (item={})", shown::label(item))).unwrap_or_default();
                terminal.line(
                    format!(
                        "included: {what} for {}{item}",
                        hosts.iter().map(|host| &**host).collect::<Vec<_>>().join(", ")
                    ),
                    Some(Color::Included),
                );
            }
            EventKind::IncludeFailed(error) => {
                self.print_banner(event.about.task.as_ref(), terminal);
                terminal.error_line(error.render().trim_end(), Some(Color::Error));
            }
            EventKind::HandlerNotified { handler } => {
                if let (true, Some(host)) = (self.display.verbosity > 1, &event.about.host) {
                    terminal.line(format!("NOTIFIED HANDLER {handler} for {host}"), Some(Color::Verbose));
                }
            }
            EventKind::Notice(notice) => self.notice(notice, terminal),
            EventKind::StepAnswered { question } => {
                let title = banner(question, terminal.columns);
                terminal.line(&title, None);
            }
            EventKind::Message(text) => terminal.line(text, None),
            EventKind::Silence(text) => {
                if let (true, Some(host)) = (self.display.verbosity > 0, &event.about.host) {
                    terminal.error_line(&format!("{host}: {text}"), Some(Color::Verbose));
                }
            }
            EventKind::Progress(_) | EventKind::Output { .. } => {}
            EventKind::PlaybookFinished(stats) => {
                recap::show(stats, self.display.custom_stats, terminal);
                self.dry_run(terminal);
            }
        }
    }
}
