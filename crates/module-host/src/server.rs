//! The main loop: gives every frame to the request it belongs to, here or with another user's agent.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rplay_module_api::Module;
use rplay_module_api::frame::{self, Assembler, Frame, FrameKind};
use rplay_module_api::message::{Become, Hello};

use crate::child::{Children, OwnHash};
use crate::outlet::Outlet;
use crate::requests::{self, Job};
use crate::{running, signals};

/// The requests that run here, by what they are sent.
#[derive(Clone, Default)]
struct OpenRequests(Arc<Mutex<HashMap<u32, Sender<Frame>>>>);

impl OpenRequests {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Sender<Frame>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Server {
    modules: &'static [&'static Module],
    outlet: Outlet,
    open: OpenRequests,
    children: Children,
    assembler: Assembler,
    attachments: HashMap<u32, HashMap<String, Vec<u8>>>,
}

pub fn serve(stdin: File, stdout: File, modules: &'static [&'static Module], hash: Option<OwnHash>) -> io::Result<()> {
    requests::keep_panics_quiet();
    let outlet = Outlet::new(stdout);
    outlet.send_json(FrameKind::Hello, 0, &hello())?;
    let children = Children::new(outlet.clone(), hash);
    let mut server = Server {
        modules,
        outlet,
        open: OpenRequests::default(),
        children,
        assembler: Assembler::default(),
        attachments: HashMap::new(),
    };
    let mut stdin = BufReader::with_capacity(64 * 1024, stdin);
    let code = loop {
        match frame::read(&mut stdin) {
            Ok(Some(frame)) => {
                if server.take(frame).is_err() {
                    break 1;
                }
            }
            Ok(None) => break 0,
            Err(_) => break 1,
        }
    };
    signals::end(code)
}

impl Server {
    fn take(&mut self, frame: Frame) -> io::Result<()> {
        if frame.kind != FrameKind::Route && self.children.forward(&frame) {
            return Ok(());
        }
        let id = frame.id;
        match frame.kind {
            FrameKind::Route => {
                if let Some(body) = self.assembler.add(frame)? {
                    let becoming: Become = serde_json::from_slice(&body)?;
                    self.children.route(id, &becoming);
                }
            }
            FrameKind::Attachment => {
                if let Some(body) = self.assembler.add(frame)?
                    && let Some(end) = body.iter().position(|byte| *byte == 0)
                {
                    let name = String::from_utf8_lossy(&body[..end]).into_owned();
                    self.attachments.entry(id).or_default().insert(name, body[end + 1..].to_vec());
                }
            }
            FrameKind::Request => {
                if let Some(body) = self.assembler.add(frame)? {
                    self.start(id, body)?;
                }
            }
            FrameKind::Cancel => self.cancel(id),
            _ => {
                if let Some(inbox) = self.open.lock().get(&id) {
                    let _ = inbox.send(frame);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, id: u32, body: Vec<u8>) -> io::Result<()> {
        let (inbox, receiver) = channel();
        let attachments = self.attachments.remove(&id).unwrap_or_default();
        let job = Job { id, body, attachments, inbox: receiver };
        self.open.lock().insert(id, inbox);
        let (modules, outlet, open) = (self.modules, self.outlet.clone(), self.open.clone());
        thread::Builder::new().name(format!("request {id}")).spawn(move || {
            let written = requests::run(modules, job, &outlet);
            open.lock().remove(&id);
            if written.is_err() {
                signals::end(1);
            }
        })?;
        Ok(())
    }

    fn cancel(&mut self, id: u32) {
        self.attachments.remove(&id);
        self.assembler.forget(id);
        if self.open.lock().remove(&id).is_some() {
            running::cancel(id);
        }
    }
}

fn hello() -> Hello {
    let uid = rustix::process::getuid().as_raw();
    let system = rustix::system::uname();
    let (user, home) = account(uid);
    Hello {
        pid: std::process::id(),
        uid,
        gid: rustix::process::getgid().as_raw(),
        user,
        home,
        machine: system.machine().to_string_lossy().into_owned(),
        hostname: system.nodename().to_string_lossy().into_owned(),
    }
}

/// Name and home of the user; the environment knows them where /etc/passwd does not.
fn account(uid: u32) -> (String, String) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find(|fields| fields.get(2).is_some_and(|field| *field == uid.to_string()));
    let field = |index: usize| found.as_ref().and_then(|fields| fields.get(index)).map(ToString::to_string);
    let variable = |name: &str| std::env::var(name).ok();
    let user = field(0).or_else(|| variable("LOGNAME")).or_else(|| variable("USER")).unwrap_or_else(|| uid.to_string());
    let home = variable("HOME").or_else(|| field(5)).unwrap_or_else(|| "/".to_owned());
    (user, home)
}

/// Reads frames of another user's agent and passes on those of its own requests, until it ends: it speaks for no other user.
pub fn relay(from: &mut impl io::Read, outlet: &Outlet, asked: impl Fn(u32) -> bool, mut answered: impl FnMut(u32)) {
    while let Ok(Some(frame)) = frame::read(from) {
        if !asked(frame.id) {
            continue;
        }
        let ends = frame.kind == FrameKind::Response && !frame.more;
        if outlet.write(&frame.to_bytes()).is_err() {
            signals::end(1);
        }
        if ends {
            answered(frame.id);
        }
    }
}
