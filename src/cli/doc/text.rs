//! Documentation as text for a terminal, in the order in which `ansible-doc` has it.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::{Document, session_columns};
use crate::error::{Error, ErrorKind};
use crate::template::filters::yaml_text;
use crate::value::Value;

const INDENT: &str = "        ";

pub fn yaml(json: &Json) -> Result<String, Error> {
    yaml_text::dump(&Value::from_json(json.clone()), &yaml_text::Options::default())
        .map_err(|err| Error::new(ErrorKind::Output, err))
}

/// Marks such as `C(text)` and `M(name)` as a terminal shows them.
fn plain(text: &str) -> String {
    let replace = |text: String, pattern: &str, by: &str| match Regex::new(pattern) {
        Ok(regex) => regex.replace_all(&text, by).into_owned(),
        Err(_) => text,
    };
    let text = replace(text.to_owned(), r"\bI\(([^)]+)\)", "*$1*");
    let text = replace(text, r"\bB\(([^)]+)\)", "*$1*");
    let text = replace(text, r"\b(?:C|V|O|RV|E)\(([^)]+)\)", "`$1'");
    let text = replace(text, r"\b(?:M|P)\(([^)#]+)(?:#\w+)?\)", "$1");
    let text = replace(text, r"\b(?:L|R)\(([^),]+),\s*([^)]+)\)", "$1 <$2>");
    let text = replace(text, r"\bU\(([^)]+)\)", "$1");
    replace(text, r"\bHORIZONTALLINE\b", "\n-------------\n")
}

/// Lines of at most so many columns; the first begins at once, the others are indented.
fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let width = columns.saturating_sub(indent.len()).max(30);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join(&format!("\n{indent}"))
}

fn texts(json: Option<&Json>) -> Vec<String> {
    match json {
        Some(Json::String(text)) => vec![text.clone()],
        Some(Json::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

pub fn document(document: &Document, kind: &str, columns: usize) -> String {
    let doc = &document.doc;
    let columns = columns.min(100);
    let place = document.file.as_ref().map_or_else(|| "compiled in".to_owned(), |file| file.display().to_string());
    let mut out = format!("> {} {} ({place})\n\n", kind.to_uppercase(), document.full_name);
    let mut description = texts(doc.get("description"));
    if description.is_empty() {
        description = texts(doc.get("short_description"));
    }
    for text in description {
        let _ = writeln!(out, "  {}", wrapped(&plain(&text), columns, "  "));
    }
    out.push('\n');
    if let Some(version) = doc.get("version_added").map(as_text) {
        let _ = writeln!(out, "ADDED IN: version {version}\n");
    }
    if let Some(Json::Object(deprecated)) = doc.get("deprecated") {
        out.push_str("DEPRECATED:\n\n");
        for (key, value) in deprecated {
            let _ = writeln!(out, "{INDENT}{key}: {}", plain(&as_text(value)));
        }
        out.push('\n');
    }
    if let Some(Json::Object(options)) = doc.get("options")
        && !options.is_empty()
    {
        out.push_str("OPTIONS (= indicates it is required):\n\n");
        fields(options, columns, "", &mut out);
    }
    if let Some(Json::Object(attributes)) = doc.get("attributes") {
        out.push_str("ATTRIBUTES:\n\n");
        for (name, about) in attributes {
            let _ = writeln!(out, "{INDENT}{name}:");
            for (key, value) in about.as_object().into_iter().flatten() {
                let _ = writeln!(out, "{INDENT}{key}: {}", plain(&as_text(value)));
            }
            out.push('\n');
        }
    }
    for (heading, key) in [("NOTES", "notes"), ("REQUIREMENTS", "requirements")] {
        let found = texts(doc.get(key));
        if !found.is_empty() {
            let _ = writeln!(out, "{heading}:");
            for text in found {
                let _ = writeln!(out, "      * {}", wrapped(&plain(&text), columns, INDENT));
            }
            out.push('\n');
        }
    }
    if let Some(Json::Array(others)) = doc.get("seealso") {
        out.push_str("SEE ALSO:\n");
        for other in others {
            let named = ["module", "plugin", "name"].iter().find_map(|key| other.get(*key).and_then(Json::as_str));
            let link = other.get("link").and_then(Json::as_str).map(|link| format!(" <{link}>")).unwrap_or_default();
            let _ = writeln!(out, "      * {}{link}", named.unwrap_or_default());
        }
        out.push('\n');
    }
    let author = texts(doc.get("author"));
    if !author.is_empty() {
        let _ = writeln!(out, "AUTHOR: {}\n", author.join(", "));
    }
    if let Some(positional) = doc.get("positional") {
        let _ = writeln!(out, "POSITIONAL: {}\n", as_text(positional));
    }
    if !document.examples.trim().is_empty() {
        let _ = writeln!(out, "EXAMPLES:\n{}\n", document.examples.trim_matches('\n'));
    }
    if let Json::Object(returns) = &document.returns
        && !returns.is_empty()
    {
        out.push_str("RETURN VALUES:\n\n");
        fields(returns, columns, "", &mut out);
    }
    out
}

/// Options, or values that are returned, sorted by name.
fn fields(options: &Map<String, Json>, columns: usize, indent: &str, out: &mut String) {
    let mut names: Vec<&String> = options.keys().collect();
    names.sort();
    for name in names {
        let option = &options[name];
        let mark = if option["required"] == true { "=" } else { " " };
        let head = format!("{indent} {mark} {name}");
        let inner = format!("{indent}{INDENT}   ");
        let pad = inner.len().saturating_sub(head.chars().count()).max(2);
        let description = texts(option.get("description"));
        let described: Vec<String> = description.iter().map(|text| wrapped(&plain(text), columns, &inner)).collect();
        let _ = writeln!(out, "{head}{}{}", " ".repeat(pad), described.join(&format!("\n{inner}")).trim_end());
        let facts = option.as_object().into_iter().flatten();
        let mut facts: Vec<(&String, &Json)> = facts
            .filter(|(key, value)| {
                !["description", "required", "suboptions", "contains", "options"].contains(&key.as_str())
                    && !value.is_null()
            })
            .collect();
        facts.sort_by_key(|(key, _)| *key);
        for (key, value) in facts {
            let shown = match value {
                Json::Array(items) if items.iter().all(|item| !item.is_object()) => {
                    format!("[{}]", items.iter().map(as_text).collect::<Vec<_>>().join(", "))
                }
                value => as_text(value),
            };
            let _ = writeln!(out, "{indent}{INDENT}{key}: {shown}");
        }
        for key in ["suboptions", "options", "contains"] {
            if let Some(Json::Object(inner)) = option.get(key) {
                let _ = writeln!(out, "\n{indent}{INDENT}{}:\n", key.to_uppercase());
                fields(inner, columns, &format!("{indent}{INDENT}"), out);
            }
        }
        out.push('\n');
    }
}

fn as_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => json.to_string(),
        other => Value::from_json(other.clone()).to_text().to_lowercase(),
    }
}

/// A task with all options of a module, each with what it is for.
pub fn snippet(document: &Document, kind: &str) -> String {
    let short = document.full_name.rsplit('.').next().unwrap_or(&document.full_name);
    let name = if document.full_name.starts_with("ansible.builtin.") { short } else { &document.full_name };
    let mut out = String::new();
    let indent = if kind == "module" {
        let _ = writeln!(out, "- name: {}\n  {name}:", plain(&document.summary()));
        "      "
    } else if kind == "lookup" {
        let _ = writeln!(out, "lookup('{name}',");
        "  "
    } else {
        let _ = writeln!(out, "plugin: {name}");
        ""
    };
    let empty = Map::new();
    let options = document.doc.get("options").and_then(Json::as_object).unwrap_or(&empty);
    let mut names: Vec<&String> = options.keys().collect();
    names.sort();
    for name in names {
        let option = &options[name];
        let required = if option["required"] == true { "(required) " } else { "" };
        let text = format!("{required}{}", plain(&texts(option.get("description")).join(" ")));
        let head = format!("{indent}{name}:");
        let pad = 29_usize.saturating_sub(head.chars().count()).max(1);
        let text = wrapped(&text, session_columns().min(100), &format!("{}# ", " ".repeat(29)));
        let _ = writeln!(out, "{head}{}# {text}", " ".repeat(pad));
    }
    if kind == "lookup" {
        out.push_str(")\n");
    }
    out
}

pub fn role(name: &str, folder: &Path, entry_points: &Map<String, Json>) -> String {
    let columns = session_columns().min(100);
    let mut out = format!("> ROLE: {name} ({})\n\n", folder.display());
    for (entry, spec) in entry_points {
        let short = spec.get("short_description").and_then(Json::as_str).unwrap_or_default();
        let _ = writeln!(out, "ENTRY POINT: {entry} - {short}\n");
        for text in texts(spec.get("description")) {
            let _ = writeln!(out, "  {}", wrapped(&plain(&text), columns, "  "));
        }
        if let Some(Json::Object(options)) = spec.get("options") {
            out.push_str("\nOptions (= indicates it is required):\n\n");
            fields(options, columns, "", &mut out);
        }
    }
    out
}
