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

use rplay_module_api::{Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::checksum;
use crate::support::file_attributes::path_json;
use crate::support::os_error;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(fetch) };

const EXAMPLE: &str = r"- name: Keep a log of each host here
  fetch:
    src: /var/log/app.log
    dest: logs
";

const RETURNS: &[Return] = &[
    Return::new("dest", Kind::Path, "success", "The file on the controller."),
    Return::new("checksum", Kind::Str, "success", "SHA-1 of the content."),
];

/// Copy a file from the target to the controller.
#[derive(ModuleArgs)]
#[module(name = "fetch", check_mode = false)]
struct Args {
    /// The file on the target.
    src: PathBuf,
    /// Where it goes on the controller.
    #[arg(name = "dest")]
    _dest: String,
    /// Use dest as it is, without host and path.
    #[arg(name = "flat", default = "no")]
    _flat: bool,
    /// A file that is not there is a failure.
    #[arg(default = "yes", alias("fail_if_missing"))]
    fail_on_missing: bool,
    /// Compare checksums after the transfer.
    #[arg(name = "validate_checksum", default = "yes", alias("validate_md5"))]
    _validate_checksum: bool,
    /// Has no effect, as in Ansible: the file gets the mode that this user's files get.
    #[arg(name = "mode")]
    _mode: Option<Json>,
    /// SHA-1 of the file that the controller has.
    #[arg(internal)]
    _checksum: Option<String>,
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
