//! Collections that are installed, and `rplay galaxy collection list`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::artifact::About;
use super::options::{CollectionList, ListFormat};
use super::requirements::{self, is_collection_name};
use super::{Galaxy, absolute, wrong_options};
use crate::config::setting;
use crate::error::{Error, ErrorKind};
use crate::template::filters::yaml_text;
use crate::value::Value;

/// A collection in a folder of collections.
pub struct Installed {
    pub about: About,
    /// `…/ansible_collections`
    pub root: PathBuf,
    pub folder: PathBuf,
}

/// `DIR/ansible_collections`, where a path may name it already.
pub fn root_of(path: &Path) -> PathBuf {
    if path.file_name().is_some_and(|name| name == "ansible_collections") {
        path.to_owned()
    } else {
        path.join("ansible_collections")
    }
}

/// The collections below these folders.
pub fn installed(roots: &[PathBuf], galaxy: &Galaxy) -> Vec<Installed> {
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    for path in roots {
        let root = root_of(path);
        if !seen.insert(root.clone()) {
            continue;
        }
        let namespaces = fs::read_dir(&root).ok().into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = namespaces
            .filter_map(|namespace| fs::read_dir(namespace).ok())
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        for folder in folders {
            match About::of_folder(&folder) {
                Ok(Some(about)) => out.push(Installed { about, root: root.clone(), folder }),
                Ok(None) => {
                    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let namespace = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
                    if !is_collection_name(&format!("{namespace}.{name}")) {
                        continue;
                    }
                    galaxy.output.warn(format!(
                        "Collection at '{}' does not have a MANIFEST.json file, nor has it galaxy.yml: cannot detect version.",
                        folder.display()
                    ));
                    out.push(Installed { about: About::unknown(&namespace, &name), root: root.clone(), folder });
                }
                Err(err) => galaxy.output.warn(err.message),
            }
        }
    }
    out
}

pub fn list(options: &CollectionList, galaxy: &Galaxy) -> Result<u8, Error> {
    if let Some(name) = &options.collection
        && !is_collection_name(name)
    {
        return Err(requirements::invalid_name(name));
    }
    let configured = galaxy.config.get(setting::COLLECTIONS_PATHS);
    let given = options.collections_path.iter().flat_map(|paths| paths.split(':')).filter(|path| !path.is_empty());
    let given: Vec<PathBuf> = given.map(|path| galaxy.config.path(path, false)).collect();
    let mut paths: Vec<PathBuf> = given.iter().chain(&configured).cloned().collect();
    if galaxy.config.value("COLLECTIONS_SCAN_SYS_PATH").is_none_or(|value| value.is_truthy()) {
        paths.extend(python_path());
    }
    let mut found = installed(&paths, galaxy);
    found.retain(|it| options.collection.as_ref().is_none_or(|name| it.about.full_name() == *name));
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    let mut by_root: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for it in &found {
        let root = by_root.entry(it.root.display().to_string()).or_default();
        root.insert(it.about.full_name(), it.about.version.clone());
    }
    if options.format == ListFormat::Human {
        show_table(&by_root, galaxy);
    }
    let mut usable = false;
    let mut warnings = Vec::new();
    for path in &paths {
        if path.is_dir() {
            usable = true;
        } else if given.contains(path) {
            let why = if path.exists() { ", exists, but it is not a directory." } else { " does not exist." };
            warnings.push(format!("- the configured path {}{why}", path.display()));
        }
    }
    if options.collection.is_none() || found.is_empty() {
        for warning in warnings {
            galaxy.output.warn(warning);
        }
    }
    if found.is_empty() && !usable {
        return Err(wrong_options(
            "- None of the provided paths were usable. Please specify a valid path with --collections-path",
        ));
    }
    if options.format == ListFormat::Human {
        return Ok(0);
    }
    let json: serde_json::Map<_, _> = by_root
        .into_iter()
        .map(|(root, found)| {
            let found = found.into_iter().map(|(name, version)| (name, json!({"version": version})));
            (root, serde_json::Value::Object(found.collect()))
        })
        .collect();
    let json = serde_json::Value::Object(json);
    galaxy.output.line(if options.format == ListFormat::Json {
        super::python_json(&json)
    } else {
        let text = yaml_text::dump(&Value::from_json(json), &yaml_text::Options::default());
        text.map_err(|err| Error::new(ErrorKind::Output, err))?
    });
    Ok(0)
}

/// Python's own folders of packages, as far as the environment names them.
fn python_path() -> Vec<PathBuf> {
    let paths = std::env::var_os("PYTHONPATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .filter(|path| path.join("ansible_collections").is_dir())
        .map(|path| absolute(&path))
        .collect()
}

fn show_table(by_root: &BTreeMap<String, BTreeMap<String, String>>, galaxy: &Galaxy) {
    let widest = |texts: &mut dyn Iterator<Item = &String>, least: usize| {
        texts.map(|text| text.chars().count()).max().unwrap_or(0).max(least)
    };
    let names = widest(&mut by_root.values().flat_map(BTreeMap::keys), "Collection".len());
    let versions = widest(&mut by_root.values().flat_map(BTreeMap::values), "Version".len());
    for (root, found) in by_root {
        let rule = format!("{} {}", "-".repeat(names), "-".repeat(versions));
        galaxy.output.line(format!("\n# {root}\n{:names$} {:versions$}\n{rule}", "Collection", "Version"));
        for (name, version) in found {
            galaxy.output.line(format!("{name:names$} {version:versions$}"));
        }
    }
}
