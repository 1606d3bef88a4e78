//! What `rplay galaxy` says while it works.

use std::cell::RefCell;

use crate::callback::{Color, Terminal};
use crate::error::Error;

pub struct Output {
    terminal: RefCell<Terminal>,
    verbosity: u8,
    silent: bool,
}

impl Output {
    pub fn new(terminal: Terminal, verbosity: u8) -> Self {
        Self { terminal: RefCell::new(terminal), verbosity, silent: false }
    }

    /// Says warnings and errors alone.
    pub fn silent(terminal: Terminal) -> Self {
        Self { silent: true, ..Self::new(terminal, 0) }
    }

    pub fn line(&self, text: impl AsRef<str>) {
        self.said(text.as_ref(), None);
    }

    /// A line that is shown at this many -v.
    pub fn verbose(&self, verbosity: u8, text: impl AsRef<str>) {
        if self.verbosity >= verbosity {
            self.said(text.as_ref(), Some(Color::Verbose));
        }
    }

    pub fn warn(&self, text: impl AsRef<str>) {
        let text = format!("[WARNING]: {}", text.as_ref());
        self.terminal.borrow_mut().error_line(&text, Some(Color::Warn));
    }

    pub fn error(&self, text: impl AsRef<str>) {
        let text = format!("[ERROR]: {}", text.as_ref());
        self.terminal.borrow_mut().error_line(&text, Some(Color::Error));
    }

    pub fn finish(&self) -> Result<(), Error> {
        self.terminal.borrow_mut().finish()
    }

    fn said(&self, text: &str, color: Option<Color>) {
        if self.silent {
            return;
        }
        let mut terminal = self.terminal.borrow_mut();
        terminal.line(text, color);
        terminal.flush();
    }
}
