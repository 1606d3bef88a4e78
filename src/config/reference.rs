//! What Ansible's settings and its plugins' options are, as data (`reference.json`, written by `reference.py`): also of those that
//! mean nothing to rplay. It is read only by commands that speak of settings, and where a file has a key that no row knows.

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value as Json;

/// Options by name, each with what is known of it: `default`, `env`, `ini`, `type`, …
pub type Definitions = IndexMap<String, Json>;

#[derive(Deserialize)]
pub struct Reference {
    pub base: Definitions,
    /// Of each kind of plugin that has options: the plugins in Ansible's order.
    pub plugins: IndexMap<String, IndexMap<String, Definitions>>,
}

pub static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("reference.json")).expect("a test reads the same text"));

static DESCRIPTIONS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| include_str!("descriptions.txt").lines().filter_map(|line| line.split_once(' ')).collect());

/// One sentence on a setting; none of an option of a plugin.
pub fn description(name: &str) -> Option<&'static str> {
    DESCRIPTIONS.get(name).copied()
}

/// The names by which an option is known in a place: environment variables in `env`, variables in `vars`.
pub fn names<'a>(definition: &'a Json, place: &str) -> impl Iterator<Item = &'a str> {
    definition[place].as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str())
}

/// Section and key of each place in ansible.cfg; the last one that is given counts.
pub fn ini(definition: &Json) -> impl Iterator<Item = (&str, &str)> {
    let entries = definition["ini"].as_array().into_iter().flatten();
    entries.filter_map(|entry| Some((entry["section"].as_str().unwrap_or("defaults"), entry["key"].as_str()?)))
}

impl Reference {
    pub fn all(&self) -> impl Iterator<Item = &Json> {
        self.base.values().chain(self.plugins.values().flat_map(IndexMap::values).flat_map(IndexMap::values))
    }
}

/// What a galaxy server's section may hold: name, whether it is needed, type.
const GALAXY_SERVER: &[(&str, bool, &str)] = &[
    ("url", true, "str"),
    ("username", false, "str"),
    ("password", false, "str"),
    ("token", false, "str"),
    ("auth_url", false, "str"),
    ("api_version", false, "int"),
    ("validate_certs", false, "bool"),
    ("client_id", false, "str"),
    ("client_secret", false, "str"),
    ("timeout", false, "int"),
];

/// The options of a server of `GALAXY_SERVER_LIST`; `timeout` is what holds for every server.
pub fn galaxy_server(server: &str, timeout: &Json) -> Definitions {
    let mut definitions = Definitions::new();
    for (key, required, kind) in GALAXY_SERVER {
        let mut definition = serde_json::json!({
            "description": format!("The {key} of the server {server}"),
            "env": [{"name": format!("ANSIBLE_GALAXY_SERVER_{}_{}", server.to_uppercase(), key.to_uppercase())}],
            "ini": [{"key": key, "section": format!("galaxy_server.{server}")}],
            "required": required,
            "type": kind,
        });
        match *key {
            "api_version" => {
                definition["choices"] = serde_json::json!([2, 3]);
                definition["default"] = Json::Null;
            }
            "token" => definition["default"] = Json::Null,
            "timeout" => {
                definition["cli"] = serde_json::json!([{"name": key}]);
                definition["default"] = timeout.clone();
            }
            "validate_certs" => definition["cli"] = serde_json::json!([{"name": key}]),
            _ => {}
        }
        definitions.insert((*key).to_owned(), definition);
    }
    definitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SETTINGS;

    #[test]
    fn every_setting_of_the_table_is_known_with_its_places() {
        let known_env: Vec<&str> = REFERENCE.all().flat_map(|it| names(it, "env")).collect();
        let known_ini: Vec<(&str, &str)> = REFERENCE.all().flat_map(ini).collect();
        assert_eq!(REFERENCE.base.len(), 218);
        for setting in SETTINGS.iter().filter(|setting| REFERENCE.base.contains_key(setting.name)) {
            for name in setting.env {
                assert!(known_env.contains(name), "{name}");
            }
            for place in setting.ini {
                assert!(known_ini.contains(place), "{place:?}");
            }
        }
    }

    #[test]
    fn every_setting_has_one_sentence() {
        let missing: Vec<&String> = REFERENCE.base.keys().filter(|name| description(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(DESCRIPTIONS.len(), REFERENCE.base.len());
    }
}
