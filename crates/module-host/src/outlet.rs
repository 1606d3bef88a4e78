//! The one way out: whole frames, one writer at a time.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_module_api::frame::{self, FrameKind, MessageWriter};
use serde::Serialize;

#[derive(Clone)]
pub struct Outlet(Arc<Mutex<File>>);

impl Outlet {
    pub fn new(to: File) -> Self {
        Self(Arc::new(Mutex::new(to)))
    }

    /// Writes frames that are encoded already.
    pub fn write(&self, frames: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(frames)
    }

    pub fn send(&self, kind: FrameKind, id: u32, body: &[u8]) -> io::Result<()> {
        self.write(&frame::encode(kind, id, body))
    }

    /// Serializes straight into frames: a result of hundreds of megabytes is held once, not twice.
    pub fn send_json(&self, kind: FrameKind, id: u32, message: &impl Serialize) -> io::Result<()> {
        let mut send = |frame: Vec<u8>| self.write(&frame);
        let mut writer = MessageWriter::new(kind, id, &mut send);
        serde_json::to_writer(&mut writer, message)?;
        writer.finish()
    }
}
