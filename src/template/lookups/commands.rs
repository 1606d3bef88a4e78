//! `pipe` and `lines`: output of commands on the controller.

use std::process::{Command, Stdio};

use super::Request;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

fn output(scope: &Scope, what: &str, command: &str) -> Res<String> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::inherit());
    let basedir = &scope.context.templar.search().basedir;
    if basedir.is_dir() {
        shell.current_dir(basedir);
    }
    let output = shell.output().map_err(|error| raised(format!("{what}({command}): {error}")))?;
    if !output.status.success() {
        return Err(raised(format!("lookup_plugin.{what}({command}) returned {}", output.status.code().unwrap_or(-1))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub fn pipe(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    request
        .texts()?
        .iter()
        .map(|command| output(scope, "pipe", command).map(|text| Val::str(text.trim_end())))
        .collect()
}

pub fn lines(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for command in request.texts()? {
        out.extend(output(scope, "lines", &command)?.lines().map(Val::from));
    }
    Ok(out)
}
