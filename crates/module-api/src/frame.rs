//! Frames between controller and agent: a fixed header (length, kind, request, flags) and a body of at most 256 KiB.
//! A message that is longer continues in further frames, so no reader has to reserve more than one frame's worth.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};

pub const HEADER_LENGTH: usize = 12;
/// Longest body; a longer length in a header is an error, never an allocation.
pub const MAX_BODY: usize = 256 * 1024;
/// Longest message that is put together from several frames: more than a file that is read into a variable, far less than memory.
pub const MAX_MESSAGE: usize = 512 << 20;
/// Bytes of file or output that may be under way to a reader that has not said `Credit`.
pub const WINDOW: usize = 1 << 20;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a frame says. The number is its form on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum FrameKind { $($(#[$doc])* $name = $number,)* }

        impl FrameKind {
            fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(FrameKind::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Agent: JSON `Hello`, first of all frames.
    Hello = 1,
    /// Controller: JSON `Become`; this request belongs to the agent of another user.
    Route = 2,
    /// Controller: a file's name, a zero byte and (part of) its content, ahead of the request that needs it.
    Attachment = 3,
    /// Controller: JSON `Request`; the module may start.
    Request = 4,
    /// Controller: the request is not wanted any more.
    Cancel = 5,
    /// Agent: names of the files that the controller shall send, one after the other, with a zero byte between them.
    Want = 6,
    /// Agent: no more of the files that are being sent.
    Stop = 7,
    /// Either: part of the file that the other side receives.
    Chunk = 8,
    /// Either: the file is complete.
    ChunkEnd = 9,
    /// Either: the file cannot be read; the body says why.
    ChunkFail = 10,
    /// Either: so many more bytes (little-endian u32) may be sent.
    Credit = 11,
    /// Agent: name of a file that follows in chunks.
    FileStart = 12,
    /// Agent: output of a running command.
    Stdout = 13,
    /// Agent: error output of a running command.
    Stderr = 14,
    /// Agent: what a long task is waiting for.
    Progress = 15,
    /// Agent: JSON `Response`, last frame of a request.
    Response = 16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub length: usize,
    pub kind: FrameKind,
    /// The message goes on in the next frame of this kind and request.
    pub more: bool,
    pub id: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: FrameKind,
    pub more: bool,
    pub id: u32,
    pub body: Vec<u8>,
}

/// The bytes are not what the other side of this protocol sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    Kind(u8),
    Flags(u8),
    Length(u32),
    Message,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Kind(kind) => write!(f, "frame of unknown kind {kind}"),
            FrameError::Flags(flags) => write!(f, "frame with unknown flags {flags:#x}"),
            FrameError::Length(length) => write!(f, "frame of {length} bytes, more than {MAX_BODY}"),
            FrameError::Message => write!(f, "message of more than {MAX_MESSAGE} bytes"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for io::Error {
    fn from(err: FrameError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, err)
    }
}

impl Header {
    pub fn parse(bytes: [u8; HEADER_LENGTH]) -> Result<Self, FrameError> {
        let [l0, l1, l2, l3, kind, flags, r0, r1, i0, i1, i2, i3] = bytes;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let kind = FrameKind::from_number(kind).ok_or(FrameError::Kind(kind))?;
        if flags > 1 || r0 != 0 || r1 != 0 {
            return Err(FrameError::Flags(flags | r0 | r1));
        }
        let within = usize::try_from(length).ok().filter(|length| *length <= MAX_BODY);
        let length = within.ok_or(FrameError::Length(length))?;
        Ok(Self { length, kind, more: flags == 1, id: u32::from_le_bytes([i0, i1, i2, i3]) })
    }

    fn write(self, out: &mut Vec<u8>) {
        // The caller cuts bodies to MAX_BODY, which fits.
        out.extend_from_slice(&u32::try_from(self.length).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, u8::from(self.more), 0, 0]);
        out.extend_from_slice(&self.id.to_le_bytes());
    }
}

/// A message as frames, ready to be written: one, or several when the body is long.
pub fn encode(kind: FrameKind, id: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + HEADER_LENGTH * (1 + body.len() / MAX_BODY));
    let mut rest = body;
    loop {
        let (piece, after) = rest.split_at(rest.len().min(MAX_BODY));
        Header { length: piece.len(), kind, more: !after.is_empty(), id }.write(&mut out);
        out.extend_from_slice(piece);
        if after.is_empty() {
            return out;
        }
        rest = after;
    }
}

/// One frame whose body is read in place, at most `most` bytes of it; returns how many came. Nothing is added when none did.
pub fn encode_from(
    kind: FrameKind,
    id: u32,
    from: &mut impl Read,
    most: usize,
    out: &mut Vec<u8>,
) -> io::Result<usize> {
    let start = out.len();
    let most = most.min(MAX_BODY);
    out.resize(start + HEADER_LENGTH + most, 0);
    let read = loop {
        match from.read(&mut out[start + HEADER_LENGTH..]) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    let length = match &read {
        Ok(length) if *length > 0 => *length,
        _ => {
            out.truncate(start);
            return read;
        }
    };
    out.truncate(start + HEADER_LENGTH + length);
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    Header { length, kind, more: false, id }.write(&mut header);
    out[start..start + HEADER_LENGTH].copy_from_slice(&header);
    Ok(length)
}

impl Frame {
    /// The frame as it was on the wire, to pass it on.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + HEADER_LENGTH);
        Header { length: self.body.len(), kind: self.kind, more: self.more, id: self.id }.write(&mut out);
        out.extend_from_slice(&self.body);
        out
    }

    /// The number of bytes a `Credit` frame allows.
    pub fn credit(&self) -> usize {
        let bytes = self.body.as_slice().try_into().map_or(0, u32::from_le_bytes);
        bytes as usize
    }
}

/// A `Want` frame.
pub fn want(id: u32, names: &[&str]) -> Vec<u8> {
    encode(FrameKind::Want, id, names.join("\0").as_bytes())
}

/// A `Credit` frame.
pub fn credit(id: u32, bytes: usize) -> Vec<u8> {
    encode(FrameKind::Credit, id, &u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes())
}

/// The next frame; none when the other side has closed between two frames.
pub fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER_LENGTH];
    let mut filled = 0;
    while filled < HEADER_LENGTH {
        match from.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    let header = Header::parse(header)?;
    let mut body = vec![0; header.length];
    from.read_exact(&mut body)?;
    Ok(Some(Frame { kind: header.kind, more: header.more, id: header.id, body }))
}

/// Puts messages together that came in several frames.
#[derive(Default)]
pub struct Assembler {
    begun: HashMap<(u32, u8), Vec<u8>>,
}

impl Assembler {
    /// The whole body when this frame completes its message.
    pub fn add(&mut self, frame: Frame) -> Result<Option<Vec<u8>>, FrameError> {
        let key = (frame.id, frame.kind as u8);
        if !frame.more && !self.begun.contains_key(&key) {
            return Ok(Some(frame.body));
        }
        let body = self.begun.entry(key).or_default();
        if body.len() + frame.body.len() > MAX_MESSAGE {
            self.begun.remove(&key);
            return Err(FrameError::Message);
        }
        body.extend_from_slice(&frame.body);
        Ok(if frame.more { None } else { self.begun.remove(&key) })
    }

    /// Forgets what has come of a request.
    pub fn forget(&mut self, id: u32) {
        self.begun.retain(|(begun, _), _| *begun != id);
    }
}

/// Cuts what is written into frames of one message, so that a long message is never held as a whole.
pub struct MessageWriter<'a> {
    kind: FrameKind,
    id: u32,
    buffer: Vec<u8>,
    send: &'a mut dyn FnMut(Vec<u8>) -> io::Result<()>,
}

impl<'a> MessageWriter<'a> {
    pub fn new(kind: FrameKind, id: u32, send: &'a mut dyn FnMut(Vec<u8>) -> io::Result<()>) -> Self {
        Self { kind, id, buffer: Vec::new(), send }
    }

    fn send_buffer(&mut self, more: bool) -> io::Result<()> {
        let body = std::mem::take(&mut self.buffer);
        (self.send)(Frame { kind: self.kind, more, id: self.id, body }.to_bytes())
    }

    /// Sends what is left and ends the message.
    pub fn finish(mut self) -> io::Result<()> {
        self.send_buffer(false)
    }
}

impl Write for MessageWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() == MAX_BODY {
            self.send_buffer(true)?;
        }
        let count = bytes.len().min(MAX_BODY - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
