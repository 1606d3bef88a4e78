//! Methods of Python's types.

mod bytes;
mod dict;
pub mod duration;
pub mod format;
mod letters;
mod list;
mod number;
pub mod text;
pub mod time;

use super::arguments::Arguments;
use super::markup;
use super::val::Val;
use crate::template::error::{Res, raised};

pub fn has(value: &Val, name: &str) -> bool {
    let marked = matches!(value, Val::Str(text) if text.is_markup());
    let bitwise = matches!(value, Val::Int(_) | Val::Big(_) | Val::Bool(_)) && number::BITWISE.contains(&name);
    names(value).contains(&name) || bitwise || (marked && markup::OWN_METHODS.contains(&name))
}

fn names(value: &Val) -> &'static [&'static str] {
    match value {
        Val::Str(_) => text::NAMES,
        Val::List(_) => list::NAMES,
        Val::Tuple(_) => &["count", "index"],
        Val::Dict(_) => dict::NAMES,
        Val::Int(_) | Val::Big(_) | Val::Bool(_) => number::INT_NAMES,
        Val::Float(_) => number::FLOAT_NAMES,
        Val::Bytes(_) => bytes::NAMES,
        Val::Date(_) | Val::DateTime(..) => time::NAMES,
        _ => &[],
    }
}

pub fn call(value: &Val, name: &str, arguments: Arguments) -> Res<Val> {
    for argument in arguments.positional.iter().chain(arguments.named.iter().map(|(_, value)| value)) {
        let stored = matches!(value, Val::List(_) | Val::Dict(_));
        if let Val::Undefined(it) = argument
            && !it.plain
            && !stored
        {
            return Ok(argument.clone());
        }
    }
    match value {
        Val::Str(it) => text::call(it, name, arguments),
        Val::List(it) => list::call(it, name, arguments),
        Val::Tuple(it) => list::call_tuple(it, name, arguments),
        Val::Dict(it) => dict::call(it, name, arguments),
        Val::Int(_) | Val::Big(_) | Val::Bool(_) | Val::Float(_) => number::call(value, name, arguments),
        Val::Bytes(it) => bytes::call(it, name, arguments),
        Val::Date(_) | Val::DateTime(..) => time::call(value, name, arguments),
        other => Err(raised(format!("'{}' object has no attribute '{name}'", other.type_name()))),
    }
}

/// Attributes that are data.
pub fn property(value: &Val, name: &str) -> Option<Val> {
    match value {
        Val::Date(_) | Val::DateTime(..) => time::property(value, name),
        Val::Int(_) | Val::Big(_) | Val::Bool(_) | Val::Float(_) => number::property(value, name),
        _ => None,
    }
}
