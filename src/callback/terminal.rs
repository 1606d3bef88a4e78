//! Standard output and standard error: buffered, colored when it makes sense, with a status line on a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::color::{Color, Painted, Palette};
use super::log;
use super::plain::plain;
use super::status_line::StatusLine;
use crate::engine::Event;
use crate::error::{Error, ErrorKind};

/// Text that is written as it is, and not collected with others.
const LONG: usize = 64 * 1024;

pub struct Terminal {
    pub palette: Palette,
    /// Characters in a line of a banner.
    pub columns: usize,
    out: Vec<u8>,
    err: Vec<u8>,
    status: Option<StatusLine>,
    /// Why standard output can't be written, once that has happened.
    trouble: Option<io::Error>,
}

/// When output is colored (`ANSIBLE_NOCOLOR`, `ANSIBLE_FORCE_COLOR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl Terminal {
    pub fn new(choice: ColorChoice, palette: Palette) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal,
        };
        let columns = if is_terminal { width_of_terminal().map_or(79, |width| width.max(80) - 1) } else { 79 };
        let for_people = is_terminal && io::stderr().is_terminal() && !is_kept();
        let status = for_people.then(StatusLine::default);
        let palette = if color { palette } else { Palette::default() };
        Self { palette, columns, out: Vec::new(), err: Vec::new(), status, trouble: None }
    }

    /// A line (or several) on standard output.
    pub fn line<'a>(&mut self, text: impl Into<Cow<'a, str>>, color: Option<Color>) {
        let painted = self.palette.paint(text, color);
        self.painted_line(&painted);
    }

    /// A line (or several) with colors of its own, on standard output.
    pub fn painted_line(&mut self, painted: &Painted) {
        log::painted(painted);
        self.painted(painted);
        self.out.push(b'\n');
    }

    /// Text that does not end its line, on standard output.
    pub fn painted(&mut self, painted: &Painted) {
        let text = painted.as_str().as_bytes();
        if text.len() > LONG {
            self.write_out();
            self.write_to_stdout(text);
        } else {
            self.out.extend_from_slice(text);
        }
    }

    /// A sign for the program that reads the output. Nothing of a run is in it, and no log holds it.
    pub fn sign(&mut self, sign: &str) {
        self.out.extend_from_slice(sign.as_bytes());
    }

    /// A line (or several) on standard error.
    pub fn error_line(&mut self, text: &str, color: Option<Color>) {
        // What was said before must be read before.
        self.write_out();
        let painted = self.palette.paint(text, color);
        log::painted(&painted);
        self.err.extend_from_slice(painted.as_str().as_bytes());
        self.err.push(b'\n');
        self.write_err();
    }

    pub fn observe(&mut self, event: &Event) {
        if let Some(status) = &mut self.status {
            status.observe(event);
        }
    }

    pub fn draw_status(&mut self) {
        let columns = self.columns;
        if let Some(line) = self.status.as_mut().and_then(|status| status.redraw(columns)) {
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    pub fn flush(&mut self) {
        self.write_out();
        self.write_err();
    }

    /// Writes what is left and takes the status line away.
    pub fn clear(&mut self) {
        self.flush();
        if let Some(erase) = self.status.as_mut().and_then(StatusLine::erase) {
            let _ = io::stderr().write_all(erase.as_bytes());
        }
    }

    /// Like `clear`; says whether everything could be written.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.clear();
        self.trouble.take().map_or(Ok(()), |err| Err(not_written(&err)))
    }

    fn write_out(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let out = std::mem::take(&mut self.out);
        self.write_to_stdout(&out);
        self.out = out;
        self.out.clear();
    }

    /// Output that can't be written is no reason to stop working on hosts; it is told when the run is over.
    fn write_to_stdout(&mut self, bytes: &[u8]) {
        if let Some(erase) = self.status.as_mut().and_then(StatusLine::erase) {
            let _ = io::stderr().write_all(erase.as_bytes());
        }
        let mut stdout = io::stdout().lock();
        if let Err(err) = write(&mut stdout, bytes) {
            self.trouble.get_or_insert(err);
        }
    }

    fn write_err(&mut self) {
        if self.err.is_empty() {
            return;
        }
        if let Some(erase) = self.status.as_mut().and_then(StatusLine::erase) {
            self.err.splice(0..0, erase.into_bytes());
        }
        let _ = io::stderr().lock().write_all(&self.err);
        self.err.clear();
    }
}

/// Text on standard output, from a command that does nothing but print.
pub fn print(text: &str) -> Result<(), Error> {
    log::text(text);
    write(&mut io::stdout().lock(), plain(text).as_bytes()).map_err(|err| not_written(&err))
}

/// A closed pipe (`rplay … | head`) is what whoever reads wants.
fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn not_written(err: &io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("the output could not be written: {err}"))
}

/// Whether the terminal is none that a line can be drawn on again, or one whose output is kept as a log.
fn is_kept() -> bool {
    let given = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty());
    given("TERM").is_some_and(|text| text == "dumb") || given("CI").is_some_and(|text| text != "false")
}

fn width_of_terminal() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0)
}
