//! This machine: an agent, or a shell, as a child process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use rplay_module_api::bootstrap::{self, AgentHash};
use rustix::fs::{MemfdFlags, SealFlags};
use tokio::io::AsyncWrite;
use tokio::process::{Child, ChildStdin, Command};

use super::Unreachable;
use super::agents::{self, Agent};
use super::limits;
use super::link::{Ending, Link, Over, ProcessGuard};

pub fn start_agent(directory: &Path, nonce: &str) -> Result<Link, Unreachable> {
    let agent = this_agent()?;
    start_from_memory(agent, directory, nonce)
        .or_else(|err| if limits::is_exhausted(&err) { Err(err) } else { start_from_file(agent, directory, nonce) })
        .map_err(|err| unreachable(&format!("the agent did not start: {}", limits::explain(&err))))
}

/// A program of modules that is a file here.
pub fn start_file(program: &Path, directory: &Path, nonce: &str) -> Result<Link, Unreachable> {
    let mut command = Command::new(program);
    command.args(["serve", nonce]).current_dir(directory);
    link(command).map_err(|err| unreachable(&format!("{} did not start: {err}", program.display())))
}

pub fn start_command(line: &str, directory: &Path) -> Result<Link, Unreachable> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).current_dir(directory);
    link(command).map_err(|err| unreachable(&limits::explain(&err)))
}

fn unreachable(reason: &str) -> Unreachable {
    Unreachable { message: reason.to_owned(), transient: false }
}

/// For a run that will most likely need the agent of this machine: while other things are done, it is made ready. What can't be done is told
/// when the agent is started.
pub fn expect_agent() {
    std::thread::spawn(|| this_agent().map(|agent| with_memory_file(agent, |_| Ok(()))));
}

fn this_agent() -> Result<&'static Agent, Unreachable> {
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    agents::for_machine(&machine).ok_or_else(|| unreachable(&format!("no agent for the architecture {machine}")))
}

/// Leaves nothing on the disk.
fn start_from_memory(agent: &Agent, directory: &Path, nonce: &str) -> io::Result<Link> {
    with_memory_file(agent, |file| {
        start_program(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())), agent, directory, nonce)
    })
}

/// Hands on the agent's file in memory, which is written once for all that are started.
fn with_memory_file<T>(agent: &Agent, work: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
    static FILE: Mutex<Option<File>> = Mutex::new(None);
    let mut known = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = match &mut *known {
        Some(file) => file,
        none => {
            let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
            let mut file = File::from(rustix::fs::memfd_create("rplay-agent", flags)?);
            file.write_all(agent.content)?;
            // Nobody changes it any more.
            rustix::fs::fcntl_add_seals(
                &file,
                SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
            )?;
            // A file that is open for writing cannot be executed.
            none.insert(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
        }
    };
    work(file)
}

/// For kernels that refuse to execute memory files.
fn start_from_file(agent: &Agent, directory: &Path, nonce: &str) -> io::Result<Link> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = cache.or(home).ok_or_else(|| io::Error::other("no home directory"))?.join("rplay");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let meta = fs::metadata(&folder)?;
    if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("{} is not this user's alone", folder.display())));
    }
    let path = folder.join(bootstrap::final_name(agent.hash.sha256));
    if fs::read(&path).map_or(true, |content| content != agent.content) {
        let mut new = tempfile::Builder::new().prefix("new-").tempfile_in(&folder)?;
        new.write_all(agent.content)?;
        new.as_file().set_permissions(fs::Permissions::from_mode(0o700))?;
        new.as_file().sync_all()?;
        new.into_temp_path().persist(&path).map_err(|err| err.error)?;
    }
    start_program(&path, agent, directory, nonce)
}

fn start_program(program: &Path, agent: &Agent, directory: &Path, nonce: &str) -> io::Result<Link> {
    let mut command = Command::new(program);
    let AgentHash { sha256, blake2b } = agent.hash;
    command.arg0("rplay-agent").args(["serve", sha256, blake2b, nonce, bootstrap::place::HERE]).current_dir(directory);
    link(command)
}

/// Starts a process in a group of its own: the terminal's interrupt is for the controller, which ends its agents in good order.
fn link(mut command: Command) -> io::Result<Link> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn()?;
    limits::restore_in(child.id());
    link_process(child, None)
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
