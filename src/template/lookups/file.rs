//! `file`: contents of files of the controller.

use std::path::PathBuf;

use super::Request;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Fault, Res, raised};
use crate::value::mask;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let (left, right) = (request.flag("lstrip", false)?, request.flag("rstrip", true)?);
    let mut out = Vec::new();
    for term in request.texts()? {
        let bytes = read(scope, "files", &term)?;
        let text = String::from_utf8(bytes).map_err(|_| raised(format!("the file '{term}' is not UTF-8 text")))?;
        let text = if right { text.trim_end() } else { &text };
        out.push(Val::str(if left { text.trim_start() } else { text }));
    }
    Ok(out)
}

/// A file's place by Ansible's order.
pub fn locate(scope: &Scope, subdir: &str, name: &str) -> Res<PathBuf> {
    scope.context.templar.search().find(subdir, name).ok_or_else(|| not_found(scope, subdir, name))
}

pub fn not_found(scope: &Scope, subdir: &str, name: &str) -> Fault {
    let searched: Vec<String> = scope
        .context
        .templar
        .search()
        .candidates(subdir, name)
        .iter()
        .map(|path| format!("\t{}", path.display()))
        .collect();
    raised(format!(
        "Unable to access the file '{name}'. Could not find the file on the Ansible Controller.\nSearched in:\n{}",
        searched.join("\n")
    ))
}

/// The bytes of a file; a vaulted one is opened.
pub fn read(scope: &Scope, subdir: &str, name: &str) -> Res<Vec<u8>> {
    let path = locate(scope, subdir, name)?;
    let bytes = std::fs::read(&path).map_err(|error| raised(format!("Unable to read the file '{name}': {error}")))?;
    if !bytes.starts_with(b"$ANSIBLE_VAULT;") {
        return Ok(bytes);
    }
    let Some(vault) = &scope.context.templar.engine().settings.vault else { return Ok(bytes) };
    let plain = vault.decrypt(&bytes).map_err(|failure| raised(failure.to_string()))?;
    mask::remember(&String::from_utf8_lossy(&plain));
    Ok(plain)
}
