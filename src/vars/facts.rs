//! Facts under their two names: `ansible_facts.os_family` and `ansible_os_family`.

use crate::value::{Dict, Value};

/// Facts as they stand in `ansible_facts`: without the prefix, except for `ansible_local`.
pub fn namespaced(facts: &Dict) -> Dict {
    let mut out = Dict::with_capacity(facts.len());
    for (key, value) in facts {
        let name = key.to_text();
        match name.strip_prefix("ansible_") {
            Some(rest) if name != "ansible_local" => out.insert(Value::str(rest), value.clone()),
            _ => out.insert(key.clone(), value.clone()),
        };
    }
    out
}

/// Facts as variables of their own.
pub fn injected(facts: &Dict) -> Dict {
    let mut out = Dict::with_capacity(facts.len());
    for (key, value) in facts {
        let name = key.to_text();
        if name.starts_with("ansible_") || UNPREFIXED.contains(&name.as_str()) {
            out.insert(key.clone(), value.clone());
        } else {
            out.insert(Value::str(format!("ansible_{name}")), value.clone());
        }
    }
    out
}

/// Set by fact modules under these very names.
const UNPREFIXED: &[&str] = &["module_setup", "gather_subset", "facter", "ohai"];
