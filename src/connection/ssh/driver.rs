//! Keeps one SSH connection: a task that carries bytes between its channels and the pipes that stand for them in this process.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use ssh2::Channel;
use tokio::sync::mpsc::{UnboundedReceiver, error::TryRecvError};
use tokio::sync::{Notify, oneshot};

use super::pipe::Pipe;
use super::wire::{Wire, WireError};
use crate::connection::link::{Ending, Over};

/// How long a host may take to open a channel.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// As long as a packet may be.
const PIECE: usize = 32 * 1024;
/// What is enough for the answers of a host that mostly listens.
const MORSEL: usize = 1024;

/// A channel that shall be opened.
pub struct Open {
    pub line: String,
    pub terminal: bool,
    /// Variables of `SendEnv`.
    pub environment: Arc<[(String, String)]>,
    pub pipe: Arc<Pipe>,
    pub ending: Ending,
    pub answer: oneshot::Sender<Result<(), String>>,
}

struct Carried {
    channel: Channel,
    pipe: Arc<Pipe>,
    ending: Ending,
    to_host: Vec<u8>,
    sent: usize,
    /// Our side has nothing more to send, and the host was told so.
    input_over: bool,
    input_told: bool,
    output_over: bool,
    /// How much is read at once: more when there is more.
    appetite: usize,
}

pub struct Driver {
    wire: Wire,
    opens: UnboundedReceiver<Open>,
    wake: Arc<Notify>,
    carried: Vec<Carried>,
    /// No further channel will be asked for.
    closing: bool,
}

impl Driver {
    pub fn new(wire: Wire, opens: UnboundedReceiver<Open>, wake: Arc<Notify>) -> Self {
        Self { wire, opens, wake, carried: Vec::new(), closing: false }
    }

    /// Runs until nobody needs the connection, or it breaks. Says why it broke.
    pub async fn run(mut self) -> Option<String> {
        match self.serve().await {
            Ok(()) => {
                let _ = self.wire.attempt(0, |session| session.disconnect(None, "closed by user", None));
                None
            }
            Err(err) => {
                let reason = err.to_string();
                for carried in &self.carried {
                    carried.ending.set(Over::Lost(reason.clone()));
                    carried.pipe.close();
                }
                Some(reason)
            }
        }
    }

    async fn serve(&mut self) -> Result<(), WireError> {
        loop {
            self.open_channels().await?;
            if self.closing && self.carried.is_empty() {
                return Ok(());
            }
            if self.carry().await? {
                // Others have their turn, however much this host has to say.
                tokio::task::yield_now().await;
            } else {
                self.wait().await?;
            }
        }
    }

    async fn open_channels(&mut self) -> Result<(), WireError> {
        loop {
            match self.opens.try_recv() {
                Ok(open) => self.open(open).await?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => {
                    self.closing = true;
                    return Ok(());
                }
            }
        }
    }

    async fn open(&mut self, open: Open) -> Result<(), WireError> {
        if self.carried.is_empty() {
            self.wire.excuse_silence();
        }
        let started = tokio::time::timeout(OPEN_TIMEOUT, start(&mut self.wire, &open)).await;
        let channel = match started {
            Ok(Ok(channel)) => channel,
            // The host has its reasons; the connection lives on.
            Ok(Err(WireError::Ssh(err))) if self.wire.session.authenticated() && is_refusal(&err) => {
                let _ = open.answer.send(Err(refusal(&err)));
                return Ok(());
            }
            Ok(Err(err)) => {
                let _ = open.answer.send(Err(err.to_string()));
                return Err(err);
            }
            Err(_) => {
                let seconds = OPEN_TIMEOUT.as_secs();
                let _ = open.answer.send(Err(format!("the host did not open a session within {seconds} seconds")));
                return Err(WireError::Silent);
            }
        };
        if open.answer.send(Ok(())).is_ok() {
            self.carried.push(Carried {
                channel,
                pipe: open.pipe,
                ending: open.ending,
                to_host: Vec::new(),
                sent: 0,
                input_over: false,
                input_told: false,
                output_over: false,
                appetite: MORSEL,
            });
        }
        Ok(())
    }

    /// Moves what can be moved without waiting; true if anything was.
    async fn carry(&mut self) -> Result<bool, WireError> {
        let mut moved = false;
        let mut buffer = Vec::new();
        for carried in &mut self.carried {
            moved |= carried.carry_output(&mut self.wire, &mut buffer).await?;
            moved |= carried.carry_input(&mut self.wire).await?;
        }
        let mut index = 0;
        while let Some(carried) = self.carried.get_mut(index) {
            if carried.finish(&mut self.wire).await? {
                self.carried.swap_remove(index);
                moved = true;
            } else {
                index += 1;
            }
        }
        Ok(moved)
    }

    /// Sleeps until there is something to carry.
    async fn wait(&mut self) -> Result<(), WireError> {
        // With all readers slow, the socket is left alone: the host is held up in turn.
        let listens = self.carried.is_empty() || self.carried.iter().any(|carried| carried.pipe.has_room());
        if !listens {
            self.wake.notified().await;
            self.wire.excuse_silence();
            return Ok(());
        }
        if !self.carried.is_empty() && self.wire.may_have_more() {
            tokio::task::yield_now().await;
            return Ok(());
        }
        if self.carried.is_empty() {
            // Without a channel libssh2 reads nothing, not even the answer to whether the host is there.
            self.wire.excuse_silence();
        }
        tokio::select! {
            () = self.wake.notified() => Ok(()),
            closed = self.wire.readable() => if closed? && self.carried.is_empty() { Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()) } else { Ok(()) },
        }
    }
}

/// Errors that end a channel, and not the connection.
fn is_refusal(err: &ssh2::Error) -> bool {
    matches!(err.code(), ssh2::ErrorCode::Session(-23..=-21))
}

fn refusal(err: &ssh2::Error) -> String {
    let reason = super::wire::reason(err);
    if matches!(err.code(), ssh2::ErrorCode::Session(-21)) {
        return format!("the host opens no further session on this connection ({reason}): see MaxSessions of its sshd");
    }
    reason
}

async fn start(wire: &mut Wire, open: &Open) -> Result<Channel, WireError> {
    let mut channel = wire.call(|session| session.channel_session()).await?;
    for (name, value) in open.environment.iter() {
        // Which variables it takes is the host's affair.
        match wire.call(|_| channel.setenv(name, value)).await {
            Err(WireError::Ssh(err)) if is_refusal(&err) => {}
            other => other?,
        }
    }
    if open.terminal {
        wire.call(|_| channel.request_pty("vt100", None, None)).await?;
    }
    wire.call(|_| channel.exec(&open.line)).await?;
    Ok(channel)
}

impl Carried {
    async fn carry_output(&mut self, wire: &mut Wire, buffer: &mut Vec<u8>) -> Result<bool, WireError> {
        if self.output_over || !self.pipe.has_room() {
            return Ok(false);
        }
        buffer.resize(self.appetite, 0);
        let mut moved = false;
        let mut errors = self.channel.stderr();
        if let Some(count) = wire.carry(|| errors.read(buffer)).await? {
            self.ending.add_error_text(buffer.get(..count).unwrap_or_default());
            moved |= count > 0;
        }
        let channel = &mut self.channel;
        match wire.carry(|| channel.read(buffer)).await? {
            Some(0) if self.channel.eof() => {
                self.output_over = true;
                self.pipe.end_output();
                moved = true;
            }
            Some(count) => {
                self.pipe.push(buffer.get(..count).unwrap_or_default());
                moved |= count > 0;
                self.appetite = if count == self.appetite { PIECE } else { count.clamp(MORSEL, PIECE) };
            }
            None => {}
        }
        Ok(moved)
    }

    async fn carry_input(&mut self, wire: &mut Wire) -> Result<bool, WireError> {
        let mut moved = false;
        if self.sent == self.to_host.len() && !self.input_over {
            self.sent = 0;
            match self.pipe.pull() {
                Some(bytes) => self.to_host = bytes,
                None => {
                    self.to_host = Vec::new();
                    self.input_over = true;
                }
            }
        }
        while let Some(rest) = self.to_host.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let channel = &mut self.channel;
            match wire.carry(|| channel.write(rest)).await? {
                Some(count) if count > 0 => {
                    self.sent += count;
                    moved = true;
                }
                _ => return Ok(moved),
            }
        }
        if self.input_over && !self.input_told {
            let channel = &mut self.channel;
            let told = wire.carry(|| channel.send_eof().map(|()| 0).map_err(Into::into)).await?;
            self.input_told = told.is_some();
            moved |= self.input_told;
        }
        Ok(moved)
    }

    /// True once the channel is over and everyone knows.
    async fn finish(&mut self, wire: &mut Wire) -> Result<bool, WireError> {
        let deserted = self.input_told && self.pipe.is_deserted();
        if !self.output_over && !deserted {
            return Ok(false);
        }
        // The exit code comes after the output's end, with the channel's close.
        let channel = &mut self.channel;
        if !deserted && wire.carry(|| channel.wait_close().map(|()| 0).map_err(Into::into)).await?.is_none() {
            return Ok(false);
        }
        let signal = channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let code = channel.exit_status().unwrap_or(-1);
        self.ending.set(Over::Exited(signal.as_deref().map_or(code, signal_code)));
        self.pipe.close();
        let _ = wire.carry(|| channel.close().map(|()| 0).map_err(Into::into)).await?;
        Ok(true)
    }
}

/// A signal's name as the negative number by which a command's end is reported.
fn signal_code(name: &str) -> i32 {
    use rustix::process::Signal;
    let signal = match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "ILL" => Signal::ILL,
        "ABRT" => Signal::ABORT,
        "FPE" => Signal::FPE,
        "KILL" => Signal::KILL,
        "SEGV" => Signal::SEGV,
        "PIPE" => Signal::PIPE,
        "ALRM" => Signal::ALARM,
        _ => Signal::TERM,
    };
    -signal.as_raw()
}
