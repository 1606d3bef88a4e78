//! Variables of hosts as layers: from the sources, and from `group_vars/` and `host_vars/` beside inventory and playbook.
//! A file is read when a host needs it, and once.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Group, Inventory};
use crate::config::{Config, setting};
use crate::error::Error;
use crate::value::Dict;
use crate::yaml::{Node, Reader};

/// Where a layer comes from, lowest precedence first (unless `VARIABLE_PRECEDENCE` says otherwise for groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    AllInventory,
    GroupsInventory,
    AllFilesInventory,
    AllFilesPlaybook,
    GroupsFilesInventory,
    GroupsFilesPlaybook,
    HostInventory,
    HostFilesInventory,
    HostFilesPlaybook,
}

/// The group levels by the names that the setting uses.
const GROUP_LEVELS: &[(&str, Level)] = &[
    ("all_inventory", Level::AllInventory),
    ("groups_inventory", Level::GroupsInventory),
    ("all_plugins_inventory", Level::AllFilesInventory),
    ("all_plugins_play", Level::AllFilesPlaybook),
    ("groups_plugins_inventory", Level::GroupsFilesInventory),
    ("groups_plugins_play", Level::GroupsFilesPlaybook),
];

/// Variables of one origin; shared by all hosts that have them.
#[derive(Clone, Debug)]
pub struct Layer {
    pub level: Level,
    pub vars: Arc<Dict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Folder {
    GroupVars,
    HostVars,
}

type Loaded = Arc<[Arc<Dict>]>;

/// The folders and what was read from them.
#[derive(Clone)]
pub struct VarsFiles {
    reader: Reader,
    extensions: Vec<String>,
    order: Vec<Level>,
    inventory_dirs: Vec<PathBuf>,
    playbook_dir: Option<PathBuf>,
    loaded: Arc<Mutex<HashMap<(PathBuf, Folder, String), Loaded>>>,
}

impl std::fmt::Debug for VarsFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VarsFiles").field("inventory_dirs", &self.inventory_dirs).finish_non_exhaustive()
    }
}

impl VarsFiles {
    pub(super) fn new(reader: &Reader, config: &Config) -> Self {
        let order = config.get(setting::VARIABLE_PRECEDENCE);
        let level = |name: &String| GROUP_LEVELS.iter().find(|(known, _)| known == name).map(|(_, level)| *level);
        Self {
            reader: reader.clone(),
            extensions: config.get(setting::YAML_FILENAME_EXTENSIONS),
            order: order.iter().filter_map(level).collect(),
            inventory_dirs: Vec::new(),
            playbook_dir: None,
            loaded: Arc::default(),
        }
    }

    pub(super) fn add_source(&mut self, path: &Path) {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        if let Some(folder) = folder.filter(|folder| !self.inventory_dirs.iter().any(|known| known == folder)) {
            self.inventory_dirs.push(folder.to_owned());
        }
    }

    /// The variables in `group_vars/NAME` or `host_vars/NAME` of a folder.
    fn read(&self, base: &Path, folder: Folder, name: &str) -> Result<Loaded, Error> {
        // A name with a slash would lead out of the folder.
        if name.contains('/') || matches!(name, "" | "." | "..") {
            return Ok(Arc::default());
        }
        let key = (base.to_owned(), folder, name.to_owned());
        if let Some(known) = self.loaded.lock().ok().and_then(|loaded| loaded.get(&key).cloned()) {
            return Ok(known);
        }
        let path = base.join(if folder == Folder::GroupVars { "group_vars" } else { "host_vars" }).join(name);
        let mut dicts = Vec::new();
        let files = self.find(&path, name);
        let documents = self.reader.read_files(&files).map_err(|err| err.with_exit_code(4))?;
        for (file, document) in files.iter().zip(documents) {
            if let Some(vars) = as_vars(&document, file)? {
                dicts.push(Arc::new(vars));
            }
        }
        let dicts: Loaded = dicts.into();
        if let Ok(mut loaded) = self.loaded.lock() {
            loaded.insert(key, Arc::clone(&dicts));
        }
        Ok(dicts)
    }

    /// The file or folder of that name, or the file with the first extension that there is.
    fn find(&self, path: &Path, name: &str) -> Vec<PathBuf> {
        if path.is_dir() {
            let mut files = Vec::new();
            self.find_in_folder(path, &mut files, 0);
            return files;
        }
        let with_extension = self.extensions.iter().map(|extension| path.with_file_name(format!("{name}{extension}")));
        std::iter::once(path.to_owned()).chain(with_extension).find(|path| path.is_file()).into_iter().collect()
    }

    fn find_in_folder(&self, folder: &Path, files: &mut Vec<PathBuf>, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy()));
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            if path.is_dir() {
                // Links may lead in a circle.
                if depth < 50 {
                    self.find_in_folder(&path, files, depth + 1);
                }
            } else if extension.is_none_or(|extension| self.extensions.contains(&extension)) {
                files.push(path);
            }
        }
    }
}

fn as_vars(document: &Node, file: &Path) -> Result<Option<Dict>, Error> {
    if document.is_null() {
        return Ok(None);
    }
    if !document.is_mapping() {
        let message = format!(
            "Could not process '{}': failed to combine variables, expected dicts but got a 'dict' and a '{}'.",
            file.display(),
            document.type_name()
        );
        return Err(
            Error::project(message, Some(&document.span)).hint("a file of variables is a mapping from names to values")
        );
    }
    Ok(document.to_value().as_dict().cloned())
}

impl Inventory {
    /// Where `group_vars/` and `host_vars/` of the playbook are.
    pub fn set_playbook_dir(&mut self, folder: Option<PathBuf>) {
        self.vars.playbook_dir = folder;
    }

    pub fn playbook_dir(&self) -> Option<&Path> {
        self.vars.playbook_dir.as_deref()
    }

    /// The variables of a host, lowest precedence first. An unknown host has those of `all`.
    pub fn host_layers(&self, host: &str) -> Result<Vec<Layer>, Error> {
        let groups = self.groups_of(host);
        let (all, groups): (Vec<&Group>, Vec<&Group>) = groups.into_iter().partition(|group| *group.name == *"all");
        let mut layers = Vec::new();
        for level in &self.vars.order {
            let chosen = match level {
                Level::AllInventory | Level::AllFilesInventory | Level::AllFilesPlaybook => &all,
                _ => &groups,
            };
            self.group_layers(*level, chosen, &mut layers)?;
        }
        if let Some(host) = self.host(host) {
            push(&mut layers, Level::HostInventory, &host.vars);
        }
        for folder in &self.vars.inventory_dirs {
            self.file_layers(Level::HostFilesInventory, folder, Folder::HostVars, host, &mut layers)?;
        }
        if let Some(folder) = &self.vars.playbook_dir {
            self.file_layers(Level::HostFilesPlaybook, folder, Folder::HostVars, host, &mut layers)?;
        }
        Ok(layers)
    }

    fn group_layers(&self, level: Level, groups: &[&Group], layers: &mut Vec<Layer>) -> Result<(), Error> {
        let dirs: &[PathBuf] = match level {
            Level::AllInventory | Level::GroupsInventory => {
                for group in groups {
                    push(layers, level, &group.vars);
                }
                return Ok(());
            }
            Level::AllFilesInventory | Level::GroupsFilesInventory => &self.vars.inventory_dirs,
            _ => self.vars.playbook_dir.as_slice(),
        };
        for folder in dirs {
            for group in groups {
                self.file_layers(level, folder, Folder::GroupVars, &group.name, layers)?;
            }
        }
        Ok(())
    }

    fn file_layers(
        &self,
        level: Level,
        base: &Path,
        folder: Folder,
        name: &str,
        layers: &mut Vec<Layer>,
    ) -> Result<(), Error> {
        for vars in self.vars.read(base, folder, name)?.iter() {
            push(layers, level, vars);
        }
        Ok(())
    }

    /// The variables of a host in one dict, for showing them.
    pub fn host_vars(&self, host: &str) -> Result<Dict, Error> {
        let mut merged = Dict::new();
        for layer in self.host_layers(host)? {
            merged.extend(layer.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(merged)
    }

    /// The variables that sources give a host and its groups, without files.
    pub(super) fn source_vars(&self, host: &str) -> Result<Dict, Error> {
        let mut merged = Dict::new();
        for layer in self.host_layers(host)? {
            if matches!(layer.level, Level::AllInventory | Level::GroupsInventory | Level::HostInventory) {
                merged.extend(layer.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        Ok(merged)
    }

    /// The variables of a host without those of its groups, for showing them.
    pub(super) fn own_host_vars(&self, host: &str) -> Result<Dict, Error> {
        let mut merged = Dict::new();
        for layer in self.host_layers(host)?.into_iter().filter(|layer| layer.level >= Level::HostInventory) {
            merged.extend(layer.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(merged)
    }

    /// The variables of a group alone, for showing them.
    pub(super) fn own_group_vars(&self, group: &Group) -> Result<Dict, Error> {
        let mut merged = (*group.vars).clone();
        let dirs = self.vars.inventory_dirs.iter().chain(&self.vars.playbook_dir);
        for folder in dirs {
            for vars in self.vars.read(folder, Folder::GroupVars, &group.name)?.iter() {
                merged.extend(vars.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        if group.priority != 1 {
            merged.insert(crate::value::Value::str("ansible_group_priority"), crate::value::Value::Int(group.priority));
        }
        Ok(merged)
    }
}

fn push(layers: &mut Vec<Layer>, level: Level, vars: &Arc<Dict>) {
    if !vars.is_empty() {
        layers.push(Layer { level, vars: Arc::clone(vars) });
    }
}
