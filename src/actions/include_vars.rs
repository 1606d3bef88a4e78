//! Reads files of variables while the run goes on.

use std::path::{Path, PathBuf};

use rplay_module_api::{Arg, Kind, Spec};

use super::{ActionResult, Cause, FailedIn, HostEffect, Invocation, Trouble};
use crate::error::Error;
use crate::value::{Dict, Value};

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

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let files = match (invocation.text("dir"), invocation.text("file")) {
        (Some(dir), _) => files_below(invocation, dir),
        (None, Some(file)) => find(invocation, file).map(|path| vec![path]),
        (None, None) => Err("a file or a directory is needed".to_owned()),
    };
    let files = match files {
        Ok(files) => files,
        Err(message) => return failed(message, &[]),
    };
    let mut variables = Dict::new();
    for (index, path) in files.iter().enumerate() {
        match read(invocation, path) {
            Ok(content) => variables.extend(content),
            Err(err) => return failed(err.message, files.get(..index).unwrap_or_default()),
        }
    }
    if let Some(name) = invocation.text("name") {
        variables = Dict::from_iter([(Value::str(name), Value::dict(variables))]);
    }
    ActionResult::changed(false)
        .with("ansible_facts", variables.clone())
        .with("ansible_included_var_files", names(&files))
        .with_host_effect(HostEffect::IncludeVars(variables))
}

fn names(files: &[PathBuf]) -> Vec<Value> {
    files.iter().map(|path| Value::str(path.to_string_lossy())).collect()
}

fn failed(message: String, read: &[PathBuf]) -> ActionResult {
    let trouble = Trouble {
        failed_in: FailedIn::Action,
        causes: vec![Cause { message: "Unknown error.".to_owned(), ..Cause::default() }],
    };
    ActionResult::fails(trouble)
        .with("message", message)
        .with("ansible_facts", Dict::new())
        .with("ansible_included_var_files", names(read))
}

fn find(invocation: &Invocation<'_>, file: &str) -> Result<PathBuf, String> {
    let candidates = invocation.search_path.candidates("vars", file);
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let searched: String = candidates.iter().map(|path| format!("\n\t{}", path.display())).collect();
        format!("Could not find or access '{file}'\nSearched in:{searched} on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option")
    })
}

fn files_below(invocation: &Invocation<'_>, dir: &str) -> Result<Vec<PathBuf>, String> {
    let root = invocation
        .search_path
        .candidates("vars", dir)
        .into_iter()
        .find(|path| path.is_dir())
        .ok_or_else(|| format!("{dir} directory does not exist"))?;
    let strings = |name: &str| -> Vec<String> {
        let items = invocation.checked.get(name).and_then(|value| value.as_array()).cloned().unwrap_or_default();
        items.iter().filter_map(|item| item.as_str()).map(str::to_owned).collect()
    };
    let extensions = strings("extensions");
    let ignored = strings("ignore_files");
    let matching = match invocation.text("files_matching") {
        Some(text) => Some(regex::Regex::new(text).map_err(|err| err.to_string())?),
        None => None,
    };
    let mut walk = walkdir::WalkDir::new(&root).sort_by_file_name();
    match invocation.number("depth") {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
        Some(depth) if depth > 0.0 => walk = walk.max_depth(depth as usize),
        _ => {}
    }
    let mut files = Vec::new();
    for entry in walk.into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ignored.contains(&name) || name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if let Some(matching) = &matching
            && !matching.is_match(&name)
        {
            continue;
        }
        let extension = entry.path().extension().map(|extension| extension.to_string_lossy().into_owned());
        let known = extension.as_deref().is_some_and(|extension| extensions.iter().any(|known| known == extension));
        if known {
            files.push(entry.into_path());
        } else if matching.is_none() && !invocation.bool("ignore_unknown_extensions") && extension.is_some() {
            return Err(format!(
                "{} does not have a valid extension: {}",
                entry.path().display(),
                extensions.join(", ")
            ));
        }
    }
    Ok(files)
}

fn read(invocation: &Invocation<'_>, path: &Path) -> Result<Dict, Error> {
    let node = invocation.reader.read_file(path)?;
    match node.to_value() {
        Value::Dict(dict) => Ok((*dict).clone()),
        Value::Null => Ok(Dict::new()),
        _ => Err(Error::project(format!("{} must be stored as a dictionary/hash", path.display()), Some(&node.span))),
    }
}
