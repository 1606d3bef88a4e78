//! Questions on the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use super::plain::plain;
use crate::actions::{Pause, Question};
use crate::engine::event::{Answer, Ask};

/// Asks on the terminal and sends the answer, unless whoever asked gives up first.
pub fn answer(ask: Ask) {
    let Ask { question, reply } = ask;
    if !question.piped && !has_user() {
        let _ = reply.send(Answer::NotInteractive);
        return;
    }
    if let Some(pause) = question.pause {
        let answer = paused(pause, &question, || reply.is_closed());
        let _ = reply.send(answer.unwrap_or_else(|err| Answer::Lost(err.to_string())));
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

/// A job in the background may not take the terminal.
fn has_user() -> bool {
    // A terminal that controls no process has no foreground either.
    io::stdin().is_terminal() && tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

fn show(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}

const INTERRUPT: u8 = 3;

/// Waits as long as a pause lasts. The terminal gives every key at once, Ctrl+C among them.
fn paused(pause: Pause, question: &Question, given_up: impl Fn() -> bool) -> io::Result<Answer> {
    let _keys = KeyTerminal::new()?;
    let echo = !question.secret;
    show(io::stderr().lock(), &plain(&question.text))?;
    let end = match pause {
        Pause::For(duration) => Some(Instant::now() + duration),
        Pause::UntilAnswered => None,
    };
    let is_over = || given_up() || end.is_some_and(|end| Instant::now() >= end);
    let mut typed: Vec<u8> = Vec::new();
    while let Some(key) = key(&is_over)? {
        match key {
            INTERRUPT => {
                show(io::stderr().lock(), "\nPress 'C' to continue the play or 'A' to abort \n")?;
                loop {
                    match self::key(&given_up)? {
                        Some(b'c' | b'C') => return Ok(Answer::Text(String::new())),
                        Some(b'a' | b'A') | None => return Ok(Answer::Aborted),
                        Some(_) => {}
                    }
                }
            }
            _ if end.is_some() => {}
            b'\r' | b'\n' => break,
            0x08 | 0x7f => {
                if pop_char(&mut typed) && echo {
                    show(io::stderr().lock(), "\x08 \x08")?;
                }
            }
            byte => {
                typed.push(byte);
                if echo {
                    io::stderr().write_all(&[byte])?;
                }
            }
        }
    }
    show(io::stderr().lock(), "\n")?;
    Ok(Answer::Text(String::from_utf8_lossy(&typed).into_owned()))
}

/// Takes the last character away, of however many bytes it is. Says whether there was one.
fn pop_char(typed: &mut Vec<u8>) -> bool {
    while let Some(byte) = typed.pop() {
        if byte & 0xc0 != 0x80 {
            return true;
        }
    }
    false
}

/// The next byte of standard input; none when it isn't wanted any more.
fn key(is_over: &impl Fn() -> bool) -> io::Result<Option<u8>> {
    let stdin = io::stdin();
    let a_moment = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    loop {
        if is_over() {
            return Ok(None);
        }
        let mut waiting = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
        match poll(&mut waiting, Some(&a_moment)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(err) => return Err(err.into()),
        }
        let mut byte = [0];
        match rustix::io::read(stdin.as_fd(), &mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(Some(byte[0])),
            Err(rustix::io::Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
}

/// A line of standard input; none when it isn't wanted any more. What follows it belongs to the next question.
fn line(given_up: impl Fn() -> bool) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    while let Some(byte) = key(&given_up)? {
        if byte == b'\n' {
            return Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned()));
        }
        bytes.push(byte);
    }
    Ok(None)
}

/// A terminal that hands over each key as it is pressed, and shows none.
struct KeyTerminal(Termios);

impl KeyTerminal {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Now, &keys)?;
        Ok(Self(before))
    }
}

impl Drop for KeyTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
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
