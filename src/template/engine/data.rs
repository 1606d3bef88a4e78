//! From data to values of a template, as it is.

use std::sync::Arc;

use super::val::{MOST_DEPTH, Val};
use crate::value::Value;

/// A key as a value. Tuples as keys are kept as lists.
pub fn from_key(key: &Value) -> Val {
    match key {
        Value::Null => Val::Null,
        Value::Bool(bool) => Val::Bool(*bool),
        Value::Int(number) => Val::Int(*number),
        Value::BigInt(number) => Val::Big(Arc::clone(number)),
        Value::Float(number) => Val::Float(*number),
        Value::Str(text) => Val::Str(text.clone().into_untrusted()),
        Value::Bytes(bytes) => Val::Bytes(Arc::clone(bytes)),
        Value::Date(date) => Val::Date(*date),
        Value::DateTime(time, zone) => Val::DateTime(*time, *zone),
        Value::List(items) => Val::tuple(items.iter().map(from_key).collect()),
        Value::Dict(dict) => Val::dict(dict.iter().map(|(key, item)| (key.clone(), from_key(item))).collect()),
        Value::Sealed(sealed) => Val::Sealed(Arc::clone(sealed)),
        Value::Omit => Val::Omit,
    }
}

/// Data as it is: nothing in it is rendered.
pub fn from_data(value: &Value) -> Val {
    match value {
        Value::List(items) => Val::list(items.iter().map(from_data).collect()),
        Value::Dict(dict) => Val::dict(dict.iter().map(|(key, item)| (key.clone(), from_data(item))).collect()),
        other => from_key(other),
    }
}

/// Nothing in it needs rendering, so that it can be passed on as it is.
pub fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Str(text) => !text.is_trusted(),
        Value::List(items) => depth < MOST_DEPTH && items.iter().all(|item| is_plain(item, depth + 1)),
        Value::Dict(dict) => depth < MOST_DEPTH && dict.values().all(|item| is_plain(item, depth + 1)),
        Value::Sealed(_) | Value::Omit => false,
        _ => true,
    }
}
