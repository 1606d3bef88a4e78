//! `ansible.posix.json` and `ansible.posix.jsonl`: a run as one JSON document when it is over, or as one line for each event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::color::Color;
use super::terminal::Terminal;
use super::whole::Whole;
use super::{Callback, Display, dump, excerpt, shown};
use crate::engine::Event;
use crate::engine::event::{EventKind, HostStats, PlayInfo, Stats, Status, TaskInfo, TaskReport};
use crate::value::{Dict, Value};

pub struct Json {
    /// One line for each event.
    lines: bool,
    style: dump::Json,
    custom_stats: bool,
    whole: Whole,
    plays: Vec<Play>,
    /// Where hosts do not wait for each other, each has tasks of its own: indexes of the play's tasks.
    own_tasks: HashMap<(Arc<str>, Uuid), usize>,
}

struct Play {
    info: Arc<PlayInfo>,
    duration: Duration,
    tasks: Vec<Task>,
}

struct Task {
    info: Arc<TaskInfo>,
    duration: Duration,
    hosts: Dict,
}

#[derive(Clone, Copy)]
struct Duration {
    start: SystemTime,
    end: Option<SystemTime>,
}

impl Json {
    /// A document; it is indented by four unless something else is configured.
    pub fn document(display: &Display, indent: Option<i64>) -> Self {
        Self::new(display, indent.unwrap_or(4), false)
    }

    pub fn lines(display: &Display, indent: Option<i64>) -> Self {
        Self::new(display, indent.unwrap_or(0), true)
    }

    fn new(display: &Display, indent: i64, lines: bool) -> Self {
        let indent = usize::try_from(indent).ok().filter(|indent| *indent > 0);
        Self {
            lines,
            style: dump::Json { indent, ascii: true, tight: lines, unsorted: false },
            custom_stats: display.custom_stats,
            whole: Whole::default(),
            plays: Vec::new(),
            own_tasks: HashMap::new(),
        }
    }

    /// Whether hosts wait for each other at each task.
    fn in_step(&self) -> bool {
        self.plays.last().is_some_and(|play| matches!(play.info.strategy, "linear" | "debug"))
    }

    fn task_started(&mut self, task: &Arc<TaskInfo>, at: SystemTime) -> Option<usize> {
        let play = self.plays.last_mut()?;
        let duration = Duration { start: at, end: None };
        play.tasks.push(Task { info: Arc::clone(task), duration, hosts: Dict::new() });
        Some(play.tasks.len() - 1)
    }

    fn finished(&mut self, report: &TaskReport, at: SystemTime, terminal: &mut Terminal) {
        let mut result = self.whole.result(report);
        match report.status {
            Status::Failed => result.insert(Value::str("failed"), Value::Bool(true)),
            Status::Skipped => result.insert(Value::str("skipped"), Value::Bool(true)),
            _ => None,
        };
        result.insert(Value::str("action"), Value::str(report.task.written_action.as_str()));
        let result = shown::without_secrets(&Value::dict(result));
        let own = self.own_tasks.remove(&(Arc::clone(&report.host), report.task.uuid));
        let Some(play) = self.plays.last_mut() else { return };
        play.duration.end = Some(at);
        let Some(last) = play.tasks.len().checked_sub(1) else { return };
        let Some(task) = play.tasks.get_mut(own.unwrap_or(last)) else { return };
        task.duration.end = Some(at);
        let hosts = Dict::from_iter([(Value::str(&*report.host), result)]);
        if self.lines {
            let event = match report.status {
                Status::Ok | Status::Changed => "v2_runner_on_ok",
                Status::Failed => "v2_runner_on_failed",
                Status::Skipped => "v2_runner_on_skipped",
                Status::Unreachable => "v2_runner_on_unreachable",
            };
            let of_event = [("hosts", Value::dict(hosts)), ("task", task.value())];
            self.line(event, of_event, at, terminal);
        } else {
            task.hosts.extend(hosts);
        }
    }

    /// Tells the newest play or task where each event has its line.
    fn started(&self, event: &str, at: SystemTime, terminal: &mut Terminal) {
        let Some(play) = self.plays.last() else { return };
        match play.tasks.last() {
            _ if !self.lines => {}
            Some(task) => {
                self.line(event, [("hosts", Value::dict(Dict::new())), ("task", task.value())], at, terminal);
            }
            None => self.line(event, [("play", play.value()), ("tasks", Value::list(Vec::new()))], at, terminal),
        }
    }

    fn line<'a>(
        &self,
        event: &str,
        values: impl IntoIterator<Item = (&'a str, Value)>,
        at: SystemTime,
        terminal: &mut Terminal,
    ) {
        let own = [("_event", Value::str(event)), ("_timestamp", timestamp(at))];
        terminal.line(dump::json(&dict(own.into_iter().chain(values)), self.style), None);
    }

    fn recap(&self, stats: &Stats, at: SystemTime, terminal: &mut Terminal) {
        let hosts = stats.hosts.iter().map(|(host, numbers)| (&**host, summary(numbers)));
        let wanted = self.custom_stats;
        let custom = || stats.custom.iter().filter(move |_| wanted);
        let of_hosts = custom().filter(|(name, _)| *name != "_run");
        let of_run = custom().find(|(name, _)| *name == "_run").map(|(_, data)| data.clone()).unwrap_or_default();
        let values = [
            ("custom_stats", dict(of_hosts.map(|(name, data)| (name.as_str(), Value::dict(data.clone()))))),
            ("global_custom_stats", Value::dict(of_run)),
            ("stats", dict(hosts)),
        ];
        if self.lines {
            self.line("v2_playbook_on_stats", values, at, terminal);
            return;
        }
        let plays = self.plays.iter().map(|play| {
            let tasks = play
                .tasks
                .iter()
                .map(|task| dict([("hosts", Value::dict(task.hosts.clone())), ("task", task.value())]));
            dict([("play", play.value()), ("tasks", Value::list(tasks.collect()))])
        });
        let plays = ("plays", Value::list(plays.collect()));
        terminal.line(dump::json(&dict(values.into_iter().chain([plays])), self.style), None);
    }
}

impl Play {
    fn value(&self) -> Value {
        entry(&self.info.name, self.info.uuid, &self.info.place, self.duration)
    }
}

impl Task {
    fn value(&self) -> Value {
        entry(&self.info.name, self.info.uuid, &self.info.place, self.duration)
    }
}

fn entry(name: &str, uuid: Uuid, place: &crate::source::Span, duration: Duration) -> Value {
    let end = duration.end.map(|end| ("end", timestamp(end)));
    dict([
        ("name", Value::str(name)),
        ("id", Value::str(uuid.to_string())),
        ("path", Value::str(format!("{}:{}", place.path().display(), place.line))),
        ("duration", dict([("start", timestamp(duration.start))].into_iter().chain(end))),
    ])
}

fn summary(numbers: &HostStats) -> Value {
    let numbers = [
        ("ok", numbers.ok),
        ("failures", numbers.failed),
        ("unreachable", numbers.unreachable),
        ("changed", numbers.changed),
        ("skipped", numbers.skipped),
        ("rescued", numbers.rescued),
        ("ignored", numbers.ignored),
    ];
    dict(numbers.map(|(name, number)| (name, Value::Int(i64::from(number)))))
}

fn dict<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::dict(entries.into_iter().map(|(name, value)| (Value::str(name), value)).collect())
}

fn timestamp(at: SystemTime) -> Value {
    Value::str(DateTime::<Utc>::from(at).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

impl Callback for Json {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        let at = event.at;
        match &event.kind {
            EventKind::PlayStarted { .. } => {
                if let Some(info) = &event.about.play {
                    let duration = Duration { start: at, end: None };
                    self.plays.push(Play { info: Arc::clone(info), duration, tasks: Vec::new() });
                    self.started("v2_playbook_on_play_start", at, terminal);
                }
            }
            EventKind::TaskStarted if self.in_step() => {
                if let Some(task) = &event.about.task {
                    self.task_started(task, at);
                    let of_handler = if task.handler { "handler_" } else { "" };
                    self.started(&format!("v2_playbook_on_{of_handler}task_start"), at, terminal);
                }
            }
            EventKind::HostStarted if !self.in_step() => {
                if let (Some(task), Some(host)) = (&event.about.task, &event.about.host)
                    && let Some(index) = self.task_started(task, at)
                {
                    self.own_tasks.insert((Arc::clone(host), task.uuid), index);
                    self.started("v2_runner_on_start", at, terminal);
                }
            }
            EventKind::ItemFinished(report) => self.whole.item(report),
            EventKind::Finished(report) => self.finished(report, at, terminal),
            EventKind::PlaybookFinished(stats) => self.recap(stats, at, terminal),
            EventKind::Notice(notice) => terminal.error_line(&excerpt::notice_text(notice), Some(Color::Warn)),
            EventKind::Message(text) => terminal.line(text, None),
            _ => {}
        }
    }
}
