//! Everything a run tells the outside, and what it asks. Reporters take events; nothing else talks to the user.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::SystemTime;

use rplay_module_api::{Diff, Stream};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::actions::Trouble;
pub use crate::actions::ask::{Answer, Question};
use crate::blocking::blocking;
use crate::error::Notice;
use crate::remote::RemoteEvent;
use crate::source::Span;
use crate::value::{Dict, Value};

/// Events that wait to be taken: enough for a burst, little enough that memory doesn't grow with the hosts.
const QUEUE: usize = 128;

/// What goes over the channel to the reporters.
pub enum Message {
    Event(Event),
    Ask(Ask),
    /// The run is over, whatever else still holds a sender.
    End,
}

/// A question to the user, and where the answer goes. Whoever asked may have given up meanwhile: then `reply` is closed.
pub struct Ask {
    pub question: Question,
    pub reply: oneshot::Sender<Answer>,
}

#[derive(Clone)]
pub struct EventSender(SyncSender<Message>);

/// A channel of events that holds a bounded number of them.
pub fn channel() -> (EventSender, Receiver<Message>) {
    let (sender, receiver) = sync_channel(QUEUE);
    (EventSender(sender), receiver)
}

impl EventSender {
    /// Sends an event, waiting while the queue is full. That nobody listens any more is no reason to stop.
    pub fn send(&self, event: Event) {
        self.message(Message::Event(event));
    }

    /// Sends an event that may be lost when reporters are behind.
    pub fn offer(&self, event: Event) {
        let _ = self.0.try_send(Message::Event(event));
    }

    pub fn end(&self) {
        self.message(Message::End);
    }

    /// Asks the user, after everything that was sent before has been shown.
    pub async fn ask(&self, question: Question) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.message(Message::Ask(Ask { question, reply }));
        answer.await.unwrap_or(Answer::NotInteractive)
    }

    fn message(&self, message: Message) {
        let Err(TrySendError::Full(message)) = self.0.try_send(message) else { return };
        let _ = blocking(|| self.0.send(message));
    }
}

/// Something that happened, and what it is about.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: SystemTime,
    pub about: About,
    pub kind: EventKind,
}

/// Play, task and host of an event, as far as it has them.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub play: Option<Arc<PlayInfo>>,
    pub task: Option<Arc<TaskInfo>>,
    pub host: Option<Arc<str>>,
}

#[derive(Debug)]
pub struct PlayInfo {
    pub uuid: Uuid,
    pub name: String,
    /// The patterns of its hosts.
    pub patterns: String,
    pub place: Span,
    /// How hosts go through the play.
    pub strategy: &'static str,
}

/// A task as it stands in the project, with the name that its banner shows.
#[derive(Debug)]
pub struct TaskInfo {
    pub uuid: Uuid,
    /// The task's number in the run.
    pub id: u64,
    /// Rendered for the first host, with the role in front.
    pub name: String,
    /// The name that the task was given, as it stands there.
    pub given_name: Option<String>,
    /// The role that the task belongs to.
    pub role: Option<String>,
    /// Short name of the action.
    pub action: String,
    /// The action's name as it stands there.
    pub written_action: String,
    /// Arguments as written.
    pub args: Dict,
    /// The free text among them.
    pub raw_params: Option<String>,
    pub no_log: bool,
    pub place: Span,
    pub handler: bool,
    /// rplay itself began it: it stands in no file.
    pub implicit: bool,
    /// Only says what it would change, as far as that is known before it runs.
    pub check: bool,
}

#[derive(Clone, Debug)]
pub enum EventKind {
    PlaybookStarted {
        path: PathBuf,
        plays: usize,
    },
    PlayStarted {
        hosts: Vec<Arc<str>>,
    },
    /// No host of the inventory matches the play's pattern.
    NoHostsMatched,
    /// All hosts of the play have failed.
    NoHostsRemaining,
    /// `--start-at-task` names no task of the run.
    NoMatchingTask(String),
    TaskStarted,
    /// The host begins to work on the task.
    HostStarted,
    Finished(Box<TaskReport>),
    ItemFinished(Box<TaskReport>),
    /// `until` was not met; another attempt follows.
    Retry {
        report: Box<TaskReport>,
        retries_left: i64,
    },
    /// A task in the background was asked about and goes on.
    JobPolled {
        job: String,
        started: bool,
        finished: bool,
    },
    /// A task in the background was waited for and has ended.
    JobEnded {
        job: Option<String>,
        failed: bool,
    },
    Included {
        what: String,
        hosts: Vec<Arc<str>>,
        item: Option<Value>,
    },
    /// A file or role could not be read while the run went on; the task's results follow.
    IncludeFailed(crate::error::Error),
    HandlerNotified {
        handler: String,
    },
    Notice(Notice),
    /// The user has answered what `--step` asked.
    StepAnswered {
        question: String,
    },
    /// Something that an action tells the user while it works.
    Message(String),
    /// What a host is waiting for.
    Progress(String),
    /// Nothing has come from a host for a while.
    Silence(String),
    /// Output of a running command.
    Output {
        stderr: bool,
        bytes: Vec<u8>,
    },
    PlaybookFinished(Box<Stats>),
}

impl From<RemoteEvent> for EventKind {
    fn from(event: RemoteEvent) -> Self {
        match event {
            RemoteEvent::Output(stream, bytes) => EventKind::Output { stderr: stream == Stream::Stderr, bytes },
            RemoteEvent::Progress(text) => EventKind::Progress(text),
            RemoteEvent::Exec(text) => EventKind::Message(text),
            RemoteEvent::Silence(text) => EventKind::Silence(text),
        }
    }
}

impl About {
    pub fn play(play: &Arc<PlayInfo>) -> Self {
        Self { play: Some(Arc::clone(play)), ..Self::default() }
    }

    #[must_use]
    pub fn task(mut self, task: &Arc<TaskInfo>) -> Self {
        self.task = Some(Arc::clone(task));
        self
    }

    #[must_use]
    pub fn host(mut self, host: &Arc<str>) -> Self {
        self.host = Some(Arc::clone(host));
        self
    }

    pub fn event(self, kind: EventKind) -> Event {
        Event { at: SystemTime::now(), about: self, kind }
    }
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
    pub task: Arc<TaskInfo>,
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

impl TaskReport {
    /// A result that has only fields.
    pub fn new(task: &Arc<TaskInfo>, host: &Arc<str>, status: Status, fields: Dict) -> Self {
        Self {
            task: Arc::clone(task),
            host: Arc::clone(host),
            delegated_to: None,
            status,
            ignored: false,
            fields,
            diff: Vec::new(),
            trouble: None,
            warnings: Vec::new(),
            deprecations: Vec::new(),
            item_label: None,
            looped: false,
            always_verbose: false,
            show_diff: false,
            no_log: false,
            include: false,
        }
    }
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
    pub hosts: std::collections::BTreeMap<Arc<str>, HostStats>,
    /// Per host, and under `_run` for the whole run.
    pub custom: indexmap::IndexMap<String, Dict>,
}
