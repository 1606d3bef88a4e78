//! `junit`: the tasks of a playbook as test cases, in a file that programs read which show tests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;
use uuid::Uuid;

use super::color::Color;
use super::terminal::Terminal;
use super::{Callback, Display, dump, excerpt, shown, whole};
use crate::config::{Config, setting};
use crate::engine::Event;
use crate::engine::event::{EventKind, Status, TaskInfo, TaskReport};
use crate::value::{Value, mask};

pub struct Junit {
    display: Display,
    options: Options,
    playbook: String,
    play: String,
    tasks: IndexMap<Uuid, Task>,
}

struct Options {
    folder: PathBuf,
    /// A class for each file, not for each task.
    task_class: bool,
    relative_to: Option<PathBuf>,
    /// Stands before names of files that are not below `relative_to`.
    out_of_tree: Option<String>,
    fail_on_change: bool,
    fail_on_ignore: bool,
    with_setup: bool,
    hide_arguments: bool,
    prefix: String,
}

struct Task {
    info: Arc<TaskInfo>,
    /// Play and task, with its arguments.
    title: String,
    name: String,
    start: SystemTime,
    /// By host; an include is a host of its own.
    cases: IndexMap<String, Case>,
}

struct Case {
    time: Duration,
    outcome: Outcome,
}

enum Outcome {
    /// What came of it.
    Passed(String),
    Skipped(String),
    /// The message, and what came of it.
    Failure(String, String),
    Error(String, String),
}

impl Junit {
    pub fn new(config: &Config, display: Display) -> Self {
        let options = Options {
            folder: config.get(setting::CALLBACK_JUNIT_OUTPUT_DIR),
            task_class: config.get(setting::CALLBACK_JUNIT_TASK_CLASS),
            relative_to: config.get(setting::CALLBACK_JUNIT_TASK_RELATIVE_PATH),
            out_of_tree: config.get(setting::CALLBACK_JUNIT_REPLACE_OUT_OF_TREE_PATH),
            fail_on_change: config.get(setting::CALLBACK_JUNIT_FAIL_ON_CHANGE),
            fail_on_ignore: config.get(setting::CALLBACK_JUNIT_FAIL_ON_IGNORE),
            with_setup: config.get(setting::CALLBACK_JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT),
            hide_arguments: config.get(setting::CALLBACK_JUNIT_HIDE_TASK_ARGUMENTS),
            prefix: config.get(setting::CALLBACK_JUNIT_TEST_CASE_PREFIX).unwrap_or_default(),
        };
        Self { display, options, playbook: String::new(), play: String::new(), tasks: IndexMap::new() }
    }

    fn started(&mut self, info: &Arc<TaskInfo>, at: SystemTime) {
        let mut name = info.name.clone();
        if !info.no_log && !self.options.hide_arguments {
            let raw = info.raw_params.as_ref().map(|text| format!("_raw_params={text}"));
            let args = info.args.iter().map(|(key, value)| format!("{}={}", key.to_text(), shown::label(value)));
            let args: Vec<String> = args.chain(raw).collect();
            if !args.is_empty() {
                name = format!("{name} {}", args.join(", "));
            }
        }
        let title = format!("{}: {name}", self.play);
        let task = Task { info: Arc::clone(info), title, name, start: at, cases: IndexMap::new() };
        self.tasks.entry(info.uuid).or_insert(task);
    }

    fn finished(&mut self, report: &TaskReport, at: SystemTime) {
        let options = &self.options;
        let Some(task) = self.tasks.get_mut(&report.task.uuid) else { return };
        let mut failed = match report.status {
            Status::Failed => !report.ignored || options.fail_on_ignore,
            Status::Changed => options.fail_on_change,
            Status::Ok | Status::Skipped | Status::Unreachable => false,
        };
        if failed && task.name.contains("EXPECTED FAILURE") {
            failed = false;
        } else if task.name.contains("TOGGLE RESULT") && report.status != Status::Skipped {
            failed = !failed;
        }
        let is_case = task.name.starts_with(&options.prefix) || failed;
        // Hosts that are not reached are no cases.
        if !is_case || report.status == Status::Unreachable {
            return;
        }
        let fields = shown::of_task(&whole::of_task(report), self.display.verbosity);
        let indent = if report.always_verbose { 4 } else { 0 };
        let text = dump::result(&fields, &self.display, Some(indent));
        let field = |name: &str| report.fields.get(name).map(Value::to_text);
        let outcome = match (&report.trouble, report.status) {
            (_, Status::Skipped) => Outcome::Skipped(field("skip_reason").unwrap_or_else(|| "skipped".to_owned())),
            _ if !failed => Outcome::Passed(text),
            (Some(trouble), _) if !report.looped => {
                Outcome::Error(trouble.text(), excerpt::of_report(report).unwrap_or(text))
            }
            _ => {
                let rc = || format!("rc={}", field("rc").unwrap_or_else(|| "0".to_owned()));
                Outcome::Failure(field("msg").unwrap_or_else(rc), text)
            }
        };
        let time = at.duration_since(task.start).unwrap_or_default();
        task.cases.insert(report.host.to_string(), Case { time, outcome });
    }

    fn included(&mut self, event: &Event, what: &str, hosts: &[Arc<str>]) {
        let Some(info) = &event.about.task else { return };
        let Some(task) = self.tasks.get_mut(&info.uuid) else { return };
        let hosts: Vec<&str> = hosts.iter().map(|host| &**host).collect();
        let text = format!("{what} (args={{}} vars={{}}): [{}]", hosts.join(", "));
        let time = event.at.duration_since(task.start).unwrap_or_default();
        match task.cases.entry("include".to_owned()) {
            indexmap::map::Entry::Vacant(entry) => {
                entry.insert(Case { time, outcome: Outcome::Passed(text) });
            }
            indexmap::map::Entry::Occupied(mut entry) => {
                if let Outcome::Passed(before) = &mut entry.get_mut().outcome {
                    let _ = write!(before, "\n{text}");
                }
            }
        }
    }

    /// Writes the file; its name has the time, so that no run overwrites another's.
    fn report(&self, at: SystemTime) -> std::io::Result<()> {
        fs::create_dir_all(&self.options.folder)?;
        let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let file = self.options.folder.join(format!("{}-{seconds}.xml", self.playbook));
        fs::write(file, mask::hide(&self.xml()).as_bytes())
    }

    fn xml(&self) -> String {
        let tasks = self.tasks.values().filter(|task| self.options.with_setup || !is_setup(&task.info));
        let cases: Vec<(&Task, &String, &Case)> =
            tasks.flat_map(|task| task.cases.iter().map(move |(host, case)| (task, host, case))).collect();
        let count = |wanted: fn(&Outcome) -> bool| cases.iter().filter(|(.., case)| wanted(&case.outcome)).count();
        let errors = count(|outcome| matches!(outcome, Outcome::Error(..)));
        let failures = count(|outcome| matches!(outcome, Outcome::Failure(..)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        let time = cases.iter().map(|(.., case)| case.time).sum::<Duration>().as_secs_f64();
        let (name, tests) = (escaped(&self.playbook), cases.len());
        let mut out = format!(
            "<?xml version=\"1.0\" ?>\n\
             <testsuites disabled=\"0\" errors=\"{errors}\" failures=\"{failures}\" tests=\"{tests}\" time=\"{time}\">\n\
             \t<testsuite disabled=\"0\" errors=\"{errors}\" failures=\"{failures}\" name=\"{name}\" skipped=\"{skipped}\" tests=\"{tests}\" time=\"{time}\">\n"
        );
        for (task, host, case) in cases {
            let class = escaped(&self.class(&task.info));
            let name = escaped(&format!("[{host}] {}", task.title));
            let _ = write!(
                out,
                "\t\t<testcase classname=\"{class}\" name=\"{name}\" time=\"{}\">\n\t\t\t{}\n\t\t</testcase>\n",
                case.time.as_secs_f64(),
                case.outcome.xml()
            );
        }
        out + "\t</testsuite>\n</testsuites>\n"
    }

    fn class(&self, task: &TaskInfo) -> String {
        let path = task.place.path();
        let path = self.options.relative_to.as_ref().map_or_else(|| path.to_owned(), |base| relative(path, base));
        let mut class = format!("{}:{}", path.display(), task.place.line);
        if let Some(placeholder) = &self.options.out_of_tree
            && class.starts_with("../")
        {
            class = format!("{placeholder}{}", class.rsplit('/').next().unwrap_or_default());
        }
        let line = format!(".yml:{}", task.place.line);
        match class.strip_suffix(&line) {
            Some(file) if self.options.task_class => file.to_owned(),
            _ => class,
        }
    }
}

fn is_setup(task: &TaskInfo) -> bool {
    matches!(task.action.as_str(), "setup" | "gather_facts")
}

/// The way to a file from a folder.
fn relative(path: &Path, base: &Path) -> PathBuf {
    let (mut path, mut base) = (path.components().peekable(), base.components().peekable());
    while path.peek().is_some() && path.peek() == base.peek() {
        path.next();
        base.next();
    }
    base.map(|_| Component::ParentDir).chain(path).collect()
}

impl Outcome {
    fn xml(&self) -> String {
        match self {
            Self::Passed(text) => format!("<system-out>{}</system-out>", escaped(text)),
            Self::Skipped(reason) => format!("<skipped>{}</skipped>", escaped(reason)),
            Self::Failure(message, text) => element("failure", message, text),
            Self::Error(message, text) => element("error", message, text),
        }
    }
}

fn element(name: &str, message: &str, text: &str) -> String {
    format!("<{name} message=\"{}\" type=\"{name}\">{}</{name}>", escaped(message), escaped(text))
}

/// Text of an XML document, which has no place for most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push(char),
            char if char.is_control() => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}

impl Callback for Junit {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match &event.kind {
            EventKind::PlaybookStarted { path, .. } => {
                self.playbook = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            }
            EventKind::PlayStarted { .. } => {
                self.play = event.about.play.as_ref().map(|play| play.name.clone()).unwrap_or_default();
            }
            EventKind::TaskStarted => {
                if let Some(task) = &event.about.task {
                    self.started(task, event.at);
                }
            }
            EventKind::Finished(report) => self.finished(report, event.at),
            EventKind::Included { what, hosts, .. } => self.included(event, what, hosts),
            EventKind::PlaybookFinished(_) => {
                if let Err(err) = self.report(event.at) {
                    let text =
                        format!("[WARNING]: Unable to write a report to {}: {err}", self.options.folder.display());
                    terminal.error_line(&text, Some(Color::Warn));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_out_of_a_folder() {
        for (path, base, way) in [("/a/b/c.yml", "/a", "b/c.yml"), ("/a/c.yml", "/a/b/d", "../../c.yml")] {
            assert_eq!(relative(Path::new(path), Path::new(base)), Path::new(way));
        }
    }
}
