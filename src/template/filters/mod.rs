//! Filters of Jinja2 and ansible.builtin: a family per file, all names in `table.rs`.

pub mod chance;
mod collections;
pub mod dates;
mod defaults;
pub mod digests;
mod encodings;
mod html;
mod mappings;
mod md5_crypt;
mod numbers;
pub mod paths;
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

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Settings;
use super::engine::arguments::{Bound, Parameters};
use super::engine::run::Scope;
use super::engine::val::Val;
use super::error::Res;

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

static BY_NAME: LazyLock<HashMap<&'static str, &'static Filter>> =
    LazyLock::new(|| table::FILTERS.iter().map(|filter| (filter.name, filter)).collect());

/// A filter by its name, with or without `ansible.builtin.`.
pub fn find(name: &str, settings: &Settings) -> Option<&'static Filter> {
    if let Some(found) = BY_NAME.get(name.strip_prefix("ansible.builtin.").unwrap_or(name)) {
        return Some(*found);
    }
    if !settings.accept_removed {
        return None;
    }
    let found = table::REMOVED.iter().find(|filter| filter.name == name)?;
    settings.notices.warn(
        format!(
            "The filter '{name}' was removed from Ansible; use the test of the same meaning (`is {name}`) instead."
        ),
        None,
    );
    Some(found)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    table::FILTERS.iter().map(|filter| filter.name)
}
