//! How long things took: `ansible.posix.profile_tasks`, `ansible.posix.profile_roles` and `ansible.posix.timer`.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Local};
use indexmap::IndexMap;
use uuid::Uuid;

use super::Callback;
use super::banner::banner;
use super::terminal::Terminal;
use crate::config::{Config, SortOrder, setting};
use crate::engine::Event;
use crate::engine::event::{EventKind, TaskInfo};
use crate::template::filters::dates::strftime;

const LINE: usize = 79;
const DATETIME: &str = "%A %d %B %Y  %H:%M:%S %z";

/// The clock of a run: since its begin, and since it was last read.
struct Clock {
    begin: SystemTime,
    last: SystemTime,
}

impl Clock {
    fn start() -> Self {
        let now = SystemTime::now();
        Self { begin: now, last: now }
    }

    /// The time now, how long the step before took, and how long the run has taken.
    fn read(&mut self, now: SystemTime, format: &str) -> String {
        let step = since(self.last, now);
        self.last = now;
        let local = DateTime::<Local>::from(now);
        let date = strftime(format, local.naive_local(), Some(*local.offset())).unwrap_or_default();
        filled(&format!("{date} ({}){:7}{}", clock_time(step), "", clock_time(since(self.begin, now))), '*')
    }
}

fn since(start: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(start).unwrap_or_default()
}

/// `0:01:02.345`
fn clock_time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, duration.subsec_millis())
}

/// The text, and what fills the line; a space ends it.
fn filled(text: &str, fill: char) -> String {
    let text = if text.is_empty() { String::new() } else { format!("{text} ") };
    let rest = LINE.saturating_sub(text.chars().count()).max(3);
    format!("{text}{} ", String::from(fill).repeat(rest))
}

/// A name and its seconds at both ends of a line of this width.
fn summary_line(name: &str, duration: Duration, width: usize) -> String {
    let seconds = format!(" {:.2}s", duration.as_secs_f64());
    format!("{:-<width$}{seconds:->9}", format!("{name} "))
}

/// The heading of a summary.
fn summary(title: &str, clock: &str, terminal: &mut Terminal) {
    let title = banner(title, terminal.columns);
    terminal.line(&title, None);
    terminal.line(clock, None);
    terminal.line(filled("", '='), None);
}

/// Times by what takes them; what runs now is measured when the next one begins.
struct Times<K> {
    by_key: IndexMap<K, Time>,
    current: Option<(K, SystemTime)>,
}

struct Time {
    name: String,
    path: Option<String>,
    elapsed: Duration,
}

impl<K: std::hash::Hash + Eq + Clone> Times<K> {
    fn new() -> Self {
        Self { by_key: IndexMap::new(), current: None }
    }

    fn stop(&mut self, now: SystemTime) {
        if let Some((key, start)) = self.current.take()
            && let Some(time) = self.by_key.get_mut(&key)
        {
            time.elapsed += since(start, now);
        }
    }

    fn start(&mut self, key: K, name: &str, path: Option<String>, now: SystemTime) {
        self.stop(now);
        let time = || Time { name: name.to_owned(), path, elapsed: Duration::ZERO };
        self.by_key.entry(key.clone()).or_insert_with(time);
        self.current = Some((key, now));
    }
}

pub struct ProfileTasks {
    clock: Clock,
    times: Times<Uuid>,
    summary_only: bool,
    order: SortOrder,
    /// Lines of the summary; none when all are shown.
    limit: Option<usize>,
    datetime: String,
    with_paths: bool,
}

impl ProfileTasks {
    pub fn new(config: &Config, verbosity: u8) -> Self {
        let datetime = config.get(setting::CALLBACK_PROFILE_TASKS_DATETIME_FORMAT);
        let limit = config.get(setting::CALLBACK_PROFILE_TASKS_OUTPUT_LIMIT);
        Self {
            clock: Clock::start(),
            times: Times::new(),
            summary_only: config.get(setting::CALLBACK_PROFILE_TASKS_SUMMARY_ONLY),
            order: config.get(setting::CALLBACK_PROFILE_TASKS_SORT_ORDER),
            limit: limit.trim().parse().ok(),
            datetime: if datetime == "iso8601" { "%Y-%m-%dT%H:%M:%S.%f".to_owned() } else { datetime },
            with_paths: verbosity >= 2,
        }
    }

    fn started(&mut self, task: &TaskInfo, now: SystemTime, terminal: &mut Terminal) {
        if !self.summary_only {
            terminal.line(self.clock.read(now, &self.datetime), None);
        }
        let path = self.with_paths.then(|| format!("{}:{}", task.place.path().display(), task.place.line));
        self.times.start(task.uuid, &task.name, path, now);
    }

    fn recap(&mut self, now: SystemTime, terminal: &mut Terminal) {
        summary("TASKS RECAP", &self.clock.read(now, &self.datetime), terminal);
        self.times.stop(now);
        let mut times: Vec<&Time> = self.times.by_key.values().collect();
        match self.order {
            SortOrder::Ascending => times.sort_by_key(|time| time.elapsed),
            SortOrder::Descending => times.sort_by_key(|time| std::cmp::Reverse(time.elapsed)),
            SortOrder::AsItCame => {}
        }
        let columns = terminal.columns;
        for time in times.into_iter().take(self.limit.unwrap_or(usize::MAX)) {
            terminal.line(summary_line(&time.name, time.elapsed, columns - 9), None);
            if let Some(path) = &time.path {
                terminal.line(format!("{:-<columns$}", format!("{path} ")), None);
            }
        }
    }
}

impl Callback for ProfileTasks {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match (&event.kind, &event.about.task) {
            (EventKind::TaskStarted, Some(task)) => self.started(task, event.at, terminal),
            (EventKind::PlaybookFinished(_), _) => self.recap(event.at, terminal),
            _ => {}
        }
    }
}

pub struct ProfileRoles {
    clock: Clock,
    times: Times<String>,
    summary_only: bool,
}

impl ProfileRoles {
    pub fn new(config: &Config) -> Self {
        let summary_only = config.get(setting::CALLBACK_PROFILE_ROLES_SUMMARY_ONLY);
        Self { clock: Clock::start(), times: Times::new(), summary_only }
    }

    fn recap(&mut self, now: SystemTime, terminal: &mut Terminal) {
        summary("ROLES RECAP", &self.clock.read(now, DATETIME), terminal);
        self.times.stop(now);
        let mut times: Vec<&Time> = self.times.by_key.values().collect();
        times.sort_by_key(|time| std::cmp::Reverse(time.elapsed));
        for time in &times {
            terminal.line(summary_line(&time.name, time.elapsed, 70), None);
        }
        terminal.line(filled("", '~'), None);
        terminal.line(summary_line("total", times.iter().map(|time| time.elapsed).sum(), 70), None);
    }
}

impl Callback for ProfileRoles {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match (&event.kind, &event.about.task) {
            (EventKind::TaskStarted, Some(task)) => {
                if !self.summary_only {
                    terminal.line(self.clock.read(event.at, DATETIME), None);
                }
                // What is in no role counts under its action.
                let name = task.role.as_ref().unwrap_or(&task.written_action);
                self.times.start(name.clone(), name, None, event.at);
            }
            (EventKind::PlaybookFinished(_), _) => self.recap(event.at, terminal),
            _ => {}
        }
    }
}

pub struct Timer {
    begin: SystemTime,
}

impl Timer {
    pub fn start() -> Self {
        Self { begin: SystemTime::now() }
    }
}

impl Callback for Timer {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        if matches!(event.kind, EventKind::PlaybookFinished(_)) {
            let seconds = since(self.begin, event.at).as_secs();
            let title = banner("PLAYBOOK RECAP", terminal.columns);
            terminal.line(&title, None);
            let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
            let seconds = seconds % 60;
            let text =
                format!("Playbook run took {days} days, {hours} hours, {minutes} minutes, {seconds} seconds\n\r");
            terminal.line(&text, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_one_width() {
        assert_eq!(clock_time(Duration::from_millis(3_723_045)), "1:02:03.045");
        assert_eq!(filled("", '='), format!("{} ", "=".repeat(79)));
        assert_eq!(filled("now", '*'), format!("now {} ", "*".repeat(75)));
        assert_eq!(summary_line("a", Duration::from_millis(1_500), 6), "a ------- 1.50s");
    }
}
