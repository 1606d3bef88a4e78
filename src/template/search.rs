//! Where templates, files and lookups are searched.

use std::path::{Component, Path, PathBuf};

#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    /// Most specific first: role, folder of the including task file, playbook folder.
    pub dirs: Vec<PathBuf>,
    pub basedir: PathBuf,
}

impl SearchPath {
    /// All places where `name` may be, in Ansible's order: of each folder its `subdir` first.
    pub fn candidates(&self, subdir: &str, name: &str) -> Vec<PathBuf> {
        let mut out = Vec::new();
        for candidate in self.searched(subdir, name) {
            if !out.contains(&candidate) {
                out.push(candidate);
            }
        }
        out
    }

    /// The same as Ansible's messages tell it: the folder that comes last is also one of the others.
    pub fn searched(&self, subdir: &str, name: &str) -> Vec<PathBuf> {
        let path = expand_user(name);
        if path.is_absolute() {
            return vec![path];
        }
        let mut out = Vec::new();
        let mut add = |candidate: PathBuf| out.push(clean(&candidate));
        let already_inside = path.components().next().is_some_and(|first| first.as_os_str() == subdir);
        for dir in self.dirs.iter().chain(std::iter::once(&self.basedir)) {
            if dir.file_name().is_some_and(|name| name == "tasks")
                && let Some(role) = dir.parent()
            {
                if !already_inside {
                    add(role.join(subdir).join(&path));
                }
                add(role.join(&path));
            }
            if !already_inside && !subdir.is_empty() {
                add(dir.join(subdir).join(&path));
            }
            add(dir.join(&path));
        }
        out
    }

    pub fn find(&self, subdir: &str, name: &str) -> Option<PathBuf> {
        self.candidates(subdir, name).into_iter().find(|path| path.exists())
    }
}

/// `~` at the start is the home folder.
pub fn expand_user(name: &str) -> PathBuf {
    match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
            if rest.len() > 1 { home.join(&rest[1..]) } else { home }
        }
        _ => PathBuf::from(name),
    }
}

/// The path without `.` and `..`, by text alone.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() && !path.is_absolute() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}
