//! A libssh2 session on a socket that never blocks: repeats a call until it has its answer, and notices when the host is silent.

use std::fmt;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{ErrorCode, Session};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::sockets::{self, Seen};
use crate::connection::limits;

const AGAIN: ErrorCode = ErrorCode::Session(-37);
/// What one call may receive before others have their turn.
const RATION: usize = 256 * 1024;

/// Why a session is of no use any more.
#[derive(Debug)]
pub enum WireError {
    Ssh(ssh2::Error),
    Io(io::Error),
    /// None of the questions whether the host is still there was answered.
    Silent,
}

impl From<io::Error> for WireError {
    fn from(err: io::Error) -> Self {
        WireError::Io(err)
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Ssh(err) => f.write_str(&reason(err)),
            WireError::Io(err) => f.write_str(&limits::explain(err)),
            WireError::Silent => f.write_str("Timeout, server not responding."),
        }
    }
}

/// What libssh2 says, which is nothing for some errors.
pub fn reason(err: &ssh2::Error) -> String {
    let message = err.message();
    if !message.is_empty() && message != "no error" && message != "unknown error" && !message.starts_with("Would block")
    {
        return message.to_owned();
    }
    match err.code() {
        ErrorCode::Session(-13 | -43) => "the host closed the connection".to_owned(),
        ErrorCode::Session(-7) => "nothing can be sent to the host".to_owned(),
        ErrorCode::Session(-4 | -12) => "a packet from the host is damaged".to_owned(),
        ErrorCode::Session(-38 | -14) => {
            "the host does not speak SSH: it sent a packet that the protocol does not allow".to_owned()
        }
        ErrorCode::Session(-2) => "the host sent no version of SSH".to_owned(),
        ErrorCode::Session(-6) => "no memory is left".to_owned(),
        ErrorCode::Session(code) => format!("error {code} of libssh2"),
        ErrorCode::SFTP(code) => format!("error {code} of libssh2"),
    }
}

/// `ServerAliveInterval` and `ServerAliveCountMax`: a host that answers no question for interval × count is gone.
struct Alive {
    /// Between two questions, so that the last one's answer is missing when the time is over.
    step: Duration,
    /// Interval × count.
    limit: Duration,
    /// The first question that has no answer. libssh2 asks every two seconds at most.
    asked: Option<Instant>,
    next: Instant,
}

pub struct Wire {
    pub session: Session,
    socket: AsyncFd<Arc<TcpStream>>,
    alive: Option<Alive>,
    heard: Instant,
    seen: Seen,
    /// Everything that came.
    pub received: u64,
}

impl Wire {
    pub fn new(mut session: Session, socket: TcpStream) -> io::Result<Self> {
        let socket = Arc::new(socket);
        session.set_tcp_stream(Arc::clone(&socket));
        session.set_blocking(false);
        sockets::install(&session);
        // SAFETY: the descriptor is the stream's, which stays open and the same for as long as this holds it.
        let socket = unsafe { AsyncFd::register(socket) }?;
        Ok(Self { session, socket, alive: None, heard: Instant::now(), seen: Seen::default(), received: 0 })
    }

    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// From now on the host is asked whether it is still there.
    pub fn keep_alive(&mut self, interval: u64, count: u32) {
        if interval == 0 || count == 0 {
            return;
        }
        self.session.set_keepalive(true, 1);
        let limit = Duration::from_secs(interval).saturating_mul(count);
        let step = limit / count.saturating_add(1);
        self.alive = Some(Alive { step, limit, asked: None, next: Instant::now() });
        self.excuse_silence();
    }

    /// One try; none when it has to be repeated.
    pub fn attempt<T>(
        &mut self,
        ration: usize,
        call: impl FnOnce(&mut Session) -> Result<T, ssh2::Error>,
    ) -> Result<Option<T>, WireError> {
        let session = &mut self.session;
        let (result, seen) = sockets::rationed(ration, || call(session));
        self.note(seen);
        match result {
            Ok(value) => Ok(Some(value)),
            Err(err) if err.code() == AGAIN => Ok(None),
            Err(err) => Err(WireError::Ssh(err)),
        }
    }

    /// The same for calls that read or write.
    fn attempt_io(&mut self, call: impl FnOnce() -> io::Result<usize>) -> Result<Option<usize>, WireError> {
        let (result, seen) = sockets::rationed(RATION, call);
        self.note(seen);
        match result {
            Ok(count) => Ok(Some(count)),
            Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(err) => Err(WireError::Io(err)),
        }
    }

    fn note(&mut self, seen: Seen) {
        self.seen = seen;
        if seen.received > 0 {
            self.received += seen.received as u64;
            self.excuse_silence();
        }
    }

    /// Repeats a call until libssh2 has its answer.
    pub async fn call<T>(
        &mut self,
        mut call: impl FnMut(&mut Session) -> Result<T, ssh2::Error>,
    ) -> Result<T, WireError> {
        loop {
            if let Some(value) = self.attempt(RATION, &mut call)? {
                return Ok(value);
            }
            self.ready().await?;
        }
    }

    /// Reads or writes what can be without waiting, but never leaves a packet half sent; none when nothing can.
    pub async fn carry(&mut self, mut call: impl FnMut() -> io::Result<usize>) -> Result<Option<usize>, WireError> {
        loop {
            let moved = self.attempt_io(&mut call)?;
            if moved.is_some() || !self.seen.half_sent {
                return Ok(moved);
            }
            self.ready().await?;
        }
    }

    /// True when libssh2 may have stopped before the kernel had no more.
    pub fn may_have_more(&self) -> bool {
        !self.seen.drained && !self.seen.half_sent
    }

    /// Waits for what the last call could not do.
    pub async fn ready(&mut self) -> Result<(), WireError> {
        if self.seen.half_sent {
            let end = self.alive.as_ref().map(|alive| self.heard + alive.limit + alive.step);
            let mut ready = tokio::select! {
                ready = self.socket.writable() => ready?,
                // Nothing can be asked while a packet is half sent, but the host's silence counts.
                () = at(end) => return Err(WireError::Silent),
            };
            ready.clear_ready();
            return Ok(());
        }
        if self.seen.drained {
            return self.readable().await.map(|_| ());
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Waits until the host says something, asking it now and then whether it is there. True when it has closed.
    pub async fn readable(&mut self) -> Result<bool, WireError> {
        loop {
            let due = self.alive.as_ref().map(|alive| alive.next);
            tokio::select! {
                ready = self.socket.readable() => {
                    let mut ready = ready?;
                    let closed = ready.ready().is_read_closed();
                    ready.clear_ready();
                    return Ok(closed);
                }
                () = at(due) => self.ask()?,
            }
        }
    }

    /// Asks the host whether it is there, unless it has not said so for too long.
    fn ask(&mut self) -> Result<(), WireError> {
        let Some(alive) = &mut self.alive else { return Ok(()) };
        let now = Instant::now();
        if alive.asked.is_some_and(|asked| now >= (self.heard + alive.limit).max(asked + alive.step)) {
            return Err(WireError::Silent);
        }
        alive.next = now + alive.step;
        // A question must not be left half sent. When there is no room for it, what waits to be sent is question enough.
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut fds, Some(&at_once)) != Ok(1) {
            alive.asked.get_or_insert(now);
            return Ok(());
        }
        let (asked, seen) = sockets::rationed(0, || self.session.keepalive_send());
        if seen.sent > 0 {
            alive.asked.get_or_insert(now);
        }
        asked.map(|_| ()).map_err(WireError::Ssh)
    }

    /// The host's silence while nobody reads is no sign of anything.
    pub fn excuse_silence(&mut self) {
        self.heard = Instant::now();
        if let Some(alive) = &mut self.alive {
            alive.asked = None;
            alive.next = self.heard + alive.step;
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Freed channels and sessions say goodbye; on a closed socket they don't wait for an answer.
        let _ = self.stream().shutdown(Shutdown::Both);
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
