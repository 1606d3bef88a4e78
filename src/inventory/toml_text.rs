//! TOML as `ansible-inventory --toml` prints it: a table's values before its tables, an item of a list on each line.

use std::fmt::Write;

use crate::value::{Dict, Value};

/// Up to this width a list of small tables stays a list of values.
const WIDTH: usize = 100;

/// An error names what TOML has no word for: null.
pub fn dump(table: &Dict) -> Result<String, String> {
    let mut out = String::new();
    write_table(table, "", false, &mut out)?;
    Ok(out)
}

fn write_table(table: &Dict, name: &str, of_list: bool, out: &mut String) -> Result<(), String> {
    let mut literals = String::new();
    let mut tables = Vec::new();
    for (key, value) in table {
        let key = key_text(&key.to_json_key());
        match value {
            Value::Dict(table) => tables.push((key, vec![&**table], false)),
            Value::List(items) if needs_tables(value)? => {
                tables.push((key, items.iter().filter_map(Value::as_dict).collect(), true));
            }
            _ => {
                let _ = writeln!(literals, "{key} = {}", literal(value, 0)?);
            }
        }
    }
    if of_list || !name.is_empty() && (!literals.is_empty() || tables.is_empty()) {
        begin(out);
        let _ = if of_list { writeln!(out, "[[{name}]]") } else { writeln!(out, "[{name}]") };
    }
    out.push_str(&literals);
    for (key, tables, of_list) in tables {
        let name = if name.is_empty() { key } else { format!("{name}.{key}") };
        for table in tables {
            write_table(table, &name, of_list, out)?;
        }
    }
    Ok(())
}

fn begin(out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
}

/// Whether a value is a list of tables that are too large to be values.
fn needs_tables(value: &Value) -> Result<bool, String> {
    let items = value.as_list().unwrap_or_default();
    if items.is_empty() || !items.iter().all(|item| item.as_dict().is_some()) {
        return Ok(false);
    }
    for item in items {
        let text = format!("    {},", literal(item, 1)?);
        if text.contains('\n') || text.chars().count() > WIDTH {
            return Ok(true);
        }
    }
    Ok(false)
}

fn literal(value: &Value, depth: usize) -> Result<String, String> {
    Ok(match value {
        Value::Null | Value::Omit => return Err("a value is null, which TOML does not have".to_owned()),
        Value::Bool(bool) => bool.to_string(),
        Value::Float(number) if number.is_finite() => value.to_text(),
        Value::Float(number) if number.is_nan() => "nan".to_owned(),
        Value::Float(number) => if *number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Value::Int(_) | Value::BigInt(_) | Value::Date(_) | Value::DateTime(..) => value.to_text(),
        Value::Sealed(sealed) => quoted(sealed.ciphertext()),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) => {
            let indent = "    ".repeat(depth + 1);
            let mut out = "[\n".to_owned();
            for item in items.iter() {
                let _ = writeln!(out, "{indent}{},", literal(item, depth + 1)?);
            }
            out + &"    ".repeat(depth) + "]"
        }
        Value::Dict(table) if table.is_empty() => "{}".to_owned(),
        Value::Dict(table) => {
            let entries: Result<Vec<String>, String> = table
                .iter()
                .map(|(key, value)| Ok(format!("{} = {}", key_text(&key.to_json_key()), literal(value, depth)?)))
                .collect();
            format!("{{ {} }}", entries?.join(", "))
        }
        other => quoted(&other.to_text()),
    })
}

fn key_text(key: &str) -> String {
    let is_bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push('\t'),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control.is_ascii_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
