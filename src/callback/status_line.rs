//! On a terminal, one line below the output: which hosts still work, on what, and for how long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar;

use super::plain::plain;
use crate::engine::Event;
use crate::engine::event::EventKind;

pub const PERIOD: Duration = Duration::from_millis(250);

/// A task that is done within this time needs no line.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct StatusLine {
    working: BTreeMap<Arc<str>, Work>,
    drawn: bool,
}

struct Work {
    since: Instant,
    doing: Option<String>,
}

impl StatusLine {
    pub fn observe(&mut self, event: &Event) {
        let Some(host) = &event.about.host else {
            if matches!(event.kind, EventKind::PlaybookFinished(_)) {
                self.working.clear();
            }
            return;
        };
        match &event.kind {
            EventKind::HostStarted => {
                self.working.insert(Arc::clone(host), Work { since: Instant::now(), doing: None });
            }
            EventKind::Finished(_) => {
                self.working.remove(host);
            }
            EventKind::Progress(text) | EventKind::Silence(text) => self.set_doing(host, text),
            EventKind::Output { bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                    self.set_doing(host, line.trim());
                }
            }
            _ => {}
        }
    }

    fn set_doing(&mut self, host: &Arc<str>, text: &str) {
        if let Some(work) = self.working.get_mut(host) {
            work.doing = Some(plain(text).chars().map(|char| if char.is_control() { ' ' } else { char }).collect());
        }
    }

    /// The line in place of the last one; nothing when there is nothing to say.
    pub fn redraw(&mut self, columns: usize) -> Option<String> {
        let longest = self.working.iter().map(|(host, work)| (work.since, host, work)).min_by_key(|(since, ..)| *since);
        let Some((since, host, work)) = longest.filter(|(since, ..)| since.elapsed() >= PATIENCE) else {
            return self.erase();
        };
        let mut text = format!("{host} {} s", since.elapsed().as_secs());
        if let Some(doing) = &work.doing {
            text.push_str(": ");
            text.push_str(doing);
        }
        if self.working.len() > 1 {
            text = format!("{} hosts at work, {text}", self.working.len());
        }
        let shown = fitting(&text, columns);
        self.drawn = true;
        Some(format!("\r\x1b[K\x1b[2m{shown}\x1b[0m"))
    }

    /// What takes the line away, if it is there.
    pub fn erase(&mut self) -> Option<String> {
        std::mem::take(&mut self.drawn).then(|| "\r\x1b[K".to_owned())
    }
}

/// The beginning of a text that fits into so many columns of a terminal.
fn fitting(text: &str, columns: usize) -> String {
    let mut free = columns;
    let fits = |char: &char| match char.width().unwrap_or(0) {
        width if width <= free => {
            free -= width;
            true
        }
        _ => false,
    };
    text.chars().take_while(fits).collect()
}
