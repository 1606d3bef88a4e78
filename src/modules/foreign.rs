//! Modules that rplay does not have itself: what Ansible would run in its place, found and made ready by the user's ansible-core.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::Spec;
use rplay_module_api::message::Style;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::catalog::{Kind, not_in_python};
use crate::python::{self, Fault};

/// A module by the name that a task means, whether it can be had or not.
#[derive(Debug)]
pub struct Foreign {
    pub name: &'static str,
    /// Nothing but its name: what it takes, only it knows.
    pub spec: Spec,
    built: OnceLock<Result<Built, String>>,
}

/// A module as it is sent to a target.
#[derive(Debug)]
pub struct Built {
    /// Its file on this machine.
    pub path: String,
    pub kind: FileKind,
    /// The words of its first line.
    pub shebang: Vec<String>,
    pub files: Vec<File>,
}

#[derive(Debug)]
pub enum FileKind {
    /// For the interpreter of modules in Python.
    Python {
        name: String,
        profile: String,
    },
    /// For the interpreter that it names.
    Script(Style),
    Binary,
}

#[derive(Debug)]
pub struct File {
    pub name: String,
    pub sha256: String,
    pub content: Arc<[u8]>,
}

#[derive(Deserialize)]
struct Told {
    path: String,
    style: String,
    #[serde(default)]
    shebang: Vec<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    profile: String,
    files: Vec<(String, String, Option<String>)>,
}

/// The module of this full name.
pub fn of(full_name: &str) -> &'static Foreign {
    static KNOWN: LazyLock<Mutex<HashMap<String, &'static Foreign>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(full_name.to_owned()).or_insert_with(|| {
        // Known as long as the program runs, as the rows of tables are.
        let name: &'static str = full_name.to_owned().leak();
        Box::leak(Box::new(Foreign { name, spec: Spec { name, ..Spec::EMPTY }, built: OnceLock::new() }))
    })
}

/// The full name of what a name means that nobody here knows; none where Python knows it neither.
pub fn full_name(name: &str, collections: &[String]) -> Option<String> {
    static FOUND: LazyLock<Mutex<HashMap<(String, Vec<String>), Option<String>>>> = LazyLock::new(Mutex::default);
    let key = (name.to_owned(), collections.to_vec());
    if let Some(found) = FOUND.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return found.clone();
    }
    let request = Map::from_iter([
        ("kind".to_owned(), "module".into()),
        ("name".to_owned(), name.into()),
        ("collections".to_owned(), collections.into()),
    ]);
    let found = python::ask("find", request).ok().and_then(|found| Some(found.get("name")?.as_str()?.to_owned()));
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
    found
}

impl Foreign {
    /// The module made ready, or why there is none. Blocks the first time.
    pub fn built(&self) -> Result<&Built, String> {
        let built = self.built.get_or_init(|| {
            let request = Map::from_iter([
                ("name".to_owned(), self.name.into()),
                ("collections".to_owned(), Json::Array(Vec::new())),
            ]);
            match python::ask("module", request) {
                Ok(told) => Built::from_json(told),
                Err(Fault::Missing) => Err(not_in_python(
                    Kind::Module,
                    self.name,
                    "ansible-core does not find it; install its collection, or name its folder in ANSIBLE_LIBRARY",
                )),
                Err(Fault::Gone(reason)) => Err(not_in_python(Kind::Module, self.name, reason)),
                Err(other) => Err(format!("the module '{}' can not be made ready: {other}", self.name)),
            }
        });
        built.as_ref().map_err(Clone::clone)
    }
}

impl Built {
    fn from_json(told: Json) -> Result<Self, String> {
        let told: Told = serde_json::from_value(told)
            .map_err(|err| format!("Python told of a module what nobody understands: {err}"))?;
        let kind = match (told.style.as_str(), told.name) {
            ("python", Some(name)) => FileKind::Python { name, profile: told.profile },
            ("binary", _) => FileKind::Binary,
            ("json", _) => FileKind::Script(Style::Json),
            ("embedded", _) => FileKind::Script(Style::Embedded),
            ("pairs", _) => FileKind::Script(Style::Pairs),
            (other, _) => return Err(format!("{} is a module of an unknown style: {other}", told.path)),
        };
        let files = told.files.into_iter().map(|(name, sha256, content)| {
            let content = kept(&sha256, content)?;
            Ok(File { name, sha256, content })
        });
        Ok(Self { path: told.path, kind, shebang: told.shebang, files: files.collect::<Result<_, String>>()? })
    }
}

/// The content of a file, which Python tells once.
fn kept(sha256: &str, told: Option<String>) -> Result<Arc<[u8]>, String> {
    static FILES: LazyLock<Mutex<HashMap<String, Arc<[u8]>>>> = LazyLock::new(Mutex::default);
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = told {
        let content = STANDARD.decode(text).map_err(|err| format!("Python told a file's content wrongly: {err}"))?;
        files.insert(sha256.to_owned(), content.into());
    }
    files.get(sha256).cloned().ok_or_else(|| "Python told of a file without its content".to_owned())
}
