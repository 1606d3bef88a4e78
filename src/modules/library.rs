//! Modules that a project brings along as programs: an executable in `library/` beside the playbook, or in a folder of the
//! setting `library`, is the module of its name. Folders count for the whole run, as Ansible's do.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rplay_module_api::Spec;

use crate::connection::programs::Program;
use crate::python;

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
    if let Some(root) = folder.parent() {
        python::add_root(root.to_path_buf());
    }
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

/// What no module's file name ends with.
const NO_MODULES: &[&str] =
    &["bak", "cfg", "ini", "json", "md", "pyc", "pyo", "rpm", "rst", "swp", "txt", "yaml", "yml"];

/// The file of any other module that the project has: in Python, in another language, or a program.
pub fn file(name: &str) -> Option<PathBuf> {
    if name.is_empty() || name.contains(['.', '/']) {
        return None;
    }
    let library = lock();
    let own = library.folders.iter().find_map(|folder| in_folder(folder, name, 0));
    // Configured folders may have folders of their own.
    own.or_else(|| library.configured.iter().find_map(|folder| in_folder(folder, name, 2)))
}

fn in_folder(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let mut folders = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            folders.push(path);
            continue;
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
        let is_module = extension.is_none_or(|extension| !NO_MODULES.contains(&extension.as_str()));
        if is_module && path.file_stem().is_some_and(|stem| stem == name || stem.to_str() == Some(&format!("_{name}")))
        {
            return Some(path);
        }
    }
    folders.into_iter().filter(|_| depth > 0).find_map(|folder| in_folder(&folder, name, depth - 1))
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
