//! Files in which tasks in the background (`async`) leave how they stand and what came of them: where Ansible puts them, with its content.
//! Nobody but their user may read them, since a result may tell anything.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rplay_module_api::{Diff, Failure, Json, Map, ModuleResult, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::at::{self, Last};
use super::home;

pub struct JobFile {
    path: PathBuf,
}

impl JobFile {
    /// The file of the job `id` in a folder, whose `~` is that of the present user.
    pub fn new(directory: &str, id: &str, environment: &BTreeMap<String, String>) -> io::Result<Self> {
        if id.is_empty() || id == "." || id == ".." || id.contains(['/', '\0']) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let directory = std::path::absolute(home::expand(directory, environment))?;
        Ok(Self { path: directory.join(id) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn make_directory(&self) -> io::Result<()> {
        self.path.parent().map_or(Ok(()), |directory| at::create_dir_all(directory, 0o700))
    }

    /// Replaces the file as a whole: whoever reads it sees the old content or the new.
    pub fn write(&self, content: &Map<String, Json>) -> io::Result<()> {
        let place = at::locate(&self.path, Last::Itself)?;
        let mut name = place.name().to_owned();
        name.push(".tmp");
        let written = (|| {
            let mut file = match place.create_new(&name, 0o600) {
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    place.remove_file(&name)?;
                    place.create_new(&name, 0o600)?
                }
                created => created?,
            };
            serde_json::to_writer(&mut file, content)?;
            file.flush()?;
            at::synced(&file)?;
            place.rename_from(&name)
        })();
        if written.is_err() {
            let _ = place.remove_file(&name);
        }
        written
    }

    pub fn exists(&self) -> bool {
        at::locate(&self.path, Last::Followed).is_ok_and(|place| place.metadata().is_some())
    }

    pub fn read(&self) -> io::Result<Vec<u8>> {
        at::read(&self.path)
    }

    pub fn remove(&self) -> io::Result<()> {
        let place = at::locate(&self.path, Last::Itself)?;
        place.remove_file(place.name())
    }
}

/// A result as its job's file has it.
pub fn of_result(result: ModuleResult, warnings: Vec<String>) -> Map<String, Json> {
    let mut content;
    let mut all = warnings;
    match result {
        Ok(outcome) => {
            content = outcome.fields;
            content.insert("changed".into(), outcome.changed.into());
            if outcome.skipped {
                content.insert("skipped".into(), true.into());
            }
            add_list(&mut content, "diff", &outcome.diff);
            add_list(&mut content, "deprecations", &outcome.deprecations);
            all.extend(outcome.warnings);
        }
        Err(failure) => {
            content = failure.fields;
            content.insert("changed".into(), failure.changed.into());
            content.insert("failed".into(), true.into());
            content.insert("msg".into(), failure.msg.into());
            all.extend(failure.warnings);
        }
    }
    add_list(&mut content, "warnings", &all);
    content
}

fn add_list<T: Serialize>(content: &mut Map<String, Json>, name: &str, items: &[T]) {
    if let (false, Ok(json)) = (items.is_empty(), serde_json::to_value(items)) {
        content.insert(name.into(), json);
    }
}

/// The result that a job's file tells of, whoever wrote it.
pub fn to_result(mut content: Map<String, Json>) -> ModuleResult {
    let says = |value: Option<Json>| value.is_some_and(|value| value.as_bool().unwrap_or(value == 1));
    let failed = match content.remove("failed") {
        None => content.get("rc").is_some_and(|rc| *rc != 0 && *rc != "0" && !rc.is_null()),
        said => says(said),
    };
    let changed = says(content.remove("changed"));
    let skipped = says(content.remove("skipped"));
    let warnings = take_list(&mut content, "warnings");
    let deprecations = take_list(&mut content, "deprecations");
    let diff: Vec<Diff> = take_list(&mut content, "diff");
    if failed {
        let msg = content.remove("msg").map(|msg| msg.as_str().map_or_else(|| msg.to_string(), str::to_owned));
        return Err(Failure { msg: msg.unwrap_or_default(), changed, fields: content, warnings, because: None });
    }
    Ok(Outcome { changed, skipped, fields: content, diff, warnings, deprecations })
}

/// A list of things that can be read; what cannot, as a newer Ansible may write, stays away.
fn take_list<T: DeserializeOwned>(content: &mut Map<String, Json>, name: &str) -> Vec<T> {
    match content.remove(name) {
        Some(Json::Array(items)) => items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect(),
        Some(single) => serde_json::from_value(single).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_comes_back_as_it_was() {
        let diff = Diff { prepared: Some("x".into()), ..Diff::default() };
        let outcome = Outcome {
            warnings: vec!["careful".into()],
            diff: vec![diff],
            ..Outcome::changed(true).with("rc", 0).with("stdout", "out")
        };
        assert_eq!(to_result(of_result(Ok(outcome.clone()), Vec::new())), Ok(outcome));
        let failure = Failure { changed: true, ..Failure::new("no").with("rc", 1) };
        assert_eq!(to_result(of_result(Err(failure.clone()), Vec::new())), Err(failure));
    }

    #[test]
    fn a_code_alone_says_that_a_job_failed() {
        let content = |rc: Json| Map::from_iter([("rc".to_owned(), rc)]);
        assert!(to_result(content(2.into())).is_err());
        assert!(to_result(content(0.into())).is_ok() && to_result(content(Json::Null)).is_ok());
    }

    #[test]
    fn an_id_is_a_name() {
        for id in ["", ".", "..", "../x", "a/b", "/etc/passwd"] {
            assert!(JobFile::new("/tmp", id, &BTreeMap::new()).is_err(), "{id}");
        }
    }
}
