//! Files beside a request, in both directions. Small ones travel with the request; of others only a window is ever in memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rplay_module_api::frame::{Frame, FrameKind, WINDOW, credit, encode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::FileSource;

/// Largest file that is attached to its request, wanted or not: smaller than what a round trip costs.
const MAX_ATTACHED: u64 = 256 * 1024;
/// Most that is attached altogether.
const MAX_ATTACHED_TOTAL: u64 = 1024 * 1024;
const PIECE: usize = 128 * 1024;

/// Files for the module.
pub struct Outgoing {
    id: u32,
    sources: HashMap<String, FileSource>,
    order: Vec<String>,
    current: Option<Sending>,
    window: usize,
}

enum Sending {
    File(File),
    Bytes(Vec<u8>, usize),
    Stopped,
    Failed(String),
}

impl Outgoing {
    pub fn new(id: u32, files: Vec<(String, FileSource)>) -> Self {
        let order = files.iter().map(|(name, _)| name.clone()).collect();
        Self { id, sources: files.into_iter().collect(), order, current: None, window: WINDOW }
    }

    /// Takes a frame that is about sending.
    pub async fn take(&mut self, frame: &Frame) {
        match frame.kind {
            FrameKind::Want => {
                let name = String::from_utf8_lossy(&frame.body).into_owned();
                self.window = WINDOW;
                self.current = Some(self.open(&name).await);
            }
            FrameKind::Credit => self.window += frame.credit(),
            FrameKind::Stop if self.current.is_some() => self.current = Some(Sending::Stopped),
            _ => {}
        }
    }

    async fn open(&self, name: &str) -> Sending {
        match self.sources.get(name) {
            None => Sending::Failed(format!("no file `{name}` belongs to this task")),
            Some(FileSource::Bytes(bytes)) => Sending::Bytes(bytes.clone(), 0),
            Some(FileSource::Path(path)) => match File::open(path).await {
                Ok(file) => Sending::File(file),
                Err(err) => Sending::Failed(format!("{}: {err}", path.display())),
            },
        }
    }

    /// The next frame that may be sent now.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        let id = self.id;
        let room = self.window.min(PIECE);
        let (kind, body) = match self.current.as_mut()? {
            Sending::Stopped => (FrameKind::ChunkEnd, Vec::new()),
            Sending::Failed(reason) => (FrameKind::ChunkFail, reason.clone().into_bytes()),
            _ if room == 0 => return None,
            Sending::Bytes(bytes, sent) => {
                let rest = bytes.get(*sent..).unwrap_or_default();
                let piece = rest.get(..room).unwrap_or(rest).to_vec();
                *sent += piece.len();
                (if piece.is_empty() { FrameKind::ChunkEnd } else { FrameKind::Chunk }, piece)
            }
            Sending::File(file) => {
                let mut piece = vec![0; room];
                match file.read(&mut piece).await {
                    Ok(0) => (FrameKind::ChunkEnd, Vec::new()),
                    Ok(count) => {
                        piece.truncate(count);
                        (FrameKind::Chunk, piece)
                    }
                    Err(err) => (FrameKind::ChunkFail, err.to_string().into_bytes()),
                }
            }
        };
        if kind == FrameKind::Chunk {
            self.window -= body.len();
        } else {
            self.current = None;
        }
        Some(encode(kind, id, &body))
    }
}

/// Adds small files to the frames of a request.
pub fn attach(outgoing: &mut Outgoing, frames: &mut Vec<u8>) -> Result<(), String> {
    let mut left = MAX_ATTACHED_TOTAL;
    for name in &outgoing.order {
        let read;
        let content = match outgoing.sources.get(name) {
            Some(FileSource::Bytes(bytes)) if bytes.len() as u64 <= MAX_ATTACHED.min(left) => bytes,
            Some(FileSource::Path(path)) if length(path)? <= MAX_ATTACHED.min(left) => {
                read = std::fs::read(path).map_err(|err| format!("{}: {err}", path.display()))?;
                &read
            }
            _ => continue,
        };
        left = left.saturating_sub(content.len() as u64);
        let body = [name.as_bytes(), b"\0", content].concat();
        frames.extend(encode(FrameKind::Attachment, outgoing.id, &body));
    }
    Ok(())
}

fn length(path: &Path) -> Result<u64, String> {
    std::fs::metadata(path).map(|metadata| metadata.len()).map_err(|err| format!("{}: {err}", path.display()))
}

/// Files from the module.
pub struct Incoming {
    id: u32,
    places: HashMap<String, PathBuf>,
    current: Option<Receiving>,
    failure: Option<String>,
}

struct Receiving {
    place: PathBuf,
    /// Removed unless it is moved to its place.
    beside: tempfile::TempPath,
    file: File,
}

impl Incoming {
    pub fn new(id: u32, receive: Vec<(String, PathBuf)>) -> Self {
        Self { id, places: receive.into_iter().collect(), current: None, failure: None }
    }

    pub fn failure(self) -> Option<String> {
        self.failure
    }

    /// Takes a frame that brings a file; returns what to answer.
    pub async fn take(&mut self, frame: Frame) -> Option<Vec<u8>> {
        match frame.kind {
            FrameKind::FileStart => {
                let name = String::from_utf8_lossy(&frame.body).into_owned();
                match self.begin(&name).await {
                    Ok(receiving) => self.current = Some(receiving),
                    Err(reason) => self.fail(reason),
                }
                None
            }
            FrameKind::Chunk => {
                if let Some(current) = &mut self.current
                    && let Err(err) = current.file.write_all(&frame.body).await
                {
                    let reason = format!("{}: {err}", current.place.display());
                    self.fail(reason);
                }
                // Credit in any case: the module must come to its end.
                Some(credit(self.id, frame.body.len()))
            }
            FrameKind::ChunkEnd => {
                if let Some(Receiving { place, beside, mut file }) = self.current.take() {
                    let flushed = file.flush().await;
                    let moved = flushed.and_then(|()| beside.persist(&place).map_err(|err| err.error));
                    if let Err(err) = moved {
                        self.fail(format!("{}: {err}", place.display()));
                    }
                }
                None
            }
            _ => {
                // Why the file could not be read, the module's result says.
                self.current = None;
                None
            }
        }
    }

    async fn begin(&self, name: &str) -> Result<Receiving, String> {
        let place = self.places.get(name).ok_or_else(|| format!("nobody asked for a file `{name}`"))?.clone();
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let explain = |err: std::io::Error| format!("{}: {err}", place.display());
        tokio::fs::create_dir_all(folder).await.map_err(explain)?;
        let made = tempfile::Builder::new().prefix(".rplay-").tempfile_in(folder).map_err(explain)?;
        let (file, beside) = made.into_parts();
        Ok(Receiving { place, beside, file: File::from_std(file) })
    }

    fn fail(&mut self, reason: String) {
        self.current = None;
        self.failure.get_or_insert(reason);
    }
}
