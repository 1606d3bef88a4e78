//! `community.general.dense`: one line that is written over again, and what changed or failed stays above it.

use std::sync::Arc;

use indexmap::IndexMap;

use super::color::{Color, Painted};
use super::default::Default;
use super::terminal::Terminal;
use super::{Callback, Display, diff, dump, excerpt, recap, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, Stats, Status, TaskInfo, TaskReport};
use crate::value::{Dict, Value};

const RESET: &str = "\x1b[0;0m";
const BOLD: &str = "\x1b[1m";
const UNDERLINE: &str = "\x1b[4m";
const SAVE: &str = "\x1b[s";
const RESTORE: &str = "\x1b[u";
const CLEAR_LINE: &str = "\x1b[2K";
const NO_WRAP: &str = "\x1b[7l";
const WRAP: &str = "\x1b[7h";
/// To the next line, which is the one that is written over from now on.
const NEXT_LINE: &[&str] = &[RESTORE, RESET, "\n", SAVE, CLEAR_LINE];
const OVER: &[&str] = &[RESTORE, RESET, CLEAR_LINE];

/// What became of a host in a task. A later item only makes it worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Skipped,
    Ok,
    Changed,
    Failed,
    Unreachable,
    Ignored,
}

impl State {
    fn of(report: &TaskReport) -> Self {
        match report.status {
            Status::Skipped => Self::Skipped,
            Status::Ok => Self::Ok,
            Status::Changed => Self::Changed,
            Status::Failed if report.ignored => Self::Ignored,
            Status::Failed => Self::Failed,
            Status::Unreachable => Self::Unreachable,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Ignored => "ignored",
        }
    }

    fn color(self) -> &'static [&'static str] {
        match self {
            Self::Skipped => &["\x1b[0;36m"],
            Self::Ok => &["\x1b[0;32m"],
            Self::Changed => &["\x1b[0;33m"],
            Self::Failed => &["\x1b[0;31m"],
            Self::Unreachable => &["\x1b[1;31m"],
            Self::Ignored => &["\x1b[46m", "\x1b[1;31m"],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Task,
    Handler,
}

pub struct Dense {
    display: Display,
    /// From `-vv` on everything is shown as `default` does; below that what has no form of its own here.
    rest: Default,
    plays: usize,
    tasks: usize,
    handlers: usize,
    kind: Kind,
    task: Option<Arc<TaskInfo>>,
    /// The name of the task stands above the line.
    is_titled: bool,
    /// What the line says stays.
    keep: bool,
    hosts: IndexMap<Arc<str>, (State, Option<String>)>,
    begun: bool,
}

impl Dense {
    pub fn new(display: Display) -> Self {
        Self {
            rest: Default::new(display.clone()),
            display,
            plays: 0,
            tasks: 0,
            handlers: 0,
            kind: Kind::Task,
            task: None,
            is_titled: false,
            keep: false,
            hosts: IndexMap::new(),
            begun: false,
        }
    }

    fn place(&self) -> String {
        match self.kind {
            Kind::Task => format!("task {}", self.tasks),
            Kind::Handler => format!("handler {}", self.handlers),
        }
    }

    /// Leaves the line if it is to stay, else goes to its beginning by `over`.
    fn leave(&mut self, over: &[&'static str], terminal: &mut Terminal) {
        let stays = self.display.verbosity == 0 && std::mem::take(&mut self.keep);
        self.keep = false;
        control(if stays { NEXT_LINE } else { over }, terminal);
    }

    fn play_started(&mut self, name: &str, terminal: &mut Terminal) {
        self.leave(OVER, terminal);
        control(&[BOLD], terminal);
        self.plays += 1;
        (self.tasks, self.handlers) = (0, 0);
        let name = if name.is_empty() { "unnamed" } else { name };
        text(&format!("PLAY {}: {}", self.plays, name.to_uppercase()), terminal);
        control(NEXT_LINE, terminal);
    }

    fn task_started(&mut self, task: &Arc<TaskInfo>, terminal: &mut Terminal) {
        // What the task before left stands behind the new one until something happens.
        self.leave(if task.handler { OVER } else { &[RESTORE, RESET] }, terminal);
        control(&[UNDERLINE], terminal);
        self.is_titled = false;
        self.hosts.clear();
        self.task = Some(Arc::clone(task));
        self.kind = if task.handler { Kind::Handler } else { Kind::Task };
        match self.kind {
            Kind::Task => self.tasks += 1,
            Kind::Handler => self.handlers += 1,
        }
        text(&format!("{}.", self.place()), terminal);
        control(&[RESET], terminal);
    }

    fn finished(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        if report.show_diff && !report.no_log && report.status == Status::Changed {
            self.diffs(report, terminal);
        }
        let state = State::of(report);
        let host = self.hosts.entry(Arc::clone(&report.host)).or_insert((state, None));
        host.0 = host.0.max(state);
        host.1.clone_from(&report.delegated_to);
        self.progress(terminal);
        if matches!(report.status, Status::Changed | Status::Failed | Status::Unreachable) && state != State::Ignored {
            self.keep = true;
            if self.display.verbosity == 1 {
                self.title(terminal);
                self.result(report, state, terminal);
            }
        }
    }

    fn diffs(&mut self, report: &TaskReport, terminal: &mut Terminal) {
        control(&[BOLD], terminal);
        for one in &report.diff {
            if let Some(painted) = diff::render(one, &self.display, &terminal.palette) {
                self.rest.print_banner(Some(&report.task), terminal);
                terminal.painted_line(&painted);
            }
        }
        control(&[RESET], terminal);
    }

    /// The line: the task and its hosts, each in its color.
    fn progress(&self, terminal: &mut Terminal) {
        control(OVER, terminal);
        control(&[NO_WRAP, UNDERLINE], terminal);
        text(&format!("{}:", self.place()), terminal);
        control(&[RESET], terminal);
        for (host, (state, delegated_to)) in &self.hosts {
            let other = delegated_to.as_ref().map(|other| format!("{other}>")).unwrap_or_default();
            text(&format!(" {other}"), terminal);
            control(state.color(), terminal);
            text(host, terminal);
            control(&[RESET], terminal);
        }
        control(&[WRAP], terminal);
    }

    fn title(&mut self, terminal: &mut Terminal) {
        control(OVER, terminal);
        if !std::mem::replace(&mut self.is_titled, true) {
            control(&[UNDERLINE], terminal);
            let name = self.task.as_ref().map(|task| task.name.clone()).unwrap_or_default();
            text(&format!("{}: {name}", self.place()), terminal);
            control(NEXT_LINE, terminal);
        }
        self.keep = false;
    }

    fn result(&mut self, report: &TaskReport, state: State, terminal: &mut Terminal) {
        control(OVER, terminal);
        if report.looped {
            return;
        }
        let is_empty = |value: &Value| match value {
            Value::Str(text) => text.as_str().is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Dict(dict) => dict.is_empty(),
            _ => false,
        };
        let fields = shown::of_task(&report.fields, self.display.verbosity);
        let fields: Dict = fields
            .into_iter()
            .filter(|(name, value)| !TIMES.contains(&name.to_text().as_str()) && !is_empty(value))
            .collect();
        let dump = match report.status {
            Status::Failed => excerpt::of_report(report).unwrap_or_default(),
            Status::Unreachable => fields.get("msg").map(Value::to_text).unwrap_or_default(),
            _ => dump::result(&fields, &self.display, report.always_verbose.then_some(4)),
        };
        control(state.color(), terminal);
        text(&format!("{}: ", state.name()), terminal);
        match &report.delegated_to {
            Some(other) => {
                control(&[RESET], terminal);
                text(&format!("{}>", report.host), terminal);
                control(state.color(), terminal);
                text(other, terminal);
            }
            None => text(&report.host, terminal),
        }
        text(&format!(": {dump}\n"), terminal);
        control(&[RESET, SAVE, CLEAR_LINE], terminal);
    }

    fn recap(&mut self, stats: &Stats, terminal: &mut Terminal) {
        self.leave(OVER, terminal);
        if self.display.verbosity > 0 {
            control(&[BOLD, UNDERLINE], terminal);
            text("SUMMARY", terminal);
            control(NEXT_LINE, terminal);
            for (host, numbers) in &stats.hosts {
                let line = recap::line(host, numbers, &["skipped"], &terminal.palette);
                terminal.painted_line(&line);
            }
        }
        control(NEXT_LINE, terminal);
    }
}

/// What is of no interest in a result.
const TIMES: &[&str] = &["delta", "end", "failed_when_result", "start", "stdout_lines"];

fn control(controls: &[&'static str], terminal: &mut Terminal) {
    let mut painted = Painted::default();
    for control in controls {
        painted.push_control(control);
    }
    terminal.painted(&painted);
}

fn text(text: &str, terminal: &mut Terminal) {
    let painted = terminal.palette.paint(text, None);
    terminal.painted(&painted);
}

impl Callback for Dense {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        if self.display.verbosity >= 2 {
            return self.rest.event(event, terminal);
        }
        if !std::mem::replace(&mut self.begun, true) {
            control(&[RESET, SAVE, CLEAR_LINE], terminal);
        }
        match &event.kind {
            EventKind::PlayStarted { .. } => {
                let name = event.about.play.as_ref().map(|play| play.name.clone()).unwrap_or_default();
                self.play_started(&name, terminal);
            }
            EventKind::TaskStarted => {
                if let Some(task) = &event.about.task {
                    self.task_started(task, terminal);
                }
            }
            EventKind::Finished(report) | EventKind::ItemFinished(report) => self.finished(report, terminal),
            EventKind::NoHostsRemaining => {
                self.leave(OVER, terminal);
                control(&["\x1b[1;37m", "\x1b[41m"], terminal);
                text("NO MORE HOSTS LEFT", terminal);
                control(NEXT_LINE, terminal);
            }
            EventKind::PlaybookFinished(stats) => self.recap(stats, terminal),
            EventKind::Included { .. } => {}
            EventKind::Notice(notice) => terminal.error_line(&excerpt::notice_text(notice), Some(Color::Warn)),
            _ => self.rest.event(event, terminal),
        }
    }
}
