//! The thread of one SSH connection: carries bytes between its channels and the sockets that stand for them in this process.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, TryRecvError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel, Session};
use tokio::sync::oneshot;

use super::connect::Connected;
use crate::connection::link::{Ending, Over};

const BUFFER: usize = 64 * 1024;
/// Milliseconds that opening a channel may take.
const OPEN_TIMEOUT: u32 = 30_000;

/// A channel that shall be opened.
pub struct Open {
    pub line: String,
    pub terminal: bool,
    pub stream: UnixStream,
    pub ending: Ending,
    pub answer: oneshot::Sender<Result<(), String>>,
}

/// Bytes on their way in one direction.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER], start: 0, end: 0 }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes what `read` gives; only called when empty.
    fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.start = 0;
        self.end = 0;
        self.end = read(&mut self.bytes)?;
        Ok(self.end)
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
    }

    fn clear(&mut self) {
        self.start = self.end;
    }
}

struct Carried {
    channel: Channel,
    stream: UnixStream,
    ending: Ending,
    to_host: Buffer,
    from_host: Buffer,
    /// Our side has nothing more to send, and the host was told so.
    input_over: bool,
    input_told: bool,
    output_over: bool,
    /// Nobody in this process reads any more.
    abandoned: bool,
}

pub struct Pump {
    session: Session,
    socket: TcpStream,
    opens: Receiver<Open>,
    woken: UnixStream,
    carried: Vec<Carried>,
    /// No further channel will be asked for.
    closing: bool,
}

impl Pump {
    pub fn new(connected: Connected, opens: Receiver<Open>, woken: UnixStream) -> Self {
        Self { session: connected.session, socket: connected.socket, opens, woken, carried: Vec::new(), closing: false }
    }

    pub fn run(mut self) {
        self.session.set_blocking(false);
        loop {
            self.open_channels();
            if self.closing && self.carried.is_empty() {
                let _ = self.session.disconnect(None, "closed by user", None);
                return;
            }
            match self.carry() {
                Ok(true) => {}
                Ok(false) => {
                    if let Err(err) = self.wait() {
                        return self.lose(&err);
                    }
                }
                Err(err) => return self.lose(&err),
            }
        }
    }

    fn open_channels(&mut self) {
        loop {
            match self.opens.try_recv() {
                Ok(open) => self.open(open),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.closing = true;
                    return;
                }
            }
        }
    }

    fn open(&mut self, open: Open) {
        self.session.set_blocking(true);
        self.session.set_timeout(OPEN_TIMEOUT);
        let channel = self.start(&open.line, open.terminal);
        self.session.set_timeout(0);
        self.session.set_blocking(false);
        match channel {
            Ok(channel) => {
                if open.answer.send(Ok(())).is_ok() {
                    self.carried.push(Carried {
                        channel,
                        stream: open.stream,
                        ending: open.ending,
                        to_host: Buffer::new(),
                        from_host: Buffer::new(),
                        input_over: false,
                        input_told: false,
                        output_over: false,
                        abandoned: false,
                    });
                }
            }
            Err(err) => {
                let _ = open.answer.send(Err(err.message().to_owned()));
            }
        }
    }

    fn start(&self, line: &str, terminal: bool) -> Result<Channel, ssh2::Error> {
        let mut channel = self.session.channel_session()?;
        if terminal {
            channel.request_pty("vt100", None, None)?;
        }
        channel.exec(line)?;
        Ok(channel)
    }

    /// Moves what can be moved without waiting; true if anything was.
    fn carry(&mut self) -> io::Result<bool> {
        let mut moved = false;
        for carried in &mut self.carried {
            moved |= carried.carry(&self.session, &self.socket)?;
        }
        self.carried.retain_mut(|carried| !carried.finish());
        Ok(moved)
    }

    /// Sleeps until there is something to carry.
    fn wait(&mut self) -> io::Result<()> {
        let mut wanted = PollFlags::empty();
        // With all readers slow, the socket is left alone: the host is held up in turn. Without a channel nothing would read it.
        if self.carried.is_empty() {
            wanted |= PollFlags::RDHUP;
        } else if self.carried.iter().any(|carried| carried.from_host.is_empty()) {
            wanted |= PollFlags::IN;
        }
        if matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both) {
            wanted |= PollFlags::OUT;
        }
        let mut fds = vec![PollFd::from_borrowed_fd(self.socket.as_fd(), wanted)];
        if !self.closing {
            fds.push(PollFd::from_borrowed_fd(self.woken.as_fd(), PollFlags::IN));
        }
        for carried in self.carried.iter().filter(|carried| !carried.abandoned) {
            let mut wanted = PollFlags::empty();
            if carried.to_host.is_empty() && !carried.input_over {
                wanted |= PollFlags::IN;
            }
            if !carried.from_host.is_empty() {
                wanted |= PollFlags::OUT;
            }
            // Also with nothing wanted: a hang-up is always told.
            fds.push(PollFd::from_borrowed_fd(carried.stream.as_fd(), wanted));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::RDHUP;
        let gone = self.carried.is_empty() && fds.first().is_some_and(|fd| fd.revents().intersects(gone));
        drop(fds);
        if gone {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut drained = [0; 64];
        match self.woken.read(&mut drained) {
            Ok(0) => self.closing = true,
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {}
            Err(err) => return Err(err),
        }
        Ok(())
    }

    /// The connection broke: every channel is over.
    fn lose(&mut self, err: &io::Error) {
        for carried in &mut self.carried {
            carried.ending.set(Over::Lost(err.to_string()));
            let _ = carried.stream.shutdown(std::net::Shutdown::Both);
        }
        // Channels and session would try to say goodbye to a host that isn't there.
        self.session.set_timeout(1);
    }
}

/// Repeats a call while a packet of ours is only half sent: libssh2 takes nothing else before that.
fn whole_packets<T>(session: &Session, socket: &TcpStream, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {
                if !matches!(session.block_directions(), BlockDirections::Outbound | BlockDirections::Both) {
                    return Err(err);
                }
                let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)];
                match poll(&mut fds, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(err) => return Err(err.into()),
                }
            }
            other => return other,
        }
    }
}

/// Both directions are closed at the other end, not only the one towards the host.
fn hung_up(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP))
}

/// None in place of an error that says to come again.
fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(err) => Err(err),
    }
}

impl Carried {
    fn carry(&mut self, session: &Session, socket: &TcpStream) -> io::Result<bool> {
        let from_host = self.carry_output(session, socket)?;
        let to_host = self.carry_input(session, socket)?;
        self.abandoned |= self.input_over && hung_up(&self.stream);
        Ok(from_host || to_host)
    }

    fn carry_output(&mut self, session: &Session, socket: &TcpStream) -> io::Result<bool> {
        let mut moved = false;
        if !self.output_over && self.from_host.is_empty() {
            let channel = &mut self.channel;
            let mut stderr = [0; 4096];
            let errors = whole_packets(session, socket, || channel.stderr().read(&mut stderr));
            if let Some(count) = unless_blocked(errors)? {
                self.ending.add_error_text(stderr.get(..count).unwrap_or_default());
                moved |= count > 0;
            }
            let read = self.from_host.fill(|buffer| whole_packets(session, socket, || channel.read(buffer)));
            match unless_blocked(read)? {
                Some(0) if self.channel.eof() => {
                    self.output_over = true;
                    moved = true;
                }
                Some(count) => moved |= count > 0,
                None => {}
            }
        }
        if !self.from_host.is_empty() {
            if self.abandoned {
                self.from_host.clear();
            } else {
                match unless_blocked((&self.stream).write(self.from_host.filled())) {
                    Ok(Some(count)) => {
                        self.from_host.consume(count);
                        moved = true;
                    }
                    Ok(None) => {}
                    Err(_) => self.abandoned = true,
                }
            }
        }
        Ok(moved)
    }

    fn carry_input(&mut self, session: &Session, socket: &TcpStream) -> io::Result<bool> {
        let mut moved = false;
        if !self.input_over && self.to_host.is_empty() {
            let stream = &self.stream;
            let read = self.to_host.fill(|buffer| (&mut &*stream).read(buffer));
            match unless_blocked(read) {
                Ok(Some(0)) | Err(_) => {
                    self.input_over = true;
                    moved = true;
                }
                Ok(Some(_)) => moved = true,
                Ok(None) => {}
            }
        }
        if !self.to_host.is_empty() {
            let (channel, bytes) = (&mut self.channel, self.to_host.filled());
            if let Some(count) = unless_blocked(whole_packets(session, socket, || channel.write(bytes)))? {
                self.to_host.consume(count);
                moved |= count > 0;
            }
        }
        if self.input_over && self.to_host.is_empty() && !self.input_told {
            let channel = &mut self.channel;
            let told = whole_packets(session, socket, || channel.send_eof().map_err(Into::into));
            self.input_told = unless_blocked(told)?.is_some();
            moved |= self.input_told;
        }
        Ok(moved)
    }

    /// True once the channel is over and everyone knows.
    fn finish(&mut self) -> bool {
        let deserted = self.input_told && self.abandoned;
        let drained = self.output_over && self.from_host.is_empty();
        if !drained && !deserted {
            return false;
        }
        // The exit code comes after the output's end, with the channel's close.
        if !deserted
            && self.channel.wait_close().is_err_and(|err| io::Error::from(err).kind() == io::ErrorKind::WouldBlock)
        {
            return false;
        }
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let code = self.channel.exit_status().unwrap_or(-1);
        self.ending.set(Over::Exited(signal.as_deref().map_or(code, signal_code)));
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        let _ = self.channel.close();
        true
    }
}

/// A signal's name as the negative number by which a command's end is reported.
fn signal_code(name: &str) -> i32 {
    let number = match name {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ILL" => libc::SIGILL,
        "ABRT" => libc::SIGABRT,
        "FPE" => libc::SIGFPE,
        "KILL" => libc::SIGKILL,
        "SEGV" => libc::SIGSEGV,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        _ => libc::SIGTERM,
    };
    -number
}
