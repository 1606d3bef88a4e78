//! Tests about files of the controller.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::template::engine::arguments::Bound;
use crate::template::engine::number::Number;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::error::{Res, raised};

fn path(args: &Bound, index: usize) -> Res<PathBuf> {
    let value = args.val(index);
    if value.as_str().is_none() {
        return Err(raised(format!("expected str, bytes or os.PathLike object, not {}", value.type_name())));
    }
    Ok(PathBuf::from(print::text(&value)?))
}

/// A number is a descriptor of this process.
fn path_or_descriptor(args: &Bound) -> Res<PathBuf> {
    match Number::of(&args.val(0)).and_then(|number| number.big()) {
        Some(number) => Ok(PathBuf::from(format!("/proc/self/fd/{number}"))),
        None => path(args, 0),
    }
}

pub fn directory(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(path_or_descriptor(&args)?.is_dir())
}

pub fn file(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(path_or_descriptor(&args)?.is_file())
}

pub fn link(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(fs::symlink_metadata(path(&args, 0)?).is_ok_and(|it| it.file_type().is_symlink()))
}

pub fn exists(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(path_or_descriptor(&args)?.exists())
}

pub fn link_exists(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(fs::symlink_metadata(path(&args, 0)?).is_ok())
}

pub fn absolute(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(path(&args, 0)?.is_absolute())
}

pub fn same_file(_scope: &Scope, args: Bound) -> Res<bool> {
    let look = |path: &Path| {
        fs::metadata(path).map_err(|_| raised(format!("[Errno 2] No such file or directory: '{}'", path.display())))
    };
    let (a, b) = (look(&path(&args, 0)?)?, look(&path(&args, 1)?)?);
    Ok(a.dev() == b.dev() && a.ino() == b.ino())
}

pub fn mount(_scope: &Scope, args: Bound) -> Res<bool> {
    let path = path(&args, 0)?;
    let Ok(own) = fs::symlink_metadata(&path) else { return Ok(false) };
    if own.file_type().is_symlink() {
        return Ok(false);
    }
    let Ok(parent) = fs::metadata(path.join("..")) else { return Ok(false) };
    Ok(own.dev() != parent.dev() || own.ino() == parent.ino())
}

pub fn vaulted(_scope: &Scope, args: Bound) -> Res<bool> {
    let path = path(&args, 0)?;
    let bytes =
        fs::read(&path).map_err(|_| raised(format!("[Errno 2] No such file or directory: '{}'", path.display())))?;
    Ok(bytes.starts_with(b"$ANSIBLE_VAULT;"))
}
