//! Sends a file of the target to the controller: the target's half of the action `fetch`.
//!
//! # Contract with the controller's action
//!
//! - `_checksum`: SHA-1 in hex of the local file that would be replaced, if there is one. When the target's file has the
//!   same, nothing is sent.
//! - When it differs the content is sent with `Port::send_file` under the name `"src"`, before the result.
//! - Results: `changed` (true when the content was sent), `checksum` (SHA-1), `md5sum` (null where MD5 is not permitted), `src` (the path as expanded on the
//!   target), `size`. What the user is shown (`dest`, `remote_checksum`, …) is the action's work, and so is `fail_on_missing`
//!   in as much as a missing file is not a failure then: the result has `changed=false`, `failed=false`, and `msg`.

use std::fs::{self, File};
use std::path::PathBuf;

use rplay_module_api::{Arg, Ctx, Failure, Module, ModuleResult, Outcome, Spec, run};
use serde::Deserialize;

use crate::support::checksum;
use crate::support::file_attributes::path_json;
use crate::support::os_error;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "fetch",
        summary: "Copy a file from the target to the controller.",
        args: &[
            Arg::path("src", "The file on the target.").required(),
            Arg::str("dest", "Where it goes on the controller.").required(),
            Arg::bool("flat", "Use dest as it is, without host and path.").default("no"),
            Arg::bool("fail_on_missing", "A file that is not there is a failure.")
                .default("yes")
                .aliases(&["fail_if_missing"]),
            Arg::bool("validate_checksum", "Compare checksums after the transfer.")
                .default("yes")
                .aliases(&["validate_md5"]),
            Arg::str("_checksum", "SHA-1 of the file that the controller has.").internal(),
        ],
        check_mode: false,
        ..Spec::EMPTY
    },
    run: run!(fetch),
};

#[derive(Deserialize)]
struct Args {
    src: PathBuf,
    #[serde(default = "yes")]
    fail_on_missing: bool,
    _checksum: Option<String>,
}

fn yes() -> bool {
    true
}

fn fetch(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let src = args.src.as_path();
    let refused = |msg: &str| {
        if args.fail_on_missing {
            return Err(Failure::new(msg).with("file", path_json(src)));
        }
        Ok(Outcome::changed(false)
            .with("file", path_json(src))
            .with("msg", format!("{msg}, not transferring, ignored")))
    };
    let Ok(meta) = fs::metadata(src) else { return refused("the remote file does not exist") };
    if meta.is_dir() {
        return refused("remote file is a directory, fetch cannot work on directories");
    }
    let unreadable = |err: std::io::Error| {
        Failure::new(format!("could not read {}: {}", src.display(), os_error::numbered(&err)))
            .with("file", path_json(src))
    };
    let mut file = File::open(src).map_err(unreadable)?;
    let checksums = checksum::both_of_file(src).map_err(unreadable)?;
    let changed = args._checksum.as_deref() != Some(checksums.sha1.as_str());
    if changed {
        ctx.port.send_file("src", &mut file).map_err(unreadable)?;
    }
    Ok(Outcome::changed(changed)
        .with("src", path_json(src))
        .with("checksum", checksums.sha1)
        .with("md5sum", checksums.md5)
        .with("size", meta.len()))
}
