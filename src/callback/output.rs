//! The terminal: lines in color, on either stream, around a status line.

use std::collections::HashSet;
use std::io::{self, Write};

use super::CallbackOptions;
use super::color::Color;
use super::excerpt;
use crate::error::{Notice, NoticeKind};

pub struct Output {
    stdout: io::BufWriter<io::Stdout>,
    pub color: bool,
    status_shown: bool,
    /// Errors that were shown already: the same mistake on many hosts is told once.
    seen: HashSet<String>,
}

impl Output {
    pub fn new(options: &CallbackOptions) -> Self {
        Self {
            stdout: io::BufWriter::new(io::stdout()),
            color: options.color,
            status_shown: false,
            seen: HashSet::new(),
        }
    }

    /// Nobody may be reading any more; that is no reason to stop a run that changes machines.
    pub fn line(&mut self, text: &str, color: Option<Color>) {
        let text = self.painted(text, color);
        let _ = self.stdout.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = self.stdout.write_all(b"\n");
        }
    }

    pub fn error_line(&mut self, text: &str, color: Option<Color>) {
        self.flush();
        let mut text = self.painted(text, color);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.stdout.write_all(bytes);
    }

    fn painted(&self, text: &str, color: Option<Color>) -> String {
        match color {
            Some(color) if self.color => match text.strip_suffix('\n') {
                Some(text) => format!("{}\n", color.paint(text)),
                None => color.paint(text),
            },
            _ => text.to_owned(),
        }
    }

    /// Whether this text was not shown before.
    pub fn is_new(&mut self, text: &str) -> bool {
        self.seen.insert(text.to_owned())
    }

    pub fn warning(&mut self, text: &str) {
        self.error_line(&format!("[WARNING]: {text}"), Some(Color::Warn));
    }

    pub fn notice(&mut self, notice: &Notice) {
        let (title, color) = match notice.kind {
            NoticeKind::Warning => ("WARNING", Color::Warn),
            NoticeKind::Deprecation => ("DEPRECATION WARNING", Color::Deprecate),
        };
        let mut text = format!("[{title}]: {}\n", notice.message);
        if let Some(place) = &notice.place {
            text.push_str(&excerpt::origin(place));
            text.push('\n');
        }
        self.error_line(&text, Some(color));
    }

    pub fn show_status(&mut self, text: &str) {
        self.clear_status();
        if text.is_empty() {
            return;
        }
        self.flush();
        let mut err = io::stderr();
        let _ = err.write_all(format!("\r\x1b[2m{text}\x1b[0m\x1b[K").as_bytes());
        let _ = err.flush();
        self.status_shown = true;
    }

    pub fn clear_status(&mut self) {
        if self.status_shown {
            self.status_shown = false;
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }

    pub fn flush(&mut self) {
        let _ = self.stdout.flush();
    }
}
