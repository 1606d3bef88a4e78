//! A block of lines between two markers in a file: there as it should be, or gone.

use std::path::PathBuf;

use rplay_module_api::{Choice, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::content_diff::{self, Side};
use crate::support::file_attributes::{FileAttributes, path_json};
use crate::support::python_regex::{self, PythonRegex};
use crate::support::text_file;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(blockinfile) };

const EXAMPLE: &str = r"- name: Name hosts of our own
  blockinfile:
    path: /etc/hosts
    block: |
      10.0.0.2 db
      10.0.0.3 cache
";

const RETURNS: &[Return] = &[Return::new("msg", Kind::Str, "always", "What was done.")];

/// Manage a block of lines between markers in a text file.
#[derive(ModuleArgs)]
#[module(name = "blockinfile")]
#[module(mutually_exclusive("insertbefore", "insertafter"))]
struct Args {
    /// The file.
    #[arg(alias("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the block should be there.
    #[arg(default = "present")]
    state: State,
    /// The lines. An empty block is removed.
    #[arg(default = "", alias("content"))]
    block: String,
    /// The lines around the block; `{mark}` becomes marker_begin and marker_end.
    #[arg(default = "# {mark} ANSIBLE MANAGED BLOCK")]
    marker: String,
    /// What `{mark}` is before the block.
    #[arg(default = "BEGIN")]
    marker_begin: String,
    /// What `{mark}` is after the block.
    #[arg(default = "END")]
    marker_end: String,
    /// `EOF`, or what the line before a new block looks like.
    insertafter: Option<String>,
    /// `BOF`, or what the line after a new block looks like.
    insertbefore: Option<String>,
    /// Make the file if it is not there.
    #[arg(default = "no")]
    create: bool,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// A command that must accept the new file before it is put in place; `%s` is its name.
    validate: Option<String>,
    /// Have an empty line after the block.
    #[arg(default = "no")]
    append_newline: bool,
    /// Have an empty line before the block.
    #[arg(default = "no")]
    prepend_newline: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

#[derive(Choice, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

fn blockinfile(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    if path.is_dir() {
        return Err(Failure::new(format!("Path {} is a directory !", path.display())).with("rc", 256));
    }
    let existed = path.exists();
    if !existed {
        if !args.create {
            return Err(Failure::new(format!("Path {} does not exist !", path.display())).with("rc", 257));
        }
        if args.state == State::Absent {
            return Ok(Outcome::changed(false).with("msg", format!("File {} not present", path.display())));
        }
    }
    let before = text_file::read(path)?;
    let block = block_lines(&args);
    let after = edited(&args, &before, &block).map_err(Failure::new)?;
    let changed = before != after || !existed;
    let mut msg = match (existed, changed) {
        (false, _) => "File created",
        (true, false) => "",
        (true, true) if block.is_empty() => "Block removed",
        (true, true) => "Block inserted",
    }
    .to_owned();
    let mut diffs = Vec::new();
    if ctx.diff {
        let header = Some(format!("{} (content)", path.display()));
        let (before, after) = (Side::of_bytes(&before), Side::of_bytes(&after));
        diffs.push(content_diff::between(before, after, header.clone(), header));
    }
    let change = text_file::Change {
        path,
        after: &after,
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
    let mut outcome = Outcome::changed(changed || done.attributes_changed).with("msg", msg);
    if let Some(backup) = &done.backup {
        outcome = outcome.with("backup_file", path_json(backup));
    }
    outcome.diff = diffs;
    Ok(outcome)
}

fn markers(args: &Args) -> [Vec<u8>; 2] {
    [&args.marker_begin, &args.marker_end].map(|word| args.marker.replace("{mark}", word).into_bytes())
}

/// The block with its markers; nothing when it is to be gone.
fn block_lines(args: &Args) -> Vec<u8> {
    if args.state == State::Absent || args.block.is_empty() {
        return Vec::new();
    }
    let [begin, end] = markers(args);
    let mut lines = begin;
    lines.push(b'\n');
    lines.extend_from_slice(args.block.as_bytes());
    if !args.block.ends_with('\n') {
        lines.push(b'\n');
    }
    lines.extend_from_slice(&end);
    lines.push(b'\n');
    lines
}

fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The content with the block in its place.
fn edited(args: &Args, content: &[u8], block: &[u8]) -> Result<Vec<u8>, String> {
    let mut lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
    let [begin, end] = markers(args);
    let last = |marker: &[u8]| lines.iter().rposition(|line| bare(line) == marker);
    let at = match (last(&begin), last(&end)) {
        (Some(first), Some(second)) => {
            let range = first.min(second)..=first.max(second);
            let start = *range.start();
            lines.drain(range);
            start
        }
        _ => new_place(args, content, &lines)?.min(lines.len()),
    };
    let (head, tail) = lines.split_at_checked(at).unwrap_or((&lines, &[]));
    let mut result: Vec<u8> = head.concat();
    if block.is_empty() {
        result.extend(tail.concat());
        return Ok(result);
    }
    if !result.is_empty() && !result.ends_with(b"\n") {
        result.push(b'\n');
    }
    if args.prepend_newline && head.last().is_some_and(|line| !bare(line).is_empty()) {
        result.push(b'\n');
    }
    result.extend_from_slice(block);
    if args.append_newline && tail.first().is_some_and(|line| !bare(line).is_empty()) {
        result.push(b'\n');
    }
    result.extend(tail.concat());
    Ok(result)
}

/// The number of lines before a new block.
fn new_place(args: &Args, content: &[u8], lines: &[&[u8]]) -> Result<usize, String> {
    let (pattern, after) = match (args.insertafter.as_deref(), args.insertbefore.as_deref()) {
        (_, Some("BOF")) => return Ok(0),
        (None | Some("EOF"), None) => return Ok(lines.len()),
        (Some(pattern), _) => (pattern, true),
        (None, Some(pattern)) => (pattern, false),
    };
    let regex = PythonRegex::of_bytes(pattern)?;
    if pattern.starts_with("(?m)") || pattern.starts_with("(?sm)") || pattern.starts_with("(?ms)") {
        let text = python_regex::to_text(content);
        let Some(found) = regex.search(&text)?.and_then(|captures| captures.get(0)) else { return Ok(lines.len()) };
        let end = if after { found.end() } else { found.start() };
        let breaks = text.get(..end).unwrap_or_default().matches('\n').count();
        return Ok(breaks + usize::from(after && !text.get(..end).unwrap_or_default().ends_with('\n')));
    }
    for (index, line) in lines.iter().enumerate().rev() {
        if regex.search(&python_regex::to_text(line))?.is_some() {
            return Ok(index + usize::from(after));
        }
    }
    Ok(lines.len())
}
