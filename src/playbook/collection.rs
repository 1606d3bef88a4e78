//! Collections on disk: where their roles are, and whether they say that they work with this version of Ansible.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;

use super::loader::Parser;
use crate::config::ANSIBLE_VERSION;
use crate::error::Notices;

/// What is read of `meta/runtime.yml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Runtime {
    /// Version specifiers as of Python's packages, such as `>=2.15.0,<2.20`.
    requires_ansible: Option<String>,
}

impl Parser<'_> {
    /// The folder of a role in an installed collection.
    pub(super) fn collection_role(&self, collection: &str, role: &str) -> Option<PathBuf> {
        let roots = std::iter::once(self.scope.playbook_dir.join("collections"))
            .chain(self.loader.collections_path.iter().cloned());
        for root in roots {
            let folder = root.join("ansible_collections").join(collection.replace('.', "/"));
            let path = folder.join("roles").join(role);
            if path.is_dir() {
                warn_of_version(collection, &folder, &self.loader.notices);
                return Some(path);
            }
        }
        None
    }
}

/// Says once for each collection that it was not made for what rplay stands in for.
fn warn_of_version(collection: &str, folder: &Path, notices: &Notices) {
    let file = folder.join("meta/runtime.yml");
    let Ok(text) = std::fs::read_to_string(&file) else { return };
    let runtime = match serde_yaml::from_str::<Option<Runtime>>(&text) {
        Ok(runtime) => runtime.unwrap_or_default(),
        Err(err) => return notices.warn(format!("{} can't be read: {err}", file.display()), None),
    };
    let Some(wanted) = runtime.requires_ansible else { return };
    let (major, minor, revision) = ANSIBLE_VERSION;
    let version = format!("{major}.{minor}.{revision}");
    match VersionSpecifiers::from_str(&wanted) {
        Ok(specifiers) if Version::from_str(&version).is_ok_and(|version| !specifiers.contains(&version)) => {
            notices.warn(format!("Collection {collection} does not support Ansible version {version}"), None);
        }
        Ok(_) => {}
        Err(_) => notices.warn(
            format!("Error parsing collection metadata requires_ansible value from collection {collection}: Invalid specifier: '{wanted}'"),
            None,
        ),
    }
}
