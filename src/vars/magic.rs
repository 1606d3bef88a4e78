//! Variables that rplay sets itself. The strong ones beat even `-e`; the weak ones rank with the host's inventory variables.

use std::path::Path;
use std::sync::Arc;

use super::scope::Scope;
use crate::config::ANSIBLE_VERSION;
use crate::playbook::Role;
use crate::value::{Dict, Value};

/// Magic variables that are the same for a whole run.
#[derive(Clone, Debug, Default)]
pub struct RunMagic(pub Arc<Dict>);

impl RunMagic {
    /// The value of `ansible_version`.
    pub fn version() -> Value {
        let (major, minor, revision) = ANSIBLE_VERSION;
        let text = format!("{major}.{minor}.{revision}");
        dict([
            ("full", Value::str(text.as_str())),
            ("major", Value::Int(major)),
            ("minor", Value::Int(minor)),
            ("revision", Value::Int(revision)),
            ("string", Value::str(text)),
        ])
    }
}

fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::dict(entries.into_iter().map(|(name, value)| (Value::str(name), value)).collect())
}

fn path_text(path: &Path) -> Value {
    Value::str(path.to_string_lossy())
}

fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(items.into_iter().map(Value::from).collect())
}

/// Names of `strong`, without those of `RunMagic`.
pub const STRONG: &[&str] = &[
    "ansible_collection_name",
    "ansible_dependent_role_names",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_search_path",
    "environment",
    "groups",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "vars",
];

/// Names of `RunMagic`.
pub const OF_RUN: &[&str] = &[
    "ansible_check_mode",
    "ansible_config_file",
    "ansible_diff_mode",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_playbook_python",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "omit",
];

pub const WEAK: &[&str] =
    &["group_names", "inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"];

/// A magic variable that nothing overrides.
pub fn strong(scope: &Scope, name: &str) -> Option<Value> {
    if let Some(value) = scope.world.magic.0.get(name) {
        return Some(value.clone());
    }
    if name == "groups" {
        return Some(scope.world.groups());
    }
    if name == "vars" {
        return Some(all_variables(scope));
    }
    if name == "environment" {
        return scope.environment.clone();
    }
    let play = scope.play.as_ref()?;
    match name {
        "playbook_dir" => Some(path_text(&play.playbook_dir)),
        "ansible_play_name" => Some(Value::str(play.name.as_str())),
        "ansible_play_hosts" | "play_hosts" => Some(play.hosts().active.clone()),
        "ansible_play_hosts_all" => Some(play.hosts().all.clone()),
        "ansible_play_batch" => Some(play.hosts().batch.clone()),
        "ansible_play_role_names" | "role_names" => Some(names_of(&play.direct_roles())),
        "ansible_dependent_role_names" => Some(names_of(&distinct(play.dependencies()))),
        "ansible_role_names" => Some(names_of(&distinct(play.all_roles()))),
        "ansible_search_path" => {
            let search = scope.search_path.as_ref()?;
            Some(Value::list(search.dirs.iter().map(|dir| path_text(dir)).collect()))
        }
        _ => of_role(scope.role.as_ref()?, name),
    }
}

fn names_of(roles: &[Arc<Role>]) -> Value {
    texts(roles.iter().map(|role| role.full_name.as_str()))
}

/// Of roles with one name the first.
fn distinct(mut roles: Vec<Arc<Role>>) -> Vec<Arc<Role>> {
    let mut seen = std::collections::HashSet::new();
    roles.retain(|role| seen.insert(role.full_name.clone()));
    roles
}

fn of_role(role: &Arc<Role>, name: &str) -> Option<Value> {
    match name {
        "role_name" => Some(Value::str(role.name.as_str())),
        "ansible_role_name" => Some(Value::str(role.full_name.as_str())),
        "role_path" => Some(path_text(&role.path)),
        "ansible_parent_role_names" => {
            including(role).map(|roles| texts(roles.iter().map(|role| role.full_name.as_str())))
        }
        "ansible_parent_role_paths" => {
            including(role).map(|roles| Value::list(roles.iter().map(|role| path_text(&role.path)).collect()))
        }
        "ansible_collection_name" => Some(role.collection.as_deref().map_or(Value::Null, Value::str)),
        _ => None,
    }
}

/// The roles that include this one, innermost first; nothing for a role that no other includes or imports.
fn including(role: &Role) -> Option<Vec<&Role>> {
    let mut roles: Vec<&Role> = Vec::new();
    for parent in role.parents.iter().rev() {
        if roles.last().copied().unwrap_or(role).is_dependency {
            break;
        }
        roles.push(parent);
    }
    (!roles.is_empty()).then_some(roles)
}

/// A magic variable that a play's or a user's own variable may replace.
pub fn weak(scope: &Scope, name: &str) -> Option<Value> {
    match name {
        "inventory_hostname" => Some(Value::str(scope.host.as_ref())),
        "inventory_hostname_short" => {
            Some(Value::str(scope.host.split_once('.').map_or(&*scope.host, |(short, _)| short)))
        }
        "group_names" => Some(texts(scope.world.inventory().group_names(&scope.host).iter().map(|name| &**name))),
        "inventory_file" => scope.world.inventory().inventory_file(&scope.host).map(|file| path_text(file)),
        "inventory_dir" => scope.world.inventory().inventory_dir(&scope.host).map(|dir| path_text(&dir)),
        _ => None,
    }
}

/// The old variable `vars`: everything in one dict, unrendered.
fn all_variables(scope: &Scope) -> Value {
    let mut all = Dict::new();
    for name in scope.all_names() {
        if name != "vars"
            && let Some(value) = scope.find(&name)
        {
            all.insert(Value::str(name), value);
        }
    }
    Value::dict(all)
}
