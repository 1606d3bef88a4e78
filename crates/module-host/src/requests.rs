//! One request from its arguments to its response, on a thread of its own.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::Receiver;

use rplay_module_api::frame::{Frame, FrameKind};
use rplay_module_api::message::{Request, Response};
use rplay_module_api::{Ctx, Failure, Module, ModuleResult, Port, settle};

use crate::background;
use crate::foreign;
use crate::outlet::Outlet;
use crate::port::RequestPort;
use crate::running::Commands;
use crate::scratch::Scratch;

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What the reader hands to the thread of a request.
pub struct Job {
    pub id: u32,
    pub body: Vec<u8>,
    pub attachments: HashMap<String, Vec<u8>>,
    pub inbox: Receiver<Frame>,
}

/// Keeps a panic's text for the failure that it becomes, in place of printing it.
pub fn keep_panics_quiet() {
    panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        PANIC.with(|panic| *panic.borrow_mut() = Some(text));
    }));
}

pub fn run(modules: &[&'static Module], job: Job, outlet: &Outlet) -> std::io::Result<()> {
    let id = job.id;
    let earlier = settle::mark();
    let mut warnings = Vec::new();
    let result = match serde_json::from_slice::<Request>(&job.body) {
        Ok(request) => run_module(modules, request, job, outlet, &mut warnings),
        Err(err) => Err(Failure::new(format!("the agent cannot read the request: {err}"))),
    };
    let (settling, trouble) = settle::settle(earlier);
    warnings
        .extend(trouble.map(|err| format!("what an earlier task has written may not have reached the disk: {err}")));
    outlet.send_json(FrameKind::Response, id, &Response { result, never_ran: false, warnings, settling })
}

fn run_module(
    modules: &[&'static Module],
    request: Request,
    job: Job,
    outlet: &Outlet,
    warnings: &mut Vec<String>,
) -> ModuleResult {
    let Job { id, body, attachments, inbox } = job;
    let mut port = RequestPort::new(id, outlet.clone(), inbox, attachments, request.live_output);
    if request.background.is_some() {
        if let Some(foreign) = &request.foreign {
            let files = foreign::store::contents(foreign, &mut port).map_err(foreign::store::failed)?;
            port.attachments.extend(files);
        }
        return background::start(&body, &port.attachments);
    }
    run_with_port(modules, request, id, &mut port, warnings)
}

/// Runs a request's module in a temporary directory of its own.
pub fn run_with_port(
    modules: &[&'static Module],
    request: Request,
    id: u32,
    port: &mut dyn Port,
    warnings: &mut Vec<String>,
) -> ModuleResult {
    let module = modules.iter().find(|module| module.spec.name == request.module);
    if module.is_none() && request.foreign.is_none() {
        return Err(Failure::new(format!("the agent has no module `{}`", request.module)));
    }
    let scratch =
        Scratch::new(id).map_err(|err| Failure::new(format!("Could not create a temporary directory: {err}")))?;
    let (mut runner, _entry) = Commands::enter(id);
    let mut ctx = Ctx {
        check: request.check,
        diff: request.diff,
        verbosity: request.verbosity,
        no_log: request.no_log,
        environment: request.environment,
        tmpdir: scratch.path().to_owned(),
        action: request.action,
        port,
        runner: &mut runner,
        warnings: Vec::new(),
    };
    let work = || match (&request.foreign, module) {
        (Some(foreign), _) => foreign::run(foreign, &request.module, request.args, &mut ctx),
        (None, Some(module)) => rplay_modules::invoke(module, request.args, &mut ctx),
        (None, None) => Err(Failure::new("there is no such module")),
    };
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    warnings.append(&mut ctx.warnings);
    result.unwrap_or_else(|payload| Err(Failure::new(panic_text(&request.module, payload.as_ref()))))
}

fn panic_text(module: &str, payload: &(dyn Any + Send)) -> String {
    let said = || payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = PANIC.with(|panic| panic.borrow_mut().take()).or_else(said).unwrap_or_default();
    format!("the module `{module}` has a bug: {text}")
}
