//! A file or directory that is on the target already.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Failure, Json, ModuleResult, Outcome};
use rustix::fs::OFlags;

use super::upload::{check_parent, wrong_checksum};
use super::{Args, ends_in_slash};
use crate::builtin::file::{LONGEST_PATH, make_directories, real_path};
use crate::support::at::{self, Last, Located, Object};
use crate::support::atomic_write::{self, PendingFile};
use crate::support::checksum::{self, Checksums};
use crate::support::file_attributes::{FileAttributes, path_json, with_path_info};
use crate::support::{file_mode, os_error};

pub(super) fn copy(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let src = args.src.as_deref().ok_or_else(|| Failure::new("src (or content) is required"))?;
    let meta = fs::metadata(src).map_err(|_| Failure::new(format!("Source {} not found", src.display())))?;
    let mut dest = args.dest.clone();
    if ends_in_slash(&dest) && !dest.exists() {
        if ctx.check {
            let directory = dest.to_string_lossy().trim_end_matches('/').to_owned();
            return Ok(Outcome::changed(true)
                .with("src", path_json(src))
                .with("msg", format!("dest directory {directory} would be created")));
        }
        make_directories(&dest, &args.directory_attributes(), None, ctx)?;
    }
    if dest.is_dir() {
        // A slash at the end of src means what is in it; the name is then empty.
        dest.push(if ends_in_slash(src) { Path::new("") } else { Path::new(src.file_name().unwrap_or_default()) });
    }
    if meta.is_dir() { directory(args, src, &dest, &meta, ctx) } else { file(args, src, dest, &meta, ctx) }
}

fn file(args: &Args, src: &Path, mut dest: PathBuf, meta: &fs::Metadata, ctx: &mut Ctx) -> ModuleResult {
    let present = fs::symlink_metadata(&dest).ok();
    let is_link = present.as_ref().is_some_and(fs::Metadata::is_symlink);
    if is_link && args.follow {
        dest = real_path(&dest, ctx)?;
    }
    let source = at::locate(src, Last::Followed).and_then(Located::into_object).map_err(|err| unreadable(src, &err))?;
    let checksums = checksums_of(&source).map_err(|err| unreadable(src, &err))?;
    if let Some(expected) = &args.checksum
        && !expected.eq_ignore_ascii_case(&checksums.sha1)
    {
        return Err(wrong_checksum(&checksums.sha1, expected));
    }
    if dest.exists() && !args.force {
        let outcome = Outcome::changed(false)
            .with("msg", "file already exists")
            .with("src", path_json(src))
            .with("dest", path_json(&dest));
        return Ok(with_path_info(outcome, &dest, ctx));
    }
    check_parent(&dest)?;
    let attributes = args.file_attributes(Some(&file_mode::text(meta.mode())));
    let replaces_link = is_link && !args.follow;
    let mut changed = replaces_link || !same_content(&dest, &checksums);
    let mut backup = None;
    if changed && !ctx.check {
        backup = replace(args, &source, src, &dest, &attributes, ctx)?;
    }
    changed |= attributes.apply(&dest, None, ctx)?;
    let mut outcome = Outcome::changed(changed)
        .with("dest", path_json(&dest))
        .with("src", path_json(src))
        .with("md5sum", checksums.md5)
        .with("checksum", checksums.sha1);
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", path_json(&backup));
    }
    Ok(with_path_info(outcome, &dest, ctx))
}

fn checksums_of(source: &Object) -> io::Result<Checksums> {
    checksum::both_of(&mut source.open(OFlags::RDONLY)?)
}

fn same_content(dest: &Path, checksums: &Checksums) -> bool {
    dest.is_file() && checksum::both_of_file(dest).is_ok_and(|present| present.sha1 == checksums.sha1)
}

fn unreadable(path: &Path, err: &io::Error) -> Failure {
    Failure::new(format!("could not read {}: {}", path.display(), os_error::numbered(err)))
}

/// Writes the new file; returns the name of the old one's copy.
fn replace(
    args: &Args,
    source: &Object,
    src: &Path,
    dest: &Path,
    attributes: &FileAttributes,
    ctx: &mut Ctx,
) -> Result<Option<PathBuf>, Failure> {
    let failed = |err: io::Error| atomic_write::cannot_write(dest, &err);
    let mut pending = PendingFile::beside(dest).map_err(failed)?;
    let mut content = source.open(OFlags::RDONLY).map_err(|err| unreadable(src, &err))?;
    io::copy(&mut content, &mut pending.file).map_err(failed)?;
    if let Some(validate) = &args.validate {
        atomic_write::run_validation(validate, pending.path(), ctx)?;
    }
    let backup = if args.backup { atomic_write::back_up(dest)? } else { None };
    pending.put(attributes).map_err(failed)?;
    Ok(backup)
}

fn directory(args: &Args, src: &Path, dest: &Path, meta: &fs::Metadata, ctx: &mut Ctx) -> ModuleResult {
    if dest.exists() && !dest.is_dir() {
        return Err(Failure::new(format!("cannot copy a directory over {}, which is not one", dest.display())));
    }
    if let (Ok(from), Ok(to)) = (fs::canonicalize(src), fs::canonicalize(dest.parent().unwrap_or(dest)))
        && to.starts_with(&from)
    {
        return Err(Failure::new(format!("cannot copy {} into itself", src.display())));
    }
    // A new directory given without a slash at the end of src holds the source, it does not become it.
    let inside = match src.file_name() {
        Some(name) if dest == args.dest && !dest.exists() && !ends_in_slash(src) => dest.join(name),
        _ => dest.to_owned(),
    };
    let source = at::locate(src, Last::Followed).and_then(Located::into_object).map_err(|err| unreadable(src, &err))?;
    let mut changed = copy_below(args, &source, src, &inside, ctx)?;
    if !ctx.check || dest.exists() {
        changed |= args.file_attributes(Some(&file_mode::text(meta.mode()))).apply(dest, None, ctx)?;
    }
    let outcome = Outcome::changed(changed)
        .with("dest", path_json(dest))
        .with("src", path_json(src))
        .with("md5sum", Json::Null)
        .with("checksum", Json::Null);
    Ok(with_path_info(outcome, dest, ctx))
}

/// Copies what is in `src`, opened as `source`, into `dest`, which is made if need be.
fn copy_below(args: &Args, source: &Object, src: &Path, dest: &Path, ctx: &mut Ctx) -> Result<bool, Failure> {
    let mut changed = false;
    if src.as_os_str().len() > LONGEST_PATH {
        return Err(Failure::new("the directories are nested too deeply"));
    }
    if dest.is_dir() {
        changed |= args.attributes.with_mode(None).apply(dest, None, ctx)?;
    } else {
        changed = true;
        if !ctx.check {
            let mode = source.metadata().map(|meta| Json::from(file_mode::text(meta.mode()))).ok();
            make_directories(dest, &args.attributes.with_mode(mode), None, ctx)?;
        }
    }
    let mut names = source.names().map_err(|err| unreadable(src, &err))?;
    names.sort();
    for name in names {
        let (from, to) = (src.join(&name), dest.join(&name));
        let mut entry = source.child(&name).map_err(|err| unreadable(&from, &err))?;
        let mut meta = entry.metadata().map_err(|err| unreadable(&from, &err))?;
        if meta.is_symlink() {
            if args.local_follow != Some(true) {
                changed |= copy_link(&entry, &from, &to, ctx)?;
                continue;
            }
            let target = at::locate(&from, Last::Followed).and_then(Located::into_object);
            entry = target.map_err(|err| unreadable(&from, &err))?;
            meta = entry.metadata().map_err(|err| unreadable(&from, &err))?;
        }
        changed |= if meta.is_dir() {
            copy_below(args, &entry, &from, &to, ctx)?
        } else {
            copy_file(args, &entry, &from, &to, ctx)?
        };
    }
    Ok(changed)
}

fn copy_link(link: &Object, from: &Path, to: &Path, ctx: &mut Ctx) -> Result<bool, Failure> {
    let target = link.link_target().map_err(|err| unreadable(from, &err))?;
    if fs::read_link(to).is_ok_and(|present| present.as_os_str() == target) {
        return Ok(false);
    }
    if !ctx.check {
        let write = || {
            let place = at::locate(to, Last::Itself)?;
            if place.metadata().is_some() {
                place.remove_file(place.name())?;
            }
            place.symlink(&target, place.name())
        };
        write().map_err(|err| atomic_write::cannot_write(to, &err))?;
    }
    Ok(true)
}

fn copy_file(args: &Args, source: &Object, from: &Path, to: &Path, ctx: &mut Ctx) -> Result<bool, Failure> {
    let meta = source.metadata().map_err(|err| unreadable(from, &err))?;
    // Ansible gives `mode` to the copied directory alone; files in it keep the mode of their source.
    let source_mode = (args.preserves_mode() || !to.exists()).then(|| Json::from(file_mode::text(meta.mode())));
    let attributes = args.attributes.with_mode(source_mode);
    let checksums = checksums_of(source).map_err(|err| unreadable(from, &err))?;
    let changed = !same_content(to, &checksums);
    if changed && !ctx.check {
        replace(args, source, from, to, &attributes, ctx)?;
    }
    if ctx.check && changed {
        return Ok(true);
    }
    Ok(attributes.apply(to, None, ctx)? || changed)
}
