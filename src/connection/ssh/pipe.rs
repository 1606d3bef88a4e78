//! The two ends of a channel within this process: what the host says waits here for its reader, and what it shall get for the driver.
//! An idle pipe holds no buffer.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// Bytes from the host that wait at most.
const ROOM: usize = 128 * 1024;
/// Bytes for the host that wait at most: as much as is made at once of a file, so that nobody is woken for less.
const ROOM_TO_HOST: usize = 640 * 1024;

#[derive(Default)]
struct State {
    from_host: Vec<u8>,
    /// So many bytes of it have been read.
    taken: usize,
    to_host: Vec<u8>,
    /// The host says nothing more.
    output_over: bool,
    /// Nothing more will be said to the host.
    input_over: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub struct Pipe {
    state: Mutex<State>,
    /// Tells the driver that there is something to do.
    driver: Arc<Notify>,
}

impl Pipe {
    pub fn new(driver: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), driver })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ends(self: &Arc<Self>) -> (Reader, Writer) {
        (Reader(Arc::clone(self)), Writer(Arc::clone(self)))
    }

    /// Whether the reader can take more.
    pub fn has_room(&self) -> bool {
        let state = self.lock();
        state.reader_gone || state.from_host.len() - state.taken < ROOM
    }

    /// Hands on what the host said.
    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if state.reader_gone {
            return;
        }
        if state.taken > 0 {
            let taken = mem::take(&mut state.taken);
            state.from_host.drain(..taken);
        }
        state.from_host.extend_from_slice(bytes);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// What the host shall get next; an empty piece when there is nothing, none when there will be nothing more.
    pub fn pull(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        if state.to_host.is_empty() && state.input_over {
            return None;
        }
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
        Some(mem::take(&mut state.to_host))
    }

    /// Nobody in this process uses the channel any more.
    pub fn is_deserted(&self) -> bool {
        let state = self.lock();
        state.reader_gone && state.input_over
    }

    /// The channel is over, for the reader and the writer.
    pub fn close(&self) {
        let mut state = self.lock();
        state.output_over = true;
        state.input_over = true;
        for waker in [state.reader.take(), state.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    pub fn end_output(&self) {
        let mut state = self.lock();
        state.output_over = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

pub struct Reader(Arc<Pipe>);

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let waiting = state.from_host.get(state.taken..).unwrap_or_default();
        if waiting.is_empty() {
            if state.output_over {
                return Poll::Ready(Ok(()));
            }
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let full = waiting.len() >= ROOM;
        let piece = waiting.get(..buffer.remaining()).unwrap_or(waiting);
        buffer.put_slice(piece);
        state.taken += piece.len();
        if state.taken == state.from_host.len() {
            state.from_host = Vec::new();
            state.taken = 0;
        }
        drop(state);
        if full {
            self.0.driver.notify_one();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader_gone = true;
        state.from_host = Vec::new();
        state.taken = 0;
        drop(state);
        self.0.driver.notify_one();
    }
}

pub struct Writer(Arc<Pipe>);

impl Writer {
    fn end(&self) {
        self.0.lock().input_over = true;
        self.0.driver.notify_one();
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        if state.input_over {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = ROOM_TO_HOST.saturating_sub(state.to_host.len());
        if room == 0 {
            state.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let piece = bytes.get(..room).unwrap_or(bytes);
        state.to_host.extend_from_slice(piece);
        drop(state);
        self.0.driver.notify_one();
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}
