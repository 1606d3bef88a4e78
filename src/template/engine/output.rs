//! From what a template wrote to one value, and from that to data.

use std::sync::Arc;

use super::print;
use super::val::Val;
use crate::template::error::{Res, raised};
use crate::value::{Dict, Str, Value};

/// Containers inside containers; deeper ones are taken for endless.
const MOST_DEPTH: usize = 150;

/// Nothing is null, one thing is itself, several are text.
pub fn concat(nodes: Vec<Val>) -> Res<Val> {
    let mut nodes = nodes;
    nodes.retain(|node| !matches!(node, Val::Null));
    match nodes.len() {
        0 => Ok(Val::Null),
        1 => Ok(nodes.pop().unwrap_or(Val::Null)),
        _ => {
            let mut out = String::new();
            let mut secret = false;
            for node in &nodes {
                match node {
                    Val::Str(text) => {
                        secret |= text.is_secret();
                        out.push_str(text);
                    }
                    Val::Object(object) if object.as_data().is_none() => print::text_into(node, &mut out)?,
                    Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Object(_) => {
                        let value = finalize(node)?;
                        out.push_str(&value.to_text());
                    }
                    other => print::text_into(other, &mut out)?,
                }
            }
            let text = Str::data(out);
            Ok(Val::Str(if secret { text.into_secret() } else { text }))
        }
    }
}

/// As data: everything rendered, tuples and sequences as lists, `omit` dropped inside containers.
pub fn finalize(value: &Val) -> Res<Value> {
    data(value, 0)
}

fn data(value: &Val, depth: usize) -> Res<Value> {
    if depth > MOST_DEPTH {
        return Err(raised("containers are nested too deeply"));
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(bool) => Value::Bool(*bool),
        Val::Int(number) => Value::Int(*number),
        Val::Big(number) => Value::BigInt(Arc::clone(number)),
        Val::Float(number) => Value::Float(*number),
        Val::Str(text) => Value::Str(text.clone().into_untrusted()),
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
            if let Some(raw) = list.raw()
                && raw.iter().all(|item| is_plain(item, depth))
            {
                return Ok(Value::List(raw));
            }
            sequence(&list.to_vec(), depth)?
        }
        Val::Tuple(items) => sequence(items, depth)?,
        Val::Dict(dict) => {
            if let Some(raw) = dict.raw()
                && raw.values().all(|item| is_plain(item, depth))
            {
                return Ok(Value::Dict(raw));
            }
            let map = dict.to_map();
            let mut out = Dict::with_capacity(map.len());
            for (key, item) in map {
                if !matches!(item, Val::Omit) {
                    let key = match key {
                        Value::Str(text) => Value::Str(text.into_untrusted()),
                        other => other,
                    };
                    out.insert(key, data(&item, depth + 1)?);
                }
            }
            Value::dict(out)
        }
        Val::Object(object) => match object.as_data() {
            Some(value) => data(&value, depth + 1)?,
            None => {
                return Err(raised(format!("Type '{}' is unsupported for variable storage.", object.type_name())));
            }
        },
    })
}

fn sequence(items: &[Val], depth: usize) -> Res<Value> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if !matches!(item, Val::Omit) {
            out.push(data(item, depth + 1)?);
        }
    }
    Ok(Value::list(out))
}

/// Nothing in it needs rendering, so that it can be passed on as it is.
fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Str(text) => !text.is_trusted(),
        Value::List(items) => depth < MOST_DEPTH && items.iter().all(|item| is_plain(item, depth + 1)),
        Value::Dict(dict) => depth < MOST_DEPTH && dict.values().all(|item| is_plain(item, depth + 1)),
        Value::Sealed(_) | Value::Omit => false,
        _ => true,
    }
}
