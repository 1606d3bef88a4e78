//! One value to one type, as Ansible's modules convert. The error is the reason alone; the caller names the argument.

use crate::words::truth;
use serde_json::{Map, Number, Value};

use super::literal;
use crate::Kind;
use crate::python::{python_json, python_repr, python_str, python_type};

impl Kind {
    /// The type of this name, as a specification may write it.
    pub fn named(name: &str) -> Option<Kind> {
        use Kind::{Bool, Bytes, Dict, Float, Int, Json, List, Path, Raw, Str};
        let kinds = [Str, Int, Float, Bool, Path, List, Dict, Raw, Json, Bytes];
        if name == "jsonarg" { Some(Json) } else { kinds.into_iter().find(|kind| kind.name() == name) }
    }

    /// The name in Ansible's texts.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Path => "path",
            Kind::List => "list",
            Kind::Dict => "dict",
            Kind::Raw => "raw",
            Kind::Json => "json",
            Kind::Bytes => "bytes",
        }
    }
}

/// Converts a value; the error is the reason alone.
pub fn convert(kind: Kind, value: Value) -> Result<Value, String> {
    match kind {
        Kind::Raw => Ok(value),
        Kind::Str | Kind::Path => Ok(to_text(value)),
        Kind::Int => to_int(&value),
        Kind::Float => to_float(&value),
        Kind::Bool => to_bool(&value),
        Kind::List => to_list(value),
        Kind::Dict => to_dict(value),
        Kind::Json => to_json(value),
        Kind::Bytes => to_bytes(&value),
    }
}

fn cannot(value: &Value, article_and_type: &str) -> String {
    format!("<class '{}'> cannot be converted to {article_and_type}", python_type(value))
}

fn to_text(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        Value::Null => "".into(),
        other => python_str(&other).into(),
    }
}

fn to_int(value: &Value) -> Result<Value, String> {
    let converted = match value {
        Value::Bool(flag) => Some(Number::from(u8::from(*flag))),
        Value::Number(number) if number.is_f64() => number.as_f64().and_then(whole_number),
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => int_from_text(text.trim()),
        _ => None,
    };
    converted.map(Value::Number).ok_or_else(|| format!("\"{}\" cannot be converted to an int", python_repr(value)))
}

/// The number as an integer, if it is one and fits.
#[expect(clippy::cast_possible_truncation, reason = "checked against the range before")]
fn whole_number(number: f64) -> Option<Number> {
    (number.fract() == 0.0 && number.abs() < 9e18).then(|| Number::from(number as i64))
}

fn int_from_text(text: &str) -> Option<Number> {
    let plain = without_underscores(text)?;
    plain
        .parse::<i64>()
        .map(Number::from)
        .or_else(|_| plain.parse::<u64>().map(Number::from))
        .ok()
        .or_else(|| looks_numeric(&plain).then(|| plain.parse::<f64>().ok().and_then(whole_number)).flatten())
}

/// Python permits single underscores between digits.
fn without_underscores(text: &str) -> Option<String> {
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!misplaced).then(|| text.replace('_', ""))
}

fn looks_numeric(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it))
}

fn to_float(value: &Value) -> Result<Value, String> {
    let converted = match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            without_underscores(text.trim()).filter(|it| looks_numeric(it)).and_then(|it| it.parse().ok())
        }
        _ => None,
    };
    converted.and_then(Number::from_f64).map(Value::Number).ok_or_else(|| cannot(value, "a float"))
}

fn to_bool(value: &Value) -> Result<Value, String> {
    let truth = match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::String(text) => truth(text),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        other => return Err(cannot(other, "a bool")),
    };
    match truth {
        Some(truth) => Ok(truth.into()),
        // Ansible prints these words from a set, in an order that changes from run to run.
        None => Err(format!(
            "The value '{}' is not a valid boolean. Valid booleans include: \
             'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0",
            python_str(value)
        )),
    }
}

fn to_list(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(_) => Ok(value),
        Value::String(text) => Ok(text.split(',').map(Value::from).collect::<Vec<_>>().into()),
        Value::Bool(_) | Value::Number(_) => Ok(vec![Value::from(python_str(&value))].into()),
        other => Err(cannot(&other, "a list")),
    }
}

fn to_dict(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(_) => Ok(value),
        Value::String(text) => dict_from_text(&text).map(Value::Object),
        other => Err(cannot(&other, "a dict")),
    }
}

/// A dict from JSON, from a Python literal, or from `k=v` pairs between commas or spaces.
pub(super) fn dict_from_text(text: &str) -> Result<Map<String, Value>, String> {
    if text.starts_with('{') {
        if let Ok(Value::Object(map)) = serde_json::from_str(text) {
            return Ok(map);
        }
        return match literal::parse(text) {
            Some(Value::Object(map)) => Ok(map),
            _ => Err("unable to evaluate string as dictionary".into()),
        };
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    split_pairs(text)
        .iter()
        .map(|pair| pair.split_once('=').filter(|(name, _)| !name.is_empty()))
        .map(|pair| pair.map(|(name, value)| (name.to_owned(), value.into())))
        .collect::<Option<_>>()
        .ok_or_else(|| "unable to evaluate string in the \"key=value\" format as dictionary".into())
}

fn split_pairs(text: &str) -> Vec<String> {
    let mut pairs = Vec::new();
    let mut pair = String::new();
    let mut quote = None;
    let mut escaped = false;
    for char in text.trim().chars() {
        if escaped {
            pair.push(char);
            escaped = false;
        } else if char == '\\' {
            escaped = true;
        } else if quote == Some(char) {
            quote = None;
        } else if quote.is_none() && (char == '"' || char == '\'') {
            quote = Some(char);
        } else if quote.is_none() && (char == ',' || char == ' ') {
            if !pair.is_empty() {
                pairs.push(std::mem::take(&mut pair));
            }
        } else {
            pair.push(char);
        }
    }
    if !pair.is_empty() {
        pairs.push(pair);
    }
    pairs
}

fn to_json(value: Value) -> Result<Value, String> {
    match value {
        Value::String(text) => Ok(text.trim().into()),
        Value::Array(_) | Value::Object(_) => Ok(python_json(&value).into()),
        other => Err(cannot(&other, "a json string")),
    }
}

/// Sizes are rounded half to even, as Python's `round` does.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked against the range before")]
fn to_bytes(value: &Value) -> Result<Value, String> {
    let size = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => size_from_text(text),
        _ => None,
    };
    size.map(f64::round_ties_even)
        .filter(|size| (0.0..1.8e19).contains(size))
        .map(|size| Value::from(size as u64))
        .ok_or_else(|| cannot(value, "a Byte value"))
}

fn size_from_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim_start();
    let mut letters = unit.chars();
    let Some(prefix) = letters.next() else { return Some(number) };
    if !matches!(letters.as_str(), "" | "B") && !letters.as_str().eq_ignore_ascii_case("byte") {
        return None;
    }
    let exponent = "BKMGTPEZY".find(prefix.to_ascii_uppercase())?;
    Some(number * 1024_f64.powi(i32::try_from(exponent).ok()?))
}
