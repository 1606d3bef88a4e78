//! `awx_display`: the output of another callback with signs in it by which ansible-runner, AWX and navigator find the events of a run,
//! and a file for each event. The format is that of ansible-runner 2.4.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::color::Color;
use super::terminal::Terminal;
use super::whole::Whole;
use super::{Callback, Display};
use crate::config::Config;
use crate::engine::Event;
use crate::engine::event::{EventKind, HostStats, PlayInfo, Status, TaskInfo, TaskReport};
use crate::error::NoticeKind;
use crate::value::{Dict, Value, mask};

/// Letters of a sign between two moves of the cursor.
const PIECE: usize = 78;
/// Bytes of a result above which an event goes without it.
const MOST_RESULT: usize = 700_000;

const CENSORED: &str = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

pub struct Awx {
    /// What is shown between the signs.
    base: Box<dyn Callback>,
    settings: Settings,
    whole: Whole,
    playbook: String,
    playbook_uuid: Uuid,
    /// How often a play or task was begun: with `serial` and the like it is so several times.
    begun: HashMap<Uuid, u32>,
    started: HashMap<(Uuid, Arc<str>), SystemTime>,
}

/// What the environment asks for.
struct Settings {
    folder: Option<PathBuf>,
    omit: bool,
    only_failed: bool,
    most_result: usize,
    /// Numbers of jobs, as names and values.
    jobs: Vec<(&'static str, i64)>,
    ad_hoc: bool,
    with_arguments: bool,
    verbosity: u8,
}

impl Settings {
    fn of(config: &Config, verbosity: u8) -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let is_true = |name: &str| text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let jobs = [
            ("job_id", "JOB_ID"),
            ("ad_hoc_command_id", "AD_HOC_COMMAND_ID"),
            ("project_update_id", "PROJECT_UPDATE_ID"),
        ];
        let number = |(key, variable)| Some((key, text(variable)?.parse().ok()?));
        Self {
            folder: text("AWX_ISOLATED_DATA_DIR").map(|folder| Path::new(&folder).join("job_events")),
            omit: is_true("RUNNER_OMIT_EVENTS"),
            only_failed: is_true("RUNNER_ONLY_FAILED_EVENTS"),
            most_result: text("MAX_EVENT_RES").and_then(|text| text.parse().ok()).unwrap_or(MOST_RESULT),
            jobs: jobs.into_iter().filter_map(number).collect(),
            ad_hoc: text("AD_HOC_COMMAND_ID").is_some(),
            with_arguments: config.value("DISPLAY_ARGS_TO_STDOUT").is_some_and(|value| value.is_truthy()),
            verbosity,
        }
    }
}

/// An event on its way to whoever reads it.
struct Told {
    name: &'static str,
    uuid: String,
    data: Map<String, Json>,
    verbosity: Option<u8>,
    /// It belongs to a task or a play; otherwise to the playbook.
    inside: Inside,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Inside {
    Playbook,
    Play,
    Task,
}

impl Awx {
    pub fn new(config: &Config, display: &Display, base: Box<dyn Callback>) -> Self {
        Self {
            base,
            settings: Settings::of(config, display.verbosity),
            whole: Whole::default(),
            playbook: String::new(),
            playbook_uuid: Uuid::new_v4(),
            begun: HashMap::new(),
            started: HashMap::new(),
        }
    }

    /// The uuid of what begins; when it begins again it has a number.
    fn begin(&mut self, uuid: Uuid) -> String {
        let times = self.begun.entry(uuid).or_default();
        *times += 1;
        if *times == 1 { uuid.to_string() } else { format!("{uuid}_{times}") }
    }

    /// What an event is called and says; nothing of what is no event.
    fn told(&mut self, event: &Event) -> Option<Told> {
        let new = || Uuid::new_v4().to_string();
        let simple = |name, inside, data: Json| Told { name, uuid: new(), data: as_map(data), verbosity: None, inside };
        let about = &event.about;
        let host = about.host.as_deref().unwrap_or_default();
        Some(match &event.kind {
            EventKind::PlaybookStarted { path, .. } => {
                self.playbook = path.display().to_string();
                self.playbook_uuid = Uuid::new_v4();
                Told {
                    uuid: self.playbook_uuid.to_string(),
                    ..simple("playbook_on_start", Inside::Playbook, json!({}))
                }
            }
            EventKind::PlayStarted { .. } if !self.settings.ad_hoc => {
                let play = about.play.as_deref()?;
                let data = json!({"name": play_name(play), "pattern": play.patterns});
                Told { uuid: self.begin(play.uuid), ..simple("playbook_on_play_start", Inside::Play, data) }
            }
            EventKind::TaskStarted if !self.settings.ad_hoc => {
                let task = about.task.as_deref()?;
                let data = json!({"name": task.name, "is_conditional": task.handler});
                Told { uuid: self.begin(task.uuid), ..simple("playbook_on_task_start", Inside::Task, data) }
            }
            EventKind::HostStarted => {
                let key = (about.task.as_ref()?.uuid, Arc::clone(about.host.as_ref()?));
                self.started.insert(key, event.at);
                simple("runner_on_start", Inside::Task, json!({"host": host}))
            }
            EventKind::Finished(report) => {
                let name = match report.status {
                    Status::Ok | Status::Changed => "runner_on_ok",
                    Status::Failed => "runner_on_failed",
                    Status::Skipped => "runner_on_skipped",
                    Status::Unreachable => "runner_on_unreachable",
                };
                simple(name, Inside::Task, Json::Object(self.result(report, event.at)))
            }
            EventKind::ItemFinished(report) => {
                self.whole.item(report);
                let name = match report.status {
                    Status::Ok | Status::Changed => "runner_item_on_ok",
                    Status::Failed | Status::Unreachable => "runner_item_on_failed",
                    Status::Skipped => "runner_item_on_skipped",
                };
                let result = shown(report, &super::whole::of_task(report));
                simple(name, Inside::Task, json!({"host": &*report.host, "res": result}))
            }
            EventKind::Retry { report, .. } => {
                let result = shown(report, &super::whole::of_task(report));
                simple("runner_retry", Inside::Task, json!({"host": &*report.host, "res": result}))
            }
            EventKind::Included { what, .. } => {
                simple("playbook_on_include", Inside::Task, json!({"included_file": what}))
            }
            EventKind::HandlerNotified { handler } => {
                simple("playbook_on_notify", Inside::Play, json!({"host": host, "handler": handler}))
            }
            EventKind::NoHostsMatched => simple("playbook_on_no_hosts_matched", Inside::Play, json!({})),
            EventKind::NoHostsRemaining => simple("playbook_on_no_hosts_remaining", Inside::Play, json!({})),
            EventKind::PlaybookFinished(stats) => {
                let of = |number: fn(&HostStats) -> u32| -> Json {
                    let hosts = stats.hosts.iter().map(|(host, stats)| (host.to_string(), number(stats)));
                    hosts
                        .filter(|(_, number)| *number > 0)
                        .map(|(host, number)| (host, Json::from(number)))
                        .collect::<Map<_, _>>()
                        .into()
                };
                let artifacts = stats
                    .custom
                    .get("_run")
                    .map_or(Json::Object(Map::new()), |dict| Value::dict(dict.clone()).to_json());
                let data = json!({
                    "changed": of(|it| it.changed),
                    "dark": of(|it| it.unreachable),
                    "failures": of(|it| it.failed),
                    "ignored": of(|it| it.ignored),
                    "ok": of(|it| it.ok),
                    "processed": of(|_| 1),
                    "rescued": of(|it| it.rescued),
                    "skipped": of(|it| it.skipped),
                    "artifact_data": artifacts,
                });
                simple("playbook_on_stats", Inside::Playbook, data)
            }
            EventKind::Notice(notice) => {
                let name = if notice.kind == NoticeKind::Warning { "warning" } else { "deprecated" };
                simple(name, Inside::Task, json!({}))
            }
            EventKind::Message(_) => {
                let told = simple("verbose", Inside::Task, json!({}));
                Told { verbosity: Some(self.settings.verbosity), ..told }
            }
            _ => return None,
        })
    }

    fn result(&mut self, report: &TaskReport, at: SystemTime) -> Map<String, Json> {
        let begun = self.started.remove(&(report.task.uuid, Arc::clone(&report.host))).unwrap_or(at);
        let seconds = at.duration_since(begun).map_or(0.0, |time| time.as_secs_f64());
        let mut whole = self.whole.result(report);
        if report.task.action == "setup" || report.task.action == "gather_facts" {
            without_environment(&mut whole);
        }
        let mut data = as_map(json!({
            "host": &*report.host,
            "remote_addr": &*report.host,
            "start": iso(begun),
            "end": iso(at),
            "duration": seconds,
        }));
        if report.status != Status::Skipped {
            data.insert("res".to_owned(), shown(report, &whole));
        }
        if report.status != Status::Unreachable {
            let looped = if report.looped { Json::from("loop") } else { Json::Null };
            data.insert("event_loop".to_owned(), looped);
        }
        if report.status == Status::Failed {
            data.insert("ignore_errors".to_owned(), if report.ignored { Json::Bool(true) } else { Json::Null });
        }
        data
    }

    /// What every event of a playbook, play or task says.
    fn surroundings(&self, event: &Event, told: &Told) -> Map<String, Json> {
        let mut data = Map::new();
        if !self.playbook.is_empty() {
            data.insert("playbook".to_owned(), Json::from(self.playbook.as_str()));
        }
        data.insert("playbook_uuid".to_owned(), Json::from(self.playbook_uuid.to_string()));
        if let Some(play) = event.about.play.as_deref().filter(|_| told.inside >= Inside::Play) {
            data.insert("play".to_owned(), Json::from(play_name(play)));
            data.insert("play_uuid".to_owned(), Json::from(play.uuid.to_string()));
            data.insert("play_pattern".to_owned(), Json::from(play.patterns.as_str()));
        }
        if let Some(task) = event.about.task.as_deref().filter(|_| told.inside >= Inside::Task) {
            self.add_task(task, &mut data);
        }
        data
    }

    fn add_task(&self, task: &TaskInfo, data: &mut Map<String, Json>) {
        let name = task.given_name.as_ref().map_or(task.written_action.as_str(), |_| task.name.as_str());
        let full =
            if task.action.contains('.') { task.action.clone() } else { format!("ansible.builtin.{}", task.action) };
        let arguments = if !self.settings.with_arguments {
            String::new()
        } else if task.no_log {
            CENSORED.to_owned()
        } else {
            let words = task.args.iter().map(|(name, value)| format!("{}={}", name.to_text(), value.to_text()));
            words.collect::<Vec<_>>().join(", ")
        };
        for (key, value) in [
            ("task", name.to_owned()),
            ("task_uuid", task.uuid.to_string()),
            ("task_action", task.written_action.clone()),
            ("resolved_action", full),
            ("task_args", arguments),
            ("task_path", format!("{}:{}", task.place.path().display(), task.place.line)),
        ] {
            data.insert(key.to_owned(), Json::from(value));
        }
        if let Some(role) = &task.role {
            data.insert("role".to_owned(), Json::from(role.as_str()));
        }
    }

    /// Writes the event's file, which whoever reads the signs looks for.
    fn write(&self, event: &Event, told: &Told) -> io::Result<()> {
        let Some(folder) = &self.settings.folder else { return Ok(()) };
        let mut data = self.surroundings(event, told);
        let parents = ["task_uuid", "play_uuid", "playbook_uuid"].map(|key| data.get(key).cloned());
        let parent = parents.into_iter().flatten().find(|uuid| *uuid != told.uuid.as_str());
        data.extend(told.data.clone());
        data.insert("uuid".to_owned(), Json::from(told.uuid.as_str()));
        let failed = ["runner_on_failed", "runner_on_async_failed", "runner_item_on_failed"].contains(&told.name);
        if self.settings.omit || self.settings.only_failed && !failed {
            data.clear();
        }
        if data.get("res").is_some_and(|result| result.to_string().len() > self.settings.most_result) {
            data.insert("res".to_owned(), json!({}));
        }
        let mut whole = Map::new();
        whole.insert("event".to_owned(), Json::from(told.name));
        whole.extend(self.settings.jobs.iter().map(|(key, number)| ((*key).to_owned(), Json::from(*number))));
        whole.insert("pid".to_owned(), Json::from(std::process::id()));
        whole.insert("uuid".to_owned(), Json::from(told.uuid.as_str()));
        whole.insert("created".to_owned(), Json::from(iso(event.at)));
        if let Some(parent) = parent {
            whole.insert("parent_uuid".to_owned(), parent);
        }
        if let Some(verbosity) = told.verbosity {
            whole.insert("verbosity".to_owned(), Json::from(verbosity));
        }
        whole.insert("event_data".to_owned(), Json::Object(data));
        let file = folder.join(format!("{}-partial.json", told.uuid));
        let temporary = folder.join(format!("{}-partial.json.tmp", told.uuid));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut written: File = File::options().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        written.write_all(mask::hide(&Json::Object(whole).to_string()).as_bytes())?;
        fs::rename(temporary, file)
    }
}

impl Callback for Awx {
    fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        let Some(told) = self.told(event) else { return self.base.event(event, terminal) };
        if let Err(err) = self.write(event, &told) {
            let folder = self.settings.folder.as_deref().unwrap_or(Path::new("")).display();
            let text = format!("[WARNING]: Unable to write an event into {folder}: {err}");
            terminal.error_line(&text, Some(Color::Warn));
        }
        terminal.sign(&sign(&json!({"uuid": told.uuid})));
        self.base.event(event, terminal);
        terminal.sign(&sign(&json!({})));
        terminal.flush();
    }
}

/// JSON that a terminal does not show: each piece of it is followed by the cursor's way back.
fn sign(json: &Json) -> String {
    let text = STANDARD.encode(json.to_string());
    let mut out = String::from("\x1b[K");
    for piece in text.as_bytes().chunks(PIECE) {
        out.push_str(&String::from_utf8_lossy(piece));
        out.push_str(&format!("\x1b[{}D", piece.len()));
    }
    out + "\x1b[K"
}

fn as_map(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn play_name(play: &PlayInfo) -> &str {
    if play.name.is_empty() { &play.patterns } else { &play.name }
}

/// A result as JSON, or that it is hidden.
fn shown(report: &TaskReport, fields: &Dict) -> Json {
    if report.no_log {
        return json!({"censored": CENSORED});
    }
    super::shown::without_secrets(&Value::dict(fields.clone())).to_json()
}

/// The environment of a host has passwords in it more often than not.
fn without_environment(fields: &mut Dict) {
    let key = Value::str("ansible_facts");
    if let Some(Value::Dict(facts)) = fields.get(&key) {
        let mut facts = (**facts).clone();
        facts.shift_remove(&Value::str("ansible_env"));
        fields.insert(key, Value::dict(facts));
    }
}

fn iso(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// What is shown between the signs: as `ORIGINAL_STDOUT_CALLBACK` says, or the callback of playbooks or of ad hoc commands.
pub fn base_name() -> String {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let named = given("ORIGINAL_STDOUT_CALLBACK").filter(|name| !name.ends_with("awx_display"));
    let usual = if given("AD_HOC_COMMAND_ID").is_some() { "minimal" } else { "default" };
    named.unwrap_or_else(|| usual.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_read_back() {
        let long = json!({"uuid": "x".repeat(200)});
        let text = sign(&long);
        let inner = text.strip_prefix("\x1b[K").and_then(|text| text.strip_suffix("\x1b[K")).expect("it has both ends");
        let pieces = inner.split('\x1b').map(|piece| piece.split_once('D').map_or(piece, |(_, rest)| rest));
        let decoded = STANDARD.decode(pieces.collect::<String>()).expect("base64");
        assert_eq!(serde_json::from_slice::<Json>(&decoded).expect("JSON"), long);
    }
}
