//! `rplay config init`: a first configuration, with every option as it is by default.

use std::fmt::Write;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{InitFormat, Subject};
use crate::config::reference::{self, Definitions};
use crate::error::{Error, ErrorKind};
use crate::template::filters::yaml_text;
use crate::value::Value;

pub fn text(subject: &Subject, format: InitFormat, disabled: bool) -> Result<String, Error> {
    match format {
        InitFormat::Ini => Ok(ini(subject, disabled)),
        InitFormat::Env => lines(subject, disabled, "env"),
        InitFormat::Vars => lines(subject, disabled, "vars"),
    }
}

/// Sections with keys and what is written of each; the first option that has a key's name keeps it.
type Sections<'a> = IndexMap<&'a str, IndexMap<&'a str, String>>;

fn ini(subject: &Subject, disabled: bool) -> String {
    let mut sections = Sections::new();
    let servers = subject.servers.iter().map(|(_, options)| options);
    let mut plugins: Vec<&Definitions> = Vec::new();
    for (_, of_type) in &subject.plugins {
        let mut sorted = of_type.clone();
        sorted.sort_by_key(|(name, _)| *name);
        plugins.extend(sorted.into_iter().map(|(_, options)| options));
    }
    for options in subject.base.into_iter().chain(servers).chain(plugins) {
        let mut names: Vec<&String> = options.keys().collect();
        names.sort_unstable();
        for name in names {
            let definition = &options[name];
            let Some((section, key)) = reference::ini(definition).last() else { continue };
            let written = sections.entry(section).or_default().entry(key);
            written.or_insert_with(|| {
                let mark = if disabled { ";" } else { "" };
                let default = match subject.values.default_of(name, definition) {
                    Value::Null => String::new(),
                    Value::List(items) => items.iter().map(Value::to_text).collect::<Vec<_>>().join(", "),
                    other => other.to_text(),
                };
                format!("# ({}) {}\n{mark}{key}={default}\n", kind(definition), said(name, definition))
            });
        }
    }
    let mut out = String::new();
    for (section, keys) in sections {
        let _ = writeln!(out, "[{section}]");
        for entry in keys.values() {
            let _ = writeln!(out, "{entry}");
        }
        out.push('\n');
    }
    out
}

fn kind(definition: &Json) -> &str {
    definition["type"].as_str().unwrap_or("string")
}

fn said(name: &str, definition: &Json) -> String {
    let own = definition["description"].as_str().map(str::to_owned);
    own.or_else(|| reference::description(name).map(str::to_owned)).unwrap_or_else(|| name.replace('_', " "))
}

/// One entry for each option that has a name in this place.
fn lines(subject: &Subject, disabled: bool, place: &str) -> Result<String, Error> {
    let mark = if disabled { "#" } else { "" };
    let plugins = subject.plugins.iter().flat_map(|(_, plugins)| plugins).map(|(_, options)| *options);
    let mut out = Vec::new();
    for (name, definition) in subject.base.into_iter().chain(plugins).flatten() {
        let Some(entry) = reference::names(definition, place).last() else { continue };
        out.push(format!("# {name}({}): {}", kind(definition), said(name, definition)));
        if entry.to_uppercase().starts_with("_ANSIBLE_") {
            continue;
        }
        let default = subject.values.default_of(name, definition);
        out.push(if place == "env" {
            format!("{mark}{entry}={}", for_a_shell(&default, kind(definition)))
        } else {
            let options = yaml_text::Options { flow: Some(true), ..yaml_text::Options::default() };
            let text = yaml_text::dump(&default, &options).map_err(|err| Error::new(ErrorKind::Output, err))?;
            format!("{mark}{entry}: {text}")
        });
        out.push(String::new());
    }
    Ok(out.join("\n"))
}

fn for_a_shell(default: &Value, kind: &str) -> String {
    let text = match default {
        Value::Null => return if kind == "boolean" { "0" } else { "" }.to_owned(),
        value if kind == "boolean" => return if value.is_truthy() { "1" } else { "0" }.to_owned(),
        Value::List(items) => items.iter().map(Value::to_text).collect::<Vec<_>>().join(", "),
        Value::Str(text) => text.as_str().to_owned(),
        other => return other.to_text(),
    };
    let plain = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if text.is_empty() || text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\"'\"'")) }
}
