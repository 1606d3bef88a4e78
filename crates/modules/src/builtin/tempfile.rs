//! Makes a file or directory with a name of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::at::{self, Last};
use crate::support::checksum::{self, Algorithm};
use crate::support::file_attributes::{path_json, with_path_info};
use crate::support::{home, os_error};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(tempfile) };

const EXAMPLE: &str = r"- name: Have a directory for a while
  tempfile:
    state: directory
    suffix: build
";

const RETURNS: &[Return] = &[Return::new("path", Kind::Path, "success", "What was made.")];

/// Make a temporary file or directory.
#[derive(ModuleArgs)]
#[module(name = "tempfile", check_mode = false)]
struct Args {
    /// What to make.
    #[arg(default = "file", choices("directory", "file"))]
    state: String,
    /// The directory to make it in.
    path: Option<PathBuf>,
    /// How the name begins.
    #[arg(default = "ansible.")]
    prefix: String,
    /// How the name ends.
    #[arg(default = "")]
    suffix: String,
}

fn tempfile(args: Args, ctx: &mut Ctx) -> ModuleResult {
    for (name, part) in [("prefix", &args.prefix), ("suffix", &args.suffix)] {
        if part.contains('/') {
            return Err(Failure::new(format!("{name} must be a valid file name component, got '{part}'")));
        }
    }
    let directory = args
        .path
        .or_else(|| {
            ["TMPDIR", "TEMP", "TMP"].iter().find_map(|name| home::variable(&ctx.environment, name)).map(PathBuf::from)
        })
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    for attempt in 0..1000_u32 {
        let path = directory.join(format!("{}{}{}", args.prefix, random_part(attempt), args.suffix));
        match make(&path, args.state == "directory") {
            Ok(()) => return Ok(with_path_info(Outcome::changed(true).with("path", path_json(&path)), &path, ctx)),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(Failure::new(os_error::with_path(&err, &path))),
        }
    }
    Err(Failure::new(format!("no name is left for a temporary file in {}", directory.display())))
}

fn make(path: &Path, directory: bool) -> io::Result<()> {
    let place = at::locate(path, Last::Itself)?;
    if directory { place.create_dir(0o700) } else { place.create_new(place.name(), 0o600).map(|_| ()) }
}

/// Eight letters. That nobody else gets the file is the business of `create_new`, not of the name.
fn random_part(attempt: u32) -> String {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut name = checksum::of_bytes(format!("{clock} {} {attempt}", std::process::id()).as_bytes(), Algorithm::Sha1);
    name.truncate(8);
    name
}
