//! This machine: an agent, or a shell, as a child process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use rustix::fs::MemfdFlags;
use tokio::io::AsyncWrite;
use tokio::process::{Child, ChildStdin, Command};

use super::Unreachable;
use super::agents::{self, Agent};
use super::link::{Ending, Link, Over, ProcessGuard};

pub fn start_agent(directory: &Path) -> Result<Link, Unreachable> {
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    let agent = agents::for_machine(&machine)
        .ok_or_else(|| unreachable(&format!("no agent for the architecture {machine}")))?;
    start_from_memory(agent, directory)
        .or_else(|_| start_from_file(agent, directory))
        .map_err(|err| unreachable(&format!("the agent did not start: {err}")))
}

pub fn start_command(line: &str, directory: &Path) -> Result<Link, Unreachable> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).current_dir(directory);
    link(command).map_err(|err| unreachable(&err.to_string()))
}

fn unreachable(reason: &str) -> Unreachable {
    Unreachable { message: reason.to_owned(), transient: false }
}

/// Leaves nothing on the disk.
fn start_from_memory(agent: &Agent, directory: &Path) -> io::Result<Link> {
    let mut file = File::from(rustix::fs::memfd_create("rplay-agent", MemfdFlags::CLOEXEC)?);
    file.write_all(agent.content)?;
    // A file that is open for writing cannot be executed.
    let program = format!("/proc/self/fd/{}", file.as_raw_fd());
    let readable = File::open(&program)?;
    drop(file);
    start_program(Path::new(&format!("/proc/self/fd/{}", readable.as_raw_fd())), agent, directory)
}

/// For kernels that refuse to execute memory files.
fn start_from_file(agent: &Agent, directory: &Path) -> io::Result<Link> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = cache.or(home).ok_or_else(|| io::Error::other("no home directory"))?.join("rplay");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let path = folder.join(format!("agent-{}", agent.hash));
    if fs::metadata(&path).map_or(true, |metadata| metadata.len() != agent.content.len() as u64) {
        let new = folder.join(format!("new-{}", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(&new)?;
        file.write_all(agent.content)?;
        drop(file);
        fs::rename(new, &path)?;
    }
    start_program(&path, agent, directory)
}

fn start_program(program: &Path, agent: &Agent, directory: &Path) -> io::Result<Link> {
    let mut command = Command::new(program);
    command.arg0("rplay-agent").arg("serve").arg(agent.hash).current_dir(directory);
    link(command)
}

/// Starts a process in a group of its own: the terminal's interrupt is for the controller, which ends its agents in good order.
fn link(mut command: Command) -> io::Result<Link> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    link_process(command.spawn()?, None)
}

/// The streams of a process as a link. `lost` is an exit code that means the connection, not the command.
pub fn link_process(mut process: Child, lost: Option<i32>) -> io::Result<Link> {
    let missing = || io::Error::other("the process has no pipe");
    let writer = process.stdin.take().ok_or_else(missing)?;
    let reader = process.stdout.take().ok_or_else(missing)?;
    let stderr = process.stderr.take().ok_or_else(missing)?;
    let ending = Ending::default();
    let group = process.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    let guard = group.map(|group| ProcessGuard { group, ending: ending.clone() });
    ending.collect_error_text(stderr);
    let watcher = ending.clone();
    tokio::spawn(async move {
        let over = match process.wait().await {
            Ok(status) => {
                let signal = std::os::unix::process::ExitStatusExt::signal(&status);
                let code = status.code().or_else(|| signal.map(|signal| -signal)).unwrap_or(-1);
                if lost == Some(code) { Over::Lost(String::new()) } else { Over::Exited(code) }
            }
            Err(err) => Over::Lost(err.to_string()),
        };
        watcher.set(over);
    });
    Ok(Link { reader: Box::new(reader), writer: Box::new(Input(Some(writer))), ending, guard })
}

/// The input of a process. Shutting it down closes it: tokio's own type waits for its drop, and the process for its end.
struct Input(Option<ChildStdin>);

impl AsyncWrite for Input {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = std::task::ready!(self.as_mut().poll_flush(context));
        self.0 = None;
        Poll::Ready(flushed)
    }
}
