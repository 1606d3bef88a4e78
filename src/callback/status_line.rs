//! Which hosts still work, and for how long; for a person who waits.

use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;

use super::banner::width;
use crate::engine::Event;

#[derive(Default)]
pub struct StatusLine {
    working: IndexMap<Arc<str>, Working>,
}

struct Working {
    since: Instant,
    progress: Option<String>,
}

impl StatusLine {
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::TaskStarted(_) | Event::PlaybookFinished(_) => self.working.clear(),
            Event::HostStarted { host, .. } => {
                self.working.insert(Arc::clone(host), Working { since: Instant::now(), progress: None });
            }
            Event::Finished(report) => {
                self.working.shift_remove(&report.host);
            }
            Event::Progress { host, text } => {
                if let Some(working) = self.working.get_mut(host) {
                    working.progress = Some(text.clone());
                }
            }
            _ => {}
        }
    }

    /// Nothing for the first seconds: most tasks are over before anybody wonders.
    pub fn text(&self, columns: usize) -> String {
        let Some(longest) = self.working.values().map(|working| working.since.elapsed().as_secs()).max() else {
            return String::new();
        };
        if longest < 2 {
            return String::new();
        }
        let hosts: Vec<String> = self
            .working
            .iter()
            .map(|(host, working)| {
                let seconds = working.since.elapsed().as_secs();
                match &working.progress {
                    Some(progress) => format!("{host} {seconds} s: {}", progress.lines().next().unwrap_or_default()),
                    None => format!("{host} {seconds} s"),
                }
            })
            .collect();
        let mut text = format!("working: {}", hosts.join(", "));
        while width(&text) > columns {
            text.pop();
        }
        text
    }
}
