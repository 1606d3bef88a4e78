//! Inventories in YAML (and JSON) and TOML: groups with `hosts`, `vars` and `children`.

use super::{Inventory, address, inventory_error};
use crate::error::{Error, Notices};
use crate::value::Value;
use crate::yaml::{Node, NodeKind};

/// What the two formats call things in messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Toml,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Yaml => "YAML",
            Format::Toml => "TOML",
        }
    }
}

pub fn parse(inventory: &mut Inventory, document: &Node, format: Format) -> Result<(), Error> {
    let name = format.name();
    if document.is_null() || document.is_mapping() && document.entries().is_empty() {
        return Err(inventory_error(format!("Parsed empty {name} file")));
    }
    if !document.is_mapping() {
        let class = document.type_name();
        let message =
            format!("{name} inventory has invalid structure, it should be a dictionary, got: <class '{class}'>");
        return Err(inventory_error(message).at(Some(&document.span)));
    }
    if document.get("plugin").is_some() {
        return Err(inventory_error(format!("Plugin configuration {name} file, not {name} inventory")));
    }
    for (group, data) in document.entries() {
        parse_group(inventory, group, data, format)?;
    }
    Ok(())
}

fn parse_group(inventory: &mut Inventory, key: &Node, data: &Node, format: Format) -> Result<Option<String>, Error> {
    if !data.is_mapping() && !data.is_null() {
        let message = format!("Skipping '{}' as this is not a valid group definition", key.to_value().to_text());
        inventory.notices.warn(message, Some(&data.span));
        return Ok(key.as_str().map(str::to_owned));
    }
    let Some(name) = key.as_str() else {
        let text = key.to_value().to_text();
        let class = key.type_name();
        let message = format!(
            "Unable to add group {text}: Invalid group name supplied, expected a string but got <class '{class}'> for {text}"
        );
        return Err(inventory_error(message).at(Some(&key.span)));
    };
    let group = inventory.add_group(name)?.to_string();
    for (section, content) in data.entries() {
        let Some(section_name @ ("vars" | "children" | "hosts")) = section.as_str() else {
            let message = format!(
                "Skipping unexpected key ({}) in group ({group}), only \"vars\", \"children\" and \"hosts\" are valid",
                section.to_value().to_text()
            );
            inventory.notices.warn(message, Some(&section.span));
            continue;
        };
        let entries = section_entries(&group, section_name, content, format)?;
        for (key, value) in &entries {
            match section_name {
                "vars" => {
                    let name = key.to_value();
                    inventory.check_variable_name(&name.to_text(), &key.span);
                    inventory.set_group_var(&group, name, value.to_value())?;
                }
                "children" => {
                    if let Some(child) = parse_group(inventory, key, value, format)? {
                        let child = inventory.add_group(&child)?;
                        inventory.add_child(&group, &child).map_err(|err| err.at(Some(&key.span)))?;
                    }
                }
                _ => parse_host(inventory, &group, key, value)?,
            }
        }
    }
    Ok(Some(group))
}

/// A section as a mapping: a single name stands for itself, in TOML a list of children for its items.
fn section_entries(group: &str, section: &str, content: &Node, format: Format) -> Result<Vec<(Node, Node)>, Error> {
    let null = |span| Node { span, kind: NodeKind::Scalar(Value::Null), tag: crate::yaml::Tag::None };
    match &content.kind {
        NodeKind::Mapping(entries) => Ok(entries.to_vec()),
        NodeKind::Scalar(Value::Null) => Ok(Vec::new()),
        NodeKind::Scalar(Value::Str(_)) if format == Format::Yaml => {
            Ok(vec![(content.clone(), null(content.span.clone()))])
        }
        NodeKind::Sequence(items) if format == Format::Toml && section == "children" => {
            Ok(items.iter().map(|item| (item.clone(), null(item.span.clone()))).collect())
        }
        _ => {
            let dict = if format == Format::Toml { "dict" } else { "dictionary" };
            let class = content.type_name();
            let message = format!(
                "Invalid \"{section}\" entry for \"{group}\" group, requires a {dict}, found \"<class '{class}'>\" instead."
            );
            Err(inventory_error(message).at(Some(&content.span)))
        }
    }
}

fn parse_host(inventory: &mut Inventory, group: &str, key: &Node, vars: &Node) -> Result<(), Error> {
    let pattern = key.to_value().to_text();
    let (hosts, port) = address::expand_hosts(&pattern).map_err(|err| err.at(Some(&key.span)))?;
    for host in hosts {
        inventory.name_host(&host, group, port)?;
        if !vars.is_mapping() && !vars.is_null() {
            let message = "Invalid data from file, expected dictionary and got:";
            return Err(inventory_error(format!("{message}\n\n{}", vars.to_value().to_text())).at(Some(&vars.span)));
        }
        for (name, value) in vars.entries() {
            let variable = name.to_value();
            inventory.check_variable_name(&variable.to_text(), &name.span);
            inventory.set_host_var(&host, variable, value.to_value());
        }
    }
    Ok(())
}

impl Inventory {
    /// Warns about variables that no template can name.
    pub(super) fn check_variable_name(&self, name: &str, place: &crate::source::Span) {
        let mut chars = name.chars();
        let is_valid = chars.next().is_some_and(|char| char.is_alphabetic() || char == '_')
            && chars.all(|char| char.is_alphanumeric() || char == '_');
        if !is_valid {
            let notices: &Notices = &self.notices;
            let name = crate::value::python::str_repr(name);
            notices.deprecated(format!("Accepting inventory variable with invalid name {name}."), Some(place));
        }
    }
}
