//! Agents of other users, started through sudo, su or doas as children of this one. One per way and user, kept to the end.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rplay_module_api::Failure;
use rplay_module_api::bootstrap::{self, AgentFile, AgentHash, Bootstrap};
use rplay_module_api::frame::{Frame, FrameKind};
use rplay_module_api::message::{Become, Response};
use rplay_module_api::privilege::{self, Elevation};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::outlet::Outlet;
use crate::{server, terminal};

/// Makes gettext leave messages untranslated without touching the locale that tasks see.
pub const PLAIN_LANGUAGE: &str = "C";
/// As long as ansible waits for a prompt, and two seconds more as it does.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(12);
const MAX_ERROR_TEXT: usize = 16 * 1024;

/// The requests that are with other users' agents.
pub struct Children {
    outlet: Outlet,
    hash: Option<OwnHash>,
    routes: Routes,
    started: HashMap<Become, Arc<Child>>,
}

/// What this program's file is verified by.
#[derive(Clone)]
pub struct OwnHash {
    pub sha256: String,
    pub blake2b: String,
}

impl OwnHash {
    /// For a program that was started without being told.
    fn of(content: &[u8]) -> Self {
        use sha2::Digest;
        let text = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { sha256: text(&sha2::Sha256::digest(content)), blake2b: text(&blake2::Blake2b512::digest(content)) }
    }
}

type Routes = Arc<Mutex<HashMap<u32, Arc<Child>>>>;

/// The near end of another user's agent.
struct Child {
    frames: Sender<Vec<u8>>,
    state: Mutex<ChildState>,
}

#[derive(Default)]
struct ChildState {
    /// Why it is of no use any more.
    over: Option<String>,
    /// Requests that have no response yet.
    waiting: HashSet<u32>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Children {
    /// `hash` is that of this program, if it is known.
    pub fn new(outlet: Outlet, hash: Option<OwnHash>) -> Self {
        Self { outlet, hash, routes: Routes::default(), started: HashMap::new() }
    }

    /// Sends all further frames of a request to the agent of another user.
    pub fn route(&mut self, id: u32, becoming: &Become) {
        let usable = self.started.get(becoming).filter(|child| lock(&child.state).over.is_none());
        let child = match usable {
            Some(child) => Arc::clone(child),
            None => self.start(becoming),
        };
        lock(&child.state).waiting.insert(id);
        lock(&self.routes).insert(id, child);
    }

    /// True when the frame belongs to another agent, which has it now.
    pub fn forward(&self, frame: &Frame) -> bool {
        let Some(child) = lock(&self.routes).get(&frame.id).map(Arc::clone) else {
            return false;
        };
        let over = lock(&child.state).over.clone();
        match over {
            // The request came when its agent had just ended: it gets its answer once it is complete.
            Some(reason) if frame.kind == FrameKind::Request && !frame.more => {
                lock(&self.routes).remove(&frame.id);
                fail(&self.outlet, frame.id, &reason);
            }
            Some(_) => {}
            None => {
                let _ = child.frames.send(frame.to_bytes());
            }
        }
        true
    }

    fn start(&mut self, becoming: &Become) -> Arc<Child> {
        let (sender, receiver) = channel();
        let child = Arc::new(Child { frames: sender, state: Mutex::default() });
        self.started.insert(becoming.clone(), Arc::clone(&child));
        let way = Way {
            becoming: becoming.clone(),
            hash: self.hash.clone(),
            outlet: self.outlet.clone(),
            routes: Arc::clone(&self.routes),
            child: Arc::clone(&child),
        };
        thread::spawn(move || way.serve(receiver));
        child
    }
}

fn fail(outlet: &Outlet, id: u32, reason: &str) {
    let response =
        Response { result: Err(Failure::new(reason)), never_ran: true, warnings: Vec::new(), settling: false };
    let _ = outlet.send_json(FrameKind::Response, id, &response);
}

/// What the thread that keeps one child needs.
struct Way {
    becoming: Become,
    hash: Option<OwnHash>,
    outlet: Outlet,
    routes: Routes,
    child: Arc<Child>,
}

impl Way {
    fn serve(self, frames: Receiver<Vec<u8>>) {
        let reason = match self.start() {
            Ok(mut started) => {
                let input = started.input.try_clone();
                thread::spawn(move || {
                    let Ok(mut input) = input else { return };
                    for bytes in frames {
                        if input.write_all(&bytes).is_err() {
                            break;
                        }
                    }
                });
                let mut from = io::Cursor::new(std::mem::take(&mut started.first)).chain(&mut started.output);
                let asked = |id: u32| lock(&self.child.state).waiting.contains(&id);
                server::relay(&mut from, &self.outlet, asked, |id| {
                    lock(&self.child.state).waiting.remove(&id);
                    lock(&self.routes).remove(&id);
                });
                let said = lock(&started.errors).clone();
                started.let_go();
                format!("the agent of user {} died {}", self.becoming.user, said.trim()).trim().to_owned()
            }
            Err(reason) => reason,
        };
        let waiting = {
            let mut state = lock(&self.child.state);
            state.over = Some(reason.clone());
            std::mem::take(&mut state.waiting)
        };
        for id in waiting {
            lock(&self.routes).remove(&id);
            fail(&self.outlet, id, &reason);
        }
    }

    fn start(&self) -> Result<Started, String> {
        let elevation = Elevation::new(&self.becoming, &token().map_err(|err| err.to_string())?)?;
        let terminal = elevation.needs_terminal();
        match self.try_start(elevation, terminal) {
            Err(Trouble::WantsTerminal) => {
                let elevation = Elevation::new(&self.becoming, &token().map_err(|err| err.to_string())?)?;
                self.try_start(elevation, true).map_err(Trouble::into_text)
            }
            other => other.map_err(Trouble::into_text),
        }
    }

    fn try_start(&self, mut elevation: Elevation, terminal: bool) -> Result<Started, Trouble> {
        // The other user may not be allowed to see this file, in home or without a name as it can be: then it gets its own.
        let running = format!("/proc/{}/exe", std::process::id());
        let program = std::fs::read("/proc/self/exe")?;
        let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
        let own = self.hash.clone().unwrap_or_else(|| OwnHash::of(&program));
        let hash = AgentHash { sha256: &own.sha256, blake2b: &own.blake2b };
        let agent = AgentFile { machine: &machine, hash, size: program.len(), packed_size: None };
        let nonce = token()?;
        let script = bootstrap::script(&[agent], Some(&running), &nonce);
        let mut started = spawn(&elevation.command(&script), terminal)?;
        match started.converse(&mut elevation, Bootstrap::new(&nonce), &program) {
            Ok(()) => Ok(started),
            Err(trouble) => {
                started.let_go();
                Err(trouble)
            }
        }
    }
}

enum Trouble {
    WantsTerminal,
    Text(String),
}

impl Trouble {
    fn into_text(self) -> String {
        match self {
            Trouble::WantsTerminal => "sorry, you must have a tty".to_owned(),
            Trouble::Text(text) => text,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(err: io::Error) -> Self {
        Trouble::Text(err.to_string())
    }
}

struct Started {
    process: std::process::Child,
    input: File,
    output: File,
    /// Absent with a terminal, which has one stream.
    error_output: Option<File>,
    /// What came after the greeting line.
    first: Vec<u8>,
    errors: Arc<Mutex<String>>,
}

fn spawn(command_line: &str, with_terminal: bool) -> io::Result<Started> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(command_line).env("LANGUAGE", PLAIN_LANGUAGE);
    let errors = Arc::default();
    if with_terminal {
        let pair = terminal::open()?;
        let slave = || pair.slave.try_clone().map(Stdio::from);
        command.stdin(slave()?).stdout(slave()?).stderr(slave()?);
        // SAFETY: setsid and ioctl are async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let process = command.spawn()?;
        let input = pair.master.try_clone()?;
        return Ok(Started { process, input, output: pair.master, error_output: None, first: Vec::new(), errors });
    }
    let mut process =
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let missing = || io::Error::other("no pipe");
    let input = File::from(OwnedFd::from(process.stdin.take().ok_or_else(missing)?));
    let output = File::from(OwnedFd::from(process.stdout.take().ok_or_else(missing)?));
    let error_output = Some(File::from(OwnedFd::from(process.stderr.take().ok_or_else(missing)?)));
    Ok(Started { process, input, output, error_output, first: Vec::new(), errors })
}

impl Started {
    /// Closes the channel, on which the other side ends. It belongs to another user and may take its time, even refuse to be killed.
    fn let_go(self) {
        let Started { mut process, input, output, .. } = self;
        drop((input, output));
        let _ = process.kill();
        thread::spawn(move || process.wait());
    }

    /// Speaks with the program that asks for passwords, then with the script that starts the agent.
    fn converse(&mut self, elevation: &mut Elevation, mut bootstrap: Bootstrap, program: &[u8]) -> Result<(), Trouble> {
        let deadline = Instant::now() + PROMPT_TIMEOUT;
        let rest = loop {
            let Some(bytes) = self.read_either(deadline)? else {
                if elevation.wants_terminal() {
                    return Err(Trouble::WantsTerminal);
                }
                return Err(Trouble::Text(elevation.ended()));
            };
            match elevation.feed(&bytes) {
                privilege::Step::More => {}
                privilege::Step::Password => {
                    let password = elevation.password().unwrap_or_default();
                    self.input.write_all(format!("{password}\n").as_bytes())?;
                }
                privilege::Step::Failed(reason) => return Err(Trouble::Text(reason)),
                privilege::Step::Started(rest) => break rest,
            }
        };
        self.collect_errors();
        let mut step = bootstrap.feed(&rest);
        let mut buffer = [0; 16 * 1024];
        loop {
            match step {
                bootstrap::Step::More => match self.output.read(&mut buffer) {
                    Ok(0) | Err(_) => {
                        let said = lock(&self.errors).clone();
                        let text = format!("{}\n{said}", bootstrap.noise());
                        return Err(Trouble::Text(format!("the agent did not start: {}", text.trim())));
                    }
                    Ok(count) => step = bootstrap.feed(&buffer[..count]),
                },
                bootstrap::Step::Upload { .. } => {
                    self.input.write_all(program)?;
                    step = bootstrap.feed(b"");
                }
                bootstrap::Step::Ready(first) => {
                    self.first = first;
                    return Ok(());
                }
                bootstrap::Step::Failed(reason) => return Err(Trouble::Text(reason)),
            }
        }
    }

    /// The next piece of output on either stream; none when both have ended.
    fn read_either(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, Trouble> {
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let limit = PROMPT_TIMEOUT.as_secs();
                return Err(Trouble::Text(format!("Timeout ({limit}s) waiting for privilege escalation prompt: ")));
            }
            let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(Duration::from_millis(500)).subsec_nanos()) };
            let (out_ready, err_ready) = {
                let mut fds = vec![PollFd::from_borrowed_fd(self.output.as_fd(), PollFlags::IN)];
                fds.extend(
                    self.error_output.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)),
                );
                match poll(&mut fds, Some(&wait)) {
                    Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                    Err(err) => return Err(io::Error::from(err).into()),
                    Ok(_) => {}
                }
                let ready = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
                (ready(0), ready(1))
            };
            if err_ready && let Some(pipe) = &mut self.error_output {
                match pipe.read(&mut buffer) {
                    Ok(0) | Err(_) => self.error_output = None,
                    Ok(count) => return Ok(Some(buffer[..count].to_vec())),
                }
            }
            if out_ready {
                match self.output.read(&mut buffer) {
                    // A terminal without its last user reports an error in place of the end.
                    Ok(0) | Err(_) => return Ok(self.rest_of_errors()),
                    Ok(count) => return Ok(Some(buffer[..count].to_vec())),
                }
            }
        }
    }

    fn rest_of_errors(&mut self) -> Option<Vec<u8>> {
        let mut rest = Vec::new();
        let pipe = self.error_output.take()?;
        let _ = pipe.take(MAX_ERROR_TEXT as u64).read_to_end(&mut rest);
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// From here on error output only explains why an agent died.
    fn collect_errors(&mut self) {
        let Some(mut pipe) = self.error_output.take() else { return };
        let errors = Arc::clone(&self.errors);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = pipe.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                let mut errors = lock(&errors);
                if errors.len() < MAX_ERROR_TEXT {
                    errors.push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            }
        });
    }
}

fn token() -> io::Result<String> {
    let mut random = [0_u8; 8];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!("{:016x}", u64::from_le_bytes(random)))
}
