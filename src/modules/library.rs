//! Modules that a project brings along as programs: an executable in `library/` beside the playbook, or in a folder of the
//! setting `library`, is the module of its name. Folders count for the whole run, as Ansible's do.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rplay_module_api::Spec;

use crate::connection::programs::Program;

/// A module that a project has as a program.
#[derive(Debug)]
pub struct Own {
    pub spec: Spec,
    /// Or why it is of no use.
    pub program: Result<&'static Program, String>,
}

#[derive(Default)]
struct Library {
    /// Those of playbooks and roles, in the order in which they came.
    folders: Vec<PathBuf>,
    /// Those of the setting, which are searched last.
    configured: Vec<PathBuf>,
    found: HashMap<String, &'static Own>,
}

static LIBRARY: LazyLock<Mutex<Library>> = LazyLock::new(Mutex::default);

fn lock() -> MutexGuard<'static, Library> {
    LIBRARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds a folder of a playbook or role.
pub fn add(folder: PathBuf) {
    let mut library = lock();
    if !library.folders.contains(&folder) && folder.is_dir() {
        library.folders.push(folder);
    }
}

pub fn set_configured(folders: Vec<PathBuf>) {
    lock().configured = folders;
}

/// The project's module of this name.
pub fn find(name: &str) -> Option<&'static Own> {
    let mut library = lock();
    if name.contains(['.', '/']) {
        return None;
    }
    if let Some(found) = library.found.get(name) {
        return Some(found);
    }
    let folders = library.folders.iter().chain(&library.configured);
    let file = folders.map(|folder| folder.join(name)).find(|file| Program::is_one(file))?;
    // Known as long as the program runs, as the rows of tables are.
    let own: &'static Own = Box::leak(Box::new(own(name, &file)));
    library.found.insert(name.to_owned(), own);
    Some(own)
}

/// The file of a module in Python that the project has.
pub fn python(name: &str) -> Option<PathBuf> {
    if name.contains(['.', '/']) {
        return None;
    }
    let library = lock();
    let mut folders = library.folders.iter().chain(&library.configured);
    folders.find_map(|folder| Some(folder.join(format!("{name}.py"))).filter(|file| file.is_file()))
}

fn own(name: &str, file: &Path) -> Own {
    let program = Program::at(file);
    let spec = program.specs().and_then(|specs| {
        let none = || format!("{} has no module `{name}`", file.display());
        specs.iter().find(|spec| spec.name == name).copied().ok_or_else(none)
    });
    match spec {
        Ok(spec) => Own { spec, program: Ok(program) },
        Err(reason) => Own { spec: Spec { name: name.to_owned().leak(), ..Spec::EMPTY }, program: Err(reason) },
    }
}
