//! What `ansible-inventory` shows: `--list`, `--host`, `--graph`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{Group, HostName, Inventory};
use crate::error::{Error, ErrorKind};
use crate::value::{Dict, Value};

/// Variables that describe the inventory itself.
const INTERNAL: &[&str] =
    &["ansible_facts", "ansible_playbook_python", "ansible_version", "groups", "inventory_dir", "inventory_file"];

/// Which variables are shown.
#[derive(Clone, Copy)]
pub struct Shown<'v> {
    /// They stay with the groups and hosts that have them.
    pub export: bool,
    /// Every host has these as well, unless `export` is set.
    pub extra_vars: &'v Dict,
}

/// `--list`
pub fn list(inventory: &Inventory, hosts: &[HostName], wanted: Shown) -> Result<Json, Error> {
    let shown: BTreeSet<&HostName> = hosts.iter().collect();
    let mut groups = Map::new();
    let mut hostvars = Map::new();
    for host in hosts {
        let vars = shown_vars(inventory, host, wanted)?;
        if !vars.is_empty() {
            hostvars.insert(host.to_string(), Json::Object(vars));
        }
    }
    groups.insert("_meta".to_owned(), json!({"hostvars": sorted(hostvars), "profile": "inventory_legacy"}));
    for group in inventory.tree() {
        let mut entry = Map::new();
        if *group.name != *"all" {
            let hosts: Vec<&str> = group.hosts.iter().filter(|host| shown.contains(host)).map(|host| &**host).collect();
            if !hosts.is_empty() {
                entry.insert("hosts".to_owned(), json!(hosts));
            }
        }
        let children: Vec<&str> = group.children.iter().map(|child| &**child).collect();
        if !children.is_empty() {
            entry.insert("children".to_owned(), json!(children));
        }
        if wanted.export {
            let vars = inventory.own_group_vars(group)?;
            if !vars.is_empty() {
                entry.insert("vars".to_owned(), Json::Object(to_json_map(&vars)));
            }
        }
        if !entry.is_empty() {
            groups.insert(group.name.to_string(), Json::Object(sorted(entry)));
        }
    }
    Ok(Json::Object(sorted(groups)))
}

/// `--list --yaml`: the tree of groups, each with its hosts; a group or host that was shown before is only named.
pub fn tree(inventory: &Inventory, hosts: &[HostName], wanted: Shown) -> Result<Value, Error> {
    let mut tree = Tree { inventory, hosts, wanted, seen: BTreeSet::new() };
    let all = inventory.group("all").map(|group| tree.group(group)).transpose()?.unwrap_or_default();
    Ok(Value::dict(if all.is_empty() { all } else { [(Value::str("all"), Value::dict(all))].into_iter().collect() }))
}

struct Tree<'i> {
    inventory: &'i Inventory,
    hosts: &'i [HostName],
    wanted: Shown<'i>,
    seen: BTreeSet<(Kind, &'i str)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Group,
    Host,
}

impl<'i> Tree<'i> {
    /// What is there to say of a group: nothing of an empty one.
    fn group(&mut self, group: &'i Group) -> Result<Dict, Error> {
        let mut children = Dict::new();
        for child in group.children.iter().filter_map(|child| self.inventory.group(child)) {
            if self.seen.contains(&(Kind::Group, &*child.name)) {
                children.insert(Value::str(&*child.name), Value::dict(Dict::new()));
                continue;
            }
            let shown = self.group(child)?;
            if !shown.is_empty() {
                children.insert(Value::str(&*child.name), Value::dict(shown));
            }
            self.seen.insert((Kind::Group, &*child.name));
        }
        let mut shown = Dict::new();
        if !children.is_empty() {
            shown.insert(Value::str("children"), Value::dict(children));
        }
        self.add_hosts_and_vars(group, &mut shown)?;
        Ok(shown)
    }

    fn add_hosts_and_vars(&mut self, group: &'i Group, shown: &mut Dict) -> Result<(), Error> {
        let mut hosts = Dict::new();
        let own = group.hosts.iter().filter(|_| *group.name != *"all");
        for host in own.filter(|host| self.hosts.contains(host)) {
            let first = self.seen.insert((Kind::Host, &**host));
            let vars = if first { visible_vars(self.inventory, host, self.wanted)? } else { Dict::new() };
            hosts.insert(Value::str(&**host), Value::dict(vars));
        }
        let vars = if self.wanted.export { self.inventory.own_group_vars(group)? } else { Dict::new() };
        for (name, part) in [("hosts", hosts), ("vars", vars)].into_iter().filter(|(_, part)| !part.is_empty()) {
            shown.insert(Value::str(name), Value::dict(part));
        }
        Ok(())
    }

    /// A group stands before its children; one that comes again replaces what was said of it.
    fn flat_group(&mut self, group: &'i Group, groups: &mut Dict) -> Result<(), Error> {
        let children = group.children.iter().filter_map(|child| self.inventory.group(child));
        let children: Vec<&Group> =
            children.filter(|child| *child.name != *"ungrouped" || !child.hosts.is_empty()).collect();
        let mut shown = Dict::new();
        if *group.name != *"all" && !children.is_empty() {
            let names = children.iter().map(|child| Value::str(&*child.name)).collect();
            shown.insert(Value::str("children"), Value::list(names));
        }
        let name = Value::str(&*group.name);
        let held = groups.contains_key(&name);
        groups.entry(name.clone()).or_insert(Value::Null);
        for child in children {
            self.flat_group(child, groups)?;
        }
        self.add_hosts_and_vars(group, &mut shown)?;
        if !shown.is_empty() {
            groups.insert(name, Value::dict(shown));
        } else if !held {
            groups.shift_remove(&name);
        }
        Ok(())
    }
}

/// `--list --toml`: every group beside the names of its children.
pub fn flat(inventory: &Inventory, hosts: &[HostName], wanted: Shown) -> Result<Dict, Error> {
    let mut tree = Tree { inventory, hosts, wanted, seen: BTreeSet::new() };
    let mut groups = Dict::new();
    if let Some(all) = inventory.group("all") {
        tree.flat_group(all, &mut groups)?;
    }
    Ok(groups)
}

/// `--host` as data.
pub fn host_vars(inventory: &Inventory, name: &str, extra_vars: &Dict) -> Result<Dict, Error> {
    visible_vars(inventory, name, Shown { export: false, extra_vars })
}

/// `--host`
pub fn host(inventory: &Inventory, name: &str, extra_vars: &Dict) -> Result<Json, Error> {
    shown_vars(inventory, name, Shown { export: false, extra_vars }).map(Json::Object)
}

fn shown_vars(inventory: &Inventory, host: &str, wanted: Shown) -> Result<Map<String, Json>, Error> {
    visible_vars(inventory, host, wanted).map(|vars| to_json_map(&vars))
}

fn visible_vars(inventory: &Inventory, host: &str, wanted: Shown) -> Result<Dict, Error> {
    let mut vars = if wanted.export {
        inventory.own_host_vars(host)?
    } else {
        let mut vars = inventory.host_vars(host)?;
        vars.extend(wanted.extra_vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        vars
    };
    vars.retain(|name, _| !name.as_str().is_some_and(|name| INTERNAL.contains(&name)));
    Ok(vars)
}

fn to_json_map(vars: &Dict) -> Map<String, Json> {
    sorted(vars.iter().map(|(name, value)| (name.to_json_key(), to_json(value))).collect())
}

fn sorted(map: Map<String, Json>) -> Map<String, Json> {
    let mut entries: Vec<(String, Json)> = map.into_iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().collect()
}

/// Data that must not be taken for templates, and sealed strings, are marked so that the output can be read back.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Str(text) if !text.is_trusted() => json!({"__ansible_unsafe": text.as_str()}),
        Value::Sealed(sealed) => json!({"__ansible_vault": sealed.ciphertext()}),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Dict(dict) => Json::Object(to_json_map(dict)),
        other => other.to_json(),
    }
}

/// JSON as `ansible-inventory` prints it: four spaces, keys sorted.
pub fn to_text(json: &Json) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    match serde::Serialize::serialize(json, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => json.to_string(),
    }
}

/// Which variables a graph shows of a host: none, all that it has, or its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GraphVars {
    None,
    All,
    Own,
}

/// `--graph`: the tree below a group.
pub fn graph(inventory: &Inventory, root: &str, shown: GraphVars) -> Result<String, Error> {
    let Some(group) = inventory.group(root) else {
        let message = "Pattern must be valid group name when using --graph";
        return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
    };
    let mut out = String::new();
    draw_group(inventory, group, 0, shown, &mut out)?;
    Ok(out)
}

fn draw_group(
    inventory: &Inventory,
    group: &Group,
    depth: usize,
    shown: GraphVars,
    out: &mut String,
) -> Result<(), Error> {
    draw_line(&format!("@{}:", group.name), depth, out);
    for child in group.children.iter().filter_map(|child| inventory.group(child)) {
        draw_group(inventory, child, depth + 1, shown, out)?;
    }
    if *group.name != *"all" {
        for host in &group.hosts {
            draw_line(host, depth + 1, out);
            match shown {
                GraphVars::None => {}
                GraphVars::All => draw_vars(&inventory.host_vars(host)?, depth + 2, out),
                GraphVars::Own => draw_vars(&inventory.own_host_vars(host)?, depth + 2, out),
            }
        }
    }
    if shown != GraphVars::None {
        draw_vars(&inventory.own_group_vars(group)?, depth + 1, out);
    }
    Ok(())
}

fn draw_line(text: &str, depth: usize, out: &mut String) {
    if depth > 0 {
        out.push_str(&"  |".repeat(depth));
        out.push_str("--");
    }
    out.push_str(text);
    out.push('\n');
}

fn draw_vars(vars: &Dict, depth: usize, out: &mut String) {
    let mut lines: Vec<String> = vars
        .iter()
        .filter(|(name, _)| !name.as_str().is_some_and(|name| INTERNAL.contains(&name)))
        .map(|(name, value)| format!("{{{} = {}}}", name.to_text(), value.to_text()))
        .collect();
    lines.sort();
    for line in lines {
        draw_line(&line, depth, out);
    }
}
