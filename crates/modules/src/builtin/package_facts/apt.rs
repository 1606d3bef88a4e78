//! Packages of dpkg, and where apt would get each of them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use rplay_module_api::{Command, Ctx, Failure, json};

use super::Packages;
use crate::support::os_error;

const STATUS: &str = "/var/lib/dpkg/status";
const LISTS: &str = "/var/lib/apt/lists";

pub fn add(packages: &mut Packages, ctx: &mut Ctx) -> Result<bool, Failure> {
    let Ok(status) = fs::read(STATUS) else { return Ok(false) };
    let status = String::from_utf8_lossy(&status);
    let installed: Vec<Entry> = status.split("\n\n").filter_map(Entry::installed).collect();
    let origins = origins(&installed, ctx)?;
    for entry in installed {
        let origin = origins.get(&entry.key()).map_or("", String::as_str);
        packages.entry(entry.name.to_owned()).or_default().push(json!({
            "name": entry.name,
            "version": entry.version,
            "arch": entry.arch,
            "category": entry.section,
            "origin": origin,
            "source": "apt",
        }));
    }
    Ok(true)
}

/// A paragraph about one package.
#[derive(Default)]
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    arch: &'a str,
    section: &'a str,
    status: &'a str,
}

type Key = (String, String, String);

impl<'a> Entry<'a> {
    fn parse(paragraph: &'a str) -> Self {
        let mut entry = Self::default();
        for line in paragraph.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name {
                "Package" => entry.name = value.trim(),
                "Version" => entry.version = value.trim(),
                "Architecture" => entry.arch = value.trim(),
                "Section" => entry.section = value.trim(),
                "Status" => entry.status = value.trim(),
                _ => {}
            }
        }
        entry
    }

    fn installed(paragraph: &'a str) -> Option<Self> {
        let entry = Self::parse(paragraph);
        (!entry.name.is_empty() && entry.status.ends_with(" installed")).then_some(entry)
    }

    fn key(&self) -> Key {
        (self.name.to_owned(), self.version.to_owned(), self.arch.to_owned())
    }
}

/// The origin of each installed version that is in one of apt's lists.
fn origins(installed: &[Entry<'_>], ctx: &mut Ctx) -> Result<HashMap<Key, String>, Failure> {
    let wanted: HashSet<Key> = installed.iter().map(Entry::key).collect();
    let mut found = HashMap::new();
    let mut files: Vec<_> = fs::read_dir(LISTS).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((head, _)) = name.split_once("_binary-").filter(|_| name.contains("_Packages")) else { continue };
        let Some(origin) = origin_of(head) else { continue };
        let text = content(&path, &name, ctx)?;
        for paragraph in text.split("\n\n") {
            let key = Entry::parse(paragraph).key();
            if wanted.contains(&key) {
                found.entry(key).or_insert_with(|| origin.clone());
            }
        }
    }
    Ok(found)
}

/// The origin that the release file of a list names: `HOST_dists_NAME_COMPONENT` belongs to `HOST_dists_NAME`.
fn origin_of(head: &str) -> Option<String> {
    let (release, _) = head.rsplit_once('_')?;
    ["InRelease", "Release"].iter().find_map(|end| {
        let text = fs::read(Path::new(LISTS).join(format!("{release}_{end}"))).ok()?;
        let text = String::from_utf8_lossy(&text);
        text.lines().find_map(|line| line.strip_prefix("Origin:")).map(|it| it.trim().to_owned())
    })
}

/// A list as text; compressed ones apt itself opens.
fn content(path: &Path, name: &str, ctx: &mut Ctx) -> Result<String, Failure> {
    if name.ends_with("_Packages") {
        let bytes = fs::read(path).map_err(|err| Failure::new(os_error::with_path(&err, path)))?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let command = Command::new([Path::new("/usr/lib/apt/apt-helper"), Path::new("cat-file"), path]);
    let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    Ok(output.stdout_text())
}
