//! Interpreters of Python that stay: each has imported what modules share, and forks for every task (`server.py`).

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rplay_module_api::message::{Foreign, Style};
use rplay_module_api::{Ctx, Failure, Json, Map, json};
use rplay_modules::support::process::{kill_group, tell};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::answer::Output;
use super::{interpreter, store};
use crate::scratch;

const PROGRAM: &str = include_str!("server.py");
/// Reads the program from standard input, byte for byte: what follows it are requests.
const LOADER: &str = "import os, sys
n, b = int(sys.argv[1]), b''
while len(b) < n: b += os.read(0, n - len(b))
exec(compile(b, 'rplay-modules.py', 'exec'))";

/// How often a request looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(50);
/// What is kept of an interpreter's last words.
const LAST_WORDS: usize = 4096;

type Environment = BTreeMap<String, String>;

struct Server {
    input: Mutex<ChildStdin>,
    state: Arc<Mutex<State>>,
    words: Vec<String>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u32, Sender<Answer>>,
    /// The interpreter has ended: how, and with what words.
    over: Option<(i32, String)>,
}

enum Answer {
    /// Runs in a process group of its own.
    Started(i32),
    Ended(Output),
    Failed(String),
}

/// What the server says ahead of what the module has printed.
#[derive(Deserialize)]
struct Told {
    id: u32,
    pid: Option<i32>,
    rc: Option<i32>,
    error: Option<String>,
    #[serde(default)]
    lengths: Vec<usize>,
}

pub fn run(foreign: &Foreign, words: &[String], args: &Map<String, Json>, ctx: &mut Ctx) -> Result<Output, Failure> {
    let Style::Python { name, profile, open_files } = &foreign.style else {
        return Err(Failure::new("the module is not written in Python"));
    };
    let failed = |err: io::Error| Failure::new(format!("the module could not be started: {err}"));
    let files = foreign.files.iter().map(|(name, hash)| Ok((name.clone(), store::path(hash)?)));
    let files = files.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    let archive = scratch::base().map_err(failed)?.join(format!("python-{}.zip", identity(foreign)));
    let params = json!({"ANSIBLE_MODULE_ARGS": args}).to_string();
    let request = json!({
        "archive": archive,
        "files": files,
        "name": name,
        "profile": profile,
        "params": params,
        "environment": ctx.environment,
        "open_files": open_files,
    });
    if ctx.environment.keys().any(|name| decides_early(name)) {
        return Server::start(words, &ctx.environment)?.run(request, ctx);
    }
    kept(words)?.run(request, ctx)
}

/// An interpreter reads these when it starts, so that one that runs already would not heed them.
fn decides_early(variable: &str) -> bool {
    variable == "LANG" || ["PYTHON", "LC_", "LD_"].iter().any(|prefix| variable.starts_with(prefix))
}

/// Tells the files of one module from those of others.
fn identity(foreign: &Foreign) -> String {
    let mut sum = Sha256::new();
    for (name, hash) in &foreign.files {
        sum.update(format!("{name}\0{hash}\n"));
    }
    sum.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The interpreter that is started with these words, once for all tasks.
fn kept(words: &[String]) -> Result<Arc<Server>, Failure> {
    static KEPT: LazyLock<Mutex<HashMap<Vec<String>, Arc<Server>>>> = LazyLock::new(Mutex::default);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = kept.get(words)
        && server.state().over.is_none()
    {
        return Ok(Arc::clone(server));
    }
    let server = Arc::new(Server::start(words, &Environment::new())?);
    kept.insert(words.to_vec(), Arc::clone(&server));
    Ok(server)
}

impl Server {
    fn start(words: &[String], environment: &Environment) -> Result<Self, Failure> {
        let Some((program, rest)) = words.split_first() else { return Err(Failure::new("no interpreter is named")) };
        let mut command = Command::new(program);
        command.args(rest).args(["-u", "-c", LOADER, &PROGRAM.len().to_string()]).envs(environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let failed = |err: &io::Error| interpreter::failed(program, err);
        let mut child = command.spawn().map_err(|err| failed(&err))?;
        let group = i32::try_from(child.id()).map_err(|_| Failure::new("a process has no number"))?;
        tell(group, true);
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("an interpreter has no streams"));
        };
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("python".into())
            .spawn(move || listen(child, output, group, &shared))
            .map_err(|err| failed(&err))?;
        // One that ends at once leaves its reason with its end.
        let _ = input.write_all(PROGRAM.as_bytes());
        Ok(Self { input: Mutex::new(input), state, words: words.to_vec() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn run(&self, mut request: Json, ctx: &mut Ctx) -> Result<Output, Failure> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed);
        if let Some(fields) = request.as_object_mut() {
            fields.insert("id".into(), id.into());
        }
        let (sender, receiver) = channel();
        {
            let mut state = self.state();
            if let Some(over) = &state.over {
                return Err(self.ended(over, false));
            }
            state.waiting.insert(id, sender);
        }
        // If it has ended, the wait says so.
        let _ = self.say(&request);
        self.wait(id, &receiver, ctx)
    }

    fn wait(&self, id: u32, receiver: &Receiver<Answer>, ctx: &mut Ctx) -> Result<Output, Failure> {
        let mut group = None;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Answer::Started(pid)) => {
                    group = Some(pid);
                    tell(pid, true);
                }
                Ok(Answer::Ended(output)) => {
                    if let Some(group) = group {
                        tell(group, false);
                    }
                    return Ok(output);
                }
                Ok(Answer::Failed(reason)) => {
                    return Err(Failure::new(format!("{} could not take the module: {reason}", self.words.join(" "))));
                }
                Err(RecvTimeoutError::Timeout) if ctx.port.is_cancelled() => {
                    let _ = self.say(&json!({"cancel": id}));
                    return Err(Failure::new("the task was cancelled"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    if let Some(group) = group {
                        kill_group(group);
                        tell(group, false);
                    }
                    let over = self.state().over.clone().unwrap_or_default();
                    return Err(self.ended(&over, group.is_some()));
                }
            }
        }
    }

    fn say(&self, request: &Json) -> io::Result<()> {
        let text = serde_json::to_vec(request)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        let frame = [length.to_le_bytes().as_slice(), &text].concat();
        self.input.lock().unwrap_or_else(PoisonError::into_inner).write_all(&frame)
    }

    fn ended(&self, (rc, words): &(i32, String), began: bool) -> Failure {
        let how = if *rc < 0 { format!("killed by signal {}", -rc) } else { format!("exit code {rc}") };
        let when = if began { "while it ran the module" } else { "before it ran the module" };
        let last = words.trim().lines().next_back().map_or_else(String::new, |line| format!(": {line}"));
        Failure::new(format!("the Python interpreter '{}' ended {when} ({how}){last}", self.words.join(" ")))
            .with("rc", *rc)
            .with("module_stdout", "")
            .with("module_stderr", words.clone())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands answers to those who wait for them, until the interpreter ends.
fn listen(mut child: Child, output: ChildStdout, group: i32, state: &Mutex<State>) {
    let stderr = child.stderr.take();
    let words = thread::spawn(move || last_words(stderr));
    let mut output = BufReader::new(output);
    while let Ok((id, answer)) = next(&mut output) {
        let ends = !matches!(answer, Answer::Started(_));
        let mut state = lock(state);
        if let Some(waiting) = state.waiting.get(&id) {
            let _ = waiting.send(answer);
        }
        if ends {
            state.waiting.remove(&id);
        }
    }
    tell(group, false);
    let rc =
        child.wait().map_or(-1, |status| status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(-1));
    let words = words.join().unwrap_or_default();
    let mut state = lock(state);
    state.over = Some((rc, words));
    state.waiting.clear();
}

fn next(from: &mut impl Read) -> io::Result<(u32, Answer)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let told: Told = serde_json::from_slice(&bytes(from, u32::from_le_bytes(length) as usize)?)?;
    if let Some(pid) = told.pid {
        return Ok((told.id, Answer::Started(pid)));
    }
    let lengths = told.lengths.iter().map(|length| bytes(from, *length)).collect::<io::Result<Vec<_>>>()?;
    let mut bodies = lengths.into_iter();
    let (stdout, stderr) = (bodies.next().unwrap_or_default(), bodies.next().unwrap_or_default());
    Ok((
        told.id,
        told.error.map_or(Answer::Ended(Output { rc: told.rc.unwrap_or(-1), stdout, stderr }), Answer::Failed),
    ))
}

fn bytes(from: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(length as u64).read_to_end(&mut body)?;
    if body.len() == length { Ok(body) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
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
