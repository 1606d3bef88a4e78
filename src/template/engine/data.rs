//! From data to values of a template, as it is.

use std::sync::Arc;

use super::val::{MOST_DEPTH, Val};
use crate::value::{List, Value};

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

/// `is_plain` of all items. A list that only grows is looked at once.
pub fn all_plain(items: &List, depth: usize) -> bool {
    // What is remembered of the items holds for lists that are in no other.
    let is_plain = |item: &Value| is_plain(item, depth);
    if depth == 0 { items.all_remembered(is_plain) } else { items.iter().all(is_plain) }
}

/// Nothing in it needs rendering, so that it can be passed on as it is.
pub fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Str(text) => !text.is_trusted() || !super::is_template(text),
        Value::List(items) => depth < MOST_DEPTH && items.iter().all(|item| is_plain(item, depth + 1)),
        Value::Dict(dict) => depth < MOST_DEPTH && dict.values().all(|item| is_plain(item, depth + 1)),
        Value::Sealed(_) | Value::Omit => false,
        _ => true,
    }
}

impl From<bool> for Val {
    fn from(bool: bool) -> Self {
        Val::Bool(bool)
    }
}
impl From<i64> for Val {
    fn from(number: i64) -> Self {
        Val::Int(number)
    }
}
impl From<f64> for Val {
    fn from(number: f64) -> Self {
        Val::Float(number)
    }
}
impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Val::str(text)
    }
}
impl From<String> for Val {
    fn from(text: String) -> Self {
        Val::str(text)
    }
}
