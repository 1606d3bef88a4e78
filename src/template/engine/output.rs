//! From what a template wrote to one value, and from that to data.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::print;
use super::val::{MOST_DEPTH, Val, all_plain, from_key, is_plain};
use crate::template::error::{Res, raised};
use crate::value::{Dict, Str, Value};

/// Nothing is null, one thing is itself, several are text: without what is omitted, and undefined if one of them is.
pub fn concat(nodes: Vec<Val>) -> Res<Val> {
    let mut nodes = nodes;
    nodes.retain(|node| !matches!(node, Val::Null));
    match nodes.len() {
        0 => Ok(Val::Null),
        1 => Ok(nodes.pop().unwrap_or(Val::Null)),
        _ => {
            if let Some(undefined) = nodes.iter().find(|node| matches!(node, Val::Undefined(it) if !it.plain)) {
                return Ok(undefined.clone());
            }
            let mut out = String::new();
            let mut secret = false;
            for node in &nodes {
                match node {
                    Val::Str(text) => {
                        secret |= text.is_secret();
                        out.push_str(text);
                    }
                    Val::Omit => {}
                    Val::List(_) | Val::Tuple(_) | Val::Dict(_) => write_stored(node, &mut out, 0)?,
                    Val::Object(object) if object.as_data().is_some() => write_stored(node, &mut out, 0)?,
                    other => print::text_into(other, &mut out)?,
                }
            }
            let text = Str::data(out);
            Ok(Val::Str(if secret { text.into_secret() } else { text }))
        }
    }
}

/// A container beside text, as Python prints it once it can be stored: tuples and views are lists, `omit` is dropped.
/// Types of Jinja2 itself (groups, ranges, marked text) stay visible.
fn write_stored(value: &Val, out: &mut String, depth: usize) -> Res<()> {
    if depth > MOST_DEPTH {
        return Err(raised("containers are nested too deeply"));
    }
    match value {
        Val::List(list) => write_items(&list.to_vec(), ['[', ']'], out, depth),
        Val::Tuple(items) => write_items(items, ['[', ']'], out, depth),
        Val::Dict(dict) => {
            out.push('{');
            let entries = dict.to_map().into_iter().filter(|(_, item)| !matches!(item, Val::Omit));
            for (index, (key, item)) in entries.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&print::repr(&from_key(&key))?);
                out.push_str(": ");
                write_stored(&item, out, depth + 1)?;
            }
            out.push('}');
            Ok(())
        }
        Val::Object(object) => match (object.type_name(), object.as_data()) {
            ("range", _) => print::text_into(value, out),
            ("set", Some(data)) if object.length() != Some(0) => write_items(&data.iterate()?, ['{', '}'], out, depth),
            ("GroupTuple", Some(data)) => write_items(&data.iterate()?, ['(', ')'], out, depth),
            ("set", _) => print::text_into(value, out),
            (_, Some(data)) => write_stored(&data, out, depth),
            (_, None) => finalize(value).map(|_| ()),
        },
        Val::Str(_) => {
            out.push_str(&print::repr(value)?);
            Ok(())
        }
        other => {
            out.push_str(&finalize(other)?.repr());
            Ok(())
        }
    }
}

fn write_items(items: &[Val], brackets: [char; 2], out: &mut String, depth: usize) -> Res<()> {
    out.push(brackets[0]);
    for (index, item) in items.iter().filter(|item| !matches!(item, Val::Omit)).enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_stored(item, out, depth + 1)?;
    }
    out.push(brackets[1]);
    Ok(())
}

/// A template's own result as data. Unlike what is handed to a plugin, it may not hold ranges.
pub fn stored(value: &Val) -> Res<Value> {
    data(value, 0, Conversion { shared: None, ranges: false })
}

/// As data: everything rendered, tuples and sequences as lists, `omit` dropped inside containers.
pub fn finalize(value: &Val) -> Res<Value> {
    data(value, 0, Conversion { shared: None, ranges: true })
}

/// The same, and a container of the variables that occurs twice is one container in the result, too. What a template
/// builds itself is copied at every place, as Ansible hands it to filters.
pub fn finalize_sharing(value: &Val) -> Res<Value> {
    data(value, 0, Conversion { shared: Some(&Shared::default()), ranges: true })
}

/// Containers that are data already, by their address.
type Shared = RefCell<HashMap<usize, Value>>;

#[derive(Clone, Copy)]
struct Conversion<'a> {
    shared: Option<&'a Shared>,
    /// Ranges become lists.
    ranges: bool,
}

fn data(value: &Val, depth: usize, how: Conversion<'_>) -> Res<Value> {
    let address = match value {
        Val::List(list) => Some(Rc::as_ptr(list).addr()),
        Val::Dict(dict) => Some(Rc::as_ptr(dict).addr()),
        _ => None,
    };
    let (Some(shared), Some(address)) = (how.shared, address) else { return fresh_data(value, depth, how) };
    if let Some(known) = shared.borrow().get(&address) {
        return Ok(known.clone());
    }
    let untouched = match value {
        Val::List(list) => list.is_untouched(),
        Val::Dict(dict) => dict.is_untouched(),
        _ => false,
    };
    if !untouched {
        return fresh_data(value, depth, how);
    }
    let made = fresh_data(value, depth, how)?;
    shared.borrow_mut().insert(address, made.clone());
    Ok(made)
}

fn fresh_data(value: &Val, depth: usize, how: Conversion<'_>) -> Res<Value> {
    if depth > MOST_DEPTH {
        return Err(raised("containers are nested too deeply"));
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(bool) => Value::Bool(*bool),
        Val::Int(number) => Value::Int(*number),
        Val::Big(number) => Value::BigInt(Arc::clone(number)),
        Val::Float(number) => Value::Float(*number),
        // What can be no template may stay a person's word: conditions that a variable holds, for one.
        Val::Str(text) if super::is_template(text) => Value::Str(text.clone().into_untrusted().without_markup()),
        Val::Str(text) => Value::Str(text.clone().without_markup()),
        Val::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
        Val::Date(date) => Value::Date(*date),
        Val::DateTime(time, zone) => Value::DateTime(*time, *zone),
        Val::Omit => Value::Omit,
        Val::Sealed(sealed) => Value::Sealed(Arc::clone(sealed)),
        Val::Undefined(it) if it.plain => {
            return Err(raised("Type 'Undefined' is unsupported for variable storage."));
        }
        Val::Undefined(it) => return Err(Box::new(it.error.clone())),
        Val::List(list) => {
            if how.shared.is_none()
                && let Some(raw) = list.raw()
                && all_plain(&raw, depth)
            {
                return Ok(Value::List(raw));
            }
            sequence(&list.to_vec(), depth, how)?
        }
        Val::Tuple(items) => sequence(items, depth, how)?,
        Val::Dict(dict) => {
            if how.shared.is_none()
                && let Some(raw) = dict.raw()
                && raw.values().all(|item| is_plain(item, depth))
            {
                return Ok(Value::Dict(raw));
            }
            let map = dict.to_map();
            let mut out = Dict::with_capacity(map.len());
            for (key, item) in map {
                if !matches!(item, Val::Omit) {
                    let key = match key {
                        Value::Str(text) => Value::Str(text.into_untrusted().without_markup()),
                        other => other,
                    };
                    out.insert(key, data(&item, depth + 1, how)?);
                }
            }
            Value::dict(out)
        }
        Val::Object(object) => match object.as_data().filter(|_| how.ranges || object.type_name() != "range") {
            Some(value) => data(&value, depth + 1, how)?,
            None => {
                return Err(raised(format!("Type '{}' is unsupported for variable storage.", object.type_name())));
            }
        },
    })
}

fn sequence(items: &[Val], depth: usize, how: Conversion<'_>) -> Res<Value> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if !matches!(item, Val::Omit) {
            out.push(data(item, depth + 1, how)?);
        }
    }
    Ok(Value::list(out))
}
