//! Results as JSON, as Python's json module prints them with sorted keys.

use std::fmt::Write;

use crate::value::python::{float_repr, json_text};
use crate::value::{Dict, Value};

/// One line, or with `indent` one entry a line.
pub fn json(value: &Value, indent: Option<usize>) -> String {
    let mut out = String::new();
    write(value, indent, 0, &mut out);
    out
}

/// A result without the keys that only matter inside; `invocation` and `diff` only from -vvv on.
pub fn result(fields: &Dict, verbosity: u8, always_verbose: bool) -> String {
    let mut out = String::new();
    add_result(fields, verbosity, always_verbose, &mut out);
    out
}

/// The same behind a text.
pub fn add_result(fields: &Dict, verbosity: u8, always_verbose: bool, out: &mut String) {
    let shown: Dict = fields
        .iter()
        .filter(|(key, _)| {
            let key = key.as_str().unwrap_or_default();
            let internal = key.starts_with("_ansible_") || key == "exception" && verbosity < 3;
            let detail = matches!(key, "invocation" | "diff") && verbosity < 3;
            !internal && !detail
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let indent = (always_verbose || verbosity > 2).then_some(4);
    write(&Value::dict(shown), indent, 0, out);
}

fn write(value: &Value, indent: Option<usize>, depth: usize, out: &mut String) {
    match value {
        Value::Null | Value::Omit => out.push_str("null"),
        Value::Bool(bool) => {
            let _ = write!(out, "{bool}");
        }
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::BigInt(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&float_repr(*number)),
        Value::Str(text) if text.is_secret() => json_text("********", false, out),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, indent, depth + 1, out);
                write(item, indent, depth + 1, out);
            }
            close(indent, depth, out);
            out.push(']');
        }
        Value::Dict(dict) if dict.is_empty() => out.push_str("{}"),
        Value::Dict(dict) => {
            let mut entries: Vec<(String, &Value)> =
                dict.iter().map(|(key, value)| (key.to_json_key(), value)).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                separate(index, indent, depth + 1, out);
                json_text(&key, false, out);
                out.push_str(": ");
                write(item, indent, depth + 1, out);
            }
            close(indent, depth, out);
            out.push('}');
        }
        Value::Sealed(_) => json_text("********", false, out),
        Value::Date(date) => json_text(&date.format("%Y-%m-%d").to_string(), false, out),
        Value::DateTime(..) => json_text(&value.to_text().replacen(' ', "T", 1), false, out),
        Value::Str(text) => json_text(text, false, out),
        Value::Bytes(_) => json_text(&value.to_text(), false, out),
    }
}

fn separate(index: usize, indent: Option<usize>, depth: usize, out: &mut String) {
    match indent {
        Some(width) => {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
        None if index > 0 => out.push_str(", "),
        None => {}
    }
}

fn close(indent: Option<usize>, depth: usize, out: &mut String) {
    if let Some(width) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', width * depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_text_is_escaped() {
        let inner: Dict =
            [(Value::str("b"), Value::Float(1.0)), (Value::str("a"), Value::str("x\n\"é\u{1}"))].into_iter().collect();
        let value = Value::list(vec![Value::dict(inner), Value::list(vec![]), Value::Null]);
        assert_eq!(json(&value, None), "[{\"a\": \"x\\n\\\"é\\u0001\", \"b\": 1.0}, [], null]");
        assert_eq!(json(&Value::list(vec![Value::Int(1)]), Some(4)), "[\n    1\n]");
    }

    #[test]
    fn what_is_internal_is_left_out() {
        let fields: Dict = [("_ansible_x", 1), ("invocation", 2), ("rc", 3)]
            .into_iter()
            .map(|(key, value)| (Value::str(key), Value::Int(value)))
            .collect();
        assert_eq!(result(&fields, 0, false), "{\"rc\": 3}");
        assert_eq!(result(&fields, 3, false), "{\n    \"invocation\": 2,\n    \"rc\": 3\n}");
    }
}
