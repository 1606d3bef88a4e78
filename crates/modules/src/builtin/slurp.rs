//! Returns a file's content, encoded for the way.

use std::fs;
use std::io;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::file_attributes::path_json;
use crate::support::os_error;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(slurp) };

const EXAMPLE: &str = r"- name: Read a key
  slurp:
    src: /etc/ssh/ssh_host_ed25519_key.pub
";

const RETURNS: &[Return] = &[
    Return::new("content", Kind::Str, "success", "The content, in base64."),
    Return::new("encoding", Kind::Str, "success", "`base64`."),
    Return::new("source", Kind::Path, "success", "The file."),
];

/// Return the content of a file.
#[derive(ModuleArgs)]
#[module(name = "slurp")]
struct Args {
    /// The file.
    #[arg(alias("path"))]
    src: PathBuf,
}

fn slurp(args: Args, _: &mut Ctx) -> ModuleResult {
    let shown = args.src.display();
    let content = fs::read(&args.src).map_err(|err| {
        Failure::new(match err.kind() {
            io::ErrorKind::NotFound => format!("File not found: {shown}"),
            io::ErrorKind::PermissionDenied => format!("File is not readable: {shown}"),
            io::ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {shown}"),
            _ => format!("Unable to slurp file: {}", os_error::with_path(&err, &args.src)),
        })
    })?;
    Ok(Outcome::changed(false)
        .with("content", STANDARD.encode(content))
        .with("source", path_json(&args.src))
        .with("encoding", "base64"))
}
