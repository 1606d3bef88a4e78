//! Facts under their two names: `ansible_facts.os_family` and `ansible_os_family`. What a target says is untrusted until it was cleaned here.

use super::names;
use crate::value::{Dict, Value};

/// What somebody else calls facts. The only way to use them is `clean`, so that no source of facts can decide about connections.
#[derive(Debug)]
pub struct UntrustedFacts(Dict);

/// Facts without the names that are not theirs to set.
#[derive(Clone, Debug)]
pub struct Facts {
    /// As `ansible_facts` shows them.
    namespaced: Dict,
    /// As variables of their own.
    injected: Dict,
}

impl UntrustedFacts {
    pub fn new(facts: Dict) -> Self {
        Self(facts)
    }

    /// Takes notice of the `ansible_facts` of a result, and takes what must not even be registered out of it.
    pub fn of_result(fields: &mut Dict) -> Option<Self> {
        let Some(Value::Dict(facts)) = fields.get_mut("ansible_facts") else { return None };
        std::sync::Arc::make_mut(facts).retain(|name, _| !names::is_discovered_interpreter(&name.to_text()));
        Some(Self((**facts).clone()))
    }

    /// The facts, and the names that they lost as variables.
    pub fn clean(self) -> (Facts, Vec<String>) {
        let namespaced = namespaced(&self.0);
        let (injected, removed) = without_restricted(self.0);
        (Facts { namespaced, injected }, removed)
    }
}

impl Facts {
    pub fn namespaced(&self) -> &Dict {
        &self.namespaced
    }

    pub fn injected(&self) -> &Dict {
        &self.injected
    }
}

/// Without the prefix, except for `ansible_local`.
fn namespaced(facts: &Dict) -> Dict {
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

/// Variables that may come from facts, and the names of those that may not.
pub fn without_restricted(mut facts: Dict) -> (Dict, Vec<String>) {
    let mut removed = Vec::new();
    facts.retain(|key, _| {
        let name = key.to_text();
        let restricted = names::is_restricted(&name);
        if restricted {
            removed.push(name);
        }
        !restricted
    });
    (facts, removed)
}

/// Ansible's warning about a name that was removed.
pub fn removal_warning(name: &str) -> String {
    format!("Removed restricted key from module data: {name}")
}
