//! Changes that tasks make while the run goes on: `add_host` and `group_by`.

use std::collections::{HashMap, HashSet};

use super::Inventory;
use crate::error::Error;
use crate::value::Dict;

#[derive(Clone, Debug)]
pub enum Change {
    /// A new host, or more groups and variables for a known one.
    AddHost { name: String, groups: Vec<String>, vars: Dict },
    /// The host joins `group`, which is made a child of `parents`.
    GroupBy { host: String, group: String, parents: Vec<String> },
}

/// What a task has asked for so far, which is made when it is over.
#[derive(Debug, Default)]
pub struct Pending {
    vars: HashMap<String, Dict>,
    /// Group and host.
    members: HashSet<(String, String)>,
    /// Parent and child.
    links: HashSet<(String, String)>,
}

impl Inventory {
    /// Whether a change would change anything, after those that are pending; it is pending from now on.
    pub fn would_change(&self, change: &Change, pending: &mut Pending) -> Result<bool, Error> {
        match change {
            Change::AddHost { name, groups, vars } => {
                if name.is_empty() {
                    return Err(super::inventory_error("Invalid empty host name provided"));
                }
                let known = self.hosts.get(&**name);
                let mut changed = known.is_none() && !pending.vars.contains_key(name);
                for group in groups {
                    changed |= self.joins(name, group, pending)?;
                }
                let asked = pending.vars.entry(name.clone()).or_default();
                for (variable, value) in vars {
                    let before = asked.get(variable).or_else(|| known?.vars.get(variable));
                    if before != Some(value) {
                        changed = true;
                        asked.insert(variable.clone(), value.clone());
                    }
                }
                Ok(changed)
            }
            Change::GroupBy { host, group, parents } => {
                let mut changed = false;
                for parent in parents {
                    changed |= self.links(parent, group, pending)?;
                }
                Ok(self.joins(host, group, pending)? || changed)
            }
        }
    }

    fn joins(&self, host: &str, group: &str, pending: &mut Pending) -> Result<bool, Error> {
        if group.is_empty() {
            return Err(super::inventory_error("Invalid empty/false group name provided"));
        }
        let name = self.group_name(group);
        let is_member = self.group(&name).is_some_and(|group| group.hosts.contains(host));
        Ok(!is_member && pending.members.insert((name, host.to_owned())))
    }

    fn links(&self, parent: &str, child: &str, pending: &mut Pending) -> Result<bool, Error> {
        if parent.is_empty() || child.is_empty() {
            return Err(super::inventory_error("Invalid empty/false group name provided"));
        }
        let (parent, child) = (self.group_name(parent), self.group_name(child));
        if self.group(&parent).is_some_and(|group| group.children.contains(&*child)) {
            return Ok(false);
        }
        self.may_be_child(&parent, &child)?;
        Ok(pending.links.insert((parent, child)))
    }

    /// Makes a change. The inventory is consistent again after `settle`.
    pub fn make(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::AddHost { name, groups, vars } => {
                self.name_host(name, "all", None)?;
                for group in groups {
                    let group = self.add_group(group)?;
                    self.name_host(name, &group, None)?;
                }
                for (variable, value) in vars {
                    self.set_host_var(name, variable.clone(), value.clone());
                }
            }
            Change::GroupBy { host, group, parents } => {
                let group = self.add_group(group)?;
                for parent in parents {
                    let parent = self.add_group(parent)?;
                    self.add_child(&parent, &group)?;
                }
                if self.hosts.contains_key(&**host) {
                    self.name_host(host, &group, None)?;
                }
            }
        }
        Ok(())
    }

    pub fn settle(&mut self) {
        self.reconcile();
    }
}
