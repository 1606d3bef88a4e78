//! The two directions of a channel, and how it ended.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::watch;

/// Error output that is kept.
const MAX_ERROR_TEXT: usize = 64 * 1024;

pub struct Link {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub ending: Ending,
    /// The process behind the link, if it is one of this machine.
    pub guard: Option<ProcessGuard>,
}

/// Ends a process and its group when nobody is interested any more: it has no terminal whose interrupt would.
pub struct ProcessGuard {
    pub group: Pid,
    pub ending: Ending,
}

impl ProcessGuard {
    /// Ends the process, whatever is known of it.
    pub fn end(&self) {
        let _ = kill_process_group(self.group, Signal::TERM);
    }
}

impl Drop for ProcessGuard {
    fn drop(&mut self) {
        if self.ending.over.borrow().is_none() {
            self.end();
        }
    }
}

/// What is known of a channel's end, filled in by the one who carries its bytes.
#[derive(Clone)]
pub struct Ending {
    error_text: Arc<Mutex<Vec<u8>>>,
    over: Arc<watch::Sender<Option<Over>>>,
}

/// A channel that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The command ended with this code; negative, by this signal.
    Exited(i32),
    /// The connection broke.
    Lost(String),
}

impl Default for Ending {
    fn default() -> Self {
        Self { error_text: Arc::default(), over: Arc::new(watch::channel(None).0) }
    }
}

impl Ending {
    pub fn add_error_text(&self, bytes: &[u8]) {
        let mut text = self.error_text.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_ERROR_TEXT.saturating_sub(text.len());
        text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Collects a stream of error output in the background.
    pub fn collect_error_text(&self, mut from: impl AsyncRead + Send + Unpin + 'static) {
        let ending = self.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(count) = from.read(&mut buffer).await {
                if count == 0 {
                    break;
                }
                ending.add_error_text(&buffer[..count]);
            }
        });
    }

    pub fn error_text(&self) -> Vec<u8> {
        self.error_text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, over: Over) {
        self.over.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(over);
            }
            first
        });
    }

    /// Waits until the channel is over.
    pub async fn wait(&self) -> Over {
        let mut receiver = self.over.subscribe();
        let lost = || Over::Lost("the channel was dropped".to_owned());
        let over = receiver.wait_for(Option::is_some).await;
        over.ok().and_then(|over| over.clone()).unwrap_or_else(lost)
    }
}
