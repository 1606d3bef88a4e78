//! Symbolic and hard links. A link takes the place of what was there in one step.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rplay_module_api::{Ctx, Failure, Json, ModuleResult, Outcome};

use super::times::Times;
use super::{Args, apply_attributes, present_state, state_diff};
use crate::support::at::{self, Last, Located};
use crate::support::atomic_write::temporary_name;
use crate::support::file_attributes::{AttributeDiff, add_path_info, path_failure, path_json, with_path_info};
use crate::support::os_error;

fn src_json(src: Option<&Path>) -> Json {
    src.map_or(Json::Null, path_json)
}

/// An outcome with `dest` and `src`.
fn outcome(path: &Path, src: Option<&Path>, changed: bool, diff: AttributeDiff) -> Outcome {
    Outcome::changed(changed).with("dest", path_json(path)).with("src", src_json(src)).with_diff(diff.into_diff())
}

pub(super) fn symbolic(args: &Args, times: &Times, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    let before = present_state(path);
    let src = match &args.src {
        Some(src) => Some(src.clone()),
        None if before != "link" => return Err(Failure::new("src is required for creating new symlinks")),
        None if args.follow => fs::read_link(path).ok(),
        None => None,
    };
    let src = src.as_deref();
    check_obstacles(args, before, ctx)?;

    let mut diff = state_diff(path, before, "link");
    let mut changed = before != "link";
    if let (Ok(old), Some(new)) = (fs::read_link(path), args.src.as_deref())
        && old != new
    {
        diff.set("src", path_json(&old), path_json(new));
        changed = true;
    }
    if changed
        && !ctx.check
        && let Some(src) = src
    {
        place(path, before, |place, name| place.symlink(src.as_os_str(), name)).map_err(|err| {
            let reason = format!("{}: b'{}' -> b'{}'", os_error::numbered(&err), src.display(), path.display());
            let what = if before == "absent" { "linking" } else { "replacing" };
            path_failure(format!("Error while {what}: {reason}"), path, ctx)
        })?;
    }
    if ctx.check && before == "absent" {
        return Ok(outcome(path, src, changed, diff));
    }
    if args.follow && path.is_symlink() && !path.exists() {
        ctx.warn(
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.",
        );
    } else {
        changed |= apply_attributes(args, path, times, &mut diff, ctx)?;
    }
    let outcome = outcome(path, src, changed, diff);
    Ok(with_path_info(outcome, path, ctx))
}

/// What forbids a symbolic link at the path.
fn check_obstacles(args: &Args, before: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    let path = args.path.as_path();
    if let (Some(src), false) = (&args.src, args.force) {
        let base = if before == "directory" { path } else { path.parent().unwrap_or(Path::new("/")) };
        let target = base.join(src);
        if !target.exists() {
            let msg = format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                target.display()
            );
            return Err(path_failure(msg, path, ctx).with("src", path_json(src)));
        }
    }
    match before {
        "link" | "absent" => Ok(()),
        _ if !args.force => {
            let msg = format!("refusing to convert from {before} to symlink for {}", path.display());
            Err(path_failure(msg, path, ctx))
        }
        "directory" if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) => {
            let msg = format!("the directory {} is not empty, refusing to convert it", path.display());
            Err(path_failure(msg, path, ctx))
        }
        _ => Ok(()),
    }
}

pub(super) fn hard(args: &Args, times: &Times, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    let before = present_state(path);
    let src = args.src.as_deref();
    if src.is_none() && before != "hard" {
        return Err(Failure::new("src is required for creating new hardlinks"));
    }
    let refused = |msg: &str, ctx: &mut Ctx| {
        let mut failure = Failure::new(msg).with("dest", path_json(path)).with("src", src_json(src));
        add_path_info(&mut failure.fields, path, ctx);
        failure
    };
    if src.is_some_and(|src| !src.exists()) {
        return Err(refused("src does not exist", ctx));
    }
    let mut diff = state_diff(path, before, "hard");
    let mut changed = false;
    if let Some(src) = src {
        changed = !same_file(path, src);
        match before {
            "link" => {
                if let Ok(old) = fs::read_link(path) {
                    diff.set("src", path_json(&old), path_json(src));
                }
                changed = true;
            }
            "hard" if changed && !args.force => {
                return Err(refused("Cannot link, different hard link exists at destination", ctx));
            }
            "file" if changed && !args.force => {
                return Err(refused("Cannot link, file exists at destination", ctx));
            }
            _ => {}
        }
        if changed && !ctx.check {
            place(path, before, |place, name| place.hard_link(&at::locate(src, Last::Itself)?, name)).map_err(
                |err| {
                    let reason = format!("{}: b'{}' -> b'{}'", os_error::numbered(&err), src.display(), path.display());
                    let what = if before == "absent" { "linking" } else { "replacing" };
                    path_failure(format!("Error while {what}: {reason}"), path, ctx)
                },
            )?;
        }
    }
    if ctx.check && before == "absent" {
        return Ok(outcome(path, src, changed, diff));
    }
    changed |= apply_attributes(args, path, times, &mut diff, ctx)?;
    let outcome = outcome(path, src, changed, diff);
    Ok(with_path_info(outcome, path, ctx))
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::symlink_metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Makes a link at a name beside `path` and renames it, so that there is always something at `path`.
fn place(path: &Path, before: &str, make: impl Fn(&Located, &OsStr) -> io::Result<()>) -> io::Result<()> {
    let place = at::locate(path, Last::Itself)?;
    if before == "absent" {
        return make(&place, place.name());
    }
    let beside = temporary_name();
    if before == "directory" {
        place.remove_dir()?;
    }
    make(&place, &beside)?;
    place.rename_from(&beside).inspect_err(|_| {
        let _ = place.remove_file(&beside);
    })
}
