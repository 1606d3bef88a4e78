//! Finds programs as a login shell would, and in the directories of system tools, which a user's PATH often lacks.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rplay_module_api::Failure;

const SYSTEM: [&str; 6] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM.iter().map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The failure of a module that cannot do without a program.
pub fn missing(name: &str) -> Failure {
    let path = std::env::var("PATH").unwrap_or_default();
    Failure::new(format!("Failed to find required executable \"{name}\" in paths: {path}"))
}
