//! Unpacks an archive, knowing its kind by its content. Decodes everything itself: the target needs neither tar nor unzip.
//!
//! # Contract with the controller's action
//!
//! With `remote_src=no` (`copy=yes`) the action gives `_upload: true` and attaches the archive as `"src"`; `src` stays the path on the controller
//! and is returned. `creates` is looked at first, and then nothing is received. `remote_src=yes` (also a URL in `src`) needs nothing of the action.

mod archive;
mod extract;
mod selection;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::download::{Answer, Download};
use crate::support::file_attributes::{FileAttributes, path_json, with_path_info};
use crate::support::os_error;
use archive::Format;
use extract::Extraction;
use selection::Selection;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(unarchive) };

const EXAMPLE: &str = r"- name: Unpack a release
  unarchive:
    src: https://example.com/app.tar.gz
    dest: /opt
    remote_src: true
    creates: /opt/app/bin/app
";

const RETURNS: &[Return] = &[
    Return::new("dest", Kind::Path, "always", "The directory."),
    Return::new("src", Kind::Path, "always", "The archive."),
    Return::new("handler", Kind::Str, "always", "What kind of archive it is."),
    Return::new("files", Kind::List, "with list_files", "Names in the archive."),
];

/// Unpack an archive.
#[derive(ModuleArgs)]
#[module(name = "unarchive")]
#[module(mutually_exclusive("include", "exclude"))]
struct Args {
    /// The archive: a file of the controller, or with remote_src a file of the target or a URL.
    src: PathBuf,
    /// The directory to unpack into.
    dest: PathBuf,
    /// The archive is on the target, or is a URL.
    #[arg(name = "remote_src", default = "no")]
    _remote_src: bool,
    /// The archive is on the controller.
    #[arg(name = "copy", default = "yes")]
    _copy: bool,
    /// Nothing is done when this path exists.
    creates: Option<PathBuf>,
    /// Return the names of the files in the archive.
    #[arg(default = "no")]
    list_files: bool,
    /// What not to unpack; patterns are allowed.
    #[arg(required = false)]
    exclude: Vec<String>,
    /// What alone to unpack; patterns are allowed.
    #[arg(required = false)]
    include: Vec<String>,
    /// Leave files alone that are newer than the archive's.
    #[arg(default = "no")]
    keep_newer: bool,
    /// `--strip-components=N` and `--no-same-owner`; no other is supported.
    #[arg(required = false)]
    extra_opts: Vec<String>,
    /// Ansible's buffer for reading archives; only the default is supported.
    #[arg(default = "65536")]
    io_buffer_size: i64,
    /// Accept only a server whose certificate is valid.
    #[arg(default = "yes")]
    validate_certs: bool,
    /// Decrypt an archive that is a vault file.
    #[arg(name = "decrypt", default = "yes")]
    _decrypt: bool,
    /// The archive is attached as `src`.
    #[arg(default = "no", internal)]
    _upload: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

fn unarchive(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(creates) = args.creates.as_deref().filter(|path| path.exists()) {
        let mut outcome = Outcome::changed(false).with("msg", format!("skipped, since {} exists", creates.display()));
        outcome.skipped = true;
        return Ok(outcome);
    }
    if args.io_buffer_size != 64 * 1024 {
        return Err(Failure::new("io_buffer_size is not supported: archives are read with a buffer of their own"));
    }
    let selection = Selection::new(&args.include, &args.exclude, &args.extra_opts).map_err(Failure::new)?;
    if !args.dest.is_dir() {
        return Err(Failure::new(format!("dest '{}' must be an existing dir", args.dest.display())));
    }
    let src = archive_file(&args, ctx)?;
    let mut file = File::open(&src).map_err(|err| {
        let reason = if err.kind() == io::ErrorKind::NotFound { "does not exist" } else { "not readable" };
        Failure::new(format!("Source '{}' {reason}", args.src.display()))
    })?;
    let unreadable =
        |err: io::Error| Failure::new(format!("could not read {}: {}", args.src.display(), os_error::numbered(&err)));
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Err(Failure::new(format!("Invalid archive '{}', the file is 0 bytes", args.src.display())));
    }
    let format = Format::of(&mut file).map_err(unreadable)?.ok_or_else(|| {
        Failure::new(format!(
            "Failed to find handler for \"{}\". It is neither a tar archive (plain, gzip, bzip2, xz or zstd) nor a zip archive.",
            args.src.display()
        ))
    })?;

    let mut extraction = Extraction::new(&args.dest, &selection, &args.attributes, args.keep_newer, ctx.check, ctx)?;
    extraction.run(&src, format, ctx)?;

    let mut changed = extraction.changed;
    for path in extraction.paths_for_attributes() {
        let object = extraction.find(&path).map_err(Failure::new)?;
        if let Some(object) = object {
            let applied = args.attributes.apply_to(&object, &args.dest.join(&path), None, ctx);
            changed |= applied.map_err(|mut failure| {
                failure.changed |= extraction.changed;
                failure
            })?;
        }
    }
    let mut outcome = Outcome::changed(changed)
        .with("dest", path_json(&args.dest))
        .with("src", path_json(if args._upload { &src } else { &args.src }))
        .with("handler", format.handler());
    if args.list_files {
        outcome = outcome.with("files", extraction.names);
    }
    if ctx.diff && !extraction.listing.is_empty() {
        outcome.diff.push(Diff { prepared: Some(extraction.listing), ..Diff::default() });
    }
    Ok(with_path_info(outcome, &args.dest, ctx))
}

/// Where the archive is on this host, after it has been received or downloaded if need be.
fn archive_file(args: &Args, ctx: &mut Ctx) -> Result<PathBuf, Failure> {
    let written = args.src.to_string_lossy().into_owned();
    let target = ctx.tmpdir.join("source");
    let cannot_keep =
        |err: &io::Error| Failure::new(format!("could not write {}: {}", target.display(), os_error::numbered(err)));
    if args._upload {
        let mut file = File::create(&target).map_err(|err| cannot_keep(&err))?;
        ctx.port.receive_file("src", &mut file).map_err(|err| cannot_keep(&err))?;
        return Ok(target);
    }
    if ["http://", "https://"].iter().any(|scheme| written.starts_with(scheme)) {
        let mut file = File::create(&target).map_err(|err| cannot_keep(&err))?;
        let download = Download { validate_certs: args.validate_certs, ..Download::new(&written) };
        return match download.run(&mut file, ctx) {
            Ok(Answer::Content(_)) => Ok(target),
            Ok(Answer::NotModified { .. }) => {
                Err(Failure::new(format!("Failure downloading {written}, it was not sent")))
            }
            Err(err) => Err(Failure::new(format!("Failure downloading {}, {}", err.url, err.msg))),
        };
    }
    if fs::metadata(&args.src).is_err() {
        return Err(Failure::new(format!("Source '{written}' does not exist")));
    }
    Ok(args.src.clone())
}

/// A name in an archive as a path below the destination, or why it cannot be one.
fn inner_path(name: &[u8]) -> Result<PathBuf, String> {
    use std::os::unix::ffi::OsStrExt;
    let mut path = PathBuf::new();
    for component in Path::new(std::ffi::OsStr::from_bytes(name)).components() {
        match component {
            std::path::Component::Normal(part) => path.push(part),
            // tar too takes the slash off.
            std::path::Component::RootDir | std::path::Component::CurDir => {}
            _ => {
                return Err(format!(
                    "the archive has the path {}, which leads out of the destination",
                    String::from_utf8_lossy(name)
                ));
            }
        }
    }
    Ok(path)
}
