//! A collection as an archive and as a folder: galaxy.yml, MANIFEST.json, FILES.json.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::archive::{Entries, Kind, unpack};
use super::directives::Directives;
use super::output::Output;
use super::requirements::is_collection_name;
use crate::error::{Error, ErrorKind, Notices};
use crate::yaml::{DuplicateKeys, Reader};

pub const MANIFEST: &str = "MANIFEST.json";
pub const FILES: &str = "FILES.json";
/// Folders that belong to tools.
const TOOLS: [&str; 7] = ["CVS", ".bzr", ".hg", ".git", ".svn", "__pycache__", ".tox"];

/// What a collection says of itself.
#[derive(Clone, Debug)]
pub struct About {
    pub namespace: String,
    pub name: String,
    pub version: String,
    pub dependencies: BTreeMap<String, String>,
}

impl About {
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }

    /// A folder that says nothing of itself.
    pub fn unknown(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            version: "*".to_owned(),
            dependencies: BTreeMap::new(),
        }
    }

    fn of(info: &Map<String, Json>, source: &str) -> Result<Self, Error> {
        let text = |key: &str| match info.get(key) {
            Some(Json::String(text)) => text.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => String::new(),
        };
        let (namespace, name) = (text("namespace"), text("name"));
        if !is_collection_name(&format!("{namespace}.{name}")) {
            let message = format!(
                "{source} does not name a collection: namespace {namespace:?} and name {name:?} are not letters, digits and _"
            );
            return Err(Error::new(ErrorKind::Project, message));
        }
        let dependencies = info.get("dependencies").and_then(Json::as_object);
        let dependencies = dependencies
            .into_iter()
            .flatten()
            .map(|(name, version)| (name.clone(), version.as_str().map_or_else(|| version.to_string(), str::to_owned)));
        Ok(Self { version: text("version"), dependencies: dependencies.collect(), namespace, name })
    }

    pub fn of_manifest(bytes: &[u8], source: &str) -> Result<Self, Error> {
        let manifest: Json = serde_json::from_slice(bytes)
            .map_err(|err| Error::new(ErrorKind::Project, format!("{source}: MANIFEST.json is no JSON: {err}")))?;
        let info = manifest["collection_info"].as_object();
        let missing = || Error::new(ErrorKind::Project, format!("{source}: MANIFEST.json has no collection_info"));
        Self::of(info.ok_or_else(missing)?, source)
    }

    /// A folder's MANIFEST.json, or else its galaxy.yml; none where it has neither.
    pub fn of_folder(folder: &Path) -> Result<Option<Self>, Error> {
        if let Ok(bytes) = fs::read(folder.join(MANIFEST)) {
            return Self::of_manifest(&bytes, &folder.display().to_string()).map(Some);
        }
        match galaxy_file(folder) {
            Some(file) => Self::of(&read_mapping(&file)?, &file.display().to_string()).map(Some),
            None => Ok(None),
        }
    }
}

/// galaxy.yml of a folder.
pub fn galaxy_file(folder: &Path) -> Option<PathBuf> {
    ["galaxy.yml", "galaxy.yaml"].map(|name| folder.join(name)).into_iter().find(|file| file.is_file())
}

pub fn reader() -> Reader {
    Reader { notices: Notices::default(), vault: None, duplicate_keys: DuplicateKeys::Ignore }
}

fn read_mapping(file: &Path) -> Result<Map<String, Json>, Error> {
    match reader().read_file(file)?.to_value().to_json() {
        Json::Object(map) => Ok(map),
        _ => Err(Error::new(
            ErrorKind::Project,
            format!("The collection galaxy.yml at '{}' is incorrectly formatted.", file.display()),
        )),
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

const REQUIRED: [&str; 5] = ["namespace", "name", "version", "readme", "authors"];
const TEXTS: [&str; 7] = ["description", "license_file", "repository", "documentation", "homepage", "issues", "readme"];
const LISTS: [&str; 4] = ["authors", "license", "tags", "build_ignore"];

/// galaxy.yml with all its keys; what is wrong with it is an error.
fn checked_info(file: &Path, output: &Output) -> Result<Map<String, Json>, Error> {
    let mut info = read_mapping(file)?;
    let missing: Vec<&str> = REQUIRED.into_iter().filter(|key| info.get(*key).is_none_or(Json::is_null)).collect();
    if !missing.is_empty() {
        let message = format!(
            "The collection galaxy.yml at '{}' is missing the following mandatory keys: {}",
            file.display(),
            missing.join(", ")
        );
        return Err(Error::new(ErrorKind::Project, message));
    }
    let known = |key: &str| {
        REQUIRED.contains(&key)
            || TEXTS.contains(&key)
            || LISTS.contains(&key)
            || ["dependencies", "manifest"].contains(&key)
    };
    let unknown: Vec<&str> = info.keys().map(String::as_str).filter(|key| !known(key)).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        output.warn(format!("Found unknown keys in collection galaxy.yml at '{}': {unknown}", file.display()));
    }
    for key in TEXTS {
        if info.get(key).is_none_or(Json::is_null) {
            info.insert(key.to_owned(), Json::Null);
        }
    }
    for key in LISTS {
        let list = match info.remove(key) {
            None | Some(Json::Null) => Json::Array(Vec::new()),
            Some(Json::Array(items)) => Json::Array(items),
            Some(single) => Json::Array(vec![single]),
        };
        info.insert(key.to_owned(), list);
    }
    if info.get("dependencies").is_none_or(Json::is_null) {
        info.insert("dependencies".to_owned(), json!({}));
    }
    let version = info["version"].as_str().unwrap_or_default();
    if semver::Version::parse(version).is_err() {
        let message = format!(
            "The collection galaxy.yml at '{}' has the version '{version}', which is no semantic version",
            file.display()
        );
        return Err(Error::new(ErrorKind::Project, message).hint("a version has three numbers, such as 1.0.0"));
    }
    Ok(info)
}

/// What goes into an archive.
struct Item {
    /// From the collection's folder.
    path: PathBuf,
    is_folder: bool,
}

/// Makes NAMESPACE-NAME-VERSION.tar.gz of a folder with a galaxy.yml.
pub fn build(folder: &Path, into: &Path, force: bool, output: &Output) -> Result<PathBuf, Error> {
    let Some(file) = galaxy_file(folder) else {
        let path = folder.join("galaxy.yml");
        let message = format!("The collection galaxy.yml path '{}' does not exist.", path.display());
        return Err(Error::new(ErrorKind::Project, message));
    };
    let info = checked_info(&file, output)?;
    let about = About::of(&info, &file.display().to_string())?;
    let items = items(folder, &about, &info, output)?;
    let target = into.join(format!("{}-{}-{}.tar.gz", about.namespace, about.name, about.version));
    if target.is_dir() {
        let message = format!(
            "The output collection artifact '{}' already exists, but is a directory - aborting",
            target.display()
        );
        return Err(Error::new(ErrorKind::File, message));
    }
    if target.exists() && !force {
        let message = format!(
            "The file '{}' already exists. You can use --force to re-create the collection artifact.",
            target.display()
        );
        return Err(Error::new(ErrorKind::File, message));
    }
    let failed =
        |err: &dyn std::fmt::Display| Error::new(ErrorKind::File, format!("cannot make {}: {err}", target.display()));
    let bytes = packed(folder, &info, &items).map_err(|err| failed(&err))?;
    fs::write(&target, bytes).map_err(|err| failed(&err))?;
    output.line(format!("Created collection for {} at {}", about.full_name(), target.display()));
    Ok(target)
}

fn items(folder: &Path, about: &About, info: &Map<String, Json>, output: &Output) -> Result<Vec<Item>, Error> {
    let ignored = info["build_ignore"].as_array().cloned().unwrap_or_default();
    match info.get("manifest") {
        None => {
            let own = [MANIFEST, FILES, "galaxy.yml", "galaxy.yaml", ".git", "*.pyc", "*.retry", "tests/output"];
            let built = format!("{}-{}-*.tar.gz", about.namespace, about.name);
            let patterns = own.into_iter().chain([built.as_str()]).chain(ignored.iter().filter_map(Json::as_str));
            let patterns = patterns.map(pattern).collect::<Result<Vec<_>, _>>()?;
            let mut items = Vec::new();
            let walk = Walk { top: folder, patterns, output };
            walk.folder(Path::new(""), &mut items)
                .map_err(|err| Error::new(ErrorKind::File, format!("cannot read {}: {err}", folder.display())))?;
            Ok(items)
        }
        Some(_) if !ignored.is_empty() => {
            Err(Error::new(ErrorKind::Project, "\"build_ignore\" and \"manifest\" are mutually exclusive"))
        }
        Some(manifest) => {
            let license_file = info["license_file"].as_str().filter(|name| !name.is_empty());
            let directives = Directives::of(manifest, &about.namespace, &about.name, license_file)?;
            let found = directives.select(folder)?;
            Ok(found.into_iter().map(|path| Item { is_folder: folder.join(&path).is_dir(), path }).collect())
        }
    }
}

fn pattern(text: &str) -> Result<glob::Pattern, Error> {
    glob::Pattern::new(text)
        .map_err(|err| Error::new(ErrorKind::Project, format!("the pattern {text:?} of build_ignore is wrong: {err}")))
}

struct Walk<'a> {
    top: &'a Path,
    /// A star stands for any letters, slashes among them.
    patterns: Vec<glob::Pattern>,
    output: &'a Output,
}

impl Walk<'_> {
    fn folder(&self, below: &Path, items: &mut Vec<Item>) -> std::io::Result<()> {
        let mut names: Vec<_> = fs::read_dir(self.top.join(below))?.collect::<Result<_, _>>()?;
        names.sort_by_key(fs::DirEntry::file_name);
        for entry in names {
            let path = below.join(entry.file_name());
            let full = self.top.join(&path);
            let ignored = self.patterns.iter().any(|pattern| pattern.matches(&path.to_string_lossy()));
            if full.is_dir() {
                if ignored || TOOLS.iter().any(|name| entry.file_name() == *name) {
                    self.output.verbose(3, format!("Skipping '{}' for collection build", full.display()));
                    continue;
                }
                let is_link = full.is_symlink();
                if is_link && !fs::canonicalize(&full)?.starts_with(fs::canonicalize(self.top)?) {
                    let text = "as it is a symbolic link to a directory outside the collection";
                    self.output.warn(format!("Skipping '{}' {text}", full.display()));
                    continue;
                }
                items.push(Item { path: path.clone(), is_folder: true });
                if !is_link {
                    self.folder(&path, items)?;
                }
            } else if ignored {
                self.output.verbose(3, format!("Skipping '{}' for collection build", full.display()));
            } else {
                items.push(Item { path, is_folder: false });
            }
        }
        Ok(())
    }
}

fn entry(name: &str, checksum: Option<&str>) -> Json {
    json!({
        "name": name,
        "ftype": if checksum.is_some() { "file" } else { "dir" },
        "chksum_type": checksum.map(|_| "sha256"),
        "chksum_sha256": checksum,
        "format": 1,
    })
}

fn manifest_of(info: &Map<String, Json>, files: &[u8]) -> Json {
    let mut about = Map::new();
    for key in [
        "namespace",
        "name",
        "version",
        "authors",
        "readme",
        "tags",
        "description",
        "license",
        "license_file",
        "dependencies",
        "repository",
        "documentation",
        "homepage",
        "issues",
    ] {
        let value = info.get(key).cloned().unwrap_or_default();
        let empty_file = key == "license_file" && value == "";
        about.insert(key.to_owned(), if empty_file { Json::Null } else { value });
    }
    let mut list = entry(FILES, Some(&sha256(files)));
    if let Json::Object(map) = &mut list {
        map.retain(|_, value| !value.is_null());
    }
    json!({"collection_info": about, "file_manifest_file": list, "format": 1})
}

/// JSON as Ansible writes it into archives.
fn pretty(json: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // Writing values into memory does not fail.
    let _ = serde::Serialize::serialize(json, &mut serializer);
    out
}

fn packed(folder: &Path, info: &Map<String, Json>, items: &[Item]) -> std::io::Result<Vec<u8>> {
    let mut listed = vec![entry(".", None)];
    for item in items {
        let name = item.path.to_string_lossy();
        listed.push(if item.is_folder {
            entry(&name, None)
        } else {
            entry(&name, Some(&sha256(&fs::read(folder.join(&item.path))?)))
        });
    }
    let files = pretty(&json!({"files": listed, "format": 1}));
    let manifest = pretty(&manifest_of(info, &files));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let mut add = |path: &Path, kind: EntryType, mode: u32, time: u64, content: &[u8], link: Option<&Path>| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time);
        header.set_size(content.len() as u64);
        match link {
            Some(target) => tar.append_link(&mut header, path, target),
            None => tar.append_data(&mut header, path, content),
        }
    };
    add(Path::new(MANIFEST), EntryType::Regular, 0o644, now, &manifest, None)?;
    add(Path::new(FILES), EntryType::Regular, 0o644, now, &files, None)?;
    let top = fs::canonicalize(folder)?;
    for item in items {
        let full = folder.join(&item.path);
        let real = fs::canonicalize(&full)?;
        let about = fs::metadata(&real)?;
        let time = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if full.is_symlink() && real.starts_with(&top) {
            let parent = fs::canonicalize(full.parent().unwrap_or(folder))?;
            add(&item.path, EntryType::Symlink, 0o777, now, &[], Some(&relative(&real, &parent)))?;
        } else if item.is_folder {
            add(&item.path, EntryType::Directory, 0o755, time, &[], None)?;
        } else {
            let executable = about.permissions().mode() & 0o100 != 0;
            let mode = if executable { 0o755 } else { 0o644 };
            add(&item.path, EntryType::Regular, mode, time, &fs::read(&real)?, None)?;
        }
    }
    let mut gzip = tar.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}

/// The way from one folder to a path.
fn relative(to: &Path, from: &Path) -> PathBuf {
    let common = to.components().zip(from.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(common).map(|_| PathBuf::from(".."));
    let way: PathBuf = up.chain(to.components().skip(common).map(|part| PathBuf::from(part.as_os_str()))).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// A collection's archive, checked: every file that it lists is there and has its hash.
#[derive(Debug)]
pub struct Artifact {
    pub about: About,
    pub manifest: Vec<u8>,
    /// Path and hash of what is listed; folders have no hash.
    pub listed: Vec<(PathBuf, Option<String>)>,
    entries: Entries,
}

impl Artifact {
    pub fn open(file: &Path) -> Result<Self, Error> {
        let shown = file.display().to_string();
        let wrong = |why: String| Error::new(ErrorKind::Project, why);
        let entries = Entries::read(file)?;
        if let Some(path) = entries.overwritten.first() {
            let path = path.display();
            return Err(wrong(format!("Collection tar at '{shown}' has {path} twice, first as a link")));
        }
        let content = |name: &str| {
            entries.file(name).ok_or_else(|| {
                wrong(format!("Collection tar at '{shown}' does not contain the expected file '{name}'."))
            })
        };
        let manifest = content(MANIFEST)?.to_vec();
        let about = About::of_manifest(&manifest, &shown)?;
        let files = content(FILES)?;
        let json: Json = serde_json::from_slice(&manifest).unwrap_or_default();
        if json["file_manifest_file"]["chksum_sha256"].as_str() != Some(sha256(files).as_str()) {
            return Err(wrong(format!("Checksum mismatch for 'FILES.json' inside collection at '{shown}'")));
        }
        let listed = listed(files, &shown)?;
        for (path, hash) in &listed {
            match (entries.entries.get(path), hash) {
                (None, _) if path.as_os_str().is_empty() => {}
                (Some(Kind::Link(target)), _) => {
                    if !super::archive::link_stays(path, target) {
                        return Err(wrong(format!(
                            "Cannot extract symlink '{}' in collection: path points to location outside of collection '{}'",
                            path.display(),
                            target.display()
                        )));
                    }
                }
                (Some(Kind::Folder) | None, None) => {}
                (Some(Kind::File { content, .. }), Some(hash)) if sha256(content) == *hash => {}
                (Some(Kind::File { .. }), Some(_)) => {
                    let path = path.display();
                    return Err(wrong(format!("Checksum mismatch for '{path}' inside collection at '{shown}'")));
                }
                (_, _) => {
                    let path = path.display();
                    return Err(wrong(format!(
                        "Collection tar at '{shown}' does not contain the expected file '{path}'."
                    )));
                }
            }
        }
        Ok(Self { about, manifest, listed, entries })
    }

    /// Writes what is listed, and nothing else, into a folder that does not exist yet.
    pub fn unpack(&self, folder: &Path) -> Result<(), Error> {
        let failed =
            |why: String| Error::new(ErrorKind::File, format!("cannot install {}: {why}", self.about.full_name()));
        fs::create_dir_all(folder).map_err(|err| failed(format!("{}: {err}", folder.display())))?;
        for path in
            [MANIFEST, FILES].map(Path::new).into_iter().chain(self.listed.iter().map(|(path, _)| path.as_path()))
        {
            if path.as_os_str().is_empty() {
                continue;
            }
            let kind = self.entries.entries.get(path).unwrap_or(&Kind::Folder);
            unpack(folder, path, kind).map_err(failed)?;
        }
        Ok(())
    }
}

/// The paths of FILES.json.
pub fn listed(files: &[u8], source: &str) -> Result<Vec<(PathBuf, Option<String>)>, Error> {
    let wrong = |why: String| Error::new(ErrorKind::Project, format!("FILES.json of {source}: {why}"));
    let json: Json = serde_json::from_slice(files).map_err(|err| wrong(err.to_string()))?;
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for entry in json["files"].as_array().into_iter().flatten() {
        let name = entry["name"].as_str().unwrap_or_default();
        let path = super::archive::inside(Path::new(name)).ok_or_else(|| {
            wrong(format!("Cannot extract tar entry '{name}' as it will be placed outside the collection directory"))
        })?;
        let hash = entry["chksum_sha256"].as_str().map(str::to_owned);
        if hash.is_none() && entry["ftype"] != "dir" {
            return Err(wrong(format!("'{name}' has no hash")));
        }
        if seen.insert(path.clone()) {
            out.push((path, hash));
        }
    }
    Ok(out)
}
