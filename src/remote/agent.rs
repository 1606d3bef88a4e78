//! A running agent: starts it over a link, then hands each of its frames to the request it belongs to.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rplay_module_api::bootstrap::{self, Bootstrap, Step};
use rplay_module_api::frame::{Frame, FrameKind, HEADER_LENGTH, Header, encode};
use rplay_module_api::message::Hello;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::connection::agents;
use crate::connection::programs::Program;
use crate::connection::{Connection, Ending, Link, ProcessGuard, Start, Unreachable};

/// How long a broken link may take to tell why.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a host may say nothing while the agent is started: a file that its shell reads at login may wait for something.
const START_SILENCE: Duration = Duration::from_secs(30);

/// What a login shell may print before the agent starts.
const MOST_NOISE: usize = 4 << 20;
/// Pieces in which the agent's file is sent.
const UPLOAD_PIECE: usize = 64 * 1024;
/// Headers and small frames; longer bodies are read in place.
const FRAME_BUFFER: usize = 4 * 1024;

pub struct Agent {
    pub hello: Hello,
    shared: Arc<Shared>,
    /// Frames to be written. Unbounded, as what goes in is bounded by the other side's credit.
    outgoing: UnboundedSender<Vec<u8>>,
    next_id: AtomicU32,
    _guard: Option<ProcessGuard>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: HashMap<u32, UnboundedSender<Frame>>,
    /// Why no more can be asked.
    over: Option<Unreachable>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's end of the agent; dropping it before the response cancels the request there.
pub struct Exchange {
    pub id: u32,
    pub inbox: UnboundedReceiver<Frame>,
    shared: Arc<Shared>,
    outgoing: UnboundedSender<Vec<u8>>,
    pub finished: bool,
}

impl Exchange {
    pub fn send(&self, frames: Vec<u8>) {
        // A broken link shows in the inbox.
        let _ = self.outgoing.send(frames);
    }

    /// The next frame, or why there will be none.
    pub async fn next(&mut self) -> Result<Frame, Unreachable> {
        match self.inbox.recv().await {
            Some(frame) => Ok(frame),
            None => Err(self.shared.lock().over.clone().unwrap_or_else(|| lost("the agent is gone"))),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.lock().requests.remove(&self.id);
        if !self.finished {
            self.send(encode(FrameKind::Cancel, self.id, b""));
        }
    }
}

fn lost(reason: &str) -> Unreachable {
    Unreachable { message: reason.to_owned(), transient: false }
}

impl Agent {
    /// Starts the agent, or the program in its place, sending its file if the host hasn't got it.
    pub async fn start(connection: &Connection, program: Option<&Program>) -> Result<Self, Unreachable> {
        let nonce = format!("{:016x}", rand::random::<u64>());
        let nonce = nonce.as_str();
        let start = program.map_or(Start::Agent { nonce }, |program| Start::Program { program, nonce });
        let mut link = connection.open(start).await?;
        let first = start_by_script(&mut link, nonce, program).await?;
        let Link { reader, writer, ending, guard } = link;
        let mut reader = BufReader::with_capacity(FRAME_BUFFER, std::io::Cursor::new(first).chain(reader));
        let first = tokio::time::timeout(START_SILENCE, read_frame(&mut reader)).await;
        let hello = match first.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(Some(frame)) if frame.kind == FrameKind::Hello => serde_json::from_slice(&frame.body),
            Ok(_) => return Err(lost("the agent did not say hello")),
            Err(err) => return Err(lost(&format!("the agent did not say hello: {err}"))),
        };
        let hello = hello.map_err(|err| lost(&format!("the agent's greeting cannot be read: {err}")))?;
        let shared = Arc::new(Shared::default());
        let (outgoing, frames) = unbounded_channel();
        tokio::spawn(write_frames(writer, frames));
        tokio::spawn(read_frames(reader, Arc::clone(&shared), ending));
        Ok(Self { hello, shared, outgoing, next_id: AtomicU32::new(1), _guard: guard })
    }

    pub fn begin(&self) -> Result<Exchange, Unreachable> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, inbox) = unbounded_channel();
        let mut state = self.shared.lock();
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        state.requests.insert(id, sender);
        drop(state);
        Ok(Exchange { id, inbox, shared: Arc::clone(&self.shared), outgoing: self.outgoing.clone(), finished: false })
    }

    pub fn is_over(&self) -> bool {
        self.shared.lock().over.is_some()
    }
}

/// Speaks with the script until the agent runs; returns the first bytes of its frames.
async fn start_by_script(link: &mut Link, nonce: &str, program: Option<&Program>) -> Result<Vec<u8>, Unreachable> {
    let mut bootstrap = Bootstrap::new(nonce);
    let mut buffer = vec![0; 16 * 1024];
    let mut step = Step::More;
    let mut heard = 0;
    loop {
        match step {
            Step::More if heard > MOST_NOISE => {
                let text =
                    format!("the agent did not start: the login shell prints without end: {}", bootstrap.noise());
                return Err(Unreachable::ssh(text.trim()));
            }
            Step::More => match tokio::time::timeout(START_SILENCE, link.reader.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return Err(no_agent(&bootstrap.noise(), &link.ending).await),
                Ok(Ok(count)) => {
                    heard += count;
                    step = bootstrap.feed(buffer.get(..count).unwrap_or_default());
                }
                Err(_) => return Err(silent(&bootstrap.noise())),
            },
            Step::Upload { machine, packed } => {
                let (content, compressed) = match program {
                    Some(program) => {
                        let upload = program.upload().map_err(|err| lost(&err))?;
                        (upload.content.as_slice(), upload.packed.as_slice())
                    }
                    None => {
                        let agent = agents::for_machine(&machine)
                            .ok_or_else(|| lost(&format!("no agent for the architecture {machine}")))?;
                        (agent.content, agent.packed)
                    }
                };
                let file = if packed { compressed } else { content };
                for piece in file.chunks(UPLOAD_PIECE) {
                    match tokio::time::timeout(START_SILENCE, link.writer.write_all(piece)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => break,
                        Err(_) => return Err(silent(&bootstrap.noise())),
                    }
                }
                let _ = tokio::time::timeout(START_SILENCE, link.writer.flush()).await;
                // When writing failed, what the script said last tells why.
                step = bootstrap.feed(b"");
            }
            Step::Ready(first) => return Ok(first),
            Step::Failed(reason) => return Err(lost(&reason)),
        }
    }
}

fn silent(noise: &str) -> Unreachable {
    let seconds = START_SILENCE.as_secs();
    let text = format!(
        "the agent did not start: the login shell has said nothing for {seconds}s. Does a file that it reads at login (/etc/profile, \
         ~/.profile, ~/.bashrc) wait for something? {}",
        noise.trim()
    );
    Unreachable::ssh(text.trim()).transient()
}

/// The channel ended before an agent appeared.
async fn no_agent(noise: &str, ending: &Ending) -> Unreachable {
    let over = tokio::time::timeout(LAST_WORDS, ending.wait()).await;
    let error_text = ending.error_text();
    let error_text = String::from_utf8_lossy(&error_text);
    let said = format!("{}\n{noise}", error_text.trim());
    let said = said.trim();
    match over {
        Ok(crate::connection::Over::Lost(reason)) => {
            Unreachable::ssh(if said.is_empty() { &reason } else { said }).transient()
        }
        over => {
            let code = over
                .ok()
                .and_then(|over| if let crate::connection::Over::Exited(code) = over { Some(code) } else { None });
            let mut text = String::from("the agent did not start");
            if !said.is_empty() {
                let _ = write!(text, ": {said}");
            }
            if let Some(hint) = bootstrap::hint(code, said) {
                let _ = write!(text, " ({hint})");
            }
            lost(&text)
        }
    }
}

async fn write_frames(mut writer: Box<dyn AsyncWrite + Send + Unpin>, mut frames: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = frames.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            // The reader sees the end, too, and tells everyone.
            return;
        }
        if frames.is_empty() && writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Frame>> {
    let mut header = [0; HEADER_LENGTH];
    match reader.read_exact(&mut header).await {
        Ok(_) => {}
        Err(err) if err.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(err) => return Err(err),
    }
    let header = Header::parse(header)?;
    let mut body = vec![0; header.length];
    reader.read_exact(&mut body).await?;
    Ok(Some(Frame { kind: header.kind, more: header.more, id: header.id, body }))
}

async fn read_frames(mut reader: impl AsyncRead + Unpin, shared: Arc<Shared>, ending: Ending) {
    let broken = loop {
        match read_frame(&mut reader).await {
            Ok(Some(frame)) => {
                let request = shared.lock().requests.get(&frame.id).cloned();
                if let Some(request) = request {
                    let _ = request.send(frame);
                }
            }
            Ok(None) => break None,
            Err(err) => break Some(err.to_string()),
        }
    };
    let over = tokio::time::timeout(LAST_WORDS, ending.wait()).await.ok();
    let error_text = ending.error_text();
    let reason = last_words(broken, over, String::from_utf8_lossy(&error_text).trim());
    let mut state = shared.lock();
    state.over = Some(reason);
    state.requests.clear();
}

fn last_words(broken: Option<String>, over: Option<crate::connection::Over>, error_text: &str) -> Unreachable {
    use crate::connection::Over;
    let mut text = match over {
        Some(Over::Lost(reason)) if error_text.is_empty() => {
            return Unreachable::ssh(format!("the connection was lost: {reason}"));
        }
        Some(Over::Lost(_)) => return Unreachable::ssh(error_text),
        Some(Over::Exited(code)) if code < 0 => format!("the agent was ended by signal {}", -code),
        Some(Over::Exited(code)) => format!("the agent ended with code {code}"),
        None => "the connection was closed".to_owned(),
    };
    for more in [broken.as_deref().unwrap_or_default(), error_text] {
        if !more.is_empty() {
            text = format!("{text}: {more}");
        }
    }
    lost(&text)
}
