//! What is to be installed: words of the command line, and files of requirements.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::artifact::reader;
use crate::error::{Error, ErrorKind};

/// A collection, and where it comes from.
#[derive(Clone, Debug)]
pub struct Collection {
    /// Nothing where only the source knows it.
    pub name: Option<String>,
    /// `*`, a version, or conditions separated by commas.
    pub version: String,
    pub source: Source,
    pub signatures: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Source {
    /// A server, by its name or address if one is named.
    Galaxy(Option<String>),
    Archive(PathBuf),
    Folder(PathBuf),
    /// A folder of folders of collections.
    Namespace(PathBuf),
    Url(String),
    Git(String),
}

/// A role, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    pub name: String,
    pub src: String,
    pub scm: Option<String>,
    /// Empty where none is asked for.
    pub version: String,
}

#[derive(Debug, Default)]
pub struct Requirements {
    pub roles: Vec<Role>,
    pub collections: Vec<Collection>,
}

pub fn is_collection_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let is_word = |part: &str| {
        part.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    parts.by_ref().take(2).filter(|part| is_word(part)).count() == 2 && parts.next().is_none()
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Project, message)
}

impl Collection {
    /// `NAMESPACE.NAME`, with `:VERSION` or conditions; a path; an address.
    pub fn of_word(word: &str) -> Result<Self, Error> {
        let entry = |name: &str, version: &str| Self::new(Some(name), version, None, None);
        if concrete(word).is_some() {
            return entry(word, "*");
        }
        if let Some((name, version)) = word.split_once(':') {
            return entry(name, if version.is_empty() { "*" } else { version });
        }
        match word.find(['<', '>', '=', '!']) {
            Some(at) => entry(word[..at].trim(), word[at..].trim()),
            None => entry(word, "*"),
        }
    }

    fn of_entry(entry: &Json) -> Result<Self, Error> {
        let map = match entry {
            Json::String(name) => return Self::new(Some(name), "*", None, None),
            Json::Object(map) => map,
            other => return Err(wrong(format!("a collection of the requirements is a name or a dict, not {other}"))),
        };
        let text = |key: &str| map.get(key).filter(|it| !it.is_null()).map(as_text);
        let version = text("version").filter(|text| !text.is_empty()).unwrap_or_else(|| "*".to_owned());
        let mut collection =
            Self::new(text("name").as_deref(), &version, text("source").as_deref(), text("type").as_deref())?;
        collection.signatures = match map.get("signatures") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => items.iter().map(as_text).collect(),
            Some(single) => vec![as_text(single)],
        };
        Ok(collection)
    }

    fn new(name: Option<&str>, version: &str, source: Option<&str>, kind: Option<&str>) -> Result<Self, Error> {
        let is_name = name.is_some_and(is_collection_name);
        let kind = match (kind, source, name) {
            (Some(kind), _, _) => kind,
            (None, Some(source), _) if concrete(source).is_some() && !source.starts_with("http") => {
                concrete(source).unwrap_or_default()
            }
            (None, _, Some(_)) if is_name => "galaxy",
            (None, _, Some(name)) => concrete(name).ok_or_else(|| {
                let tip = if Path::new(name).is_dir() {
                    format!(
                        "\n\nTip: Make sure you are pointing to the right subdirectory — `{name}` looks like a \
                         directory but it is neither a collection, nor a namespace dir."
                    )
                } else {
                    format!("\n\nCould not find {name}.")
                };
                wrong(format!(
                    "Neither the collection requirement entry key 'name', nor 'source' point to a concrete resolvable \
                     collection artifact. Also 'name' is not an FQCN. A valid collection name must be in the format \
                     <namespace>.<collection>. Please make sure that the namespace and the collection name contain \
                     characters from [a-zA-Z0-9_] only.{tip}"
                ))
            })?,
            (None, _, None) => return Err(wrong("a collection of the requirements has neither a name nor a source")),
        };
        let (name, place) = match (kind, source) {
            ("galaxy", source) => {
                let Some(name) = name else {
                    return Err(wrong(
                        "Collections requirement entry should contain the key 'name' if it's requested from a \
                         Galaxy-like index server.",
                    ));
                };
                if !is_name {
                    return Err(invalid_name(name));
                }
                return Ok(Self {
                    name: Some(name.to_owned()),
                    version: version.to_owned(),
                    source: Source::Galaxy(source.map(str::to_owned)),
                    signatures: Vec::new(),
                });
            }
            (_, Some(source)) => (name.filter(|_| is_name), source),
            (_, None) => (None, name.unwrap_or_default()),
        };
        let path = || PathBuf::from(place.strip_prefix("file://").unwrap_or(place));
        let source = match kind {
            "file" => Source::Archive(path()),
            "dir" => Source::Folder(path()),
            "subdirs" => Source::Namespace(path()),
            "url" => Source::Url(place.to_owned()),
            "git" => Source::Git(place.to_owned()),
            _ => {
                return Err(wrong(
                    "The collection requirement entry key 'type' must be one of file, galaxy, git, dir, subdirs, or url.",
                ));
            }
        };
        let name = name.map(str::to_owned);
        Ok(Self { name, version: version.to_owned(), source, signatures: Vec::new() })
    }
}

pub fn invalid_name(name: &str) -> Error {
    wrong(format!(
        "Invalid collection name '{name}', name must be in the format <namespace>.<collection>. \nPlease make sure \
         namespace and collection name contains characters from [a-zA-Z0-9_] only."
    ))
}

/// What kind of a source a text points to; none if it is no source.
fn concrete(text: &str) -> Option<&'static str> {
    let path = Path::new(text);
    if text.starts_with("git+") || text.starts_with("git@") {
        Some("git")
    } else if text.starts_with("http://") || text.starts_with("https://") || text.starts_with("file://") {
        Some("url")
    } else if path.is_file() {
        Some("file")
    } else if is_collection_folder(path) {
        Some("dir")
    } else if collections_in(path).next().is_some() {
        Some("subdirs")
    } else {
        None
    }
}

fn is_collection_folder(path: &Path) -> bool {
    ["MANIFEST.json", "galaxy.yml", "galaxy.yaml"].iter().any(|name| path.join(name).is_file())
}

/// The folders of collections in a namespace's folder.
pub fn collections_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_collection_folder(path)).collect();
    paths.sort();
    paths.into_iter()
}

fn as_text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

impl Role {
    /// `SRC[,VERSION[,NAME]]`
    pub fn of_word(word: &str) -> Result<Self, Error> {
        let mut parts = word.split(',');
        let (src, version, name) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if parts.next().is_some() {
            return Err(wrong(format!("Invalid role line ({word}). Proper format is 'role_name[,version[,name]]'")));
        }
        let name = name.map_or_else(|| name_of_repository(src), str::to_owned);
        let (scm, src) = match src.split_once('+') {
            Some((scm, rest)) => (Some(scm.to_owned()), rest),
            None => (None, src),
        };
        Ok(Self { name, src: src.to_owned(), scm, version: version.unwrap_or_default().to_owned() })
    }

    pub fn of_entry(entry: &Json) -> Result<Self, Error> {
        match entry {
            Json::String(word) => Self::of_word(word),
            Json::Object(map) => Self::of_map(map),
            other => Err(wrong(format!("a role of the requirements is a text or a dict, not {other}"))),
        }
    }

    fn of_map(map: &Map<String, Json>) -> Result<Self, Error> {
        let text = |key: &str| map.get(key).filter(|it| !it.is_null()).map(as_text);
        if let Some(name) = text("role") {
            if name.contains(',') {
                return Err(wrong(format!("Invalid old style role requirement: {name}")));
            }
            return Ok(Self { src: text("src").unwrap_or_else(|| name.clone()), name, ..Self::default() });
        }
        let mut role = Self { version: text("version").unwrap_or_default(), scm: text("scm"), ..Self::default() };
        if let Some(mut src) = text("src") {
            if src.contains("github.com") && src.contains("http") && !src.contains('+') && !src.ends_with(".tar.gz") {
                src.insert_str(0, "git+");
            }
            if let Some((scm, rest)) = src.split_once('+') {
                role.scm = Some(scm.to_owned());
                src = rest.to_owned();
            }
            role.name = name_of_repository(&src);
            role.src = src;
        }
        if let Some(name) = text("name") {
            role.name = name;
        }
        if role.name.is_empty() {
            return Err(wrong("Must specify name or src for role"));
        }
        if role.src.is_empty() {
            role.src.clone_from(&role.name);
        }
        Ok(role)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        if self.version.is_empty() {
            out.write_str(&self.name)
        } else {
            write!(out, "{} ({})", self.name, self.version)
        }
    }
}

/// `https://example.com/roles/web.git` is `web`.
fn name_of_repository(url: &str) -> String {
    if !url.contains("://") && !url.contains('@') {
        return url.to_owned();
    }
    let last = url.rsplit('/').next().unwrap_or(url);
    let last = last.strip_suffix(".git").unwrap_or(last);
    let last = last.strip_suffix(".tar.gz").unwrap_or(last);
    last.split(',').next().unwrap_or(last).to_owned()
}

/// Reads a file of requirements. The older form, a list, has roles alone.
pub fn read(file: &Path, list_is_allowed: bool) -> Result<Requirements, Error> {
    let shown = file.display();
    if !file.exists() {
        return Err(wrong(format!("The requirements file '{shown}' does not exist.")));
    }
    let json = reader().read_file(file)?.to_value().to_json();
    let mut requirements = Requirements::default();
    match &json {
        Json::Null => return Err(wrong(format!("No requirements found in file '{shown}'"))),
        Json::Array(_) if !list_is_allowed => {
            return Err(wrong(
                "Expecting requirements file to be a dict with the key 'collections' that contains a list of \
                 collections to install",
            ));
        }
        Json::Array(roles) => add_roles(roles, file, &mut requirements.roles)?,
        Json::Object(map) => {
            let extra: Vec<&str> =
                map.keys().map(String::as_str).filter(|key| !["roles", "collections"].contains(key)).collect();
            if !extra.is_empty() {
                let extra = extra.join(", ");
                return Err(wrong(format!(
                    "Expecting only 'roles' and/or 'collections' as base keys in the requirements file. Found: {extra}"
                )));
            }
            let list = |key: &str| map.get(key).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            add_roles(list("roles"), file, &mut requirements.roles)?;
            for entry in list("collections") {
                requirements.collections.push(Collection::of_entry(entry)?);
            }
        }
        _ => return Err(wrong(format!("Expecting requirements yaml to be a list or dictionary: {shown}"))),
    }
    Ok(requirements)
}

fn add_roles(entries: &[Json], file: &Path, roles: &mut Vec<Role>) -> Result<(), Error> {
    for entry in entries {
        let Some(include) = entry.get("include").and_then(Json::as_str) else {
            roles.push(Role::of_entry(entry)?);
            continue;
        };
        if !Path::new(include).is_file() {
            let shown = file.display();
            return Err(wrong(format!("Failed to find include requirements file '{include}' in '{shown}'")));
        }
        let included = reader().read_file(Path::new(include))?.to_value().to_json();
        for entry in included.as_array().into_iter().flatten() {
            roles.push(Role::of_entry(entry)?);
        }
    }
    Ok(())
}

/// Names and conditions of what something needs.
pub type Dependencies = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_roles() {
        let role = Role::of_word("git+https://example.com/r/web.git,v1").expect("a role");
        assert_eq!(role.name, "web");
        assert_eq!(role.src, "https://example.com/r/web.git");
        assert_eq!((role.scm.as_deref(), role.version.as_str()), (Some("git"), "v1"));
        assert!(Role::of_word("a,b,c,d").is_err());
    }

    #[test]
    fn names_of_collections_are_two_words() {
        assert!(is_collection_name("a.b") && is_collection_name("_a.b_1"));
        for name in ["a", "a.b.c", "a-b.c", "1a.b", ".b", "a."] {
            assert!(!is_collection_name(name), "{name}");
        }
    }

    #[test]
    fn conditions_follow_a_name() {
        let collection = Collection::of_word("a.b>=1.0,<2").expect("a collection");
        assert_eq!(collection.version, ">=1.0,<2");
        assert!(Collection::of_word("nothing").is_err());
    }
}
