//! What an option is in this run: its value with its type, and where it comes from.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::reference::{self, Definitions};
use crate::config::{Config, Origin, SETTINGS, Written, parse_bool};
use crate::error::{Error, ErrorKind};
use crate::template::{Engine, SearchPath, Settings, Templar};
use crate::value::{Dict, Str, Value};

/// Where a value comes from when nobody wrote one.
pub const DEFAULT: &str = "default";
/// Nobody wrote a value that has to be written.
pub const REQUIRED: &str = "REQUIRED";

pub struct Found {
    pub value: Value,
    pub origin: String,
}

impl Found {
    pub fn is_changed(&self) -> bool {
        self.origin != DEFAULT && self.origin != REQUIRED
    }
}

pub struct Values<'a> {
    pub config: &'a Config,
    templar: Templar,
}

impl<'a> Values<'a> {
    pub fn new(config: &'a Config) -> Self {
        let mut known = Dict::new();
        known.insert(Value::str("ANSIBLE_HOME"), config.value("ANSIBLE_HOME").unwrap_or(Value::Null));
        // Files that are never an inventory or a playbook.
        let rejected = [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst"];
        known.insert(Value::str("REJECT_EXTS"), Value::list(rejected.map(Value::str).to_vec()));
        let engine = Engine::new(Settings::default());
        Self { config, templar: engine.templar(Arc::new(known), Arc::new(SearchPath::default())) }
    }

    /// The default, with the settings in it filled in.
    pub fn default_of(&self, name: &str, definition: &Json) -> Value {
        if let Some(own) = own_default(name) {
            return own;
        }
        match &definition["default"] {
            Json::String(text) if text.starts_with("{{") && text.ends_with("}}") => {
                let template = Value::Str(Str::trusted(text.as_str(), None));
                self.templar.render(&template).unwrap_or_else(|_| Value::str(text.as_str()))
            }
            other => Value::from_json(other.clone()),
        }
    }

    pub fn of(&self, name: &str, definition: &Json) -> Result<Found, Error> {
        if name == "CONFIG_FILE" {
            let file = self.config.file.as_ref();
            let value = file.map_or(Value::Null, |file| Value::str(file.to_string_lossy()));
            return Ok(Found { value, origin: String::new() });
        }
        let written = self.config.written(definition);
        let (value, origin, in_file) = match written {
            Some(Written { text, origin: Origin::Environment(variable) }) => {
                (Value::str(text), format!("env: {variable}"), false)
            }
            Some(Written { text, origin: Origin::File(span) }) => {
                (Value::str(text), span.path().display().to_string(), true)
            }
            None if definition["required"] == true && definition["default"].is_null() => {
                return Ok(Found { value: Value::Null, origin: REQUIRED.to_owned() });
            }
            None => (self.default_of(name, definition), DEFAULT.to_owned(), false),
        };
        let kind = definition["type"].as_str().unwrap_or_default();
        let typed = self.typed(value, kind, in_file).ok_or_else(|| {
            let message = format!("Config {name:?} from {origin:?} has an invalid value: it is no {kind}");
            Error::new(ErrorKind::Usage, message).with_exit_code(5)
        })?;
        Ok(Found { value: typed, origin })
    }

    fn typed(&self, value: Value, kind: &str, in_file: bool) -> Option<Value> {
        let Some(text) = value.as_str() else {
            return Some(if kind.starts_with("str") && !value.is_null() { Value::str(value.to_text()) } else { value });
        };
        let path = |text: &str| Value::str(self.config.path(text, in_file).to_string_lossy());
        let unquoted = |text: &str| Value::str(reference_unquote(text, in_file));
        Some(match kind {
            "bool" | "boolean" => Value::Bool(parse_bool(text).unwrap_or(false)),
            "int" | "integer" => Value::Int(text.trim().parse().ok()?),
            "float" => Value::Float(text.trim().parse().ok()?),
            "list" => {
                Value::list(text.split(',').map(|item| Value::str(crate::config::unquote(item.trim()))).collect())
            }
            "path" => path(text),
            "tmp" | "tmppath" | "temppath" => {
                let folder = self.config.path(text, in_file);
                let name =
                    format!("ansible-local-{}{}", std::process::id(), &uuid::Uuid::new_v4().simple().to_string()[..8]);
                Value::str(folder.join(name).to_string_lossy())
            }
            "pathspec" => Value::list(text.split(':').map(path).collect()),
            "pathlist" => Value::list(text.split(',').map(str::trim).map(path).collect()),
            _ => unquoted(text),
        })
    }
}

fn reference_unquote(text: &str, in_file: bool) -> &str {
    if in_file { crate::config::unquote(text) } else { text }
}

/// The default of a setting where rplay has another one than Ansible.
fn own_default(name: &str) -> Option<Value> {
    const DIFFERENT: [&str; 2] = ["ALLOW_BROKEN_CONDITIONALS", "DEFAULT_FORKS"];
    let setting = SETTINGS.iter().find(|setting| setting.name == name && DIFFERENT.contains(&name))?;
    Some(setting.default.parse().map_or_else(|_| Value::Bool(setting.default == "true"), Value::Int))
}

/// The servers of `GALAXY_SERVER_LIST` with their options.
pub fn galaxy_servers(values: &Values) -> Result<Vec<(String, Definitions)>, Error> {
    let base = &reference::REFERENCE.base;
    let listed = values.of("GALAXY_SERVER_LIST", &base["GALAXY_SERVER_LIST"])?.value;
    let timeout = values.of("GALAXY_SERVER_TIMEOUT", &base["GALAXY_SERVER_TIMEOUT"])?.value.to_json();
    let names = listed.as_list().unwrap_or_default().iter().map(Value::to_text).filter(|name| !name.is_empty());
    Ok(names.map(|name| (name.clone(), reference::galaxy_server(&name, &timeout))).collect())
}
