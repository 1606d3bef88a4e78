//! Every lookup by name.

use super::{Lookup, env, file, vars};

pub static LOOKUPS: &[Lookup] = &[
    Lookup { name: "env", options: &["default"], run: env::run },
    Lookup { name: "file", options: &["lstrip", "rstrip"], run: file::run },
    Lookup { name: "vars", options: &["default"], run: vars::run },
];
