//! What can be said about a task's arguments before anything is rendered.

use serde_json::Value;

use super::Problem;
use super::level::{boolean_choice, convert_argument, did_you_mean, supported};
use crate::python::python_str;
use crate::similar::closest;
use crate::{Arg, Spec};

/// An argument before templating.
#[derive(Clone, Debug)]
pub enum Written<'a> {
    Literal(&'a Value),
    /// Holds a template: only its name can be judged yet.
    Template,
    /// Stands for arguments whose names are known at run time only, as in `args: "{{ more }}"`; its own name is ignored.
    Splat,
}

/// All problems that show before anything is rendered.
pub fn check_written(spec: &Spec, written: &[(&str, Written)]) -> Vec<Problem> {
    let known: Vec<&'static Arg> = spec.all_args().filter(|arg| !arg.internal).collect();
    let mut problems = Vec::new();
    for (name, value) in written {
        if matches!(value, Written::Splat) {
            continue;
        }
        match known.iter().find(|arg| arg.name == *name || arg.aliases.contains(name)) {
            None => problems.push(unknown(spec, &known, name)),
            Some(arg) => {
                if let Written::Literal(value) = value {
                    problems.extend(check_literal(arg, name, value));
                }
            }
        }
    }
    problems.extend(missing(&known, written));
    problems
}

fn unknown(spec: &Spec, known: &[&'static Arg], name: &str) -> Problem {
    Problem {
        arg: Some(name.to_owned()),
        message: format!("Unsupported parameters for ({}) module: {name}", spec.name),
        hint: did_you_mean(name, known).or_else(|| Some(format!("supported parameters include: {}", supported(known)))),
    }
}

fn check_literal(arg: &'static Arg, name: &str, value: &Value) -> Option<Problem> {
    // What lies deeper may hold templates that only a full rendering can judge.
    if value.is_null() || holds_template(value) {
        return None;
    }
    let converted = match convert_argument(arg, name, value.clone(), &[]) {
        Ok(converted) => converted,
        Err(problem) => return Some(problem),
    };
    if arg.choices.is_empty() {
        return None;
    }
    let alone = std::slice::from_ref(&converted);
    let stranger = converted
        .as_array()
        .map_or(alone, Vec::as_slice)
        .iter()
        .map(python_str)
        .find(|it| !arg.choices.contains(&it.as_str()) && boolean_choice(it, arg.choices).is_none())?;
    Some(Problem {
        arg: Some(name.to_owned()),
        message: format!("value of {} must be one of: {}, got: {stranger}", arg.name, arg.choices.join(", ")),
        hint: closest(&stranger, arg.choices.iter().copied()).map(|it| format!("did you mean `{it}`?")),
    })
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%") || text.contains("{#"),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(map) => map.values().any(holds_template),
        _ => false,
    }
}

fn missing(known: &[&'static Arg], written: &[(&str, Written)]) -> Option<Problem> {
    if written.iter().any(|(_, value)| matches!(value, Written::Splat)) {
        return None;
    }
    let mut names: Vec<_> = known
        .iter()
        .filter(|arg| arg.required && !written.iter().any(|(name, _)| arg.name == *name || arg.aliases.contains(name)))
        .map(|arg| arg.name)
        .collect();
    names.sort_unstable();
    (!names.is_empty()).then(|| Problem::whole(format!("missing required arguments: {}", names.join(", "))))
}
