//! Operating system errors in the form Python gives them, which is what users of Ansible know and search for.

use std::io;
use std::path::Path;

/// The bare reason: `No such file or directory`.
pub fn reason(err: &io::Error) -> String {
    let text = err.to_string();
    match text.rfind(" (os error ") {
        Some(end) if err.raw_os_error().is_some() => text[..end].to_owned(),
        _ => text,
    }
}

/// `[Errno 2] No such file or directory`
pub fn numbered(err: &io::Error) -> String {
    match err.raw_os_error() {
        Some(number) => format!("[Errno {number}] {}", reason(err)),
        None => reason(err),
    }
}

/// `[Errno 2] No such file or directory: b'/etc/x'`
pub fn with_path(err: &io::Error, path: &Path) -> String {
    format!("{}: b'{}'", numbered(err), path.display())
}
