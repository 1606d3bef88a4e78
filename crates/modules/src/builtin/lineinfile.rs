//! One line of a file: there, replaced, or gone. Works on bytes, so a file in any encoding keeps its.

mod edit;

use std::path::PathBuf;

use rplay_module_api::{Choice, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::content_diff::{self, Side};
use crate::support::file_attributes::FileAttributes;
use crate::support::text_file;
use edit::{Edit, Place, Search};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(lineinfile) };

const EXAMPLE: &str = r"- name: Forbid root to log in
  lineinfile:
    path: /etc/ssh/sshd_config
    regexp: ^#?PermitRootLogin
    line: PermitRootLogin no
";

const RETURNS: &[Return] = &[
    Return::new("msg", Kind::Str, "always", "What was done."),
    Return::new("backup", Kind::Path, "always", "The copy of the file as it was, if one was made."),
    Return::new("found", Kind::Int, "with state absent", "How many lines were removed."),
];

/// Manage a line of a text file.
#[derive(ModuleArgs)]
#[module(name = "lineinfile")]
#[module(mutually_exclusive("insertbefore", "insertafter"))]
#[module(mutually_exclusive("regexp", "search_string"))]
#[module(mutually_exclusive("backrefs", "search_string"))]
struct Args {
    /// The file.
    #[arg(alias("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the line should be there.
    #[arg(default = "present")]
    state: State,
    /// What the line to replace or remove looks like.
    #[arg(alias("regex"))]
    regexp: Option<String>,
    /// Text that the line to replace or remove contains.
    search_string: Option<String>,
    /// The line.
    #[arg(alias("value"))]
    line: Option<String>,
    /// Let `line` refer to groups of `regexp`; without a match nothing changes.
    #[arg(default = "no")]
    backrefs: bool,
    /// `EOF`, or what the line before a new one looks like.
    insertafter: Option<String>,
    /// `BOF`, or what the line after a new one looks like.
    insertbefore: Option<String>,
    /// Make the file if it is not there.
    #[arg(default = "no")]
    create: bool,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// Take the first line that matches, not the last.
    #[arg(default = "no")]
    firstmatch: bool,
    /// A command that must accept the new file before it is put in place; `%s` is its name.
    validate: Option<String>,
    #[arg(flatten)]
    attributes: FileAttributes,
}

#[derive(Choice, PartialEq, Eq)]
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
