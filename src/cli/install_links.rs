//! `rplay install-links DIR`: rplay under the names of Ansible's programs.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use super::options::InstallLinksOptions;
use super::programs;
use crate::callback;
use crate::error::{Error, ErrorKind};

/// Links what is free; what has a name already is left as it is, and is an error unless it is rplay.
pub fn run(options: &InstallLinksOptions) -> Result<u8, Error> {
    let directory = &options.directory;
    let failed = |what: &str, err: &io::Error| Error::new(ErrorKind::File, format!("{what}: {err}"));
    let rplay = std::env::current_exe().map_err(|err| failed("cannot tell where rplay is", &err))?;
    fs::create_dir_all(directory).map_err(|err| failed(&format!("cannot make {}", directory.display()), &err))?;
    let mut taken = Vec::new();
    for program in programs() {
        let link = directory.join(program);
        match symlink(&rplay, &link) {
            Ok(()) => callback::print(&format!("{} -> {}\n", link.display(), rplay.display()))?,
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                if fs::canonicalize(&link).ok() != fs::canonicalize(&rplay).ok() {
                    taken.push(link.display().to_string());
                }
            }
            Err(err) => return Err(failed(&format!("cannot make {}", link.display()), &err)),
        }
    }
    if taken.is_empty() {
        return Ok(0);
    }
    Err(Error::new(ErrorKind::File, format!("left as they are, since they are not rplay: {}", taken.join(", ")))
        .hint("choose a folder that comes before theirs in PATH, or remove them first"))
}
