//! What holds between several arguments.

use serde_json::{Map, Value};

use super::Problem;
use crate::Rule;
use crate::python::python_str;

/// Checked before defaults are filled in, unlike the other rules.
pub(super) fn exclusive(rules: &[Rule], is_given: &dyn Fn(&str) -> bool) -> Result<(), Problem> {
    let broken: Vec<_> = rules
        .iter()
        .filter_map(|rule| match rule {
            Rule::MutuallyExclusive(names) if names.iter().filter(|name| is_given(name)).count() > 1 => {
                Some(names.join("|"))
            }
            _ => None,
        })
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(Problem::whole(format!("parameters are mutually exclusive: {}", broken.join(", "))))
}

/// All other rules, kind by kind in Ansible's order. An argument given as null counts as given.
pub(super) fn check(rules: &[Rule], args: &Map<String, Value>) -> Result<(), Problem> {
    for kind in [together, one_of, needed_if, needed_by] {
        for rule in rules {
            if let Some(message) = kind(rule, args) {
                return Err(Problem::whole(message));
            }
        }
    }
    Ok(())
}

fn together(rule: &Rule, args: &Map<String, Value>) -> Option<String> {
    let Rule::RequiredTogether(names) = rule else { return None };
    let given = names.iter().filter(|name| args.contains_key(**name)).count();
    (given > 0 && given < names.len()).then(|| format!("parameters are required together: {}", names.join(", ")))
}

fn one_of(rule: &Rule, args: &Map<String, Value>) -> Option<String> {
    let Rule::RequiredOneOf(names) = rule else { return None };
    let none = !names.iter().any(|name| args.contains_key(*name));
    none.then(|| format!("one of the following is required: {}", names.join(", ")))
}

fn needed_if(rule: &Rule, args: &Map<String, Value>) -> Option<String> {
    let Rule::RequiredIf { arg, value, needs, any } = rule else { return None };
    let actual = args.get(*arg)?;
    if !is_value(actual, value) {
        return None;
    }
    let missing: Vec<_> = needs.iter().copied().filter(|name| !args.contains_key(*name)).collect();
    let broken = if *any { missing.len() == needs.len() } else { !missing.is_empty() };
    let quantity = if *any { "any" } else { "all" };
    broken.then(|| {
        format!("{arg} is {} but {quantity} of the following are missing: {}", python_str(actual), missing.join(", "))
    })
}

fn is_value(actual: &Value, wanted: &str) -> bool {
    match actual {
        Value::Bool(flag) => matches!(wanted, "yes" | "true" | "True") == *flag,
        other => python_str(other) == wanted,
    }
}

fn needed_by(rule: &Rule, args: &Map<String, Value>) -> Option<String> {
    let Rule::RequiredBy { arg, needs } = rule else { return None };
    let is_set = |name: &str| args.get(name).is_some_and(|value| !value.is_null());
    if !is_set(arg) {
        return None;
    }
    let missing: Vec<_> = needs.iter().copied().filter(|name| !is_set(name)).collect();
    (!missing.is_empty()).then(|| format!("missing parameter(s) required by '{arg}': {}", missing.join(", ")))
}
