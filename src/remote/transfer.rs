//! Files beside a request, in both directions. Small ones travel with the request; of others only a window is ever in memory.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rplay_module_api::frame::{self, Assembler, Frame, FrameKind, WINDOW, credit, encode};
use tokio::io::AsyncWriteExt;

use super::FileSource;
use crate::connection::limits;

/// Largest file that is attached to its request, wanted or not: smaller than what a round trip costs.
const MAX_ATTACHED: u64 = 256 * 1024;
/// Most that is attached altogether.
const MAX_ATTACHED_TOTAL: u64 = 1024 * 1024;
/// Most files that are attached.
const MOST_ATTACHED: usize = 32;
const PIECE: usize = 128 * 1024;
/// What is read at once.
const BATCH: usize = 512 * 1024;

/// Files for the module.
pub struct Outgoing {
    order: Vec<String>,
    /// Files that the module waits for, in its order.
    wanted: Assembler,
    /// Absent while a thread reads for it.
    state: Option<Box<Sending>>,
}

/// What is being sent.
struct Sending {
    id: u32,
    sources: HashMap<String, FileSource>,
    queue: VecDeque<String>,
    current: Option<Source>,
    window: usize,
}

enum Source {
    /// With the bytes that it had, and that are not read yet.
    File(File, u64),
    Bytes(Vec<u8>, usize),
}

impl Outgoing {
    pub fn new(id: u32, files: Vec<(String, FileSource)>) -> Self {
        let order = files.iter().map(|(name, _)| name.clone()).collect();
        let sources = files.into_iter().collect();
        let state = Sending { id, sources, queue: VecDeque::new(), current: None, window: WINDOW };
        Self { order, wanted: Assembler::default(), state: Some(Box::new(state)) }
    }

    /// Takes a frame that is about sending.
    pub fn take(&mut self, frame: Frame) -> Result<(), String> {
        let Some(state) = &mut self.state else { return Ok(()) };
        match frame.kind {
            FrameKind::Want => {
                if let Some(names) = self.wanted.add(frame).map_err(|err| err.to_string())? {
                    let names = String::from_utf8_lossy(&names).into_owned();
                    state.queue.extend(names.split('\0').map(str::to_owned));
                    if state.queue.len() > 2 * self.order.len() + 16 {
                        return Err("the agent asks for more files than belong to the task".to_owned());
                    }
                }
            }
            FrameKind::Credit => state.window = state.window.saturating_add(frame.credit()).min(WINDOW),
            FrameKind::Stop => {
                state.queue.clear();
                state.current = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// The next frames that may be sent now; none when the module has enough for the moment, or all.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        let mut state = self.state.take()?;
        if !state.has_work() {
            self.state = Some(state);
            return None;
        }
        // A disk may be slow, and a thread for every small file would cost more than reading it.
        let read = tokio::task::spawn_blocking(move || {
            let frames = state.fill();
            (state, frames)
        });
        let (state, frames) = read.await.ok()?;
        self.state = Some(state);
        Some(frames)
    }
}

impl Sending {
    fn has_work(&self) -> bool {
        self.window > 0 && (self.current.is_some() || !self.queue.is_empty())
    }

    /// Frames of about `BATCH` bytes, as far as the window and the files go.
    fn fill(&mut self) -> Vec<u8> {
        let mut frames = Vec::with_capacity(BATCH.min(self.window) + BATCH / 8);
        while frames.len() < BATCH && self.has_work() {
            let mut source = match self.current.take() {
                Some(source) => source,
                None => match self.queue.pop_front().map(|name| self.open(&name)) {
                    Some(Ok(source)) => source,
                    Some(Err(reason)) => {
                        frames.extend(encode(FrameKind::ChunkFail, self.id, reason.as_bytes()));
                        continue;
                    }
                    None => break,
                },
            };
            match self.piece(&mut source, &mut frames) {
                Ok((count, ended)) => {
                    self.window -= count;
                    if ended {
                        frames.extend(encode(FrameKind::ChunkEnd, self.id, b""));
                    } else {
                        self.current = Some(source);
                    }
                }
                Err(err) => frames.extend(encode(FrameKind::ChunkFail, self.id, err.to_string().as_bytes())),
            }
        }
        frames
    }

    /// Reads straight into a frame; returns its length, and whether it is the last.
    fn piece(&self, source: &mut Source, frames: &mut Vec<u8>) -> io::Result<(usize, bool)> {
        let room = self.window.min(PIECE);
        match source {
            Source::Bytes(bytes, sent) => {
                let rest = bytes.get(*sent..).unwrap_or_default();
                let piece = rest.get(..room).unwrap_or(rest);
                if !piece.is_empty() {
                    frames.extend(encode(FrameKind::Chunk, self.id, piece));
                }
                *sent += piece.len();
                Ok((piece.len(), *sent == bytes.len()))
            }
            Source::File(file, left) => {
                // What tells no length, such as a file of /proc, is read until nothing comes.
                let known = usize::try_from(*left).unwrap_or(usize::MAX);
                let room = if known > 0 { room.min(known) } else { room };
                let count = frame::encode_from(FrameKind::Chunk, self.id, file, room, frames)?;
                *left = left.saturating_sub(count as u64);
                Ok((count, count == 0 || (known > 0 && *left == 0)))
            }
        }
    }

    fn open(&self, name: &str) -> Result<Source, String> {
        match self.sources.get(name) {
            None => Err(format!("no file `{name}` belongs to this task")),
            Some(FileSource::Bytes(bytes)) => Ok(Source::Bytes(bytes.clone(), 0)),
            Some(FileSource::Kept(bytes)) => Ok(Source::Bytes(bytes.to_vec(), 0)),
            Some(FileSource::Path(path)) => {
                match File::open(path).and_then(|file| Ok((file.metadata()?.len(), file))) {
                    Ok((length, file)) => Ok(Source::File(file, length)),
                    Err(err) => Err(format!("{}: {}", path.display(), limits::explain(&err))),
                }
            }
        }
    }
}

/// Adds small files to the frames of a request.
pub fn attach(outgoing: &mut Outgoing, frames: &mut Vec<u8>) -> Result<(), String> {
    let Some(state) = &outgoing.state else { return Ok(()) };
    let mut left = MAX_ATTACHED_TOTAL;
    // Of many files the target may have most: it says which it lacks.
    if outgoing.order.len() > MOST_ATTACHED {
        return Ok(());
    }
    for name in &outgoing.order {
        let read;
        let content = match state.sources.get(name) {
            Some(FileSource::Bytes(bytes)) if bytes.len() as u64 <= MAX_ATTACHED.min(left) => bytes,
            Some(FileSource::Path(path)) if length(path)? <= MAX_ATTACHED.min(left) => {
                read = std::fs::read(path).map_err(|err| format!("{}: {err}", path.display()))?;
                &read
            }
            _ => continue,
        };
        left = left.saturating_sub(content.len() as u64);
        let body = [name.as_bytes(), b"\0", content].concat();
        frames.extend(encode(FrameKind::Attachment, state.id, &body));
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
    file: tokio::fs::File,
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
                    let flushed = match file.flush().await {
                        Ok(()) => file.set_permissions(permissions_for(&place)).await,
                        failed => failed,
                    };
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
        Ok(Receiving { place, beside, file: tokio::fs::File::from_std(file) })
    }

    fn fail(&mut self, reason: String) {
        self.current = None;
        self.failure.get_or_insert(reason);
    }
}

/// What a fetched file may: as the one that it replaces, or as any new file of this process.
fn permissions_for(place: &Path) -> Permissions {
    let present = std::fs::metadata(place).map(|meta| meta.permissions().mode() & 0o777);
    Permissions::from_mode(present.unwrap_or_else(|_| 0o666 & !umask()))
}

/// The process's umask, which only /proc tells without a change to it.
fn umask() -> u32 {
    static UMASK: LazyLock<u32> = LazyLock::new(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let written = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        written.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
    });
    *UMASK
}
