//! Runs commands for real: captures or streams what they print, keeps their time limit, and can end all of them at once.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rplay_module_api::{Command, CommandOutput, Port, Runner, Stream};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// How long a pipe may stay open and silent after its command has ended: something in the background holds it.
const QUIET: Duration = Duration::from_secs(1);
/// How often the end of a command is looked for while its pipes are silent.
const TICK: Duration = Duration::from_millis(50);
const CHUNK: usize = 64 * 1024;

/// Told of every process group, when it starts (true) and when it has ended.
pub type Watch = fn(group: i32, runs: bool);

static WATCH: OnceLock<Watch> = OnceLock::new();

/// Names who is told of the commands of this program. There is one; a second is not heard.
pub fn watch(with: Watch) {
    let _ = WATCH.set(with);
}

/// Says that a process group runs, or has ended, that somebody else takes care of.
pub fn tell(group: i32, runs: bool) {
    if let Some(watch) = WATCH.get() {
        watch(group, runs);
    }
}

/// Starts every command in a process group of its own. Clones share what is running, so that [`Processes::kill`]
/// reaches all of it from another thread.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    running: Arc<Mutex<BTreeSet<i32>>>,
}

impl Processes {
    /// Ends every running command with everything that it started in its group.
    pub fn kill(&self) {
        for group in self.running.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            kill_group(*group);
        }
    }

    /// Reaps the command. It leaves the list first: afterwards its number may belong to somebody else.
    fn reap(&self, child: &mut Child, group: i32) -> io::Result<process::ExitStatus> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&group);
        tell(group, false);
        child.wait()
    }
}

impl Runner for Processes {
    fn run(&mut self, command: &Command, port: &mut dyn Port) -> io::Result<CommandOutput> {
        let mut child = spawn(command)?;
        let group = i32::try_from(child.id()).map_err(io::Error::other)?;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(group);
        tell(group, true);
        let captured = capture(command, &mut child, group, port);
        if captured.is_err() {
            kill_group(group);
        }
        let status = self.reap(&mut child, group)?;
        let (stdout, stderr) = captured?;
        let rc = status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(-1);
        Ok(CommandOutput { rc, stdout, stderr })
    }
}

pub fn kill_group(group: i32) {
    if let Some(group) = Pid::from_raw(group) {
        // It may be gone already, which is what is wanted.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

fn spawn(command: &Command) -> io::Result<Child> {
    let mut real = process::Command::new(&command.program);
    real.args(&command.args)
        .envs(&command.environment)
        .stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(directory) = &command.cwd {
        real.current_dir(directory).env("PWD", directory);
    }
    if let Some(umask) = command.umask {
        let mask = rustix::fs::Mode::from_raw_mode(umask);
        // SAFETY: umask is async-signal-safe and allocates nothing.
        unsafe {
            real.pre_exec(move || {
                rustix::process::umask(mask);
                Ok(())
            });
        }
    }
    real.spawn()
}

/// One of the command's pipes, closed as soon as it has nothing more to give or take.
struct Pipe<T> {
    end: Option<T>,
}

impl<T: AsFd> Pipe<T> {
    fn new(end: Option<T>) -> io::Result<Self> {
        if let Some(end) = &end {
            rustix::io::ioctl_fionbio(end, true)?;
        }
        Ok(Self { end })
    }
}

impl<T: AsFd + Read> Pipe<T> {
    /// Takes what is there; returns whether there was anything, its end included.
    fn drain(&mut self, into: &mut Vec<u8>, mut seen: impl FnMut(&[u8])) -> io::Result<bool> {
        let Some(end) = &mut self.end else { return Ok(false) };
        #[expect(clippy::large_stack_arrays, reason = "a pipe's whole content, on threads with room for it")]
        let mut chunk = [0; CHUNK];
        match end.read(&mut chunk) {
            Ok(0) => self.end = None,
            Ok(length) => {
                let bytes = chunk.get(..length).unwrap_or_default();
                into.extend_from_slice(bytes);
                seen(bytes);
            }
            Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(false);
            }
            Err(err) => return Err(err),
        }
        Ok(true)
    }
}

impl<T: AsFd + Write> Pipe<T> {
    fn feed(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        let Some(end) = &mut self.end else { return Ok(()) };
        match end.write(rest) {
            Ok(length) => *rest = rest.get(length..).unwrap_or_default(),
            Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return Ok(()),
            // The command does not want its input, which is its own affair.
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => *rest = &[],
            Err(err) => return Err(err),
        }
        if rest.is_empty() {
            self.end = None;
        }
        Ok(())
    }
}

fn capture(command: &Command, child: &mut Child, group: i32, port: &mut dyn Port) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let deadline = command.timeout.map(|timeout| Instant::now() + timeout);
    let mut rest = command.stdin.as_deref().unwrap_or_default();
    let mut stdin = Pipe::new(child.stdin.take())?;
    if rest.is_empty() {
        stdin.end = None;
    }
    let mut stdout = Pipe::new(child.stdout.take())?;
    let mut stderr = Pipe::new(child.stderr.take())?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut quiet_since = Instant::now();

    while stdout.end.is_some() || stderr.end.is_some() {
        let ready = wait_for_pipes(&stdin, &stdout, &stderr)?;
        let streamed = command.streamed;
        let mut show = |stream, bytes: &[u8]| {
            if streamed {
                port.output(stream, bytes);
            }
        };
        let mut heard = false;
        if ready {
            stdin.feed(&mut rest)?;
            heard |= stdout.drain(&mut out, |bytes| show(Stream::Stdout, bytes))?;
            heard |= stderr.drain(&mut err, |bytes| show(Stream::Stderr, bytes))?;
        }
        if heard {
            quiet_since = Instant::now();
        } else if quiet_since.elapsed() >= QUIET && has_ended(group)? {
            break;
        }
        check_deadline(deadline, command)?;
    }
    drop(stdin);
    // Without a limit the wait that reaps the command is enough; with one, a command that closed its pipes may still run on.
    while deadline.is_some() && !has_ended(group)? {
        check_deadline(deadline, command)?;
        std::thread::sleep(TICK);
    }
    Ok((out, err))
}

fn wait_for_pipes(
    stdin: &Pipe<process::ChildStdin>,
    stdout: &Pipe<process::ChildStdout>,
    stderr: &Pipe<process::ChildStderr>,
) -> io::Result<bool> {
    let mut waited = Vec::with_capacity(3);
    waited.extend(stdin.end.as_ref().map(|end| PollFd::new(end, PollFlags::OUT)));
    waited.extend(stdout.end.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
    waited.extend(stderr.end.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
    let tick = Timespec { tv_sec: 0, tv_nsec: i64::from(TICK.subsec_nanos()) };
    match rustix::event::poll(&mut waited, Some(&tick)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(err) => Err(err.into()),
    }
}

/// Whether the command has ended, without reaping it.
fn has_ended(group: i32) -> io::Result<bool> {
    let Some(pid) = Pid::from_raw(group) else { return Ok(true) };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    Ok(rustix::process::waitid(WaitId::Pid(pid), options)?.is_some())
}

fn check_deadline(deadline: Option<Instant>, command: &Command) -> io::Result<()> {
    if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
        let text = format!("{} took too long", command.program.to_string_lossy());
        return Err(io::Error::new(io::ErrorKind::TimedOut, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
