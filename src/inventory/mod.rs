//! Hosts and groups: where they come from, how they are chosen, and their variables as layers that are never copied.

mod address;
mod auto;
mod change;
mod constructed;
pub mod export;
mod generator;
mod host_list;
mod ini;
mod literal;
mod pattern;
mod script;
mod sources;
mod structured;
mod toml;
pub mod toml_text;
mod vars;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::config::{GroupNames, Unmatched};
use crate::error::{Error, ErrorKind, Notices};
use crate::value::{Dict, Str, Value, merge};

pub use address::parse_address;
pub use change::{Change, Pending};
pub use literal::parse_literal;
pub use pattern::python;
pub use vars::{Layer, Level};

pub type HostName = Arc<str>;

/// Names that stand for the controller itself when the inventory doesn't know them.
pub const LOCALHOST: &[&str] = &["localhost", "127.0.0.1", "::1"];

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub parents: IndexSet<Arc<str>>,
    pub children: IndexSet<Arc<str>>,
    /// The hosts that are named in it; those of its children are not.
    pub hosts: IndexSet<HostName>,
    /// From inventory sources.
    pub vars: Arc<Dict>,
    /// `ansible_group_priority`
    pub priority: i64,
}

#[derive(Clone, Debug)]
pub struct Host {
    pub name: HostName,
    /// The groups that name it.
    pub groups: IndexSet<Arc<str>>,
    /// From inventory sources.
    pub vars: Arc<Dict>,
    /// The source that named it first.
    pub source: Option<Arc<PathBuf>>,
    /// `localhost` that no source names.
    pub implicit: bool,
}

/// All hosts and groups of a run.
#[derive(Clone, Debug)]
pub struct Inventory {
    groups: IndexMap<Arc<str>, Group>,
    hosts: IndexMap<HostName, Host>,
    /// Hosts that stand for the controller; used only where a pattern names them.
    implicit: IndexMap<HostName, Host>,
    /// Sources that were read, in order.
    pub sources: Vec<PathBuf>,
    vars: vars::VarsFiles,
    rules: Rules,
    notices: Notices,
    current_source: Option<Arc<PathBuf>>,
}

/// Settings that matter after the sources were read.
#[derive(Clone, Debug)]
struct Rules {
    group_names: GroupNames,
    unmatched_pattern: Unmatched,
    localhost_warning: bool,
    /// `hash_behaviour=merge`
    merges: bool,
}

/// A variable that is a dict already may get more entries instead.
fn set(vars: &mut Arc<Dict>, name: Value, value: Value, merges: bool) {
    let vars = Arc::make_mut(vars);
    match (vars.get_mut(&name), &value) {
        (Some(Value::Dict(old)), Value::Dict(new)) if merges => merge(Arc::make_mut(old), new),
        _ => drop(vars.insert(name, value)),
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn is_group_name(name: &str) -> bool {
    name.chars().all(is_word) && !name.starts_with(|char: char| char.is_numeric())
}

impl Inventory {
    /// An inventory of the groups `all` and `ungrouped`.
    fn empty(rules: Rules, vars: vars::VarsFiles, notices: &Notices) -> Self {
        let mut inventory = Self {
            groups: IndexMap::new(),
            hosts: IndexMap::new(),
            implicit: IndexMap::new(),
            sources: Vec::new(),
            vars,
            rules,
            notices: notices.clone(),
            current_source: None,
        };
        let (all, ungrouped): (Arc<str>, Arc<str>) = ("all".into(), "ungrouped".into());
        inventory.groups.insert(Arc::clone(&all), Group::new(Arc::clone(&all)));
        inventory.groups.insert(Arc::clone(&ungrouped), Group::new(Arc::clone(&ungrouped)));
        inventory.link(&all, &ungrouped);
        inventory
    }

    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The hosts that sources or `add_host` named.
    pub fn host_names(&self) -> impl Iterator<Item = &HostName> {
        self.hosts.keys()
    }

    /// A host, an implicit one included once a pattern has named it.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| self.implicit.get(name))
    }

    /// Adds a group; the name it got may differ from the one that was asked for.
    pub fn add_group(&mut self, name: &str) -> Result<Arc<str>, Error> {
        if name.is_empty() {
            return Err(inventory_error("Invalid empty/false group name provided"));
        }
        let name = self.safe_group_name(name);
        if let Some(group) = self.groups.get(&*name) {
            return Ok(Arc::clone(&group.name));
        }
        let name: Arc<str> = name.into();
        self.groups.insert(Arc::clone(&name), Group::new(Arc::clone(&name)));
        Ok(name)
    }

    fn safe_group_name(&self, name: &str) -> String {
        let rule = self.rules.group_names;
        let safe = self.group_name(name);
        if rule == GroupNames::Keep && !is_group_name(name) {
            let message = "Invalid characters were found in group names but not replaced, use -vvvv to see details";
            self.notices.warn(message, None);
        }
        if rule == GroupNames::Replace && !is_group_name(name) {
            let message =
                "Invalid characters were found in group names and automatically replaced, use -vvvv to see details";
            self.notices.warn(message, None);
        }
        safe
    }

    /// The name that a group gets.
    fn group_name(&self, name: &str) -> String {
        let keeps = matches!(self.rules.group_names, GroupNames::Keep | GroupNames::KeepSilently);
        if keeps || is_group_name(name) {
            return name.to_owned();
        }
        let replaced = name
            .chars()
            .enumerate()
            .map(|(index, char)| if is_word(char) && !(index == 0 && char.is_numeric()) { char } else { '_' });
        replaced.collect()
    }

    /// Makes one group the child of another.
    pub fn add_child(&mut self, parent: &str, child: &str) -> Result<(), Error> {
        if self.group(parent).is_some_and(|group| group.children.contains(child)) {
            return Ok(());
        }
        self.may_be_child(parent, child)?;
        self.link(parent, child);
        Ok(())
    }

    fn may_be_child(&self, parent: &str, child: &str) -> Result<(), Error> {
        if parent == child {
            return Err(inventory_error("can't add group to itself"));
        }
        if self.ancestors(parent).contains(child) {
            let message = format!("Adding group '{child}' as child to '{parent}' creates a recursive dependency loop.");
            return Err(inventory_error(message));
        }
        Ok(())
    }

    fn link(&mut self, parent: &str, child: &str) {
        let (Some(parent), Some(child)) = (self.groups.get(parent), self.groups.get(child)) else { return };
        let (parent, child) = (Arc::clone(&parent.name), Arc::clone(&child.name));
        if let Some(group) = self.groups.get_mut(&parent) {
            group.children.insert(Arc::clone(&child));
        }
        if let Some(group) = self.groups.get_mut(&child) {
            group.parents.insert(parent);
        }
    }

    /// Adds a host to a group that exists.
    fn name_host(&mut self, name: &str, group: &str, port: Option<u16>) -> Result<HostName, Error> {
        if name.is_empty() {
            return Err(inventory_error("Invalid empty host name provided"));
        }
        let host = match self.hosts.get(name) {
            Some(host) => Arc::clone(&host.name),
            None => {
                let host: HostName = name.into();
                let source = self.current_source.clone();
                let new = Host {
                    name: Arc::clone(&host),
                    groups: IndexSet::new(),
                    vars: Arc::default(),
                    source,
                    implicit: false,
                };
                self.hosts.insert(Arc::clone(&host), new);
                host
            }
        };
        if let Some(port) = port {
            self.set_host_var(&host, Value::str("ansible_port"), Value::Int(i64::from(port)));
        }
        if let Some(group) = self.groups.get_mut(group) {
            group.hosts.insert(Arc::clone(&host));
            let group = Arc::clone(&group.name);
            if let Some(host) = self.hosts.get_mut(&host) {
                host.groups.insert(group);
            }
        }
        Ok(host)
    }

    fn set_host_var(&mut self, host: &str, name: Value, value: Value) {
        if let Some(host) = self.hosts.get_mut(host) {
            set(&mut host.vars, name, value, self.rules.merges);
        }
    }

    fn set_group_var(&mut self, group: &str, name: Value, value: Value) -> Result<(), Error> {
        let Some(group) = self.groups.get_mut(group) else { return Ok(()) };
        if name.as_str() == Some("ansible_group_priority") {
            let priority = match &value {
                Value::Int(number) => Some(*number),
                Value::Bool(bool) => Some(i64::from(*bool)),
                Value::Str(text) => text.trim().parse().ok(),
                _ => None,
            };
            group.priority =
                priority.ok_or_else(|| inventory_error(format!("Invalid group priority: {}", value.to_text())))?;
            return Ok(());
        }
        set(&mut group.vars, name, value, self.rules.merges);
        Ok(())
    }

    /// Puts every group below `all` and every host that is in no group into `ungrouped`.
    fn reconcile(&mut self) {
        let (all, ungrouped): (Arc<str>, Arc<str>) = ("all".into(), "ungrouped".into());
        let orphans: Vec<Arc<str>> = self
            .groups
            .values()
            .filter(|group| group.parents.is_empty() && group.name != all)
            .map(|group| Arc::clone(&group.name))
            .collect();
        for group in orphans {
            self.link(&all, &group);
        }
        // Sources leave `all` no host of its own: what stands in it directly is in no other group.
        let in_group = |host: &Host| host.groups.iter().any(|group| *group != all && *group != ungrouped);
        let loose: Vec<HostName> =
            self.hosts.values().filter(|host| !in_group(host)).map(|host| Arc::clone(&host.name)).collect();
        let grouped: HashSet<HostName> =
            self.hosts.values().filter(|host| in_group(host)).map(|host| Arc::clone(&host.name)).collect();
        for host in self.hosts.values_mut() {
            if grouped.contains(&host.name) {
                host.groups.shift_remove(&ungrouped);
            } else {
                host.groups.insert(Arc::clone(&ungrouped));
            }
        }
        if let Some(group) = self.groups.get_mut(&ungrouped) {
            group.hosts.retain(|host| !grouped.contains(host));
            group.hosts.extend(loose);
        }
        for group in self.groups.keys() {
            if self.hosts.contains_key(group) {
                self.notices.warn(format!("Found both group and host with same name: {group}"), None);
            }
        }
    }

    /// The hosts of a group and the groups below it, in the order of the tree, breadth first.
    pub fn group_hosts(&self, name: &str) -> IndexSet<HostName> {
        let mut hosts = IndexSet::new();
        let mut seen: IndexSet<&Arc<str>> = IndexSet::new();
        seen.extend(self.group(name).map(|group| &group.name));
        let mut next = 0;
        while let Some(group) = seen.get_index(next).and_then(|name| self.groups.get(&***name)) {
            next += 1;
            hosts.extend(group.hosts.iter().cloned());
            seen.extend(&group.children);
        }
        hosts
    }

    /// `all` and the groups below it; a source that could not be read to its end may have left others.
    fn tree(&self) -> Vec<&Group> {
        let mut names: IndexSet<&str> = IndexSet::from(["all"]);
        let mut next = 0;
        while let Some(group) = names.get_index(next).and_then(|name| self.groups.get(*name)) {
            next += 1;
            names.extend(group.children.iter().map(|child| &**child));
        }
        names.into_iter().filter_map(|name| self.groups.get(name)).collect()
    }

    /// All groups above a group.
    fn ancestors(&self, name: &str) -> IndexSet<Arc<str>> {
        let mut found: IndexSet<Arc<str>> = self.group(name).map(|group| group.parents.clone()).unwrap_or_default();
        let mut next = 0;
        while let Some(group) = found.get_index(next).and_then(|name| self.groups.get(name)) {
            next += 1;
            found.extend(group.parents.iter().cloned());
        }
        found
    }

    /// Steps from `all` to a group, on the longest way.
    fn depth(&self, name: &str) -> usize {
        fn walk(inventory: &Inventory, name: &str, known: &mut std::collections::HashMap<Arc<str>, usize>) -> usize {
            let Some(group) = inventory.groups.get(name) else { return 0 };
            if let Some(depth) = known.get(&group.name) {
                return *depth;
            }
            let depth = group.parents.iter().map(|parent| walk(inventory, parent, known) + 1).max().unwrap_or(0);
            known.insert(Arc::clone(&group.name), depth);
            depth
        }
        walk(self, name, &mut std::collections::HashMap::new())
    }

    /// The groups that a host is in, directly or not, in the order in which their variables override each other.
    pub fn groups_of(&self, host: &str) -> Vec<&Group> {
        let mut names: IndexSet<Arc<str>> = IndexSet::new();
        names.insert("all".into());
        if let Some(host) = self.host(host) {
            for group in &host.groups {
                names.extend(self.ancestors(group));
                names.insert(Arc::clone(group));
            }
        }
        let mut groups: Vec<(usize, &Group)> =
            names.iter().filter_map(|name| Some((self.depth(name), self.groups.get(name)?))).collect();
        groups
            .sort_by(|(depth_a, a), (depth_b, b)| (depth_a, a.priority, &a.name).cmp(&(depth_b, b.priority, &b.name)));
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// `group_names`: sorted, without `all`.
    pub fn group_names(&self, host: &str) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.groups_of(host).iter().map(|group| Arc::clone(&group.name)).collect();
        names.retain(|name| **name != *"all");
        names.sort();
        names
    }

    /// `groups`: the hosts of every group.
    pub fn groups_dict(&self) -> Dict {
        self.groups
            .keys()
            .map(|name| {
                let hosts = self.group_hosts(name).iter().map(|host| Value::Str(Str::data(Arc::clone(host)))).collect();
                (Value::Str(Str::data(Arc::clone(name))), Value::list(hosts))
            })
            .collect()
    }

    /// `inventory_file` of a host.
    pub fn inventory_file(&self, host: &str) -> Option<&PathBuf> {
        self.host(host)?.source.as_deref()
    }

    /// `inventory_dir` of a host.
    pub fn inventory_dir(&self, host: &str) -> Option<PathBuf> {
        let file = self.inventory_file(host)?;
        if file.is_dir() { Some(file.clone()) } else { file.parent().map(PathBuf::from) }
    }
}

impl Group {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            parents: IndexSet::new(),
            children: IndexSet::new(),
            hosts: IndexSet::new(),
            vars: Arc::default(),
            priority: 1,
        }
    }
}

fn inventory_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Inventory, message)
}

#[cfg(test)]
mod tests;
