//! Which program runs a module.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rplay_module_api::Failure;
use rplay_modules::support::home;

/// Taken where none of the candidates is there.
const LAST: &str = "/usr/bin/python3";

/// The first of these programs that is there, as a path.
pub fn discover(candidates: &[String], environment: &BTreeMap<String, String>) -> String {
    let path = home::variable(environment, "PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = candidates.iter().find_map(|name| {
        if name.starts_with('/') {
            return Some(PathBuf::from(name)).filter(|file| is_program(file));
        }
        folders
            .iter()
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|file| is_program(file))
    });
    found.map_or_else(|| LAST.to_owned(), |file| file.to_string_lossy().into_owned())
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What is said of an interpreter that cannot be started.
pub fn failed(program: &str, err: &io::Error) -> Failure {
    if err.kind() == io::ErrorKind::NotFound {
        return Failure::new(format!(
            "The module interpreter '{program}' was not found. Consider overriding the configured interpreter path for this host. \
             See stdout/stderr for the returned output."
        ))
        .with("rc", 127)
        .with("module_stdout", "")
        .with("module_stderr", format!("/bin/sh: 1: {program}: not found\n"));
    }
    Failure::new(format!("the module interpreter '{program}' cannot be started: {err}"))
}
