//! Tests (`x is NAME`) of Jinja2 and ansible.builtin: a family per file, all names in `table.rs`.

mod compare;
mod data;
mod files;
mod results;
mod strings;
pub mod table;
mod types;
pub mod versions;

use std::sync::LazyLock;

use super::engine::arguments::{Bound, Parameters};
use super::engine::run::Scope;
use super::error::Res;
use super::python;
use crate::catalog::{Found, Kind, Missing, Scope as NameScope, Table};

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

static TABLE: LazyLock<Table<Test>> =
    LazyLock::new(|| Table::new(Kind::Test, table::TESTS.iter().map(|test| (test.name, test))).of_jinja(OF_JINJA));

const OF_JINJA: &[&str] = &[
    "boolean",
    "callable",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "upper",
];

/// What a test's name means.
pub fn find(name: &str) -> Result<Found<Test>, Missing> {
    python::found(Kind::Test, name, TABLE.resolve(name, &NameScope::default()))
}
