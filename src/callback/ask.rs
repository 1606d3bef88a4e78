//! Questions on the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::plain::plain;
use crate::engine::event::{Answer, Ask};

/// Asks on the terminal and sends the answer, unless whoever asked gives up first.
pub fn answer(ask: Ask) {
    let Ask { question, reply } = ask;
    if !question.piped && !io::stdin().is_terminal() {
        let _ = reply.send(Answer::NotInteractive);
        return;
    }
    let silent = question.secret.then(SilentTerminal::new).flatten();
    let text = plain(&question.text);
    let _ = if question.piped { show(io::stdout().lock(), &text) } else { show(io::stderr().lock(), &text) };
    let answer = line(|| reply.is_closed());
    drop(silent);
    let _ = reply.send(match answer {
        Ok(Some(text)) => Answer::Text(text),
        Ok(None) => Answer::Lost("interrupted".to_owned()),
        Err(err) => Answer::Lost(err.to_string()),
    });
}

fn show(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// A line of standard input; none when it isn't wanted any more.
fn line(given_up: impl Fn() -> bool) -> io::Result<Option<String>> {
    let stdin = io::stdin();
    let mut bytes = Vec::new();
    let a_moment = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    loop {
        if given_up() {
            return Ok(None);
        }
        let mut waiting = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
        match poll(&mut waiting, Some(&a_moment)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(err) => return Err(err.into()),
        }
        // One byte at a time: what follows the line belongs to the next question.
        let mut byte = [0];
        match rustix::io::read(stdin.as_fd(), &mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) if byte == *b"\n" => break,
            Ok(_) => bytes.push(byte[0]),
            Err(rustix::io::Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned()))
}

/// A terminal that shows nothing of what is typed. It is silent before the question appears: who answers at once is not to be shown.
pub struct SilentTerminal {
    terminal: File,
    before: Termios,
}

impl SilentTerminal {
    pub fn new() -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for SilentTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
