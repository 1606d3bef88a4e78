//! What there is at a path. Changes nothing.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};
use rustix::fs::Access;

use crate::support::checksum::{self, Algorithm};
use crate::support::file_attributes::path_json;
use crate::support::{accounts, file_flags, mime_type, os_error};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(stat) };

const EXAMPLE: &str = r"- name: See whether there is a configuration
  stat:
    path: /etc/app.conf
";

const RETURNS: &[Return] = &[Return::new(
    "stat",
    Kind::Dict,
    "success",
    "What is there: `exists`, and if so mode, owner, size, times, checksum and more.",
)];

/// Report what is at a path.
#[derive(ModuleArgs)]
#[module(name = "stat")]
struct Args {
    /// The path.
    #[arg(alias("dest", "name"))]
    path: PathBuf,
    /// Report what a link points to.
    #[arg(default = "no")]
    follow: bool,
    /// Report a checksum of the content.
    #[arg(default = "yes")]
    get_checksum: bool,
    /// Which checksum.
    #[arg(
        default = "sha1",
        choices("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
        alias("checksum", "checksum_algo")
    )]
    checksum_algorithm: String,
    /// Report what kind of content it is.
    #[arg(default = "yes", alias("mime", "mime_type", "mime-type"))]
    get_mime: bool,
    /// Report the flags of lsattr.
    #[arg(default = "yes", alias("attr", "attributes"))]
    get_attributes: bool,
    /// Report the SELinux context.
    #[arg(default = "no")]
    get_selinux_context: bool,
}

fn stat(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    let meta = if args.follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let meta = match meta {
        Ok(meta) => meta,
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            let mut absent = Map::new();
            absent.insert("exists".to_owned(), false.into());
            return Ok(Outcome::changed(false).with("stat", absent));
        }
        Err(err) => return Err(Failure::new(os_error::reason(&err))),
    };
    let mut stat = Map::new();
    add(&mut stat, "exists", true);
    add(&mut stat, "path", path_json(path));
    add_metadata(&mut stat, &meta);
    let access = |mode| rustix::fs::access(path, mode).is_ok();
    let readable = access(Access::READ_OK);
    add(&mut stat, "readable", readable);
    add(&mut stat, "writeable", access(Access::WRITE_OK));
    add(&mut stat, "executable", access(Access::EXEC_OK));
    if meta.is_symlink()
        && let Ok(target) = fs::read_link(path)
    {
        add(&mut stat, "lnk_source", path_json(&link_source(path)));
        add(&mut stat, "lnk_target", path_json(&target));
    }
    if let Some(user) = accounts::user_by_id(meta.uid(), ctx) {
        add(&mut stat, "pw_name", user.name);
    }
    if let Some(group) = accounts::group_by_id(meta.gid(), ctx) {
        add(&mut stat, "gr_name", group.name);
    }
    if args.get_checksum && meta.is_file() && readable {
        let algorithm = Algorithm::named(&args.checksum_algorithm)
            .ok_or_else(|| Failure::new(format!("unknown checksum algorithm `{}`", args.checksum_algorithm)))?;
        let checksum = checksum::of_file(path, algorithm)
            .map_err(|err| Failure::new(format!("could not read {}: {}", path.display(), os_error::numbered(&err))))?;
        add(&mut stat, "checksum", checksum);
    }
    if args.get_mime {
        let (mime, charset) = mime_type::of_path(path, ctx);
        add(&mut stat, "mimetype", mime);
        add(&mut stat, "charset", charset);
    }
    if args.get_attributes {
        add_flags(&mut stat, path);
    }
    if args.get_selinux_context
        && let Some(context) = crate::support::selinux::context(path)
    {
        add(&mut stat, "selinux_context", context.split(':').map(Json::from).collect::<Vec<_>>());
    }
    Ok(Outcome::changed(false).with("stat", stat))
}

fn add(stat: &mut Map<String, Json>, name: &str, value: impl Into<Json>) {
    stat.insert(name.to_owned(), value.into());
}

/// Adds what the file system says of a file.
pub fn add_metadata(stat: &mut Map<String, Json>, meta: &fs::Metadata) {
    let (mode, kind) = (meta.mode(), meta.file_type());
    add(stat, "mode", format!("{:04o}", mode & 0o7777));
    for (name, holds) in [
        ("isdir", kind.is_dir()),
        ("ischr", kind.is_char_device()),
        ("isblk", kind.is_block_device()),
        ("isreg", kind.is_file()),
        ("isfifo", kind.is_fifo()),
        ("islnk", kind.is_symlink()),
        ("issock", kind.is_socket()),
    ] {
        add(stat, name, holds);
    }
    for (name, number) in [
        ("uid", u64::from(meta.uid())),
        ("gid", u64::from(meta.gid())),
        ("size", meta.size()),
        ("inode", meta.ino()),
        ("dev", meta.dev()),
        ("nlink", meta.nlink()),
        ("block_size", meta.blksize()),
        ("blocks", meta.blocks()),
        ("device_type", meta.rdev()),
    ] {
        add(stat, name, number);
    }
    add(stat, "atime", seconds(meta.atime(), meta.atime_nsec()));
    add(stat, "mtime", seconds(meta.mtime(), meta.mtime_nsec()));
    add(stat, "ctime", seconds(meta.ctime(), meta.ctime_nsec()));
    for (name, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        add(stat, name, mode & bit != 0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "Ansible shows times as Python's floats")]
fn seconds(whole: i64, nanoseconds: i64) -> f64 {
    whole as f64 + nanoseconds as f64 / 1e9
}

/// File systems without flags have none to show.
fn add_flags(stat: &mut Map<String, Json>, path: &Path) {
    let flags = file_flags::read(path);
    let version = file_flags::version(path).ok().filter(|_| flags.is_ok());
    let flags = flags.unwrap_or(0);
    add(stat, "attributes", file_flags::names(flags).into_iter().map(Json::from).collect::<Vec<_>>());
    add(stat, "attr_flags", file_flags::letters(flags));
    add(stat, "version", version.map_or(Json::Null, |version| version.to_string().into()));
}

/// Where a link leads in the end; what does not exist stays as it is written.
fn link_source(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let Ok(target) = fs::read_link(path) else { return path.to_owned() };
    let joined = path.parent().unwrap_or(Path::new("/")).join(target);
    let parent = joined.parent().and_then(|parent| fs::canonicalize(parent).ok());
    match (parent, joined.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => joined,
    }
}
