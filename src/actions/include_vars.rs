//! Reads files of variables while the run goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fancy_regex::Regex;
use rplay_module_api::{Arg, Kind, Spec};

use super::{ActionResult, Cause, FailedIn, HostEffect, Invocation, Trouble};
use crate::error::Error;
use crate::template::filters::regex::{self, Flags};
use crate::value::{Dict, Value, merge};
use crate::vault;

pub const SPEC: Spec = Spec {
    name: "include_vars",
    summary: "Read variables from files.",
    args: &[
        Arg::str("file", "A file."),
        Arg::str("dir", "A directory of files."),
        Arg::str("name", "Put the variables into a variable of this name."),
        Arg::int("depth", "How deep to go into the directory.").default("0"),
        Arg::str("files_matching", "Only files whose names match this expression."),
        Arg::list("ignore_files", "Files to leave out.", Kind::Str),
        Arg::list("extensions", "Endings of the files to read.", Kind::Str).default("json,yaml,yml"),
        Arg::bool("ignore_unknown_extensions", "Pass over other endings silently.").default("no"),
        Arg::str("hash_behaviour", "How dictionaries are combined.").choices(&["replace", "merge"]),
    ],
    free_form: Some("file"),
    ..Spec::EMPTY
};

/// Arguments that are about folders, and those that are about a file.
const OF_FOLDERS: &[&str] =
    &["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];
const OF_FILES: &[&str] = &["file"];

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let given = |names: &[&str]| names.iter().any(|name| invocation.args.contains_key(*name));
    if given(OF_FOLDERS) && given(OF_FILES) {
        let message = "You are mixing file only and dir only arguments, these are incompatible";
        return ActionResult::failed_in(FailedIn::Task, message);
    }
    let mut reading = Reading { invocation, variables: Dict::new(), files: Vec::new(), secret: false };
    let text = |name| invocation.text(name).filter(|text| !text.is_empty());
    let read = match (text("dir"), text("file")) {
        (Some(dir), _) => reading.folder(dir),
        (None, Some(file)) => find(invocation, file.trim_end_matches('\n')).and_then(|path| reading.file(&path)),
        (None, None) => Err("Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option".to_owned()),
    };
    let Reading { mut variables, files, secret, .. } = reading;
    if let Some(name) = invocation.text("name") {
        variables = Dict::from_iter([(Value::str(name), Value::dict(variables))]);
    }
    let mut result = match read {
        Ok(()) => {
            if let Some(how) = invocation.text("hash_behaviour") {
                variables = combined(invocation, variables, how == "merge");
            }
            ActionResult::changed(false).with_host_effect(HostEffect::IncludeVars(variables.clone()))
        }
        Err(message) => failed(message),
    };
    result.no_log = secret;
    result.with("ansible_facts", variables).with("ansible_included_var_files", names(&files))
}

/// With the dicts that the host has under the same names already.
fn combined(invocation: &Invocation<'_>, variables: Dict, merges: bool) -> Dict {
    let known = invocation.templar.variables();
    let mut all: Dict = variables.keys().filter_map(|name| Some((name.clone(), known.get(name.as_str()?)?))).collect();
    if merges {
        merge(&mut all, &variables);
    } else {
        all.extend(variables);
    }
    all
}

/// What has been read so far.
struct Reading<'a, 'i> {
    invocation: &'a Invocation<'i>,
    variables: Dict,
    files: Vec<PathBuf>,
    /// One of the files was encrypted.
    secret: bool,
}

impl Reading<'_, '_> {
    fn file(&mut self, path: &Path) -> Result<(), String> {
        self.variables.extend(read(self.invocation, path).map_err(|err| err.message)?);
        self.secret |= fs::read(path).is_ok_and(|bytes| vault::is_encrypted(&bytes));
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Folder by folder, sorted; what a folder with a mistake holds is not taken.
    fn folder(&mut self, dir: &str) -> Result<(), String> {
        let filter = Filter::new(self.invocation)?;
        let root = root(self.invocation, dir)?;
        let walk = walkdir::WalkDir::new(&root).follow_links(true).sort_by_file_name();
        let mut folders: Vec<PathBuf> = walk
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_dir())
            .map(walkdir::DirEntry::into_path)
            .collect();
        folders.sort();
        let role_main = self.invocation.task.role().map(|role| role.path.join("vars/main.yml"));
        for folder in folders {
            let depth = folder.strip_prefix(&root).map_or(0, |below| below.components().count()) + 1;
            if filter.depth.is_some_and(|most| depth > most) {
                continue;
            }
            let before = self.variables.clone();
            let files = files_of(&folder);
            let files = files.iter().filter(|path| role_main.as_ref() != Some(path));
            for path in files {
                let result = match filter.wants(path) {
                    Ok(false) => continue,
                    Ok(true) => self.file(path),
                    Err(message) => Err(message),
                };
                if let Err(message) = result {
                    self.variables = before;
                    return Err(message);
                }
            }
        }
        Ok(())
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Which files of a folder are read.
struct Filter {
    matching: Option<Arc<Regex>>,
    ignored: Vec<Arc<Regex>>,
    extensions: Vec<String>,
    others_are_passed_over: bool,
    /// Folders inside of one another; none for all.
    depth: Option<usize>,
}

impl Filter {
    fn new(invocation: &Invocation<'_>) -> Result<Self, String> {
        let strings = |name: &str| -> Vec<String> {
            let items = invocation.checked.get(name).and_then(|value| value.as_array()).cloned().unwrap_or_default();
            items.iter().filter_map(|item| item.as_str()).map(str::to_owned).collect()
        };
        // A text in place of a list has words.
        let ignored = match invocation.args.get("ignore_files") {
            Some(Value::Str(text)) => text.split_whitespace().map(str::to_owned).collect(),
            _ => strings("ignore_files"),
        };
        let pattern = |text: &str| {
            regex::compile(text, Flags::default()).map_err(|_| format!("Invalid regular expression: {text}"))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
        let depth = invocation.number("depth").filter(|depth| *depth > 0.0).map(|depth| depth as usize);
        Ok(Self {
            matching: invocation.text("files_matching").map(pattern).transpose()?,
            ignored: ignored.iter().map(|text| pattern(&format!("{text}$"))).collect::<Result<_, _>>()?,
            extensions: strings("extensions"),
            others_are_passed_over: invocation.bool("ignore_unknown_extensions"),
            depth,
        })
    }

    /// A file with another extension is a mistake, unless it may be passed over.
    fn wants(&self, path: &Path) -> Result<bool, String> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let matches = |regex: &Arc<Regex>| regex.is_match(&name).unwrap_or(false);
        if self.matching.as_ref().is_some_and(|matching| !matches(matching)) || self.ignored.iter().any(matches) {
            return Ok(false);
        }
        let extension = path.extension().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if self.extensions.contains(&extension) {
            return Ok(true);
        }
        if self.others_are_passed_over {
            return Ok(false);
        }
        let known = self.extensions.join(", ");
        Err(format!("{} does not have a valid extension: {known}", path.display()))
    }
}

/// The folder: of the role's `vars`, else beside the file of the task.
fn root(invocation: &Invocation<'_>, dir: &str) -> Result<PathBuf, String> {
    let candidates = invocation.search_path.candidates("vars", dir);
    let found = candidates.iter().find(|path| path.is_dir());
    found.cloned().ok_or_else(|| match candidates.iter().find(|path| path.exists()) {
        Some(path) => format!("{} is not a directory", path.display()),
        None => format!("{dir} directory does not exist"),
    })
}

fn names(files: &[PathBuf]) -> Vec<Value> {
    files.iter().map(|path| Value::str(path.to_string_lossy())).collect()
}

fn failed(message: String) -> ActionResult {
    let trouble = Trouble {
        failed_in: FailedIn::Action,
        causes: vec![Cause { message: "Unknown error.".to_owned(), ..Cause::default() }],
    };
    ActionResult::fails(trouble).with("message", message)
}

fn find(invocation: &Invocation<'_>, file: &str) -> Result<PathBuf, String> {
    let candidates = invocation.search_path.candidates("vars", file);
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let searched = invocation.search_path.searched("vars", file);
        let searched: String = searched.iter().map(|path| format!("\n\t{}", path.display())).collect();
        format!("Could not find or access '{file}'\nSearched in:{searched} on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option")
    })
}

fn read(invocation: &Invocation<'_>, path: &Path) -> Result<Dict, Error> {
    let node = invocation.reader.read_file(path)?;
    match node.to_value() {
        Value::Dict(dict) => Ok((*dict).clone()),
        Value::Null => Ok(Dict::new()),
        _ => Err(Error::project(format!("{} must be stored as a dictionary/hash", path.display()), Some(&node.span))),
    }
}
