//! Variables and groups computed from those of the hosts that earlier sources named: `compose`, `groups`, `keyed_groups`.

use std::sync::Arc;

use super::{HostName, Inventory, inventory_error};
use crate::error::Error;
use crate::template::{Engine, SearchPath, Settings, Templar};
use crate::value::{Dict, Str, Value};
use crate::yaml::Node;

pub fn parse(inventory: &mut Inventory, document: &Node) -> Result<(), Error> {
    let strict = document.get("strict").is_some_and(|strict| strict.to_value().is_truthy());
    let use_vars_files = document.get("use_vars_plugins").is_some_and(|it| it.to_value().is_truthy());
    let engine = Engine::new(Settings { notices: inventory.notices.clone(), ..Settings::default() });
    let path = document.span.path().display().to_string();
    let failed = |err: Error| Error { message: format!("Failed to parse '{path}': {}", err.message), ..err };
    let hosts: Vec<HostName> = inventory.hosts.keys().cloned().collect();
    for host in hosts {
        let mut vars = if use_vars_files { inventory.host_vars(&host)? } else { inventory.source_vars(&host)? };
        vars.insert(Value::str("inventory_hostname"), Value::str(Arc::clone(&host)));
        let templar = |vars: &Dict| engine.templar(Arc::new(vars.clone()), Arc::new(SearchPath::default()));
        compose(inventory, document, &host, &mut vars, strict, &templar).map_err(failed)?;
        let templar = templar(&vars);
        groups(inventory, document, &host, strict, &templar).map_err(failed)?;
        keyed_groups(inventory, document, &host, strict, &templar).map_err(failed)?;
    }
    Ok(())
}

/// The value of an expression, or nothing when it fails and that is allowed.
fn evaluate(templar: &Templar, expression: &Node, strict: bool, what: &str) -> Result<Option<Value>, Error> {
    let value = expression.to_value();
    let text = match &value {
        Value::Str(text) => text.clone(),
        other => Str::trusted(other.repr(), Some(expression.span.clone())),
    };
    match templar.expression(&text) {
        Ok(value) => Ok(Some(value)),
        Err(err) if strict => Err(inventory_error(format!("{what}: {}", err.message)).at(Some(&expression.span))),
        Err(_) => Ok(None),
    }
}

fn compose(
    inventory: &mut Inventory,
    document: &Node,
    host: &str,
    vars: &mut Dict,
    strict: bool,
    templar: &dyn Fn(&Dict) -> Templar,
) -> Result<(), Error> {
    let Some(compose) = document.get("compose") else { return Ok(()) };
    for (name, expression) in compose.entries() {
        let what = format!("Could not set {} for host {host}", name.to_value().to_text());
        if let Some(value) = evaluate(&templar(vars), expression, strict, &what)? {
            vars.insert(name.to_value(), value.clone());
            inventory.set_host_var(host, name.to_value(), value);
        }
    }
    Ok(())
}

fn groups(
    inventory: &mut Inventory,
    document: &Node,
    host: &str,
    strict: bool,
    templar: &Templar,
) -> Result<(), Error> {
    let Some(groups) = document.get("groups") else { return Ok(()) };
    for (name, condition) in groups.entries() {
        let name = safe(&name.to_value().to_text());
        let what = format!("Could not add host {host} to group {name}");
        if evaluate(templar, condition, strict, &what)? == Some(Value::Bool(true)) {
            let group = inventory.add_group(&name)?;
            inventory.name_host(host, &group, None)?;
        }
    }
    Ok(())
}

/// Whatever no variable's name has becomes an underscore: names that are made of values are always safe, whatever the setting says of others.
fn safe(name: &str) -> String {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let safe = |(index, char): (usize, char)| {
        if is_word(char) && !(index == 0 && char.is_numeric()) { char } else { '_' }
    };
    name.chars().enumerate().map(safe).collect()
}

/// One entry of `keyed_groups`.
struct Keyed<'a> {
    prefix: String,
    separator: String,
    parent: Option<String>,
    default_value: Option<Value>,
    trailing_separator: bool,
    key: &'a Node,
}

fn keyed_groups(
    inventory: &mut Inventory,
    document: &Node,
    host: &str,
    strict: bool,
    templar: &Templar,
) -> Result<(), Error> {
    let leading_separator = document.get("leading_separator").is_none_or(|it| it.to_value().is_truthy());
    for entry in document.get("keyed_groups").map_or(&[][..], Node::items) {
        let text = |name: &str| entry.get(name).filter(|it| !it.is_null()).map(|it| it.to_value().to_text());
        let Some(key) = entry.get("key") else {
            if strict {
                return Err(inventory_error("No key supplied for keyed_groups").at(Some(&entry.span)));
            }
            continue;
        };
        let Some(parent) = parent_group(templar, entry, strict)? else { continue };
        let keyed = Keyed {
            prefix: text("prefix").unwrap_or_default(),
            separator: text("separator").unwrap_or_else(|| "_".to_owned()),
            parent: Some(parent).filter(|name| !name.is_empty()),
            default_value: entry.get("default_value").map(Node::to_value),
            trailing_separator: entry.get("trailing_separator").is_none_or(|it| it.to_value().is_truthy()),
            key,
        };
        let what = format!("Could not generate group for host {host} from {} entry", key.to_value().to_text());
        let Some(value) = evaluate(templar, keyed.key, strict, &what)? else { continue };
        for name in keyed_names(&keyed, &value) {
            let name = if keyed.prefix.is_empty() && !leading_separator {
                name.strip_prefix(&keyed.separator).unwrap_or(&name).to_owned()
            } else {
                name
            };
            let group = inventory.add_group(&safe(&name))?;
            inventory.name_host(host, &group, None)?;
            if let Some(parent) = &keyed.parent {
                let parent = inventory.add_group(&safe(parent))?;
                inventory.add_child(&parent, &group)?;
            }
        }
    }
    Ok(())
}

/// The name of the group above those of an entry, empty if it wants none; nothing when the name cannot be rendered and that is allowed.
fn parent_group(templar: &Templar, entry: &Node, strict: bool) -> Result<Option<String>, Error> {
    let Some(written) = entry.get("parent_group").filter(|it| !it.is_null()) else { return Ok(Some(String::new())) };
    match templar.render(&written.to_value()) {
        Ok(Value::Omit) => Ok(Some(String::new())),
        Ok(name) => Ok(Some(name.to_text())),
        Err(err) if strict => {
            let message = format!("Could not generate parent group {}: {}", written.to_value().repr(), err.message);
            Err(inventory_error(message).at(Some(&written.span)))
        }
        Err(_) => Ok(None),
    }
}

/// The names of the groups that a key's value leads to.
fn keyed_names(keyed: &Keyed, value: &Value) -> Vec<String> {
    let name = |text: &str| format!("{}{}{text}", keyed.prefix, keyed.separator);
    let default = keyed.default_value.as_ref().map(Value::to_text);
    let or_default = |text: String| if text.is_empty() { default.clone().unwrap_or_default() } else { text };
    match value {
        Value::List(items) => items.iter().map(|item| name(&or_default(item.to_text()))).collect(),
        Value::Dict(dict) => dict
            .iter()
            .map(|(key, item)| {
                let (key, item) = (key.to_text(), or_default(item.to_text()));
                if item.is_empty() && !keyed.trailing_separator {
                    name(&key)
                } else {
                    name(&format!("{key}{}{item}", keyed.separator))
                }
            })
            .collect(),
        Value::Null => default.into_iter().map(|text| name(&text)).collect(),
        other => {
            let text = or_default(other.to_text());
            if text.is_empty() && !keyed.trailing_separator { vec![keyed.prefix.clone()] } else { vec![name(&text)] }
        }
    }
}
