//! Returns a file's content, encoded for the way.

use std::fs;
use std::io;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::{Arg, Ctx, Failure, Module, ModuleResult, Outcome, Spec, run};
use serde::Deserialize;

use crate::support::file_attributes::path_json;
use crate::support::os_error;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "slurp",
        summary: "Return the content of a file.",
        args: &[Arg::path("src", "The file.").required().aliases(&["path"])],
        ..Spec::EMPTY
    },
    run: run!(slurp),
};

#[derive(Deserialize)]
struct Args {
    src: PathBuf,
}

fn slurp(args: Args, _: &mut Ctx) -> ModuleResult {
    let shown = args.src.display();
    let content = fs::read(&args.src).map_err(|err| {
        Failure::new(match err.kind() {
            io::ErrorKind::NotFound => format!("file not found: {shown}"),
            io::ErrorKind::PermissionDenied => format!("file is not readable: {shown}"),
            io::ErrorKind::IsADirectory => format!("source is a directory and must be a file: {shown}"),
            _ => format!("unable to slurp file: {}", os_error::with_path(&err, &args.src)),
        })
    })?;
    Ok(Outcome::changed(false)
        .with("content", STANDARD.encode(content))
        .with("source", path_json(&args.src))
        .with("encoding", "base64"))
}
