//! The process with ansible-core: frames to it and from it, requests side by side.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Fault;
use crate::error::Notices;

const PROGRAM: &str = include_str!("controller.py");
/// Reads the program from standard input, byte for byte: what follows it are requests.
const LOADER: &str = "import os, sys
n, b = int(sys.argv[1]), b''
while len(b) < n: b += os.read(0, n - len(b))
exec(compile(b, 'rplay-controller.py', 'exec'))";

/// How long ansible-core may take to be imported.
const START: Duration = Duration::from_mins(2);
/// How often a request looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(100);
/// What is kept of the process's last words.
const LAST_WORDS: usize = 4096;

pub struct Process {
    input: Mutex<ChildStdin>,
    state: Arc<Mutex<State>>,
    next: AtomicU64,
    name: String,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Sender<Message>>,
    /// How it ended.
    over: Option<String>,
}

/// Why a process is of no use.
pub enum NotStarted {
    WithoutAnsible,
    Because(String),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotStarted::WithoutAnsible => f.write_str("which has no ansible-core"),
            NotStarted::Because(reason) => write!(f, "which can not be used: {reason}"),
        }
    }
}

/// What the process wants to know about a request before it answers.
#[derive(Debug, Deserialize)]
pub struct Question {
    pub ask: String,
    #[serde(flatten)]
    pub details: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Ready {
        #[serde(rename = "ready")]
        _version: String,
    },
    Failed {
        failed: String,
        kind: String,
    },
    Notice {
        notice: String,
        text: String,
    },
    Answer {
        id: u64,
        ok: Json,
    },
    Error {
        id: u64,
        error: String,
        kind: String,
    },
    Question {
        id: u64,
        #[serde(flatten)]
        question: Question,
    },
}

impl Process {
    pub fn start(interpreter: &Path, start: &Json, notices: &Notices) -> Result<Self, NotStarted> {
        let because = |err: io::Error| NotStarted::Because(err.to_string());
        let mut command = Command::new(interpreter);
        command.args(["-u", "-c", LOADER, &PROGRAM.len().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(because)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(NotStarted::Because("it has no streams".into()));
        };
        let state = Arc::<Mutex<State>>::default();
        let (begin, begun) = channel();
        let (shared, notices) = (Arc::clone(&state), notices.clone());
        let name = interpreter.display().to_string();
        let listener = Listener { state: shared, notices, begin: Some(begin) };
        thread::Builder::new().name("python".into()).spawn(move || listener.listen(child, output)).map_err(because)?;
        let said = input.write_all(PROGRAM.as_bytes()).and_then(|()| write_frame(&mut input, start));
        let process = Self { input: Mutex::new(input), state, next: AtomicU64::new(1), name };
        match begun.recv_timeout(START) {
            Ok(Message::Failed { kind, .. }) if kind == "missing" => Err(NotStarted::WithoutAnsible),
            Ok(Message::Failed { failed, .. }) => Err(NotStarted::Because(failed)),
            Ok(_) => said.map(|()| process).map_err(because),
            Err(RecvTimeoutError::Timeout) => {
                Err(NotStarted::Because(format!("ansible-core was not imported within {} s", START.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let over = process.lock().over.clone();
                Err(NotStarted::Because(over.unwrap_or_else(|| "it has ended".into())))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub fn is_over(&self) -> bool {
        self.lock().over.is_some()
    }

    pub fn call(
        &self,
        mut request: Map<String, Json>,
        answer: &mut dyn FnMut(&Question) -> Result<Json, String>,
        interrupted: &dyn Fn() -> Option<String>,
    ) -> Result<Json, Fault> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request.insert("id".into(), id.into());
        let (sender, receiver) = channel();
        {
            let mut state = self.lock();
            if let Some(over) = &state.over {
                return Err(self.gone(over));
            }
            state.waiting.insert(id, sender);
        }
        // One that has ended says so where the answer is waited for.
        let _ = self.say(&Json::Object(request));
        let answered = self.wait(id, &receiver, answer, interrupted);
        self.lock().waiting.remove(&id);
        answered
    }

    fn wait(
        &self,
        id: u64,
        receiver: &Receiver<Message>,
        answer: &mut dyn FnMut(&Question) -> Result<Json, String>,
        interrupted: &dyn Fn() -> Option<String>,
    ) -> Result<Json, Fault> {
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Message::Answer { ok, .. }) => return Ok(ok),
                Ok(Message::Error { error, kind, .. }) => {
                    return Err(match kind.as_str() {
                        "missing" => Fault::Missing,
                        "refused" => Fault::Refused(error),
                        _ => Fault::Raised { kind, message: error },
                    });
                }
                Ok(Message::Question { question, .. }) => {
                    let told = match answer(&question) {
                        Ok(value) => ("value", value),
                        Err(reason) => ("error", reason.into()),
                    };
                    let told = [("id".to_owned(), id.into()), (told.0.to_owned(), told.1)];
                    let _ = self.say(&Json::Object(Map::from_iter(told)));
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(reason) = interrupted() {
                        return Err(Fault::Refused(reason));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let over = self.lock().over.clone().unwrap_or_default();
                    return Err(self.gone(&over));
                }
            }
        }
    }

    fn gone(&self, over: &str) -> Fault {
        Fault::Gone(format!("the Python process {} has ended: {over}", self.name))
    }

    fn say(&self, message: &Json) -> io::Result<()> {
        write_frame(&mut *self.input.lock().unwrap_or_else(PoisonError::into_inner), message)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_frame(to: &mut impl Write, message: &Json) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    to.write_all(&[length.to_le_bytes().as_slice(), &text].concat())
}

fn read_frame(from: &mut impl Read) -> io::Result<Message> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let mut text = Vec::new();
    from.take(length.into()).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Hands what the process says to those who wait for it, until it ends.
struct Listener {
    state: Arc<Mutex<State>>,
    notices: Notices,
    begin: Option<Sender<Message>>,
}

impl Listener {
    fn listen(mut self, mut child: Child, output: ChildStdout) {
        let stderr = child.stderr.take();
        let words = thread::spawn(move || last_words(stderr));
        let mut output = BufReader::new(output);
        let strange = loop {
            match read_frame(&mut output) {
                Ok(message) => self.pass(message),
                Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => break None,
                Err(err) => break Some(err.to_string()),
            }
        };
        if strange.is_some() {
            let _ = child.kill();
        }
        let how = match child.wait().map(|status| (status.code(), status.signal())) {
            Ok((Some(code), _)) => format!("exit code {code}"),
            Ok((None, Some(signal))) => format!("killed by signal {signal}"),
            _ => "nobody knows how".to_owned(),
        };
        let words = words.join().unwrap_or_default();
        let last = strange.or_else(|| words.trim().lines().next_back().map(str::to_owned));
        let mut state = lock(&self.state);
        state.over = Some(last.map_or(how.clone(), |last| format!("{how}: {last}")));
        state.waiting.clear();
        // Whoever waits for the start sees the reason.
        self.begin = None;
    }

    fn pass(&mut self, message: Message) {
        let id = match &message {
            Message::Ready { .. } | Message::Failed { .. } => {
                if let Some(begin) = self.begin.take() {
                    let _ = begin.send(message);
                }
                return;
            }
            Message::Notice { notice, text } => {
                match notice.as_str() {
                    "deprecation" => self.notices.deprecated(text.as_str(), None),
                    _ => self.notices.warn(text.as_str(), None),
                }
                return;
            }
            Message::Answer { id, .. } | Message::Error { id, .. } | Message::Question { id, .. } => *id,
        };
        if let Some(waiting) = lock(&self.state).waiting.get(&id) {
            let _ = waiting.send(message);
        }
    }
}

fn last_words(from: Option<impl Read>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut words = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        words.extend_from_slice(piece.get(..length).unwrap_or_default());
        words.drain(..words.len().saturating_sub(LAST_WORDS));
    }
    String::from_utf8_lossy(&words).into_owned()
}
