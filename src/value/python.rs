//! Values printed as Python's `str()` and `repr()` print them.

use std::fmt::Write;

use chrono::{Datelike, Timelike};

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

/// Shortest form that reads back the same, with Python's switch to exponents at 1e16 and 1e-5.
pub fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Python's `repr` of a string.
pub fn str_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char == quote => {
                out.push('\\');
                out.push(char);
            }
            char if is_printable(char) => out.push(char),
            char => {
                let code = u32::from(char);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
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

/// Approximates `str.isprintable`: no control characters, no separators but the space.
fn is_printable(char: char) -> bool {
    match char {
        ' ' => true,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => false,
        char => !char.is_control() && !char.is_whitespace(),
    }
}
