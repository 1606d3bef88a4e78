//! Runs commands for modules: each in a process group of its own, output read as it comes.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rplay_module_api::{Command, CommandOutput, Port, Runner, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::running;

/// How long a command that has ended is waited on because a process it left behind still holds its output open.
const LINGER: Duration = Duration::from_millis(100);

pub struct Processes {
    pub request: u32,
    pub cancelled: Arc<AtomicBool>,
}

impl Runner for Processes {
    fn run(&mut self, command: &Command, port: &mut dyn Port) -> io::Result<CommandOutput> {
        if self.cancelled.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the task was cancelled"));
        }
        let mut child = start(command)?;
        let group = i32::try_from(child.id()).map_err(io::Error::other)?;
        let entry = running::Entry::new(group, self.request);
        if self.cancelled.load(Ordering::Acquire) {
            // Cancelled between the question above and the entry: nobody has seen this process.
            running::end_request(self.request);
        }
        if let (Some(mut stdin), Some(bytes)) = (child.stdin.take(), command.stdin.clone()) {
            thread::spawn(move || stdin.write_all(&bytes));
        }
        let output = collect(&mut child, command, port);
        if output.is_err() {
            running::end_request(self.request);
        }
        let status = child.wait()?;
        drop(entry);
        let (stdout, stderr) = output?;
        let rc = status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(-1);
        Ok(CommandOutput { rc, stdout, stderr })
    }
}

fn start(command: &Command) -> io::Result<Child> {
    let mut process = std::process::Command::new(&command.program);
    process.args(&command.args).envs(&command.environment).process_group(0);
    process.stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(cwd) = &command.cwd {
        process.current_dir(cwd);
    }
    if let Some(umask) = command.umask {
        // SAFETY: umask is async-signal-safe.
        unsafe {
            process.pre_exec(move || {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
                Ok(())
            });
        }
    }
    process.spawn()
}

/// Reads both streams until they end, or until the command has ended and nothing more comes.
fn collect(child: &mut Child, command: &Command, port: &mut dyn Port) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    let mut collected = (Vec::new(), Vec::new());
    let deadline = command.timeout.map(|timeout| Instant::now() + timeout);
    while stdout.is_some() || stderr.is_some() {
        let (mut out_ready, mut err_ready) = (false, false);
        {
            let mut fds = Vec::with_capacity(2);
            fds.extend(stdout.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
            fds.extend(stderr.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
            let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(LINGER.subsec_nanos()) };
            match poll(&mut fds, Some(&wait)) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(err) => return Err(err.into()),
                Ok(0) if child.try_wait()?.is_some() => return Ok(collected),
                Ok(_) => {}
            }
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            if stdout.is_some() {
                out_ready = ready.next().unwrap_or(false);
            }
            if stderr.is_some() {
                err_ready = ready.next().unwrap_or(false);
            }
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the command took too long"));
        }
        if out_ready && let Some(pipe) = &mut stdout && !pass_on(pipe, &mut collected.0, Stream::Stdout, command, port)? {
            stdout = None;
        }
        if err_ready && let Some(pipe) = &mut stderr && !pass_on(pipe, &mut collected.1, Stream::Stderr, command, port)? {
            stderr = None;
        }
    }
    Ok(collected)
}

/// Reads once; false at the end of the stream.
fn pass_on(
    pipe: &mut impl Read,
    into: &mut Vec<u8>,
    stream: Stream,
    command: &Command,
    port: &mut dyn Port,
) -> io::Result<bool> {
    let mut buffer = [0; 64 * 1024];
    let count = pipe.read(&mut buffer)?;
    let bytes = &buffer[..count];
    into.extend_from_slice(bytes);
    if command.streamed && count > 0 {
        port.output(stream, bytes);
    }
    Ok(count > 0)
}
