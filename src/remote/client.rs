//! One host: its connection, its agent, and the requests that run there.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rplay_module_api::frame::{Assembler, FrameError, FrameKind, MAX_MESSAGE, encode};
use rplay_module_api::message::{Hello, Request, Response};
use rplay_module_api::{Json, Map, Stream};
use tokio::sync::OnceCell;

use super::agent::{Agent, Exchange};
use super::raw::{self, RawOutput};
use super::result;
use super::transfer::{Incoming, Outgoing, attach};
use super::{Become, ModuleReply, ModuleRequest, RemoteError, RemoteEvent};
use crate::connection::programs::Program;
use crate::connection::{Connection, Endpoint, Unreachable};

/// `-vvv` shows what is started.
const EXEC_SHOWN_ABOVE: u8 = 2;

/// After so long without a word from a host the user is told what the run waits for, and again after as long.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a host's disk may take at the end of a run.
const SETTLING: Duration = Duration::from_secs(30);

pub struct Client {
    endpoint: Endpoint,
    /// Started with the first module: `raw` must work where no agent can. Before the connection, so that it is dropped first.
    agent: OnceCell<Agent>,
    /// Programs of modules that were started on the host, by their files.
    programs: Mutex<HashMap<PathBuf, Arc<OnceCell<Agent>>>>,
    connection: Connection,
    _descriptors: Descriptors,
    /// The agent's last answer came before everything that it tells of had reached the disk.
    settling: AtomicBool,
}

/// Counts the descriptors of a connection for as long as it is open.
struct Descriptors {
    count: usize,
    all: Arc<AtomicUsize>,
}

impl Descriptors {
    fn new(count: usize, all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(count, Ordering::Relaxed);
        Self { count, all: Arc::clone(all) }
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        self.all.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl Client {
    /// Connects; `open` counts the descriptors of all clients.
    pub async fn connect(endpoint: &Endpoint, open: &Arc<AtomicUsize>) -> Result<Self, Unreachable> {
        let connection = Connection::connect(endpoint).await?;
        let descriptors = Descriptors::new(connection.descriptors(), open);
        Ok(Self {
            endpoint: endpoint.clone(),
            connection,
            agent: OnceCell::new(),
            programs: Mutex::default(),
            _descriptors: descriptors,
            settling: AtomicBool::new(false),
        })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Who the agent is on the host.
    pub async fn hello(&self) -> Result<&Hello, Unreachable> {
        Ok(&self.agent().await?.hello)
    }

    /// False once the agent or the connection has gone; a new client is needed then.
    pub fn is_usable(&self) -> bool {
        !self.connection.is_over() && !self.agent.get().is_some_and(Agent::is_over)
    }

    /// The host as the user knows it.
    fn host(&self) -> &str {
        match &self.endpoint {
            Endpoint::Local { .. } => "localhost",
            Endpoint::Ssh(settings) => &settings.host,
        }
    }

    async fn agent(&self) -> Result<&Agent, Unreachable> {
        self.agent.get_or_try_init(|| Agent::start(&self.connection, None)).await
    }

    /// What a program of modules is spoken to through. One that has ended is started anew.
    fn program(&self, program: &Program) -> Arc<OnceCell<Agent>> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = programs.entry(program.path().to_owned()).or_default();
        if slot.get().is_some_and(Agent::is_over) {
            *slot = Arc::default();
        }
        Arc::clone(slot)
    }

    /// A request's exchange with the program, or the agent; and as which user that runs.
    async fn begin(&self, program: Option<&Program>) -> Result<(Exchange, String), Unreachable> {
        let slot;
        let agent = match program {
            None => self.agent().await?,
            Some(program) => {
                slot = self.program(program);
                slot.get_or_try_init(|| Agent::start(&self.connection, Some(program))).await?
            }
        };
        Ok((agent.begin()?, agent.hello.user.clone()))
    }

    /// Runs a module. Dropping the future cancels it on the host, with all commands it has started.
    pub async fn run(
        &self,
        request: ModuleRequest,
        on_event: &mut (dyn FnMut(RemoteEvent) + Send),
    ) -> Result<ModuleReply, RemoteError> {
        let (mut exchange, user) = self.begin(request.program).await?;
        let becoming = request.become_.as_ref().filter(|becoming| !becoming.is_needless(&user));
        let id = exchange.id;
        let mut outgoing = Outgoing::new(id, request.files);
        let mut incoming = Incoming::new(id, request.receive);
        let mut frames = Vec::new();
        if let Some(becoming) = becoming {
            frames.extend(encode(FrameKind::Route, id, &json(&becoming.to_message())?));
        }
        let name = request.module.clone();
        let module = name.as_str();
        if request.verbosity > EXEC_SHOWN_ABOVE {
            let program = request
                .program
                .map_or_else(|| "rplay-agent".to_owned(), |program| program.path().display().to_string());
            let line = becoming.map_or_else(|| program.clone(), |becoming| becoming.command_line(&program));
            on_event(RemoteEvent::Exec(format!("<{}> EXEC {line} [{module}]", self.host())));
        }
        attach(&mut outgoing, &mut frames).map_err(RemoteError::Failed)?;
        let message = Request {
            module: request.module,
            action: request.action,
            args: request.args,
            check: request.check,
            diff: request.diff,
            verbosity: request.verbosity,
            no_log: request.no_log,
            environment: request.environment,
            live_output: request.live_output,
            background: request.background,
            foreign: request.foreign,
        };
        frames.extend(encode(FrameKind::Request, id, &json(&message)?));
        drop(message);
        exchange.send(frames);
        let mut assembler = Assembler::default();
        loop {
            let mut silent = Duration::ZERO;
            let frame = loop {
                match tokio::time::timeout(SILENCE, exchange.next()).await {
                    Ok(frame) => break frame?,
                    Err(_) => {
                        silent += SILENCE;
                        let minutes = silent.as_secs() / 60;
                        let host = self.host();
                        on_event(RemoteEvent::Silence(format!(
                            "waiting for the module {module} on {host}, which has said nothing for {minutes} min"
                        )));
                    }
                }
            };
            match frame.kind {
                FrameKind::Response => {
                    let body = assembler.add(frame).map_err(|err| too_long(module, &err))?;
                    if let Some(body) = body {
                        exchange.finished = true;
                        let response = result::read(module, &body).map_err(RemoteError::Failed)?;
                        self.settling.store(response.settling, Ordering::Relaxed);
                        return reply(response, incoming);
                    }
                }
                FrameKind::Stdout => {
                    exchange.send(rplay_module_api::frame::credit(id, frame.body.len()));
                    on_event(RemoteEvent::Output(Stream::Stdout, frame.body));
                }
                FrameKind::Stderr => {
                    exchange.send(rplay_module_api::frame::credit(id, frame.body.len()));
                    on_event(RemoteEvent::Output(Stream::Stderr, frame.body));
                }
                FrameKind::Progress => {
                    on_event(RemoteEvent::Progress(String::from_utf8_lossy(&frame.body).into_owned()));
                }
                FrameKind::Want | FrameKind::Stop | FrameKind::Credit => {
                    outgoing.take(frame).map_err(RemoteError::Failed)?;
                    while let Some(bytes) = outgoing.next().await {
                        exchange.send(bytes);
                    }
                }
                FrameKind::FileStart | FrameKind::Chunk | FrameKind::ChunkEnd | FrameKind::ChunkFail => {
                    if let Some(bytes) = incoming.take(frame).await {
                        exchange.send(bytes);
                    }
                }
                _ => return Err(RemoteError::Failed(format!("the agent sent an unexpected {:?}", frame.kind))),
            }
        }
    }

    /// Waits until what was written has reached the host's disk; an answer comes after all that was done before its request.
    pub async fn settle(&self) {
        if self.settling.swap(false, Ordering::Relaxed) && self.is_usable() {
            let args = Map::from_iter([("data".to_owned(), Json::from("pong"))]);
            let request = ModuleRequest { module: "ping".to_owned(), args, ..ModuleRequest::default() };
            // What has become of a host that does not answer any more, nobody can tell.
            let _ = tokio::time::timeout(SETTLING, self.run(request, &mut |_| {})).await;
        }
    }

    /// Runs a line in the login shell, without an agent.
    pub async fn raw(&self, line: &str, become_: Option<&Become>) -> Result<RawOutput, RemoteError> {
        raw::run(&self.connection, &self.endpoint, line, self.other_user(become_), None).await
    }

    /// Like `raw`, with something for the line's standard input; no terminal then.
    pub async fn raw_with_input(
        &self,
        line: &str,
        become_: Option<&Become>,
        input: &[u8],
    ) -> Result<RawOutput, RemoteError> {
        raw::run(&self.connection, &self.endpoint, line, self.other_user(become_), Some(input)).await
    }

    /// Nobody, when who logs in is the one that shall be become.
    fn other_user<'a>(&self, become_: Option<&'a Become>) -> Option<&'a Become> {
        let known = self.agent.get().map(|agent| agent.hello.user.as_str()).or_else(|| self.connection.user());
        become_.filter(|becoming| !known.is_some_and(|user| becoming.is_needless(user)))
    }
}

fn json(message: &impl serde::Serialize) -> Result<Vec<u8>, RemoteError> {
    serde_json::to_vec(message).map_err(|err| RemoteError::Failed(err.to_string()))
}

fn too_long(module: &str, err: &FrameError) -> RemoteError {
    RemoteError::Failed(match err {
        FrameError::Message => {
            let most = MAX_MESSAGE >> 20;
            format!("the result of the module {module} is longer than {most} MB, which is more than a task may return")
        }
        err => err.to_string(),
    })
}

fn reply(response: Response, incoming: Incoming) -> Result<ModuleReply, RemoteError> {
    if let (Err(failure), true) = (&response.result, response.never_ran) {
        return Err(RemoteError::Failed(failure.msg.clone()));
    }
    if let (Ok(_), Some(reason)) = (&response.result, incoming.failure()) {
        return Err(RemoteError::Failed(reason));
    }
    Ok(ModuleReply { result: response.result, warnings: response.warnings })
}
