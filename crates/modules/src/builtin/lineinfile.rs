//! One line of a file: there, replaced, or gone. Works on bytes, so a file in any encoding keeps its.

mod edit;

use std::path::PathBuf;

use rplay_module_api::{Arg, Ctx, Failure, Module, ModuleResult, Outcome, Rule, Spec, run};
use serde::Deserialize;

use crate::support::content_diff::{self, Side};
use crate::support::file_attributes::{FILE_ARGS, FileAttributes};
use crate::support::text_file;
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
    let before = text_file::read(&args.path)?;
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
    let before = text_file::read(&args.path)?;
    let line = args.line.as_deref().map(str::as_bytes);
    let (after, found) = edit::without(&before, search, line).map_err(Failure::new)?;
    let msg = if found == 0 { String::new() } else { format!("{found} line(s) removed") };
    Ok(finish(args, &before, &after, msg, ctx)?.with("found", found))
}

/// Writes the new content, applies the attributes and reports.
fn finish(args: &Args, before: &[u8], after: &[u8], mut msg: String, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    let changed = before != after || (args.state == State::Present && !path.exists());
    let mut diffs = Vec::new();
    if ctx.diff {
        let header = Some(format!("{} (content)", path.display()));
        let (before, after) = (Side::of_bytes(before), Side::of_bytes(after));
        diffs.push(content_diff::between(before, after, header.clone(), header));
    }
    let change = text_file::Change {
        path,
        after,
        changed,
        backup: args.backup,
        validate: args.validate.as_deref(),
        attributes: &args.attributes,
    };
    let done = change.apply(ctx)?;
    done.add_to(&mut msg);
    if ctx.diff {
        diffs.extend(done.attribute_diff(path));
    }
    let backup = done.backup.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
    let mut outcome = Outcome::changed(changed || done.attributes_changed).with("msg", msg).with("backup", backup);
    outcome.diff = diffs;
    Ok(outcome)
}
