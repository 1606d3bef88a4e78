//! A module's way to the controller: frames out, and what comes in for its request.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, TryRecvError};

use rplay_module_api::frame::{self, Frame, FrameKind, WINDOW};
use rplay_module_api::{Port, Stream};

use crate::outlet::Outlet;

/// Size of the pieces in which files are sent.
const PIECE: usize = 128 * 1024;

pub struct RequestPort {
    pub id: u32,
    pub outlet: Outlet,
    pub inbox: Receiver<Frame>,
    pub attachments: HashMap<String, Vec<u8>>,
    pub live_output: bool,
    /// Bytes the controller takes without having said so anew.
    credit: usize,
    /// Came while nobody was waiting.
    early: VecDeque<Frame>,
    /// Files that the controller is sending, in this order.
    coming: VecDeque<String>,
    /// A file could not be taken, and what was coming after it is lost.
    stopped: bool,
}

impl RequestPort {
    pub fn new(
        id: u32,
        outlet: Outlet,
        inbox: Receiver<Frame>,
        attachments: HashMap<String, Vec<u8>>,
        live_output: bool,
    ) -> Self {
        Self {
            id,
            outlet,
            inbox,
            attachments,
            live_output,
            credit: WINDOW,
            early: VecDeque::new(),
            coming: VecDeque::new(),
            stopped: false,
        }
    }

    /// Whether the request was cancelled; what comes in meanwhile is kept.
    fn look(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(frame) => self.early.push_back(frame),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
    }

    /// The next frame for this request. The sender goes away when the request is cancelled.
    fn next(&mut self) -> io::Result<Frame> {
        if let Some(frame) = self.early.pop_front() {
            return Ok(frame);
        }
        let cancelled = |_| io::Error::new(io::ErrorKind::Interrupted, "the task was cancelled");
        self.inbox.recv().map_err(cancelled)
    }

    /// Sends data, waiting while the controller has enough of it.
    fn send_data(&mut self, kind: FrameKind, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            while self.credit == 0 {
                let frame = self.next()?;
                if frame.kind == FrameKind::Credit {
                    self.credit += frame.credit();
                }
            }
            let (piece, rest) = bytes.split_at(bytes.len().min(self.credit).min(PIECE));
            self.outlet.send(kind, self.id, piece)?;
            self.credit -= piece.len();
            bytes = rest;
        }
        Ok(())
    }

    fn receive_wanted(&mut self, name: &str, into: &mut dyn Write) -> io::Result<u64> {
        if self.stopped {
            return Err(io::Error::other("the transfer of files was stopped"));
        }
        if !self.coming.iter().any(|coming| coming == name) {
            self.announce_files(&[name])?;
        }
        while let Some(coming) = self.coming.pop_front() {
            if coming == name {
                return self.receive_next(into);
            }
            // Announced, and not needed after all.
            self.receive_next(&mut io::sink())?;
        }
        Err(io::Error::other("the file was not announced"))
    }

    /// Receives the file whose turn it is.
    fn receive_next(&mut self, into: &mut dyn Write) -> io::Result<u64> {
        let mut length = 0;
        loop {
            let frame = self.next()?;
            match frame.kind {
                FrameKind::Chunk => {
                    if let Err(err) = into.write_all(&frame.body) {
                        self.stopped = true;
                        self.outlet.send(FrameKind::Stop, self.id, b"")?;
                        return Err(err);
                    }
                    length += frame.body.len() as u64;
                    self.outlet.write(&frame::credit(self.id, frame.body.len()))?;
                }
                FrameKind::ChunkEnd => return Ok(length),
                FrameKind::ChunkFail => {
                    return Err(io::Error::other(String::from_utf8_lossy(&frame.body).into_owned()));
                }
                FrameKind::Credit => self.credit += frame.credit(),
                _ => {}
            }
        }
    }
}

impl Port for RequestPort {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        let kind = match stream {
            Stream::Stdout => FrameKind::Stdout,
            Stream::Stderr => FrameKind::Stderr,
        };
        if self.live_output {
            let _ = self.send_data(kind, bytes);
        }
    }

    fn progress(&mut self, text: &str) {
        let _ = self.outlet.send(FrameKind::Progress, self.id, text.as_bytes());
    }

    fn is_cancelled(&mut self) -> bool {
        self.look()
    }

    fn receive_file(&mut self, name: &str, into: &mut dyn Write) -> io::Result<u64> {
        match self.attachments.get(name) {
            Some(content) => into.write_all(content).map(|()| content.len() as u64),
            None => self.receive_wanted(name, into),
        }
    }

    fn announce_files(&mut self, names: &[&str]) -> io::Result<()> {
        let names: Vec<&str> = names.iter().copied().filter(|name| !self.attachments.contains_key(*name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.coming.extend(names.iter().map(|name| (*name).to_owned()));
        self.outlet.write(&frame::want(self.id, &names))
    }

    fn send_file(&mut self, name: &str, from: &mut dyn Read) -> io::Result<u64> {
        self.outlet.send(FrameKind::FileStart, self.id, name.as_bytes())?;
        let mut buffer = vec![0; PIECE];
        let mut length = 0;
        loop {
            match from.read(&mut buffer) {
                Ok(0) => {
                    self.outlet.send(FrameKind::ChunkEnd, self.id, b"")?;
                    return Ok(length);
                }
                Ok(count) => {
                    self.send_data(FrameKind::Chunk, &buffer[..count])?;
                    length += count as u64;
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => {
                    self.outlet.send(FrameKind::ChunkFail, self.id, err.to_string().as_bytes())?;
                    return Err(err);
                }
            }
        }
    }
}
