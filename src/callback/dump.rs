//! Results as text: JSON as Python's json module prints it, or YAML as PyYAML does.

use std::fmt::Write;

use super::{Display, shown};
use crate::config::ResultFormat;
use crate::template::filters::yaml_text;
use crate::value::python::{expand_tabs, float_repr, json_text};
use crate::value::{Dict, Value};

/// How JSON is written: by default in one line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    /// One entry a line, indented by so many spaces for each level.
    pub indent: Option<usize>,
    /// Other characters are escaped.
    pub ascii: bool,
    /// Nothing after commas and colons.
    pub tight: bool,
    /// Keys as they come, not sorted.
    pub unsorted: bool,
}

pub fn json(value: &Value, style: Json) -> String {
    let mut out = String::new();
    write(value, style, 0, &mut out);
    out
}

/// A result for people, as `callback_result_format` says, without what they need not see. `indent` is what the callback wants.
pub fn result(fields: &Dict, display: &Display, indent: Option<usize>) -> String {
    let mut out = String::new();
    add_result(fields, display, indent, &mut out);
    out
}

/// The same behind a text.
pub fn add_result(fields: &Dict, display: &Display, indent: Option<usize>, out: &mut String) {
    let is_detail = |key: &str| key.starts_with("_ansible_") || DETAILS.contains(&key) && display.verbosity < 3;
    let shown = fields.iter().filter(|(key, _)| !is_detail(key.as_str().unwrap_or_default()));
    let mut shown: Dict = shown.map(|(key, value)| (key.clone(), value.clone())).collect();
    let is_yaml = display.result_format == ResultFormat::Yaml;
    let pretty = display.pretty_results;
    let roomy = pretty == Some(true) || display.verbosity > 2 || pretty.is_none() && is_yaml;
    let indent = match indent {
        _ if pretty == Some(false) => None,
        None | Some(0) if roomy => Some(4),
        indent => indent,
    };
    if !is_yaml {
        return write(&Value::dict(shown), Json { indent, ..Json::default() }, 0, out);
    }
    if pretty != Some(false) {
        for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
            if shown.contains_key(text) && shown.contains_key(lines) {
                shown.insert(Value::str(lines), Value::str("<omitted>"));
            }
        }
    }
    // Whoever shows it ends the line.
    out.push('\n');
    out.push_str(yaml(&Value::dict(shown), display, indent).trim_end_matches('\n'));
}

/// A side of a difference that is no text.
pub fn structure(value: &Value, display: &Display) -> String {
    match display.result_format {
        ResultFormat::Json => json(value, Json { indent: Some(4), ..Json::default() }),
        ResultFormat::Yaml => yaml(value, display, Some(4)),
    }
}

/// YAML, indented as a whole. Where that is allowed, texts change so that they can stand in blocks.
fn yaml(value: &Value, display: &Display, indent: Option<usize>) -> String {
    let value = shown::without_secrets(value);
    let value = if display.pretty_results == Some(false) { value } else { for_blocks(&value) };
    let options = yaml_text::Options {
        indent: indent.and_then(|indent| i32::try_from(indent).ok()).unwrap_or(2),
        flow: Some(false),
        blocks: true,
        ..yaml_text::Options::default()
    };
    let text = yaml_text::dump(&value, &options).unwrap_or_default();
    let margin = " ".repeat(indent.unwrap_or(4));
    text.split_inclusive('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{margin}{line}") })
        .collect()
}

fn for_blocks(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.contains(yaml_text::BREAKS) => Value::str(block(text)),
        Value::List(items) => Value::list(items.iter().map(for_blocks).collect()),
        Value::Dict(dict) => Value::dict(dict.iter().map(|(key, item)| (key.clone(), for_blocks(item))).collect()),
        other => other.clone(),
    }
}

/// A text as YAML can write it in a block: no tabs, no spaces at the end of a line, nothing that needs escapes.
fn block(text: &str) -> String {
    let text = expand_tabs(text.trim_end(), 8);
    let is_plain = |char: &char| {
        matches!(*char, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..) && *char != '\u{feff}'
    };
    let mut out = String::with_capacity(text.len());
    for char in text.chars().filter(is_plain) {
        if yaml_text::BREAKS.contains(&char) {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out.push(char);
    }
    out
}

/// What only those see who want details.
const DETAILS: &[&str] = &["exception", "invocation", "diff"];

fn write(value: &Value, style: Json, depth: usize, out: &mut String) {
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
        Value::Str(text) if text.is_secret() => json_text("********", style.ascii, out),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, style, depth + 1, out);
                write(item, style, depth + 1, out);
            }
            close(style, depth, out);
            out.push(']');
        }
        Value::Dict(dict) if dict.is_empty() => out.push_str("{}"),
        Value::Dict(dict) => {
            let mut entries: Vec<(String, &Value)> =
                dict.iter().map(|(key, value)| (key.to_json_key(), value)).collect();
            if !style.unsorted {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                separate(index, style, depth + 1, out);
                json_text(&key, style.ascii, out);
                out.push_str(if style.tight { ":" } else { ": " });
                write(item, style, depth + 1, out);
            }
            close(style, depth, out);
            out.push('}');
        }
        Value::Sealed(_) => json_text("********", style.ascii, out),
        Value::Date(date) => json_text(&date.format("%Y-%m-%d").to_string(), style.ascii, out),
        Value::DateTime(..) => json_text(&value.to_text().replacen(' ', "T", 1), style.ascii, out),
        Value::Str(text) => json_text(text, style.ascii, out),
        Value::Bytes(_) => json_text(&value.to_text(), style.ascii, out),
    }
}

fn separate(index: usize, style: Json, depth: usize, out: &mut String) {
    match style.indent {
        Some(width) => {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
        None if index > 0 => out.push_str(if style.tight { "," } else { ", " }),
        None => {}
    }
}

fn close(style: Json, depth: usize, out: &mut String) {
    if let Some(width) = style.indent {
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
        assert_eq!(json(&value, Json::default()), "[{\"a\": \"x\\n\\\"é\\u0001\", \"b\": 1.0}, [], null]");
        assert_eq!(json(&Value::list(vec![Value::Int(1)]), Json { indent: Some(4), ..Json::default() }), "[\n    1\n]");
    }

    #[test]
    fn texts_of_several_lines_are_blocks() {
        let fields: Dict = [("a", "one \n\ttwo\n"), ("b", "yes"), ("stdout", "x"), ("stdout_lines", "x")]
            .into_iter()
            .map(|(key, value)| (Value::str(key), Value::str(value)))
            .collect();
        let display = Display { result_format: ResultFormat::Yaml, ..Display::default() };
        let expected =
            "\n    a: |-\n        one\n                two\n    b: 'yes'\n    stdout: x\n    stdout_lines: <omitted>";
        assert_eq!(result(&fields, &display, None), expected);
    }

    #[test]
    fn what_is_internal_is_left_out() {
        let fields: Dict = [("_ansible_x", 1), ("invocation", 2), ("rc", 3)]
            .into_iter()
            .map(|(key, value)| (Value::str(key), Value::Int(value)))
            .collect();
        let result = |verbosity| result(&fields, &Display { verbosity, ..Display::default() }, None);
        assert_eq!(result(0), "{\"rc\": 3}");
        assert_eq!(result(3), "{\n    \"invocation\": 2,\n    \"rc\": 3\n}");
    }
}
