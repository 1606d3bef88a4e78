//! One line of a file: there, replaced, or gone. Works on bytes, so a file in any encoding keeps its.

mod edit;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Arg, Ctx, Diff, Failure, Json, Module, ModuleResult, Outcome, Rule, Spec, run};
use serde::Deserialize;

use crate::atomic_write;
use crate::content_diff::{self, Side};
use crate::file::real_path;
use crate::file_attributes::{AttributeDiff, FILE_ARGS, FileAttributes, umask};
use crate::file_mode;
use crate::os_error;
use edit::{Edit, Place, Search};

pub const MODULE: Module = Module {
    spec: Spec {
        name: "lineinfile",
        summary: "Manage a line of a text file.",
        args: &[
            Arg::path("path", "The file.").required().aliases(&["dest", "destfile", "name"]),
            Arg::str("state", "Whether the line should be there.").choices(&["absent", "present"]).default("present"),
            Arg::str("regexp", "What the line to replace or remove looks like.").aliases(&["regex"]),
            Arg::str("search_string", "Text that the line to replace or remove contains."),
            Arg::str("line", "The line.").aliases(&["value"]),
            Arg::bool("backrefs", "Let `line` refer to groups of `regexp`; without a match nothing changes.")
                .default("no"),
            Arg::str("insertafter", "`EOF`, or what the line before a new one looks like."),
            Arg::str("insertbefore", "`BOF`, or what the line after a new one looks like."),
            Arg::bool("create", "Make the file if it is not there.").default("no"),
            Arg::bool("backup", "Keep a copy of the file as it was.").default("no"),
            Arg::bool("firstmatch", "Take the first line that matches, not the last.").default("no"),
            Arg::str(
                "validate",
                "A command that must accept the new file before it is put in place; `%s` is its name.",
            ),
        ],
        shared: &[FILE_ARGS],
        rules: &[
            Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
            Rule::MutuallyExclusive(&["regexp", "search_string"]),
            Rule::MutuallyExclusive(&["backrefs", "search_string"]),
        ],
        ..Spec::EMPTY
    },
    run: run!(lineinfile),
};

#[derive(Deserialize)]
struct Args {
    path: PathBuf,
    state: State,
    regexp: Option<String>,
    search_string: Option<String>,
    line: Option<String>,
    backrefs: bool,
    insertafter: Option<String>,
    insertbefore: Option<String>,
    create: bool,
    backup: bool,
    firstmatch: bool,
    validate: Option<String>,
    #[serde(flatten)]
    attributes: FileAttributes,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
}

fn lineinfile(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if args.path.is_dir() {
        return Err(Failure::new(format!("Path {} is a directory !", args.path.display())).with("rc", 256));
    }
    if args.regexp.as_deref() == Some("") {
        ctx.warn(
            "The regular expression is an empty string, which will match every line in the file. \
             This may have unintended consequences, such as replacing the last line in the file rather than appending. \
             If this is desired, use '^' to match every line in the file and avoid this warning.",
        );
    }
    let search = Search::new(args.regexp.as_deref(), args.search_string.as_deref()).map_err(Failure::new)?;
    match args.state {
        State::Present => present(&args, &search, ctx),
        State::Absent => absent(&args, &search, ctx),
    }
}

fn present(args: &Args, search: &Search, ctx: &mut Ctx) -> ModuleResult {
    if args.backrefs && args.regexp.is_none() {
        return Err(Failure::new("regexp is required with backrefs=true"));
    }
    let line = args.line.as_deref().ok_or_else(|| Failure::new("line is required with state=present"))?;
    if !args.path.exists() && !args.create {
        return Err(Failure::new(format!("Destination {} does not exist !", args.path.display())).with("rc", 257));
    }
    let place = Place::new(args.insertafter.as_deref(), args.insertbefore.as_deref()).map_err(Failure::new)?;
    let before = read(&args.path)?;
    let edit = Edit { line: line.as_bytes(), backrefs: args.backrefs, first_match: args.firstmatch };
    let (after, msg) = edit.apply(&before, search, &place).map_err(Failure::new)?;
    finish(args, &before, &after, msg.to_owned(), ctx)
}

fn absent(args: &Args, search: &Search, ctx: &mut Ctx) -> ModuleResult {
    if args.line.is_none() && matches!(search, Search::Nothing) {
        return Err(Failure::new("one of line, search_string, or regexp is required with state=absent"));
    }
    if !args.path.exists() {
        return Ok(Outcome::changed(false).with("msg", "file not present"));
    }
    let before = read(&args.path)?;
    let line = args.line.as_deref().map(str::as_bytes);
    let (after, found) = edit::without(&before, search, line).map_err(Failure::new)?;
    let msg = if found == 0 { String::new() } else { format!("{found} line(s) removed") };
    Ok(finish(args, &before, &after, msg, ctx)?.with("found", found))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(err) => Err(Failure::new(format!("could not read {}: {}", path.display(), os_error::numbered(&err)))),
    }
}

/// Writes the new content, applies the attributes and reports.
fn finish(args: &Args, before: &[u8], after: &[u8], mut msg: String, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    let existed = path.exists();
    let mut changed = before != after || (!existed && args.state == State::Present);
    let header = |what: &str| Some(format!("{} ({what})", path.display()));
    let mut diffs = Vec::new();
    if ctx.diff {
        let (before, after) = (Side::of_bytes(before), Side::of_bytes(after));
        diffs.push(content_diff::between(before, after, header("content"), header("content")));
    }
    let mut backup = String::new();
    let mut attributes = AttributeDiff::default();
    let mut attributes_changed = false;
    if changed && !ctx.check {
        // Writing sets the mode too, so that the new content is never readable to more than it should be.
        let mode = fs::metadata(path).map_or(0o666 & !umask(), |meta| meta.mode() & file_mode::PERMISSIONS);
        let wanted = args.attributes.mode_for(mode);
        if mode != wanted {
            attributes.set("mode", file_mode::text(mode), file_mode::text(wanted));
            attributes_changed = true;
        }
        if args.backup && existed {
            backup = atomic_write::back_up(path)?.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        }
        write(args, path, after, ctx)?;
    }
    if existed || !ctx.check {
        attributes_changed |= args.attributes.apply(path, Some(&mut attributes), ctx)?;
        if attributes_changed {
            if !msg.is_empty() {
                msg.push_str(" and ");
            }
            msg.push_str("ownership, perms or SE linux context changed");
            changed = true;
        }
        if ctx.diff {
            let sides =
                |side: serde_json::Map<String, Json>| if side.is_empty() { Json::Null } else { Json::Object(side) };
            diffs.push(Diff {
                before: sides(attributes.before),
                after: sides(attributes.after),
                before_header: header("file attributes"),
                after_header: header("file attributes"),
                ..Diff::default()
            });
        }
    }
    let mut outcome = Outcome::changed(changed).with("msg", msg).with("backup", backup);
    outcome.diff = diffs;
    Ok(outcome)
}

fn write(args: &Args, path: &Path, content: &[u8], ctx: &mut Ctx) -> Result<(), Failure> {
    if let Some(parent) = path.parent()
        && !parent.exists()
    {
        fs::create_dir_all(parent).map_err(|err| {
            Failure::new(format!("Error creating {} ({})", parent.display(), os_error::numbered(&err)))
        })?;
    }
    let result = atomic_write::replace(&real_path(path), content, args.validate.as_deref(), &args.attributes, ctx);
    // This module words a refusal differently from the others.
    result.map_err(|failure| match (failure.fields.get("exit_status"), failure.fields.get("stderr")) {
        (Some(rc), Some(Json::String(stderr))) => Failure::new(format!("failed to validate: rc:{rc} error:{stderr}")),
        _ => failure,
    })
}
