//! Tests (`x is NAME`) of Jinja2 and ansible.builtin: a family per file, all names in `table.rs`.

mod compare;
mod data;
mod files;
mod results;
mod strings;
pub mod table;
mod types;
pub mod versions;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::engine::arguments::{Bound, Parameters};
use super::engine::run::Scope;
use super::error::Res;

pub struct Test {
    pub name: &'static str,
    pub parameters: Parameters,
    /// Sees undefined values instead of passing them on.
    pub takes_undefined: bool,
    pub run: fn(&Scope, Bound) -> Res<bool>,
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Test>> =
    LazyLock::new(|| table::TESTS.iter().map(|test| (test.name, test)).collect());

/// A test by its name, with or without `ansible.builtin.`.
pub fn find(name: &str) -> Option<&'static Test> {
    BY_NAME.get(name.strip_prefix("ansible.builtin.").unwrap_or(name)).copied()
}

pub fn names() -> impl Iterator<Item = &'static str> {
    table::TESTS.iter().map(|test| test.name)
}
