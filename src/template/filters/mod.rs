//! Filters of Jinja2, ansible.builtin and collections: a family per file, all names in `table.rs`.

pub mod chance;
mod collections;
mod csv_text;
pub mod dates;
mod defaults;
mod dicts;
pub mod digests;
mod durations;
mod encodings;
mod html;
mod ini_text;
mod ipaddr;
mod json_query;
mod keys;
mod mappings;
mod md5_crypt;
mod numbers;
pub mod paths;
mod protomatter;
pub mod regex;
mod select;
mod sequences;
mod serial;
mod sets;
mod sizes;
pub mod table;
mod text;
mod vault;
pub mod yaml_text;

use std::sync::LazyLock;

use super::Settings;
use super::engine::arguments::{Bound, Parameters};
use super::engine::run::Scope;
use super::engine::val::Val;
use super::error::Res;
use super::python;
use crate::catalog::{Found, Kind, Missing, Plugin, Scope as NameScope, Table};

pub struct Filter {
    pub name: &'static str,
    pub parameters: Parameters,
    /// Sees undefined values instead of passing them on.
    pub takes_undefined: bool,
    pub run: fn(&Scope, Bound) -> Res<Val>,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

static TABLE: LazyLock<Table<Filter>> = LazyLock::new(|| {
    let moved: Vec<_> = table::moved().collect();
    let moved = moved.iter().map(|(name, filter)| (name.as_str(), *filter));
    Table::new(Kind::Filter, table::FILTERS.iter().map(|filter| (filter.name, filter)).chain(moved)).of_jinja(OF_JINJA)
});

const OF_JINJA: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "max",
    "min",
    "pprint",
    "replace",
    "reverse",
    "round",
    "safe",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

/// What a filter's name means. Names in templates are not looked for in the collections of a play, as in Ansible.
pub fn find(name: &str, settings: &Settings) -> Result<Found<Filter>, Missing> {
    let found = python::found(Kind::Filter, name, TABLE.resolve(name, &NameScope::default()));
    if found.is_ok() || !settings.accept_removed {
        return found;
    }
    let Some(removed) = table::REMOVED.iter().find(|filter| filter.name == name) else { return found };
    settings.notices.warn(
        format!(
            "The filter '{name}' was removed from Ansible; use the test of the same meaning (`is {name}`) instead."
        ),
        None,
    );
    Ok(Found { full_name: name.into(), plugin: Plugin::Native(removed) })
}
