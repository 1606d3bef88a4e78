//! Results as JSON, laid out as Python's `json.dumps` with sorted keys lays them out.

use std::fmt::Write;

use crate::value::{Dict, Value, python};

/// With `indent`, one entry to a line.
pub fn dict(dict: &Dict, indent: Option<usize>) -> String {
    let mut out = String::new();
    write_dict(dict, indent, 0, &mut out);
    out
}

pub fn value(value: &Value, indent: Option<usize>) -> String {
    let mut out = String::new();
    write_value(value, indent, 0, &mut out);
    out
}

fn write_value(value: &Value, indent: Option<usize>, level: usize, out: &mut String) {
    match value {
        Value::Null | Value::Omit => out.push_str("null"),
        Value::Bool(bool) => {
            let _ = write!(out, "{bool}");
        }
        Value::Int(_) | Value::BigInt(_) => out.push_str(&value.repr()),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&python::float_repr(*number)),
        Value::List(items) => write_list(items, indent, level, out),
        Value::Dict(dict) => write_dict(dict, indent, level, out),
        other => write_text(&other.to_text(), out),
    }
}

fn write_list(items: &[Value], indent: Option<usize>, level: usize, out: &mut String) {
    if items.is_empty() {
        return out.push_str("[]");
    }
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        separate(index, indent, level + 1, out);
        write_value(item, indent, level + 1, out);
    }
    close(indent, level, ']', out);
}

fn write_dict(dict: &Dict, indent: Option<usize>, level: usize, out: &mut String) {
    if dict.is_empty() {
        return out.push_str("{}");
    }
    let mut entries: Vec<(String, &Value)> = dict.iter().map(|(key, value)| (key.to_json_key(), value)).collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    out.push('{');
    for (index, (key, item)) in entries.into_iter().enumerate() {
        separate(index, indent, level + 1, out);
        write_text(&key, out);
        out.push_str(": ");
        write_value(item, indent, level + 1, out);
    }
    close(indent, level, '}', out);
}

fn separate(index: usize, indent: Option<usize>, level: usize, out: &mut String) {
    match indent {
        None if index > 0 => out.push_str(", "),
        None => {}
        Some(indent) => {
            if index > 0 {
                out.push(',');
            }
            let _ = write!(out, "\n{:width$}", "", width = indent * level);
        }
    }
}

fn close(indent: Option<usize>, level: usize, bracket: char, out: &mut String) {
    if let Some(indent) = indent {
        let _ = write!(out, "\n{:width$}", "", width = indent * level);
    }
    out.push(bracket);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            char if u32::from(char) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}
