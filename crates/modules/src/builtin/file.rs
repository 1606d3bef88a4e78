//! Files, directories and links: their existence and their attributes. Content is the business of `copy`.

mod links;
mod times;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use rplay_module_api::{
    Choice, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, json, run,
};

use crate::support::at::{self, Last, Object};
use crate::support::file_attributes::{
    AttributeDiff, FileAttributes, path_failure, path_json, state_of, with_path_info,
};
use crate::support::os_error;
use times::Times;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(file) };

const EXAMPLE: &str = r#"- name: Have a directory
  file:
    path: /var/lib/app
    state: directory
    owner: root
    mode: "0750"
"#;

const RETURNS: &[Return] = &[
    Return::new("path", Kind::Path, "with state absent, directory or file", "The path."),
    Return::new("dest", Kind::Path, "with state touch, hard or link", "The path."),
];

/// Manage files, directories and links.
#[derive(ModuleArgs)]
#[module(name = "file")]
struct Args {
    /// The path to manage.
    #[arg(alias("dest", "name"))]
    path: PathBuf,
    /// What should be there.
    state: Option<State>,
    /// Where a link points.
    src: Option<PathBuf>,
    /// Apply attributes to everything below a directory.
    #[arg(default = "no")]
    recurse: bool,
    /// Replace what is in the way of a link, and make links that lead nowhere.
    #[arg(default = "no")]
    force: bool,
    /// Apply to what a link points to.
    #[arg(default = "yes")]
    follow: bool,
    /// `now`, `preserve` or a time.
    modification_time: Option<String>,
    /// Format of modification_time.
    #[arg(default = "%Y%m%d%H%M.%S")]
    modification_time_format: String,
    /// `now`, `preserve` or a time.
    access_time: Option<String>,
    /// Format of access_time.
    #[arg(default = "%Y%m%d%H%M.%S")]
    access_time_format: String,
    #[arg(flatten)]
    attributes: FileAttributes,
}

#[derive(Clone, Copy, Debug, Choice, PartialEq, Eq)]
enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

fn file(mut args: Args, ctx: &mut Ctx) -> ModuleResult {
    let state = args.state.unwrap_or_else(|| implied_state(&args));
    if args.src.is_some() && !matches!(state, State::Link | State::Hard) {
        return Err(path_failure("src option requires state to be 'link' or 'hard'", &args.path, ctx));
    }
    if args.recurse && state != State::Directory {
        return Err(path_failure("recurse option requires state to be 'directory'", &args.path, ctx));
    }
    if state == State::Hard
        && args.path.is_dir()
        && let Some(name) = args.src.as_deref().and_then(Path::file_name)
    {
        args.path.push(name);
    }
    let times = Times::from_args(&args, state == State::Touch)?;
    match state {
        State::Absent => absent(&args, ctx),
        State::Directory => directory(args, &times, ctx),
        State::File => existing_file(args, &times, ctx),
        State::Hard => links::hard(&args, &times, ctx),
        State::Link => links::symbolic(&args, &times, ctx),
        State::Touch => touch(&args, &times, ctx),
    }
}

/// Without `state` the path is to stay what it is.
fn implied_state(args: &Args) -> State {
    match present_state(&args.path) {
        "link" => State::Link,
        "hard" => State::Hard,
        "directory" => State::Directory,
        "absent" if args.recurse => State::Directory,
        _ => State::File,
    }
}

fn present_state(path: &Path) -> &'static str {
    fs::symlink_metadata(path).map_or("absent", |meta| state_of(&meta))
}

/// Where attributes go: to the end of a chain of links, or to the path itself.
fn attributes_path(path: &Path, follow: bool, ctx: &mut Ctx) -> Result<PathBuf, Failure> {
    if follow && path.is_symlink() { real_path(path, ctx) } else { Ok(path.to_owned()) }
}

/// The path with all links resolved; what does not exist stays as it is written. A link that may not be followed is a failure.
pub fn real_path(path: &Path, ctx: &mut Ctx) -> Result<PathBuf, Failure> {
    match at::real_path(path) {
        Ok(real) => Ok(real),
        Err(err) if at::is_refusal(&err) => Err(path_failure(os_error::with_path(&err, path), path, ctx)),
        Err(_) => Ok(path.to_owned()),
    }
}

/// A diff that says what state there is and will be; equal states are not mentioned.
fn state_diff(path: &Path, before: &str, after: &str) -> AttributeDiff {
    let mut diff = AttributeDiff::of_path(path);
    if before != after {
        diff.set("state", before, after);
    }
    diff
}

/// Applies attributes and times to what `path` stands for.
fn apply_attributes(
    args: &Args,
    path: &Path,
    times: &Times,
    diff: &mut AttributeDiff,
    ctx: &mut Ctx,
) -> Result<bool, Failure> {
    let path = attributes_path(path, args.follow, ctx)?;
    let changed = args.attributes.apply(&path, Some(&mut *diff), ctx)?;
    Ok(times.apply(&path, diff, ctx)? || changed)
}

fn existing_file(mut args: Args, times: &Times, ctx: &mut Ctx) -> ModuleResult {
    let mut before = present_state(&args.path);
    if before == "link" && args.follow {
        args.path = real_path(&args.path, ctx)?;
        before = present_state(&args.path);
    }
    if !matches!(before, "file" | "hard") {
        let msg = format!("file ({}) is {before}, cannot continue", args.path.display());
        let mut failure = path_failure(msg, &args.path, ctx);
        failure.fields.insert("state".to_owned(), before.into());
        return Err(failure);
    }
    let mut diff = state_diff(&args.path, before, "file");
    let changed = apply_attributes(&args, &args.path, times, &mut diff, ctx)?;
    Ok(outcome("path", &args.path, changed, diff, ctx))
}

fn outcome(field: &str, path: &Path, changed: bool, diff: AttributeDiff, ctx: &mut Ctx) -> Outcome {
    let outcome = Outcome::changed(changed).with(field, path_json(path)).with_diff(diff.into_diff());
    with_path_info(outcome, path, ctx)
}

fn directory(mut args: Args, times: &Times, ctx: &mut Ctx) -> ModuleResult {
    let mut before = present_state(&args.path);
    if before == "link" && args.follow {
        args.path = real_path(&args.path, ctx)?;
        before = present_state(&args.path);
    }
    let mut diff = state_diff(&args.path, before, "directory");
    let mut changed = false;
    match before {
        "directory" => {}
        "absent" => {
            changed = true;
            if ctx.check {
                return Ok(Outcome::changed(true).with("path", path_json(&args.path)).with_diff(diff.into_diff()));
            }
            make_directories(&args.path, &args.attributes, Some(&mut diff), ctx)?;
        }
        other => {
            let msg = format!("{} already exists as a {other}", args.path.display());
            return Err(path_failure(msg, &args.path, ctx));
        }
    }
    changed |= apply_attributes(&args, &args.path, times, &mut diff, ctx)?;
    if args.recurse {
        let opened = at::object(&args.path).map_err(|err| unreadable(&args.path, &err))?;
        changed |= apply_below(&opened, &args.path, &args, times, ctx)?;
    }
    Ok(outcome("path", &args.path, changed, diff, ctx))
}

/// Makes a directory and its parents; each new one gets the attributes.
pub fn make_directories(
    path: &Path,
    attributes: &FileAttributes,
    mut diff: Option<&mut AttributeDiff>,
    ctx: &mut Ctx,
) -> Result<(), Failure> {
    let mut current = PathBuf::new();
    for component in path.components() {
        current.push(component);
        if matches!(component, Component::RootDir | Component::CurDir | Component::ParentDir) || current.exists() {
            continue;
        }
        match at::locate(&current, Last::Itself).and_then(|place| place.create_dir(0o777)) {
            Ok(()) => {
                attributes.apply(&current, diff.as_deref_mut(), ctx)?;
            }
            // Somebody else was faster.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists && current.is_dir() => {}
            Err(err) => {
                let msg = format!(
                    "There was an issue creating {} as requested: {}",
                    current.display(),
                    os_error::with_path(&err, &current)
                );
                return Err(path_failure(msg, path, ctx));
            }
        }
    }
    Ok(())
}

fn unreadable(path: &Path, err: &io::Error) -> Failure {
    Failure::new(format!("could not read {}: {}", path.display(), os_error::numbered(err)))
}

/// Longer paths are somebody's trap, not somebody's files.
pub const LONGEST_PATH: usize = 64 * 1024;

/// Applies the attributes to everything below a directory. Links are passed over, or with `follow` their targets are included;
/// one that may not be followed is left alone and told.
fn apply_below(directory: &Object, path: &Path, args: &Args, times: &Times, ctx: &mut Ctx) -> Result<bool, Failure> {
    let mut changed = false;
    if path.as_os_str().len() > LONGEST_PATH {
        return Err(Failure::new("the directories are nested too deeply"));
    }
    for name in directory.names().map_err(|err| unreadable(path, &err))? {
        let mut entry = path.join(&name);
        let mut object = match directory.child(&name) {
            Ok(object) => object,
            Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
            Err(err) => return Err(unreadable(&entry, &err)),
        };
        let mut meta = object.metadata().map_err(|err| unreadable(&entry, &err))?;
        if meta.is_symlink() {
            if !args.follow {
                changed |= args.attributes.apply_to(&object, &entry, None, ctx)?;
                continue;
            }
            let target = at::locate(&entry, Last::Followed).and_then(|target| {
                let real = target.real().to_owned();
                Ok((target.into_object()?, real))
            });
            match target {
                Ok((target, real)) if !path.starts_with(&real) => (object, entry) = (target, real),
                Err(err) if at::is_refusal(&err) => {
                    ctx.warn(format!("{} is left alone: {err}", entry.display()));
                    continue;
                }
                // Nowhere, or a circle.
                _ => continue,
            }
            meta = object.metadata().map_err(|err| unreadable(&entry, &err))?;
        }
        changed |= args.attributes.apply_to(&object, &entry, None, ctx)?;
        changed |= times.apply_to(&object, &entry, &mut AttributeDiff::default(), ctx)?;
        if meta.is_dir() {
            changed |= apply_below(&object, &entry, args, times, ctx)?;
        }
    }
    Ok(changed)
}

fn absent(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let path = &args.path;
    let before = present_state(path);
    let outcome = Outcome::changed(before != "absent").with("path", path_json(path)).with("state", "absent");
    if before == "absent" {
        return Ok(outcome);
    }
    let mut diff = state_diff(path, before, "absent");
    if ctx.diff && before == "directory" {
        let mut content = Content::default();
        content.collect(path);
        diff.before
            .insert("path_content".to_owned(), json!({ "directories": content.directories, "files": content.files }));
    }
    if !ctx.check {
        let removed = at::locate(path, Last::Itself).and_then(|place| place.remove_all());
        match removed {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                let what = if before == "directory" { "rmtree" } else { "unlinking" };
                return Err(path_failure(format!("{what} failed: {}", os_error::with_path(&err, path)), path, ctx));
            }
            _ => {}
        }
    }
    let mut outcome = outcome.with_diff(diff.into_diff());
    crate::support::file_attributes::add_path_info(&mut outcome.fields, path, ctx);
    Ok(outcome)
}

/// What a directory held before it was removed.
#[derive(Default)]
struct Content {
    directories: Vec<Json>,
    files: Vec<Json>,
}

impl Content {
    fn collect(&mut self, directory: &Path) {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let (directories, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
        self.directories.extend(directories.iter().map(|path| path_json(path)));
        self.files.extend(files.iter().map(|path| path_json(path)));
        for directory in directories.iter().filter(|path| !path.is_symlink()) {
            self.collect(directory);
        }
    }
}

fn touch(args: &Args, times: &Times, ctx: &mut Ctx) -> ModuleResult {
    let path = &args.path;
    let before = present_state(path);
    if before == "absent" {
        if ctx.check {
            return Ok(Outcome::changed(true).with("dest", path_json(path)));
        }
        let made = at::locate(path, Last::Itself).and_then(|place| place.create_new(place.name(), 0o666));
        made.map_err(|_| path_failure("Error, could not touch target.", path, ctx))?;
    }
    let mut diff = state_diff(path, before, "touch");
    let changed = apply_attributes(args, path, times, &mut diff, ctx)?;
    Ok(outcome("dest", path, changed || before == "absent", diff, ctx))
}
