//! Everything a run tells the outside. Callbacks print events; nothing else talks to the user.

use std::path::PathBuf;
use std::sync::Arc;

use rplay_module_api::{Diff, Stream};

use crate::actions::Trouble;
use crate::error::Notice;
use crate::remote::RemoteEvent;
use crate::source::Span;
use crate::value::{Dict, Value};

pub type EventSender = tokio::sync::mpsc::UnboundedSender<Event>;

#[derive(Clone, Debug)]
pub enum Event {
    PlaybookStarted {
        path: PathBuf,
    },
    PlayStarted {
        name: String,
        hosts: Vec<String>,
    },
    /// No host of the inventory matches the play's pattern.
    NoHostsMatched,
    /// All hosts of the play have failed.
    NoHostsRemaining,
    /// `--start-at-task` names no task of this play.
    NoMatchingTask(String),
    TaskStarted(TaskHead),
    /// A host begins to work on the task of the last `TaskStarted`.
    HostStarted {
        host: Arc<str>,
        task: u64,
    },
    Finished(Box<TaskReport>),
    ItemFinished(Box<TaskReport>),
    /// `until` was not met; another attempt follows.
    Retry {
        report: Box<TaskReport>,
        retries_left: i64,
    },
    Included {
        what: String,
        hosts: Vec<String>,
        item: Option<Value>,
    },
    /// A file or role could not be read while the run went on; the task's results follow.
    IncludeFailed(crate::error::Error),
    HandlerNotified {
        host: Arc<str>,
        handler: String,
    },
    Notice(Notice),
    /// Something that an action tells the user while it works.
    Message(String),
    /// What a host is waiting for.
    Progress {
        host: Arc<str>,
        text: String,
    },
    /// Nothing has come from a host for a while.
    Silence {
        host: Arc<str>,
        text: String,
    },
    /// Output of a running command.
    Output {
        host: Arc<str>,
        stderr: bool,
        bytes: Vec<u8>,
    },
    /// An asynchronous task was looked at.
    AsyncPolled {
        host: Arc<str>,
        job: String,
        finished: bool,
        failed: bool,
    },
    PlaybookFinished(Box<Stats>),
}

impl Event {
    pub fn of_progress(host: &Arc<str>, event: RemoteEvent) -> Self {
        let host = Arc::clone(host);
        match event {
            RemoteEvent::Output(stream, bytes) => Event::Output { host, stderr: stream == Stream::Stderr, bytes },
            RemoteEvent::Progress(text) => Event::Progress { host, text },
            RemoteEvent::Silence(text) => Event::Silence { host, text },
        }
    }
}

/// A task as its banner shows it.
#[derive(Clone, Debug)]
pub struct TaskHead {
    pub id: u64,
    /// Rendered name, with the role in front.
    pub name: String,
    pub place: Span,
    pub handler: bool,
    pub check: bool,
    /// Rendered arguments, when `DISPLAY_ARGS_TO_STDOUT` asks for them and nothing forbids.
    pub args: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    Changed,
    Skipped,
    Failed,
    Unreachable,
}

/// The result of a task, or of one item of its loop, on one host.
#[derive(Clone, Debug)]
pub struct TaskReport {
    pub task: u64,
    /// Name of the task as its banner shows it.
    pub name: String,
    pub place: Span,
    pub action: String,
    pub host: Arc<str>,
    /// The inventory name that the task was delegated to.
    pub delegated_to: Option<String>,
    pub status: Status,
    pub ignored: bool,
    /// As `register` keeps it, already censored.
    pub fields: Dict,
    pub diff: Vec<Diff>,
    pub trouble: Option<Trouble>,
    pub warnings: Vec<String>,
    pub deprecations: Vec<String>,
    /// What to call the item.
    pub item_label: Option<Value>,
    /// The results of the items were shown one by one.
    pub looped: bool,
    pub always_verbose: bool,
    /// The task wants its diffs shown.
    pub show_diff: bool,
    pub no_log: bool,
    /// An include that is shown by its own line.
    pub include: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    pub ok: u32,
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
    pub skipped: u32,
    pub rescued: u32,
    pub ignored: u32,
}

/// The numbers of the recap, and what `set_stats` collected.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Only hosts that did something, sorted.
    pub hosts: std::collections::BTreeMap<String, HostStats>,
    /// Per host, and under `_run` for the whole run.
    pub custom: indexmap::IndexMap<String, Dict>,
}
