//! `init`: the folder of a new collection or role, from a skeleton of one's own or from rplay's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use serde_json::json;

use super::artifact::reader;
use super::options::{CollectionInit, RoleInit};
use super::requirements::{invalid_name, is_collection_name};
use super::{Galaxy, failed};
use crate::cli::extra_vars;
use crate::error::Error;
use crate::template::{Engine, SearchPath, Settings, Templar};
use crate::value::{Dict, Str, Value};

/// Path in the skeleton, and its text; nothing makes a folder.
type Skeleton = &'static [(&'static str, Option<&'static str>)];

const ROLE: Skeleton = &[
    ("README.md", Some(include_str!("skeleton/role/README.md"))),
    ("defaults/main.yml", Some("---\n# defaults file for {{ role_name }}\n")),
    ("files", None),
    ("handlers/main.yml", Some("---\n# handlers file for {{ role_name }}\n")),
    ("meta/main.yml", Some(include_str!("skeleton/role/meta.yml"))),
    ("tasks/main.yml", Some("---\n# tasks file for {{ role_name }}\n")),
    ("templates", None),
    ("tests/inventory", Some("localhost\n")),
    ("tests/test.yml", Some("---\n- hosts: localhost\n  remote_user: root\n  roles:\n    - {{ role_name }}\n")),
    ("vars/main.yml", Some("---\n# vars file for {{ role_name }}\n")),
];

const COLLECTION: Skeleton = &[
    ("README.md", Some(include_str!("skeleton/collection/README.md"))),
    ("docs", None),
    ("galaxy.yml", Some(include_str!("skeleton/collection/galaxy.yml"))),
    ("meta/runtime.yml", Some(include_str!("skeleton/collection/runtime.yml"))),
    ("plugins/README.md", Some(include_str!("skeleton/collection/plugins.md"))),
    ("roles", None),
];

pub fn role(options: &RoleInit, galaxy: &Galaxy) -> Result<u8, Error> {
    if options.role_type != "default" && options.role_skeleton.is_none() {
        let message = format!("roles of the type {} have no skeleton here", options.role_type);
        return Err(failed(message).hint("--role-skeleton names a folder to make the role from"));
    }
    let name = &options.role_name;
    let new = New {
        kind: "Role",
        name,
        folder: options.init_path.join(name),
        force: options.force,
        skeleton: ROLE,
        given: options.role_skeleton.clone().or_else(|| configured(galaxy, "GALAXY_ROLE_SKELETON")),
        ignored: "GALAXY_ROLE_SKELETON_IGNORE",
        variables: json!({
            "author": "your name",
            "company": "your company (optional)",
            "dependencies": [],
            "description": "your role description",
            "documentation_url": "http://docs.example.com",
            "homepage_url": "http://example.com",
            "issue_tracker_url": "http://example.com/issue/tracker",
            "license": "license (GPL-2.0-or-later, MIT, etc)",
            "min_ansible_version": "2.19",
            "repository_url": "http://example.com/repository",
            "role_name": name,
            "role_type": options.role_type,
        }),
        extra_vars: &options.extra_vars,
    };
    new.make(galaxy)
}

pub fn collection(options: &CollectionInit, galaxy: &Galaxy) -> Result<u8, Error> {
    let full_name = &options.collection_name;
    let Some((namespace, name)) = full_name.split_once('.').filter(|_| is_collection_name(full_name)) else {
        return Err(invalid_name(full_name));
    };
    let new = New {
        kind: "Collection",
        name: full_name,
        folder: options.init_path.join(namespace).join(name),
        force: options.force,
        skeleton: COLLECTION,
        given: options.collection_skeleton.clone().or_else(|| configured(galaxy, "GALAXY_COLLECTION_SKELETON")),
        ignored: "GALAXY_COLLECTION_SKELETON_IGNORE",
        variables: json!({
            "ansible_plugin_list_dir": "https://docs.ansible.com/ansible-core/2.19/plugins/plugins.html",
            "authors": ["your name <example@domain.com>"],
            "build_ignore": [],
            "collection_name": name,
            "description": "your collection description",
            "documentation": "http://docs.example.com",
            "homepage": "http://example.com",
            "issues": "http://example.com/issue/tracker",
            "license": ["GPL-2.0-or-later"],
            "namespace": namespace,
            "readme": "README.md",
            "repository": "http://example.com/repository",
            "version": "1.0.0",
        }),
        extra_vars: &options.extra_vars,
    };
    new.make(galaxy)
}

fn configured(galaxy: &Galaxy, name: &str) -> Option<PathBuf> {
    let value = galaxy.setting(name)?;
    value.as_str().filter(|text| !text.is_empty()).map(PathBuf::from)
}

struct New<'a> {
    kind: &'static str,
    name: &'a str,
    folder: PathBuf,
    force: bool,
    skeleton: Skeleton,
    /// A skeleton of the user's.
    given: Option<PathBuf>,
    /// The setting with what is left out of it.
    ignored: &'static str,
    variables: serde_json::Value,
    extra_vars: &'a [String],
}

impl New<'_> {
    fn make(&self, galaxy: &Galaxy) -> Result<u8, Error> {
        let folder = &self.folder;
        if folder.is_file() {
            return Err(failed(format!("- the path {} already exists, but is a file - aborting", folder.display())));
        }
        if folder.exists() {
            if !self.force {
                return Err(failed(format!(
                    "- the directory {} already exists. You can use --force to re-initialize this directory,\nhowever it \
                     will reset any main.yml files that may have\nbeen modified there already.",
                    folder.display()
                )));
            }
            empty(folder).map_err(|err| failed(format!("cannot empty {}: {err}", folder.display())))?;
        }
        let mut variables = Dict::new();
        if let Some(map) = Value::from_json(self.variables.clone()).as_dict() {
            variables.extend(map.clone());
        }
        variables.extend(extra_vars::read(self.extra_vars, &reader())?);
        let engine = Engine::new(Settings::default());
        let templar = engine.templar(Arc::new(variables), Arc::new(SearchPath::default()));
        let made = match &self.given {
            Some(skeleton) => self.copy(skeleton, &templar, galaxy),
            None => self.write(&templar),
        };
        made.inspect_err(|_| {
            // Half a skeleton would be taken for a whole one.
            let _ = fs::remove_dir_all(folder);
        })?;
        galaxy.output.line(format!("- {} {} was created successfully", self.kind, self.name));
        Ok(0)
    }

    fn rendered(&self, templar: &Templar, text: &str, source: &str) -> Result<String, Error> {
        let rendered = templar.render(&Value::Str(Str::trusted(text, None))).map_err(|err| {
            failed(format!(
                "Failed to create {} {}. Templating {source} failed with the error: {err}",
                self.kind, self.name
            ))
        })?;
        let mut text = rendered.to_text();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }

    fn write(&self, templar: &Templar) -> Result<(), Error> {
        for (path, text) in self.skeleton {
            let target = self.folder.join(path);
            let parent = if text.is_some() { target.parent().unwrap_or(&self.folder) } else { &target };
            let made = fs::create_dir_all(parent);
            let unwritable = |err| failed(format!("cannot write {}: {err}", target.display()));
            made.map_err(unwritable)?;
            if let Some(text) = text {
                fs::write(&target, self.rendered(templar, text, path)?).map_err(unwritable)?;
            }
        }
        Ok(())
    }

    fn copy(&self, skeleton: &Path, templar: &Templar, galaxy: &Galaxy) -> Result<(), Error> {
        let skeleton = galaxy.config.path(&skeleton.to_string_lossy(), false);
        if !skeleton.is_dir() {
            let kind = self.kind.to_lowercase();
            let message = format!("- the skeleton path '{}' does not exist, cannot init {kind}", skeleton.display());
            return Err(failed(message));
        }
        let ignored = galaxy.setting(self.ignored).unwrap_or(Value::Null);
        let mut patterns = Vec::new();
        for pattern in ignored.as_list().unwrap_or_default() {
            let text = pattern.to_text();
            let regex = Regex::new(&format!("^(?:{text})"));
            patterns.push(regex.map_err(|err| failed(format!("{}: {err}", self.ignored)))?);
        }
        let is_ignored = |path: &Path, name: &str| {
            let path = if path.parent().is_none_or(|parent| parent.as_os_str().is_empty()) {
                format!("./{}", path.display())
            } else {
                path.display().to_string()
            };
            patterns.iter().any(|pattern| pattern.is_match(&path) || pattern.is_match(name))
        };
        let copied = |err: std::io::Error| failed(format!("cannot copy the skeleton {}: {err}", skeleton.display()));
        fs::create_dir_all(&self.folder).map_err(copied)?;
        let mut walk = walkdir::WalkDir::new(&skeleton).min_depth(1).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|err| failed(format!("cannot read the skeleton: {err}")))?;
            let path = entry.path().strip_prefix(&skeleton).unwrap_or(entry.path()).to_owned();
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ignored(&path, &name) {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            let target = self.folder.join(&path);
            if entry.file_type().is_dir() {
                fs::create_dir_all(&target).map_err(copied)?;
            } else if entry.file_type().is_symlink() {
                let to = fs::read_link(entry.path()).map_err(copied)?;
                std::os::unix::fs::symlink(to, &target).map_err(copied)?;
            } else if path.extension().is_some_and(|it| it == "j2") && !self.keeps_templates(&path) {
                let text = fs::read_to_string(entry.path()).map_err(copied)?;
                let text = self.rendered(templar, &text, &entry.path().display().to_string())?;
                fs::write(target.with_extension(""), text).map_err(copied)?;
            } else {
                fs::copy(entry.path(), &target).map_err(copied)?;
            }
        }
        Ok(())
    }

    /// Templates of what is made, not of the skeleton.
    fn keeps_templates(&self, path: &Path) -> bool {
        let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let first = parts.next().unwrap_or_default();
        if self.kind == "Role" {
            first == "templates"
        } else {
            ["playbooks", "roles"].contains(&first.as_str()) && parts.any(|part| part == "templates")
        }
    }
}

/// Removes what is in a folder, and leaves the folder.
fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
