//! A directory of the controller, copied in one request.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use rplay_module_api::{Choice, Ctx, Failure, Map, ModuleArgs, ModuleResult, Outcome, json};

use super::upload::{self, Present, Upload};
use super::{Args, ends_in_slash};
use crate::builtin::file::{self, make_directories};
use crate::support::file_attributes::path_json;

#[derive(Clone, Copy, Debug, Choice, PartialEq, Eq)]
pub(super) enum Kind {
    Dir,
    File,
    Link,
}

/// One entry of `_tree`; the module's head says what the fields mean.
#[derive(Debug, ModuleArgs)]
pub(super) struct Entry {
    /// Where the entry belongs, relative to dest.
    #[arg(kind = Str)]
    path: PathBuf,
    /// What the entry is.
    kind: Kind,
    /// Mode of the source, as octal text.
    mode: Option<String>,
    /// SHA-1 of a file's content.
    sha1: Option<String>,
    /// Length of a file.
    #[arg(name = "size")]
    _size: Option<i64>,
    /// Where a link points.
    #[arg(kind = Str)]
    target: Option<PathBuf>,
    /// Name of the source in a diff.
    label: Option<String>,
}

pub(super) fn copy(args: &Args, entries: &[Entry], ctx: &mut Ctx) -> ModuleResult {
    if args.dest.exists() && !args.dest.is_dir() {
        return Err(Failure::new(format!("cannot copy a directory over {}, which is not one", args.dest.display())));
    }
    let mut changed = false;
    let mut shown: Option<Outcome> = None;
    if !args.dest.exists() {
        changed = true;
        if !ctx.check {
            make_directories(&args.dest, &args.directory_attributes(), None, ctx)?;
        }
    }
    // Links last: Ansible reports the last thing that it did.
    let (links, others): (Vec<_>, Vec<_>) = entries.iter().enumerate().partition(|(_, entry)| entry.kind == Kind::Link);
    let mut uploads = Uploads::find(args, &others, ctx)?;
    for (index, entry) in others.into_iter().chain(links) {
        let dest = place(&args.dest, &entry.path)?;
        let result = match entry.kind {
            Kind::Dir => directory(args, entry, &dest, ctx),
            Kind::File => file(args, entry, index, dest, &mut uploads, ctx),
            Kind::Link => link(args, entry, &dest, ctx),
        };
        let outcome = result.map_err(|mut failure| {
            failure.changed |= changed;
            failure
        })?;
        changed |= outcome.changed;
        if entry.kind != Kind::Dir {
            shown = Some(outcome);
        }
    }
    let files = entries.iter().filter(|entry| entry.kind == Kind::File).count();
    if let (1, Some(mut outcome)) = (files, shown) {
        outcome.changed = changed;
        return Ok(outcome);
    }
    let mut dest = args.dest.to_string_lossy().into_owned();
    if !ends_in_slash(&args.dest) {
        dest.push('/');
    }
    let outcome = Outcome::changed(changed).with("dest", dest);
    Ok(match &args.src {
        Some(src) => outcome.with("src", path_json(src)),
        None => outcome,
    })
}

/// Where an entry belongs. The list comes from the controller, but a path that leads out of the destination is never right.
fn place(dest: &Path, path: &Path) -> Result<PathBuf, Failure> {
    if path.components().all(|component| matches!(component, Component::Normal(_) | Component::CurDir)) {
        return Ok(dest.join(path));
    }
    Err(Failure::new(format!("the path {} leads out of {}", path.display(), dest.display())))
}

/// A directory that exists is brought in line, too, if the entry has a mode.
fn directory(args: &Args, entry: &Entry, dest: &Path, ctx: &mut Ctx) -> ModuleResult {
    if dest.is_dir() {
        let changed = entry.mode.is_some() && args.directory_attributes().apply(dest, None, ctx)?;
        return Ok(Outcome::changed(changed));
    }
    if !ctx.check {
        make_directories(dest, &args.directory_attributes(), None, ctx)?;
    }
    Ok(Outcome::changed(true))
}

fn file(args: &Args, entry: &Entry, index: usize, dest: PathBuf, uploads: &mut Uploads, ctx: &mut Ctx) -> ModuleResult {
    let attachment = format!("src/{index}");
    let upload = upload(args, entry, &attachment, dest)?;
    match uploads.0.remove(&index) {
        Some(present) => upload::write_over(args, upload, &present, ctx),
        None => upload::write(args, upload, ctx),
    }
}

fn upload<'a>(args: &Args, entry: &'a Entry, attachment: &'a str, dest: PathBuf) -> Result<Upload<'a>, Failure> {
    let checksum = entry
        .sha1
        .as_deref()
        .ok_or_else(|| Failure::new(format!("copy received {} without its checksum", entry.path.display())))?;
    let attributes = args.file_attributes(entry.mode.as_deref());
    Ok(Upload { attachment, checksum, dest, label: entry.label.as_deref(), attributes })
}

/// What stands at the place of each file, by the number of its entry.
struct Uploads(HashMap<usize, Present>);

impl Uploads {
    /// Looks at all files and asks for those that are wanted in one request: a question for each would cost a round trip each.
    fn find(args: &Args, entries: &[(usize, &Entry)], ctx: &mut Ctx) -> Result<Self, Failure> {
        let mut found = HashMap::new();
        let mut wanted = Vec::new();
        for (index, entry) in entries.iter().filter(|(_, entry)| entry.kind == Kind::File) {
            let attachment = format!("src/{index}");
            let upload = upload(args, entry, &attachment, place(&args.dest, &entry.path)?)?;
            let present = upload.look(args);
            if upload.is_wanted(&present, args, ctx) {
                wanted.push(attachment);
            }
            found.insert(*index, present);
        }
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        ctx.port.announce_files(&wanted).map_err(|err| upload::not_received(&err))?;
        Ok(Self(found))
    }
}

/// A link is what the module `file` makes of it.
fn link(args: &Args, entry: &Entry, dest: &Path, ctx: &mut Ctx) -> ModuleResult {
    let target = entry
        .target
        .as_deref()
        .ok_or_else(|| Failure::new(format!("copy received the link {} without its target", entry.path.display())))?;
    let mut link = Map::new();
    for (name, value) in [
        ("path", path_json(dest)),
        ("src", path_json(target)),
        ("state", json!("link")),
        ("force", json!(true)),
        ("follow", json!(false)),
        ("recurse", json!(false)),
        ("owner", json!(args.attributes.owner)),
        ("group", json!(args.attributes.group)),
        ("modification_time_format", json!("")),
        ("access_time_format", json!("")),
    ] {
        link.insert(name.to_owned(), value);
    }
    (file::MODULE.run)(link, ctx)
}
