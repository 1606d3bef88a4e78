//! Tasks in the background (`async`): each is a process of its own that outlives agent, connection and controller. It leaves its result
//! in a job file, which `async_status` reads.
//!
//! The agent starts this program anew. That process writes the file's beginning, forks one that watches the time, and says that the job
//! runs; the watching one forks the one that works. Commands of a job that is killed are ended by its guard (`guard.rs`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rplay_module_api::frame::{self, Assembler, FrameKind};
use rplay_module_api::message::{Background, Request};
use rplay_module_api::{Failure, Json, Map, Module, ModuleResult, Outcome, Port, Stream, validate};
use rplay_modules::support::job_file::{self, JobFile};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions};

use crate::{guard, requests, scratch};

/// The argument that makes this program a task in the background.
pub const COMMAND: &str = "background";

/// A job that was killed shows that a moment later, so that who waits just as long as it may take finds it running, as with Ansible.
const AFTER_KILL: Duration = Duration::from_secs(1);

type Attachments = HashMap<String, Vec<u8>>;

/// The agent's part: starts the job, and answers as soon as it runs.
pub fn start(request: &[u8], attachments: &Attachments) -> ModuleResult {
    let failed = |err: io::Error| Failure::new(format!("the task could not be started in the background: {err}"));
    let mut command = Command::new("/proc/self/exe");
    command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: setsid is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
    let mut child = command.spawn().map_err(failed)?;
    let mut answer = Vec::new();
    let told = tell(child.stdin.take(), request, attachments).and_then(|()| {
        child
            .stdout
            .take()
            .map_or_else(|| Err(io::ErrorKind::BrokenPipe.into()), |mut from| from.read_to_end(&mut answer))
    });
    child.wait().map_err(failed)?;
    told.map_err(failed)?;
    serde_json::from_slice(&answer).unwrap_or_else(|err| Err(failed(err.into())))
}

fn tell(to: Option<impl Write>, request: &[u8], attachments: &Attachments) -> io::Result<()> {
    let Some(mut to) = to else { return Err(io::ErrorKind::BrokenPipe.into()) };
    for (name, content) in attachments {
        let body = [name.as_bytes(), b"\0", content].concat();
        to.write_all(&frame::encode(FrameKind::Attachment, 0, &body))?;
    }
    to.write_all(&frame::encode(FrameKind::Request, 0, request))
}

/// The job's part. Until it has answered there is one thread.
pub fn main(modules: &'static [&'static Module]) -> io::Result<()> {
    requests::keep_panics_quiet();
    let (request, attachments) = listen()?;
    let background = request.background.clone().unwrap_or_default();
    let id = format!("{}.{}", background.name, std::process::id());
    let answer = match begin(&background, &id, &request) {
        Err(failure) => Err(failure),
        // SAFETY: there is one thread, so the copy may do whatever this process may.
        Ok(file) => match unsafe { libc::fork() } {
            -1 => Err(Failure::new(io::Error::last_os_error().to_string())),
            0 => {
                let job = Job { modules, request, attachments, file, id, limit: background.limit };
                job.watch();
                std::process::exit(0)
            }
            _ => Ok(started(&id, &file)),
        },
    };
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &answer)?;
    stdout.flush()
}

fn listen() -> io::Result<(Request, Attachments)> {
    let mut from = BufReader::new(io::stdin().lock());
    let mut assembler = Assembler::default();
    let mut attachments = Attachments::new();
    while let Some(frame) = frame::read(&mut from)? {
        let kind = frame.kind;
        let Some(body) = assembler.add(frame)? else { continue };
        match kind {
            FrameKind::Request => return Ok((serde_json::from_slice(&body)?, attachments)),
            FrameKind::Attachment => {
                if let Some(end) = body.iter().position(|byte| *byte == 0) {
                    let name = String::from_utf8_lossy(&body[..end]).into_owned();
                    attachments.insert(name, body[end + 1..].to_vec());
                }
            }
            _ => {}
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Makes the job's file, from which it shows as started.
fn begin(background: &Background, id: &str, request: &Request) -> Result<JobFile, Failure> {
    let failed = |path: &str, err: &io::Error| Failure::new(format!("could not create directory: {path} - {err}"));
    let file = JobFile::new(&background.directory, id, &request.environment)
        .map_err(|err| failed(&background.directory, &err))?;
    let content = Map::from_iter([
        ("started".to_owned(), Json::Bool(true)),
        ("finished".to_owned(), Json::Bool(false)),
        ("ansible_job_id".to_owned(), Json::from(id)),
    ]);
    file.make_directory().and_then(|()| file.write(&content)).map_err(|err| {
        let directory = file.path().parent().unwrap_or(file.path()).to_string_lossy().into_owned();
        failed(&directory, &err)
    })?;
    Ok(file)
}

fn started(id: &str, file: &JobFile) -> Outcome {
    Outcome::changed(true)
        .with("started", true)
        .with("finished", false)
        .with("ansible_job_id", id)
        .with("results_file", file.path().to_string_lossy().into_owned())
}

struct Job {
    modules: &'static [&'static Module],
    request: Request,
    attachments: Attachments,
    file: JobFile,
    id: String,
    /// Seconds.
    limit: u64,
}

impl Job {
    /// Lets another process work, and kills it when its time is over.
    fn watch(self) {
        leave_streams();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let Ok((alive, held)) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC) else {
            return self.ends_with(&Failure::new("there is no pipe to watch the job by"), Map::new());
        };
        // SAFETY: there is one thread, so the copy may do whatever this process may.
        let worker = match unsafe { libc::fork() } {
            -1 => return self.ends_with(&Failure::new("the job could not be started"), Map::new()),
            0 => {
                drop(alive);
                let worked = self.work();
                scratch::remove_all();
                std::process::exit(i32::from(!worked))
            }
            pid => pid,
        };
        drop(held);
        let Some(worker) = Pid::from_raw(worker) else { return };
        // Both sides set it: whoever comes first, the group is there when it is needed.
        let _ = rustix::process::setpgid(Some(worker), Some(worker));
        let in_time = wait_for_end(&alive, Instant::now().checked_add(Duration::from_secs(self.limit)));
        if !in_time {
            let _ = rustix::process::kill_process_group(worker, Signal::KILL);
            thread::sleep(AFTER_KILL);
            let child = ("child_pid".to_owned(), Json::from(worker.as_raw_nonzero().get()));
            self.ends_with(&Failure::new("Timeout exceeded"), Map::from_iter([child]));
        }
        let ended = rustix::process::waitpid(Some(worker), WaitOptions::empty());
        let well = ended.is_ok_and(|ended| ended.is_some_and(|(_, status)| status.exit_status() == Some(0)));
        if in_time && !well {
            self.ends_with(&Failure::new("the job ended without a result"), Map::new());
        }
    }

    fn ends_with(&self, failure: &Failure, mut content: Map<String, Json>) {
        content.insert("msg".into(), failure.msg.clone().into());
        content.insert("failed".into(), true.into());
        content.insert("ansible_job_id".into(), self.id.clone().into());
        let _ = self.file.write(&content);
    }

    /// Runs the module and keeps its result. Says whether that is done.
    fn work(self) -> bool {
        let _ = rustix::process::setpgid(None, None);
        let module = self.modules.iter().find(|module| module.spec.name == self.request.module);
        let mut secrets =
            module.map(|module| validate::secret_values(&module.spec, &self.request.args)).unwrap_or_default();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut warnings = Vec::new();
        let result = match guard::start() {
            Ok(()) => {
                let mut port = NoController { attachments: self.attachments };
                requests::run_with_port(self.modules, self.request, 0, &mut port, &mut warnings)
            }
            Err(err) => Err(Failure::new(format!("the job could not be started: {err}"))),
        };
        let mut content = job_file::of_result(result, warnings);
        content.values_mut().for_each(|value| validate::hide(value, &secrets));
        self.file.write(&content).is_ok()
    }
}

/// Neither the agent's channel nor a terminal may be kept open.
fn leave_streams() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// Waits until nobody holds the other end; false when the deadline comes first.
fn wait_for_end(alive: &OwnedFd, deadline: Option<Instant>) -> bool {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        let wait = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = [PollFd::from_borrowed_fd(alive.as_fd(), PollFlags::IN)];
        if poll(&mut fds, wait.as_ref()).is_ok_and(|count| count > 0) {
            return true;
        }
    }
}

/// The way to a controller that is not there.
struct NoController {
    attachments: Attachments,
}

impl Port for NoController {
    fn output(&mut self, _: Stream, _: &[u8]) {}

    fn progress(&mut self, _: &str) {}

    fn receive_file(&mut self, name: &str, into: &mut dyn Write) -> io::Result<u64> {
        let Some(content) = self.attachments.get(name) else {
            return Err(io::Error::other("the file is too large to go along with a task in the background"));
        };
        into.write_all(content)?;
        Ok(content.len() as u64)
    }

    fn send_file(&mut self, _: &str, _: &mut dyn Read) -> io::Result<u64> {
        Err(io::Error::other("a task in the background has nobody to send files to"))
    }
}
