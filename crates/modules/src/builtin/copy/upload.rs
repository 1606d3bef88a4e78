//! One file whose content comes from the controller.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, ModuleResult, Outcome};

use super::{Args, ends_in_slash};
use crate::builtin::file::{make_directories, real_path};
use crate::support::atomic_write::{self, PendingFile};
use crate::support::checksum::{self, Algorithm, Checksums, HashingWriter};
use crate::support::content_diff::{self, Sample, Side};
use crate::support::file_attributes::{AttributeDiff, FileAttributes, path_json, with_path_info};

/// A file to write, its place settled.
pub(super) struct Upload<'a> {
    /// Name under which the content is attached.
    pub attachment: &'a str,
    pub checksum: &'a str,
    pub dest: PathBuf,
    pub label: Option<&'a str>,
    pub attributes: FileAttributes,
}

pub(super) fn single(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let checksum =
        args._checksum.as_deref().ok_or_else(|| Failure::new("copy received content without its checksum"))?;
    let mut dest = args.dest.clone();
    let into_directory = ends_in_slash(&dest);
    if into_directory || dest.is_dir() {
        let name =
            args._original_basename.as_deref().ok_or_else(|| Failure::new("can not use content with a dir as dest"))?;
        dest.push(name);
    }
    if into_directory && !args.dest.exists() && !ctx.check {
        make_directories(&args.dest, &args.directory_attributes(), None, ctx)?;
    }
    let upload = Upload {
        attachment: "src",
        checksum,
        dest,
        label: args._source_label.as_deref(),
        attributes: args.file_attributes(args._source_mode.as_deref()),
    };
    write(args, upload, ctx)
}

/// What stands at a file's place.
pub(super) struct Present {
    there: bool,
    /// It is a file with this content.
    same: bool,
}

impl Upload<'_> {
    pub(super) fn look(&self, args: &Args) -> Present {
        let present = if args.follow { fs::metadata(&self.dest) } else { fs::symlink_metadata(&self.dest) };
        let there = present.is_ok();
        if there && !args.force {
            return Present { there, same: false };
        }
        let same = present.is_ok_and(|meta| meta.is_file())
            && checksum::of_file(&self.dest, Algorithm::Sha1).is_ok_and(|present| present == self.checksum);
        Present { there, same }
    }

    /// Whether the content has to come from the controller.
    pub(super) fn is_wanted(&self, present: &Present, args: &Args, ctx: &Ctx) -> bool {
        !(present.same || (present.there && !args.force) || (ctx.check && !ctx.diff))
    }
}

/// Brings one file in line with what the controller has.
pub(super) fn write(args: &Args, upload: Upload, ctx: &mut Ctx) -> ModuleResult {
    let present = upload.look(args);
    write_over(args, upload, &present, ctx)
}

/// The same when it is known what stands there.
pub(super) fn write_over(args: &Args, mut upload: Upload, present: &Present, ctx: &mut Ctx) -> ModuleResult {
    if present.there && !args.force {
        let src = args.src.as_deref().map_or_else(|| "".into(), path_json);
        return Ok(Outcome::changed(false).with("dest", path_json(&upload.dest)).with("src", src));
    }
    let before_path = upload.dest.clone();
    if args.follow && present.there && upload.dest.is_symlink() {
        upload.dest = real_path(&upload.dest, ctx)?;
    }
    if present.same {
        return unchanged_content(&upload, ctx);
    }
    let with_checksum = |failure: Failure| failure.with("checksum", upload.checksum);
    if ctx.check {
        let mut outcome = Outcome::changed(true);
        if ctx.diff {
            let mut sample = Sample::default();
            receive(upload.attachment, &mut sample, ctx).map_err(with_checksum)?;
            outcome.diff.push(diff(&before_path, Side::of_sample(&sample), &upload));
        }
        return Ok(outcome);
    }
    if let Some(expected) = &args.checksum
        && !expected.eq_ignore_ascii_case(upload.checksum)
    {
        return Err(wrong_checksum(upload.checksum, expected));
    }
    check_parent(&upload.dest).map_err(with_checksum)?;
    let (pending, checksums) = receive_beside(&upload, ctx).map_err(with_checksum)?;
    if checksums.sha1 != upload.checksum {
        return Err(wrong_checksum(&checksums.sha1, upload.checksum));
    }
    let shown = ctx.diff.then(|| diff(&before_path, Side::of_file(pending.path()), &upload));
    if let Some(validate) = &args.validate {
        atomic_write::run_validation(validate, pending.path(), ctx).map_err(with_checksum)?;
    }
    let backup = if args.backup { atomic_write::back_up(&upload.dest).map_err(with_checksum)? } else { None };
    pending.put(&upload.attributes).map_err(|err| with_checksum(atomic_write::cannot_write(&upload.dest, &err)))?;
    upload.attributes.apply(&upload.dest, None, ctx).map_err(with_checksum)?;

    let mut outcome = Outcome::changed(true)
        .with("dest", path_json(&upload.dest))
        .with("src", path_json(&source_name(&upload, args, ctx)))
        .with("md5sum", checksums.md5)
        .with("checksum", checksums.sha1);
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", path_json(&backup));
    }
    outcome.diff.extend(shown);
    Ok(with_path_info(outcome, &upload.dest, ctx))
}

fn unchanged_content(upload: &Upload, ctx: &mut Ctx) -> ModuleResult {
    let mut diff = AttributeDiff::of_path(&upload.dest);
    let changed = upload.attributes.apply(&upload.dest, Some(&mut diff), ctx)?;
    let outcome = Outcome::changed(changed)
        .with("path", path_json(&upload.dest))
        .with("dest", path_json(&upload.dest))
        .with("checksum", upload.checksum)
        .with_diff(diff.into_diff());
    Ok(with_path_info(outcome, &upload.dest, ctx))
}

pub(super) fn wrong_checksum(found: &str, expected: &str) -> Failure {
    Failure::new("Copied file does not match the expected checksum. Transfer failed.")
        .with("checksum", found)
        .with("expected_checksum", expected)
}

/// A file needs a directory to be in.
pub(super) fn check_parent(dest: &Path) -> Result<(), Failure> {
    match dest.parent() {
        Some(parent) if parent != Path::new("") && !parent.is_dir() => {
            Err(Failure::new(format!("Destination directory {} does not exist", parent.display())))
        }
        _ => Ok(()),
    }
}

fn receive(attachment: &str, into: &mut dyn Write, ctx: &mut Ctx) -> Result<(), Failure> {
    ctx.port.receive_file(attachment, into).map(|_| ()).map_err(|err| not_received(&err))
}

pub(super) fn not_received(err: &io::Error) -> Failure {
    Failure::new(format!("could not receive the file from the controller: {}", crate::support::os_error::numbered(err)))
}

fn receive_beside(upload: &Upload, ctx: &mut Ctx) -> Result<(PendingFile, Checksums), Failure> {
    let mut pending =
        PendingFile::beside(&upload.dest).map_err(|err| atomic_write::cannot_write(&upload.dest, &err))?;
    let mut writer = HashingWriter::new(&mut pending.file);
    match ctx.port.receive_file(upload.attachment, &mut writer) {
        Ok(_) => {}
        // Numbered errors come from the disk, others from the connection.
        Err(err) if err.raw_os_error().is_some() => return Err(atomic_write::cannot_write(&upload.dest, &err)),
        Err(err) => return Err(not_received(&err)),
    }
    let checksums = writer.finish();
    Ok((pending, checksums))
}

fn diff(before: &Path, after: Side, upload: &Upload) -> Diff {
    let header = before.exists().then(|| before.to_string_lossy().into_owned());
    let label = upload.label.map_or_else(|| upload.dest.to_string_lossy().into_owned(), str::to_owned);
    content_diff::between(Side::of_file(before), after, header, Some(label))
}

/// The name that users of Ansible see here: that of a file in the task's own directory.
fn source_name(upload: &Upload, args: &Args, ctx: &Ctx) -> PathBuf {
    let name = args._original_basename.as_deref().map_or(upload.dest.as_path(), Path::new);
    let mut source = String::from(".source");
    if let Some(extension) = name.extension() {
        source.push('.');
        source.push_str(&extension.to_string_lossy());
    }
    ctx.tmpdir.join(source)
}
