//! Which of the user's interpreters has ansible-core.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::process::{NotStarted, Process};
use crate::error::Notices;

/// Names the interpreter, in place of a search.
const VARIABLE: &str = "RPLAY_PYTHON";

/// Starts the first interpreter that can import ansible-core.
pub fn start(start: &Json, notices: &Notices) -> Result<Process, String> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        let path = PathBuf::from(named);
        return Process::start(&path, start, notices)
            .map_err(|why| format!("{VARIABLE} names {}, {why}", path.display()));
    }
    let mut broken = String::new();
    for candidate in candidates() {
        match Process::start(&candidate, start, notices) {
            Ok(process) => return Ok(process),
            Err(NotStarted::WithoutAnsible) => {}
            Err(why) => broken = format!(" but {}, {why}", candidate.display()),
        }
    }
    Err(format!(
        "no Python with ansible-core was found{broken}; install it (`pip install ansible-core`), or name its interpreter in {VARIABLE}"
    ))
}

/// The active environment's, that of the `ansible` in PATH, and the usual ones; each once.
fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut add = |path: PathBuf| {
        if path.is_file() && !found.contains(&path) {
            found.push(path);
        }
    };
    if let Some(environment) = std::env::var_os("VIRTUAL_ENV").filter(|path| !path.is_empty()) {
        add(PathBuf::from(environment).join("bin/python"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in ["ansible", "ansible-playbook"] {
        for file in in_path(program, &path) {
            interpreter_of(&file, &path).into_iter().for_each(&mut add);
        }
    }
    for program in ["python3", "python"] {
        in_path(program, &path).into_iter().for_each(&mut add);
    }
    found
}

fn in_path(program: &str, path: &OsString) -> Vec<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// What runs a script; pip writes paths that are too long for `#!` into the second line.
fn interpreter_of(script: &Path, path: &OsString) -> Option<PathBuf> {
    let content = fs::read(script).ok().filter(|content| content.starts_with(b"#!"))?;
    let head = String::from_utf8_lossy(content.get(2..content.len().min(4096))?).into_owned();
    let mut lines = head.lines();
    let words: Vec<&str> = lines.next()?.split_whitespace().collect();
    match words.as_slice() {
        [env, name, ..] if env.ends_with("/env") => in_path(name, path).into_iter().next(),
        [shell] if shell.ends_with("/sh") => {
            let quoted = lines.next()?.strip_prefix("'''exec' ")?;
            let program = quoted
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next())
                .or_else(|| quoted.split(' ').next())?;
            Some(PathBuf::from(program))
        }
        [program, ..] if program.contains("python") => Some(PathBuf::from(program)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_their_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let path = OsString::from(folder.path());
        fs::write(folder.path().join("python3"), "").unwrap();
        let cases = [
            ("#!/opt/venv/bin/python3\nimport x", Some("/opt/venv/bin/python3".to_owned())),
            ("#!/usr/bin/env python3\n", Some(folder.path().join("python3").display().to_string())),
            ("#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n", Some("/a b/python".to_owned())),
            ("#!/bin/sh\n'''exec' /long/python \"$0\" \"$@\"\n", Some("/long/python".to_owned())),
            ("#!/bin/bash\necho\n", None),
            ("\u{7f}ELF", None),
        ];
        for (text, expected) in cases {
            let script = folder.path().join("ansible");
            fs::write(&script, text).unwrap();
            let found = interpreter_of(&script, &path).map(|path| path.display().to_string());
            assert_eq!(found, expected, "{text}");
        }
    }
}
