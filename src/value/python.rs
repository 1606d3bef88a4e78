//! Values printed as Python's `str()` and `repr()` print them.

use std::fmt::Write;

use chrono::{Datelike, Timelike};

pub use rplay_module_api::python::{float_repr, json_text, str_repr};

use super::Value;

impl Value {
    /// Python's `str()`.
    pub fn to_text(&self) -> String {
        match self {
            Value::Str(text) => text.as_str().to_owned(),
            Value::Sealed(sealed) => {
                sealed.open().map_or_else(|_| sealed.ciphertext().to_owned(), |text| text.as_str().to_owned())
            }
            Value::Date(date) => date.format("%Y-%m-%d").to_string(),
            Value::DateTime(time, zone) => {
                let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
                if time.nanosecond() > 0 {
                    let _ = write!(text, ".{:06}", time.nanosecond() / 1000);
                }
                if let Some(zone) = zone {
                    let _ = write!(text, "{zone}");
                }
                text
            }
            other => other.repr(),
        }
    }

    /// Python's `repr()`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        write_repr(self, &mut out);
        out
    }
}

/// Python's `pprint.pformat`: keys sorted, what does not fit into 80 columns on lines of its own.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write_pretty(value, 0, 0, &mut out);
    out
}

const PRETTY_WIDTH: usize = 80;

/// `indent` is the column where the value begins, `after` counts what must follow it on its last line.
fn write_pretty(value: &Value, indent: usize, after: usize, out: &mut String) {
    let sorted = sorted(value);
    let repr = sorted.repr();
    if repr.chars().count() + indent + after <= PRETTY_WIDTH {
        return out.push_str(&repr);
    }
    let separate = |out: &mut String| {
        out.push_str(",\n");
        out.push_str(&" ".repeat(indent + 1));
    };
    match &sorted {
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, item)) in dict.iter().enumerate() {
                if index > 0 {
                    separate(out);
                }
                let key = format!("{}: ", key.repr());
                out.push_str(&key);
                let after = if index + 1 == dict.len() { after + 1 } else { 1 };
                write_pretty(item, indent + 1 + key.chars().count(), after, out);
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    separate(out);
                }
                let after = if index + 1 == items.len() { after + 1 } else { 1 };
                write_pretty(item, indent + 1, after, out);
            }
            out.push(']');
        }
        _ => out.push_str(&repr),
    }
}

/// With the keys of all dicts in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Dict(dict) => {
            let mut entries: Vec<_> = dict.iter().map(|(key, item)| (key.clone(), sorted(item))).collect();
            entries.sort_by_cached_key(|(key, _)| key.to_text());
            Value::dict(entries.into_iter().collect())
        }
        Value::List(items) => Value::list(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::BigInt(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float_repr(*number)),
        Value::Str(text) => out.push_str(&str_repr(text)),
        Value::Sealed(_) => out.push_str(&str_repr(&value.to_text())),
        Value::Bytes(bytes) => out.push_str(&bytes_repr(bytes)),
        Value::Date(date) => {
            let _ = write!(out, "datetime.date({}, {}, {})", date.year(), date.month(), date.day());
        }
        Value::DateTime(time, zone) => {
            let _ = write!(
                out,
                "datetime.datetime({}, {}, {}, {}, {}",
                time.year(),
                time.month(),
                time.day(),
                time.hour(),
                time.minute()
            );
            let micros = time.nanosecond() / 1000;
            if time.second() > 0 || micros > 0 {
                let _ = write!(out, ", {}", time.second());
            }
            if micros > 0 {
                let _ = write!(out, ", {micros}");
            }
            match zone.map(|zone| zone.local_minus_utc()) {
                Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
                Some(seconds) => {
                    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
                    let delta =
                        if days == 0 { format!("seconds={rest}") } else { format!("days={days}, seconds={rest}") };
                    let _ = write!(out, ", tzinfo=datetime.timezone(datetime.timedelta({delta}))");
                }
                None => {}
            }
            out.push(')');
        }
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(item, out);
            }
            out.push(']');
        }
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, item)) in dict.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(key, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
        Value::Omit => out.push_str("<<Omit>>"),
    }
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

/// `str.expandtabs`: spaces up to the next multiple of `size` columns in place of tabs, none if it is 0.
pub fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for char in text.chars() {
        match char {
            '\t' => {
                let pad = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(pad));
                column += pad;
            }
            '\n' | '\r' => {
                out.push(char);
                column = 0;
            }
            _ => {
                out.push(char);
                column += 1;
            }
        }
    }
    out
}
