//! Inventory scripts: programs that print JSON for `--list` and `--host NAME`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::{HostName, Inventory, inventory_error};
use crate::error::Error;
use crate::source::SourceFile;
use crate::value::Value;
use crate::yaml::{Node, NodeKind, Reader};

pub fn parse(inventory: &mut Inventory, path: &Path, reader: &Reader) -> Result<(), Error> {
    let list = run(path, &["--list"], reader)?;
    if !list.is_mapping() {
        let message = format!(
            "failed to parse executable inventory script results from {}: needs to be a json dict",
            path.display()
        );
        return Err(inventory_error(message));
    }
    let mut hosts: Vec<HostName> = Vec::new();
    let mut meta = None;
    for (key, data) in list.entries() {
        let name = key.to_value().to_text();
        if name != "_meta" {
            hosts.extend(parse_group(inventory, &name, data)?);
        } else if let Some(hostvars) = data.get("hostvars") {
            if !hostvars.is_mapping() {
                return Err(inventory_error("Inventory script value of '_meta.hostvars' must be a dictionary"));
            }
            meta = Some(hostvars.clone());
        }
    }
    if meta.is_none() {
        inventory.notices.deprecated(
            "Inventory scripts should always provide 'meta.hostvars'. Host variables will be collected by running the inventory script with the '--host' option for each host.",
            None,
        );
    }
    for host in hosts {
        let vars = match &meta {
            Some(meta) => meta.get(&host).cloned(),
            None => Some(run(path, &["--host", &host], reader)?),
        };
        let Some(vars) = vars else { continue };
        if !vars.is_mapping() && !vars.is_null() {
            return Err(inventory_error(format!("invalid variables for host '{host}' from {}", path.display())));
        }
        for (name, value) in vars.entries() {
            inventory.set_host_var(&host, name.to_value(), value.to_value());
        }
    }
    Ok(())
}

fn run(path: &Path, arguments: &[&str], reader: &Reader) -> Result<Node, Error> {
    let failed = |why: &str| {
        inventory_error(format!("Failed to run inventory script {} {}: {why}", path.display(), arguments.join(" ")))
    };
    let output =
        Command::new(path).args(arguments).stdin(Stdio::null()).output().map_err(|err| failed(&err.to_string()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let code = output.status.code().map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
        return Err(failed(&format!("it ended with {code}: {}", errors.trim())));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("its output is not UTF-8"))?;
    if text.trim().is_empty() {
        let source = SourceFile::new(path, "{}");
        return reader.read(&source);
    }
    reader.read(&SourceFile::new(format!("<output of {} {}>", path.display(), arguments.join(" ")), text))
}

/// A group as scripts print it; returns the hosts it names.
fn parse_group(inventory: &mut Inventory, name: &str, data: &Node) -> Result<Vec<HostName>, Error> {
    let group = inventory.add_group(name)?;
    let (mut hosts, mut vars, mut children): (Vec<Node>, &[(Node, Node)], &[Node]) = (Vec::new(), &[], &[]);
    match &data.kind {
        NodeKind::Mapping(entries) => {
            let has = |section: &str| data.get(section).is_some();
            if !entries.is_empty() && !has("hosts") && !has("vars") && !has("children") {
                let message = format!(
                    "Treating malformed group '{name}' as the sole host of that group. Variables provided in this manner cannot be templated."
                );
                inventory.notices.deprecated(message, None);
                let host = inventory.name_host(name, &group, None)?;
                for (variable, value) in entries.iter() {
                    inventory.set_host_var(&host, variable.to_value(), value.to_value());
                }
                return Ok(vec![host]);
            }
            if let Some(named) = data.get("hosts") {
                if !named.is_sequence() {
                    return Err(bad_data(name, "host list", "list", named));
                }
                hosts = named.items().to_vec();
            }
            if let Some(named) = data.get("vars") {
                if !named.is_mapping() {
                    return Err(bad_data(name, "variables", "dict", named));
                }
                vars = named.entries();
            }
            children = data.get("children").map_or(&[], Node::items);
        }
        other => {
            let class = data.type_name();
            let message = format!("Group '{name}' was converted to 'dict' from '{class}'.");
            inventory.notices.deprecated(message, None);
            let NodeKind::Sequence(items) = other else {
                return Err(bad_data(name, "host list", "list", data));
            };
            hosts = items.to_vec();
        }
    }
    let mut names: Vec<HostName> = Vec::with_capacity(hosts.len());
    for host in hosts {
        names.push(inventory.name_host(&host.to_value().to_text(), &group, None)?);
    }
    for (variable, value) in vars {
        inventory.set_group_var(&group, variable.to_value(), value.to_value())?;
    }
    for child in children {
        let child: Arc<str> = inventory.add_group(&child.to_value().to_text())?;
        inventory.add_child(&group, &child)?;
    }
    Ok(names)
}

fn bad_data(group: &str, what: &str, wanted: &str, found: &Node) -> Error {
    let value: Value = found.to_value();
    inventory_error(format!(
        "You defined a group '{group}' with bad data for the {what}: a {wanted} is needed, not {}",
        value.repr()
    ))
}
