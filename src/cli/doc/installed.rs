//! What collections that are installed, and modules beside a project, say of themselves: the YAML in their Python files, which
//! nobody runs, or in files of their own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::{DocOptions, Document, base_folder};
use crate::config::{Config, setting};
use crate::error::Notices;
use crate::source::SourceFile;
use crate::yaml::{DuplicateKeys, Reader};

pub struct Folders {
    /// `…/ansible_collections`
    collections: Vec<PathBuf>,
    /// Folders of modules without a collection.
    modules: Vec<PathBuf>,
}

impl Folders {
    pub fn of(config: &Config, options: &DocOptions) -> Self {
        let base = base_folder(config, options);
        let configured = config.get(setting::COLLECTIONS_PATHS).into_iter();
        let collections = std::iter::once(base.join("collections")).chain(configured);
        let collections =
            collections.map(|path| path.join("ansible_collections")).filter(|path| path.is_dir()).collect();
        let given = options.module_path.iter().flat_map(std::env::split_paths);
        let modules = given.chain([base.join("library")]).chain(config.get(setting::DEFAULT_MODULE_PATH));
        Self { collections, modules: modules.filter(|path| path.is_dir()).collect() }
    }

    fn folder_of(kind: &str) -> &str {
        if kind == "module" { "modules" } else { kind }
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<Document> {
        let parts: Vec<&str> = name.split('.').collect();
        if let [namespace, collection, rest @ ..] = parts.as_slice()
            && !rest.is_empty()
        {
            return self.collections.iter().find_map(|root| {
                let folder = root.join(namespace).join(collection);
                let plugins = folder.join("plugins").join(Self::folder_of(kind));
                let file = file_of(&plugins.join(rest.join("/")))?;
                read(&file, name, &folder)
            });
        }
        let folders = self.modules.iter().filter(|_| kind == "module");
        folders
            .filter_map(|folder| Some((file_of(&folder.join(name))?, folder)))
            .find_map(|(file, folder)| read(&file, name, folder))
    }

    pub fn all(&self, kind: &str) -> Vec<Document> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for root in &self.collections {
            for (collection, folder) in collections_below(root) {
                let plugins = folder.join("plugins").join(Self::folder_of(kind));
                for (name, file) in plugins_below(&plugins) {
                    let full_name = format!("{collection}.{name}");
                    if seen.insert(full_name.clone()) {
                        let document = read(&file, &full_name, &folder);
                        found.push(document.unwrap_or(Document { full_name, file: Some(file), ..Document::default() }));
                    }
                }
            }
        }
        for folder in self.modules.iter().filter(|_| kind == "module") {
            for (name, file) in plugins_below(folder) {
                if seen.insert(name.clone()) {
                    let document = read(&file, &name, folder);
                    found.push(document.unwrap_or(Document {
                        full_name: name,
                        file: Some(file),
                        ..Document::default()
                    }));
                }
            }
        }
        found
    }
}

fn names_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect();
    names.sort();
    names
}

fn collections_below(root: &Path) -> Vec<(String, PathBuf)> {
    let namespaces = names_in(root).into_iter().filter(|(_, path)| path.is_dir());
    namespaces
        .flat_map(|(namespace, path)| {
            names_in(&path)
                .into_iter()
                .filter(|(_, path)| path.is_dir())
                .map(move |(name, path)| (format!("{namespace}.{name}"), path))
        })
        .collect()
}

/// Names of plugins with their files, those of folders below with dots.
fn plugins_below(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for (name, path) in names_in(folder) {
        if path.is_dir() {
            found.extend(plugins_below(&path).into_iter().map(|(inner, file)| (format!("{name}.{inner}"), file)));
            continue;
        }
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        if ["py", "yml", "yaml"].contains(&extension)
            && !stem.starts_with('_')
            && !found.iter().any(|(known, _)| known == stem)
        {
            found.push((stem.to_owned(), path));
        }
    }
    found
}

/// The file that documents a plugin: one of YAML before the Python.
fn file_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let with = |extension: &str| path.with_file_name(format!("{name}.{extension}"));
    ["yml", "yaml", "py"].map(with).into_iter().find(|file| file.is_file())
}

/// The text that is assigned to a name in Python: `NAME = r'''…'''`.
fn assigned<'a>(python: &'a str, name: &str) -> Option<&'a str> {
    for (at, _) in python.match_indices(name) {
        let before = python[..at].rsplit('\n').next().unwrap_or_default();
        let rest = python[at + name.len()..].trim_start();
        if !before.trim().is_empty() || !rest.starts_with('=') {
            continue;
        }
        let value = rest[1..].trim_start().trim_start_matches(['r', 'R', 'u', 'U']);
        for quote in ["'''", "\"\"\"", "'", "\""] {
            if let Some(text) = value.strip_prefix(quote) {
                return text.split_once(quote).map(|(text, _)| text);
            }
        }
    }
    None
}

fn yaml(text: &str, file: &Path) -> Option<Json> {
    let source = SourceFile::new(file, text.to_owned());
    let reader = Reader { notices: Notices::default(), vault: None, duplicate_keys: DuplicateKeys::Ignore };
    Some(reader.read_yaml(&source).ok()?.to_value().to_json())
}

/// What a file says; `folder` is its collection's, where its fragments are.
fn read(file: &Path, full_name: &str, folder: &Path) -> Option<Document> {
    let text = fs::read_to_string(file).ok()?;
    let is_python = file.extension().is_some_and(|extension| extension == "py");
    let (doc, examples, returns) = if is_python {
        let returns = assigned(&text, "RETURN").and_then(|text| yaml(text, file));
        (
            yaml(assigned(&text, "DOCUMENTATION")?, file)?,
            assigned(&text, "EXAMPLES").unwrap_or_default().to_owned(),
            returns,
        )
    } else {
        let whole = yaml(&text, file)?;
        let examples = whole["EXAMPLES"].as_str().unwrap_or_default().to_owned();
        (whole["DOCUMENTATION"].clone(), examples, whole.get("RETURN").cloned())
    };
    let Json::Object(mut doc) = doc else { return None };
    for fragment in fragments(&doc) {
        if let Some(found) = fragment_of(&fragment, folder) {
            add(&mut doc, found);
        }
    }
    doc.insert(
        "collection".to_owned(),
        Json::from(full_name.rsplit_once('.').map_or("", |(collection, _)| collection)),
    );
    doc.insert("filename".to_owned(), Json::from(file.display().to_string()));
    doc.insert("plugin_name".to_owned(), Json::from(full_name));
    if let Some(Json::String(single)) = doc.get("description").cloned() {
        doc.insert("description".to_owned(), json!([single]));
    }
    Some(Document {
        full_name: full_name.to_owned(),
        doc,
        examples: examples.trim_start_matches('\n').to_owned(),
        returns: returns.unwrap_or_default(),
        file: Some(file.to_owned()),
    })
}

fn fragments(doc: &Map<String, Json>) -> Vec<String> {
    match doc.get("extends_documentation_fragment") {
        Some(Json::String(name)) => name.split(',').map(|name| name.trim().to_owned()).collect(),
        Some(Json::Array(names)) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// `NAMESPACE.NAME.FRAGMENT[.PART]` of any collection beside this one. Fragments of Ansible itself are not here.
fn fragment_of(name: &str, folder: &Path) -> Option<Map<String, Json>> {
    let parts: Vec<&str> = name.split('.').collect();
    let (file, part) = match parts.as_slice() {
        [namespace, collection, fragment, rest @ ..] => {
            let root = folder.parent()?.parent()?;
            (
                root.join(namespace).join(collection).join("plugins/doc_fragments").join(format!("{fragment}.py")),
                rest.first(),
            )
        }
        [fragment] => (folder.join("plugins/doc_fragments").join(format!("{fragment}.py")), None),
        _ => return None,
    };
    let text = fs::read_to_string(&file).ok()?;
    let variable = part.map_or_else(|| "DOCUMENTATION".to_owned(), |part| part.to_uppercase());
    match yaml(assigned(&text, &variable)?, &file)? {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

/// Puts a fragment below what a plugin itself says.
fn add(doc: &mut Map<String, Json>, fragment: Map<String, Json>) {
    for (key, value) in fragment {
        match (doc.get_mut(&key), value) {
            (Some(Json::Object(own)), Json::Object(more)) => {
                for (name, option) in more {
                    own.entry(name).or_insert(option);
                }
            }
            (Some(Json::Array(own)), Json::Array(more)) => own.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                doc.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_python_files_are_found_without_python() {
        let python = "X = 1\nDOCUMENTATION = r\"\"\"\nmodule: a\n\"\"\"\nEXAMPLES = '''\n- a:\n'''\n";
        assert_eq!(assigned(python, "DOCUMENTATION"), Some("\nmodule: a\n"));
        assert_eq!(assigned(python, "EXAMPLES"), Some("\n- a:\n"));
        assert_eq!(assigned("# DOCUMENTATION = 'a'\n", "DOCUMENTATION"), None);
        assert_eq!(assigned(python, "RETURN"), None);
    }
}
