//! Python of the user's: one process with ansible-core in it, for the modules and plugins of a project that rplay does not have itself.
//! It is started by the first of them, and never without one.

mod interpreter;
mod process;
pub mod wire;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value as Json};

use crate::blocking::blocking;
use crate::error::Notices;
use process::Process;

pub use process::Question;

/// Why Python has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing there has the name.
    Missing,
    /// Said as it is.
    Refused(String),
    /// An exception: its type and its text.
    Raised { kind: String, message: String },
    /// There is no Python that can be asked, or there is none any more.
    Gone(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Missing => f.write_str("it was not found"),
            Fault::Refused(message) | Fault::Gone(message) | Fault::Raised { message, .. } => f.write_str(message),
        }
    }
}

/// What the process is told when it starts, and with each request what it was not told before.
#[derive(Default)]
struct Project {
    notices: Notices,
    /// Folders of modules that a command line names.
    library: Vec<PathBuf>,
    /// Folders of playbooks and roles, in which there may be `library`, `filter_plugins` and their like.
    roots: Vec<PathBuf>,
    /// Those of playbooks, beside which there may be collections.
    playbooks: Vec<PathBuf>,
}

static PROJECT: LazyLock<Mutex<Project>> = LazyLock::new(Mutex::default);
/// That there is none to start is found out once; one that has ended is started anew.
static PROCESS: Mutex<Option<Result<Arc<Process>, String>>> = Mutex::new(None);

fn project() -> MutexGuard<'static, Project> {
    PROJECT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Python says goes to these notices; it searches these folders of modules before all others.
pub fn configure(notices: Notices, library: Vec<PathBuf>) {
    let mut project = project();
    project.notices = notices;
    project.library = library;
}

/// Adds the folder of a playbook.
pub fn add_playbook(folder: PathBuf) {
    let mut project = project();
    if !project.playbooks.contains(&folder) {
        project.playbooks.push(folder.clone());
    }
    drop(project);
    add_root(folder);
}

/// Adds a folder that may have folders of plugins.
pub fn add_root(folder: PathBuf) {
    let mut project = project();
    if !project.roots.contains(&folder) {
        project.roots.push(folder);
    }
}

/// Folders of the project in which there may be folders of plugins, in the order in which they came.
pub fn roots() -> Vec<PathBuf> {
    project().roots.clone()
}

/// Whether playbooks or roles have a folder of this name, such as `filter_plugins`.
pub fn has_folder(name: &str) -> bool {
    project().roots.iter().any(|root| root.join(name).is_dir())
}

/// Folders of playbooks, beside which collections are looked for first.
pub fn playbooks() -> Vec<PathBuf> {
    project().playbooks.clone()
}

/// A request, which names what to `do`. Blocks until it is answered or `interrupted` has a reason to wait no longer; questions that
/// come meanwhile are put to `answer`.
pub fn call(
    what: &str,
    mut request: Map<String, Json>,
    answer: &mut dyn FnMut(&Question) -> Result<Json, String>,
    interrupted: &dyn Fn() -> Option<String>,
) -> Result<Json, Fault> {
    blocking(|| {
        let process = running()?;
        request.insert("do".into(), what.into());
        {
            let project = project();
            request.insert("roots".into(), paths(&project.roots));
            request.insert("playbooks".into(), paths(&project.playbooks));
        }
        process.call(request, answer, interrupted)
    })
}

/// A request that nothing is asked about.
pub fn ask(what: &str, request: Map<String, Json>) -> Result<Json, Fault> {
    call(what, request, &mut |question| Err(format!("nobody answers {}", question.ask)), &|| None)
}

fn running() -> Result<Arc<Process>, Fault> {
    let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    match process.as_ref() {
        Some(Ok(running)) if !running.is_over() => return Ok(Arc::clone(running)),
        Some(Err(reason)) => return Err(Fault::Gone(reason.clone())),
        _ => {}
    }
    let (start, notices) = {
        let project = project();
        let start = Map::from_iter([("library".to_owned(), paths(&project.library))]);
        (Json::Object(start), project.notices.clone())
    };
    let started = interpreter::start(&start, &notices).map(Arc::new);
    *process = Some(started.clone());
    started.map_err(Fault::Gone)
}

fn paths(paths: &[PathBuf]) -> Json {
    paths.iter().map(|path| Json::from(path.to_string_lossy().into_owned())).collect()
}
