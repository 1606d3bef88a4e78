//! Inventories in INI: `[group]`, `[group:children]`, `[group:vars]`, a host with its variables on each line.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use regex::Regex;
use rplay_module_api::shell_words;

use super::{Inventory, address, inventory_error, literal};
use crate::error::Error;
use crate::source::{SourceFile, Span};
use crate::value::Value;

static SECTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$").expect("a constant pattern"));
static GROUP_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([^:\]\s]+)\s*(?:#.*)?$").expect("a constant pattern"));

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Hosts,
    Children,
    Vars,
}

/// A group that was named before it was defined.
struct Pending {
    state: State,
    parents: Vec<Arc<str>>,
    place: Span,
}

pub fn parse(inventory: &mut Inventory, source: &Arc<SourceFile>) -> Result<(), Error> {
    let mut group: Arc<str> = "ungrouped".into();
    let mut state = State::Hosts;
    let mut pending: IndexMap<String, Pending> = IndexMap::new();
    let text = source.text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, full_line) in (1_u32..).zip(text.lines()) {
        let line = full_line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let indent = full_line.chars().take_while(|char| char.is_whitespace()).count();
        let place = Span::new(source, number, u32::try_from(indent + 1).unwrap_or(1)).with_length(line.chars().count());
        let placed = |err: Error| failed(err, &place);
        if let Some(parts) = SECTION.captures(line) {
            let name = parts.get(1).map_or("", |part| part.as_str());
            state = match parts.get(2).map(|part| part.as_str()) {
                None | Some("hosts") => State::Hosts,
                Some("children") => State::Children,
                Some("vars") => State::Vars,
                Some(other) => {
                    let message = format!("Section [{name}:{other}] has unknown type: {other}");
                    return Err(failed(inventory_error(message), &place));
                }
            };
            group = enter_section(inventory, name, state, &mut pending, &place).map_err(placed)?;
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            let message = format!(
                "Invalid section entry: '{line}'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters"
            );
            return Err(failed(inventory_error(message), &place));
        }
        match state {
            State::Hosts => host_line(inventory, &group, line, &place),
            State::Vars => variable_line(inventory, &group, line, &place),
            State::Children => child_line(inventory, &group, line, &mut pending, &place),
        }
        .map_err(placed)?;
    }
    if let Some((name, Pending { state, parents, place })) = pending.first() {
        let message = match state {
            State::Vars => format!("Section [{name}:vars] not valid for undefined group: {name}"),
            _ => {
                let parent = parents.last().map_or("", |parent| &**parent);
                format!("Section [{parent}:children] includes undefined group '{name}'.")
            }
        };
        return Err(failed(inventory_error(message), place));
    }
    Ok(())
}

fn failed(err: Error, place: &Span) -> Error {
    Error { message: format!("Failed to parse inventory: {}", err.message), place: Some(place.clone()), ..err }
}

fn enter_section(
    inventory: &mut Inventory,
    name: &str,
    state: State,
    pending: &mut IndexMap<String, Pending>,
    place: &Span,
) -> Result<Arc<str>, Error> {
    let safe = inventory.safe_group_name(name);
    if inventory.group(&safe).is_none() {
        if state == State::Vars {
            // The variables are kept, but the group must be defined further down.
            pending.entry(safe.clone()).or_insert(Pending { state, parents: Vec::new(), place: place.clone() });
        }
        return inventory.add_group(name).inspect(|_| {
            if state != State::Vars {
                pending.shift_remove(&safe);
            }
        });
    }
    if state != State::Vars
        && let Some(Pending { parents, .. }) = pending.shift_remove(&safe)
    {
        for parent in parents {
            inventory.add_child(&parent, &safe)?;
        }
    }
    inventory.add_group(name)
}

fn host_line(inventory: &mut Inventory, group: &str, line: &str, place: &Span) -> Result<(), Error> {
    let words = shell_words::split_to_comment(line)
        .map_err(|problem| inventory_error(format!("Error parsing host definition '{line}': {problem}")))?;
    let Some((pattern, variables)) = words.split_first() else { return Ok(()) };
    if pattern.starts_with("---") {
        let message =
            format!("Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a YAML file.");
        return Err(inventory_error(message));
    }
    if pattern.ends_with(':') {
        let message = format!(
            "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this character is reserved to provide a port."
        );
        return Err(inventory_error(message));
    }
    let mut vars = Vec::with_capacity(variables.len());
    for word in variables {
        let Some((name, value)) = word.split_once('=') else {
            return Err(inventory_error(format!("Expected key=value host variable assignment, got: {word}")));
        };
        vars.push((name, literal::parse_literal(value, Some(&place_of(word, value, line, place)))));
    }
    let (hosts, port) = address::expand_hosts(pattern)?;
    for host in hosts {
        inventory.name_host(&host, group, port)?;
        for (name, value) in &vars {
            inventory.check_variable_name(name, place);
            inventory.set_host_var(&host, Value::str(*name), value.clone());
        }
    }
    Ok(())
}

/// The place of a variable's value, when the line has it as it is.
fn place_of(word: &str, value: &str, line: &str, place: &Span) -> Span {
    let start = line.find(word).map(|at| at + word.len() - value.len());
    let before = start.and_then(|start| line.get(..start)).map_or(0, |before| before.chars().count());
    let column = place.column + u32::try_from(before).unwrap_or(0);
    Span { column, ..place.clone() }.with_length(value.chars().count())
}

fn variable_line(inventory: &mut Inventory, group: &str, line: &str, place: &Span) -> Result<(), Error> {
    let Some((name, value)) = line.split_once('=') else {
        return Err(inventory_error(format!("Expected key=value, got: {line}")));
    };
    let (name, value) = (name.trim(), value.trim());
    let column = place.column + u32::try_from(line.chars().count() - value.chars().count()).unwrap_or(0);
    let value_place = Span { column, ..place.clone() }.with_length(value.chars().count());
    inventory.check_variable_name(name, place);
    inventory.set_group_var(group, Value::str(name), literal::parse_literal(value, Some(&value_place)))
}

fn child_line(
    inventory: &mut Inventory,
    group: &Arc<str>,
    line: &str,
    pending: &mut IndexMap<String, Pending>,
    place: &Span,
) -> Result<(), Error> {
    let Some(name) = GROUP_NAME.captures(line).and_then(|parts| parts.get(1)) else {
        return Err(inventory_error(format!("Expected group name, got: {line}")));
    };
    let safe = inventory.safe_group_name(name.as_str());
    if inventory.group(&safe).is_none() || pending.contains_key(&safe) {
        inventory.add_group(name.as_str())?;
        let entry = pending.entry(safe.clone()).or_insert(Pending {
            state: State::Children,
            parents: Vec::new(),
            place: place.clone(),
        });
        entry.state = State::Children;
        entry.parents.push(Arc::clone(group));
    }
    inventory.add_child(group, &safe)
}
