//! The controller's half of `assemble`: fragments of the controller are put together here and copied as one file.

use std::fs;
use std::path::Path;

use rplay_module_api::Json;
use rplay_modules::builtin::assemble::Fragments;
use rplay_modules::support::file_attributes::FILE_ARGS;

use super::source_file;
use super::{ActionResult, Invocation, ModuleCall, copy, module};
use crate::remote::FileSource;

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let result = if invocation.bool("remote_src") {
        invocation.target.module_result(module::call(invocation, "assemble")).await
    } else {
        match content(invocation) {
            Ok(content) => {
                let prepared = source_file::prepare_bytes(content);
                copy::send_file(invocation, copy_call(invocation), prepared, "assembled", None).await
            }
            Err(message) => ActionResult::failed(message),
        }
    };
    module::finish(invocation, result)
}

fn content(invocation: &Invocation<'_>) -> Result<Vec<u8>, String> {
    let src = source_file::find(invocation, "files", invocation.text("src").unwrap_or_default())?;
    let decrypt = invocation.bool("decrypt");
    let fragments = Fragments::find(&src, invocation.text("regexp"), invocation.bool("ignore_hidden"))
        .map_err(|failure| failure.msg)?;
    fragments.join(invocation.text("delimiter"), &|path| read(invocation, path, decrypt))
}

fn read(invocation: &Invocation<'_>, path: &Path, decrypt: bool) -> Result<Vec<u8>, String> {
    match source_file::prepare(invocation, path, decrypt)?.source {
        FileSource::Bytes(bytes) => Ok(bytes),
        FileSource::Kept(bytes) => Ok(bytes.to_vec()),
        FileSource::Path(path) => fs::read(&path).map_err(|err| format!("{}: {err}", path.display())),
    }
}

/// A call of `copy` with what both have in common.
fn copy_call(invocation: &Invocation<'_>) -> ModuleCall {
    let common = ["dest", "backup", "validate"];
    let names = common.into_iter().chain(FILE_ARGS.iter().map(|arg| arg.name));
    let given = names.filter_map(|name| Some((name.to_owned(), invocation.checked.get(name)?.clone())));
    let args: serde_json::Map<String, Json> = given.collect();
    ModuleCall { module: "copy".into(), action: "copy".into(), args, ..ModuleCall::default() }
}
