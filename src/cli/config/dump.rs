//! `rplay config dump`: every option with its value and where that comes from.

use serde_json::{Map, Value as Json, json};

use super::values::{DEFAULT, Found, REQUIRED};
use super::{DumpFormat, Format, Subject, in_format};
use crate::callback::{Color, Terminal};
use crate::config::reference::Definitions;
use crate::error::Error;

/// What modules give to lookups and tests rather than anyone in a configuration.
const NEVER_CHANGED: [&str; 2] = ["_terms", "_input"];

pub fn text(subject: &Subject, only_changed: bool, format: DumpFormat, terminal: &Terminal) -> Result<String, Error> {
    let format = match format {
        DumpFormat::Display => return Display { subject, only_changed, terminal }.text(),
        DumpFormat::Json => Format::Json,
        DumpFormat::Yaml => Format::Yaml,
    };
    in_format(&Json::Array(parts(subject, only_changed)?), format)
}

/// The options, sorted by name, with their values.
fn found(subject: &Subject, options: &Definitions, only_changed: bool) -> Result<Vec<(String, Found)>, Error> {
    let mut names: Vec<&String> = options.keys().collect();
    names.sort_unstable();
    let mut out = Vec::new();
    for name in names {
        let found = subject.values.of(name, &options[name])?;
        if !only_changed || found.is_changed() && !NEVER_CHANGED.contains(&name.as_str()) {
            out.push((name.clone(), found));
        }
    }
    Ok(out)
}

fn entry(name: &str, found: &Found) -> Json {
    json!({"name": name, "origin": found.origin, "value": found.value.to_json()})
}

fn parts(subject: &Subject, only_changed: bool) -> Result<Vec<Json>, Error> {
    let mut out = Vec::new();
    if let Some(base) = subject.base {
        out.extend(found(subject, base, only_changed)?.iter().map(|(name, found)| entry(name, found)));
        let mut servers = Map::new();
        for (server, options) in &subject.servers {
            let mut shown = Vec::new();
            for (name, definition) in options {
                let mut entry = entry(name, &subject.values.of(name, definition)?);
                entry["type"] = Json::Null;
                shown.push(entry);
            }
            servers.insert(server.clone(), Json::Array(shown));
        }
        out.push(json!({"GALAXY_SERVERS": servers}));
    }
    for (kind, plugins) in &subject.plugins {
        let mut shown = Vec::new();
        for (plugin, options) in plugins {
            let found = found(subject, options, only_changed)?;
            if !found.is_empty() {
                let entries = found.iter().map(|(name, found)| entry(name, found)).collect();
                shown.push(Json::Object([((*plugin).to_owned(), Json::Array(entries))].into_iter().collect()));
            }
        }
        if subject.all {
            let name = format!("{}_PLUGINS", kind.to_uppercase());
            out.push(Json::Object([(name, Json::Array(shown))].into_iter().collect()));
        } else {
            out.extend(shown);
        }
    }
    Ok(out)
}

/// One line for each option, with headings, for people.
struct Display<'a> {
    subject: &'a Subject<'a>,
    only_changed: bool,
    terminal: &'a Terminal,
}

impl Display<'_> {
    fn text(&self) -> Result<String, Error> {
        let mut out = Vec::new();
        if let Some(base) = self.subject.base {
            out.extend(self.lines(base)?);
            out.push("\nGALAXY_SERVERS:\n".to_owned());
            for (server, options) in &self.subject.servers {
                out.push(format!("\n{server}\n{}", "=".repeat(server.chars().count())));
                out.extend(self.lines(options)?);
            }
        }
        for (kind, plugins) in &self.subject.plugins {
            let mut shown = Vec::new();
            for (plugin, options) in plugins {
                let lines = self.lines(options)?;
                if !lines.is_empty() {
                    shown.push(format!("\n{plugin}:\n{}", "_".repeat(plugin.chars().count())));
                    shown.extend(lines);
                }
            }
            if self.subject.all && (!self.only_changed || !shown.is_empty()) {
                out.push(format!("\n{}:\n{}", kind.to_uppercase(), "=".repeat(kind.len())));
            }
            out.extend(shown);
        }
        Ok(out.join("\n"))
    }

    fn lines(&self, options: &Definitions) -> Result<Vec<String>, Error> {
        let found = found(self.subject, options, self.only_changed)?;
        Ok(found
            .iter()
            .map(|(name, found)| {
                let color = match found.origin.as_str() {
                    DEFAULT => Color::Ok,
                    REQUIRED => Color::Error,
                    _ => Color::Changed,
                };
                let text = format!("{name}({}) = {}", found.origin, found.value.to_text());
                self.terminal.palette.paint(text, Some(color)).as_str().to_owned()
            })
            .collect())
    }
}
