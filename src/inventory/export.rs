//! What `ansible-inventory` shows: `--list`, `--host`, `--graph`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{Group, HostName, Inventory};
use crate::error::{Error, ErrorKind};
use crate::value::{Dict, Value};

/// Variables that describe the inventory itself.
const INTERNAL: &[&str] =
    &["ansible_facts", "ansible_playbook_python", "ansible_version", "groups", "inventory_dir", "inventory_file"];

/// `--list`; with `export`, variables stay with the groups and hosts that have them.
pub fn list(inventory: &Inventory, hosts: &[HostName], export: bool) -> Result<Json, Error> {
    let shown: BTreeSet<&HostName> = hosts.iter().collect();
    let mut groups = Map::new();
    let mut hostvars = Map::new();
    for host in hosts {
        let vars = shown_vars(inventory, host, export)?;
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
        if export {
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

/// `--host`
pub fn host(inventory: &Inventory, name: &str) -> Result<Json, Error> {
    shown_vars(inventory, name, false).map(Json::Object)
}

fn shown_vars(inventory: &Inventory, host: &str, export: bool) -> Result<Map<String, Json>, Error> {
    let mut vars = if export { inventory.own_host_vars(host)? } else { inventory.host_vars(host)? };
    vars.retain(|name, _| !name.as_str().is_some_and(|name| INTERNAL.contains(&name)));
    Ok(to_json_map(&vars))
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

/// `--graph`: the tree below a group.
pub fn graph(inventory: &Inventory, root: &str, with_vars: bool) -> Result<String, Error> {
    let Some(group) = inventory.group(root) else {
        let message = "Pattern must be valid group name when using --graph";
        return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
    };
    let mut out = String::new();
    draw_group(inventory, group, 0, with_vars, &mut out)?;
    Ok(out)
}

fn draw_group(
    inventory: &Inventory,
    group: &Group,
    depth: usize,
    with_vars: bool,
    out: &mut String,
) -> Result<(), Error> {
    draw_line(&format!("@{}:", group.name), depth, out);
    for child in group.children.iter().filter_map(|child| inventory.group(child)) {
        draw_group(inventory, child, depth + 1, with_vars, out)?;
    }
    if *group.name != *"all" {
        for host in &group.hosts {
            draw_line(host, depth + 1, out);
            if with_vars {
                draw_vars(&inventory.host_vars(host)?, depth + 2, out);
            }
        }
    }
    if with_vars {
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
