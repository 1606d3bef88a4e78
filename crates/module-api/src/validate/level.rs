//! One level of arguments: those of the module, or those of a dict among them.

use serde_json::{Map, Value};

use super::convert::{convert, dict_from_text};
use super::literal;
use super::{Problem, rules};
use crate::python::{python_str, python_type};
use crate::similar::closest;
use crate::{Arg, Kind, Rule};

/// A name that no argument has.
pub(super) struct Unknown {
    /// Name with those of the dicts around it.
    pub path: String,
    /// The outermost argument, as the user wrote it.
    pub written: String,
    /// What would have been possible in its place.
    pub known: Vec<&'static Arg>,
}

impl Unknown {
    pub fn hint(&self) -> Option<String> {
        let name = self.path.rsplit('.').next().unwrap_or(&self.path);
        did_you_mean(name, &self.known)
    }
}

pub(super) fn did_you_mean(name: &str, known: &[&'static Arg]) -> Option<String> {
    let names = known.iter().flat_map(|arg| std::iter::once(arg.name).chain(arg.aliases.iter().copied()));
    closest(name, names).map(|it| format!("did you mean `{it}`?"))
}

/// The list at the end of Ansible's text about unsupported parameters.
pub(super) fn supported(known: &[&'static Arg]) -> String {
    let mut names: Vec<_> = known.iter().map(|arg| arg.name).collect();
    let mut aliases: Vec<_> = known.iter().flat_map(|arg| arg.aliases.iter().copied()).collect();
    names.sort_unstable();
    aliases.sort_unstable();
    if aliases.is_empty() { names.join(", ") } else { format!("{} ({})", names.join(", "), aliases.join(", ")) }
}

/// An argument's default as a value of its type.
pub(crate) fn default_value(arg: &'static Arg) -> Result<Option<Value>, Problem> {
    let Some(text) = arg.default else { return Ok(None) };
    let written = match arg.kind {
        // A default of several items, or of none, can't be said as comma-separated text.
        Kind::List if text.starts_with('[') => literal::parse(text).unwrap_or_else(|| text.into()),
        _ => text.into(),
    };
    convert_argument(arg, arg.name, written, &[]).map(Some)
}

struct Given {
    arg: &'static Arg,
    written: String,
    value: Value,
}

/// Checks and converts the arguments of one level. `outer` are the names of the dicts around it.
pub(super) fn check(
    known: &[&'static Arg],
    rules: &[Rule],
    args: Map<String, Value>,
    outer: &[&str],
    unknown: &mut Vec<Unknown>,
) -> Result<Map<String, Value>, Problem> {
    let mut given = resolve_names(known, args, outer, unknown);
    for it in &given {
        check_is_dict(it)?;
    }
    rules::exclusive(rules, &|name| given.iter().any(|it| it.arg.name == name))?;
    for arg in known {
        if !given.iter().any(|it| it.arg.name == arg.name)
            && let Some(value) = default_value(arg)?
        {
            given.push(Given { arg, written: arg.name.to_owned(), value });
        }
    }
    check_required(known, &given, outer)?;

    given.sort_by_key(|it| known.iter().position(|arg| arg.name == it.arg.name));
    for it in &mut given {
        if it.value.is_null() && !it.arg.required && it.arg.default.is_none() {
            continue;
        }
        it.value = convert_argument(it.arg, &it.written, it.value.take(), outer)?;
    }
    for it in &mut given {
        check_choices(it, outer)?;
    }
    let mut validated: Map<String, Value> = given.iter().map(|it| (it.arg.name.to_owned(), it.value.clone())).collect();
    rules::check(rules, &validated)?;
    for it in &given {
        if !it.arg.options.is_empty() && !it.value.is_null() {
            let value = check_inner(it, outer, unknown)?;
            validated.insert(it.arg.name.to_owned(), value);
        }
    }
    validated.retain(|name, value| !value.is_null() || known.iter().any(|arg| arg.name == name && arg.required));
    Ok(validated)
}

fn resolve_names(
    known: &[&'static Arg],
    mut args: Map<String, Value>,
    outer: &[&str],
    unknown: &mut Vec<Unknown>,
) -> Vec<Given> {
    let mut given = Vec::new();
    for arg in known {
        let mut found = None;
        for name in std::iter::once(&arg.name).chain(arg.aliases) {
            if let Some(value) = args.remove(*name) {
                found = Some(Given { arg, written: (*name).to_owned(), value });
            }
        }
        given.extend(found);
    }
    for (name, _) in args {
        let mut path = outer.to_vec();
        path.push(&name);
        unknown.push(Unknown {
            path: path.join("."),
            written: outer.first().map_or_else(|| name.clone(), |it| (*it).to_owned()),
            known: known.to_vec(),
        });
    }
    given
}

/// Ansible reads inner dicts for their secrets before it looks at anything else, and says this when that fails.
fn check_is_dict(given: &Given) -> Result<(), Problem> {
    if given.arg.options.is_empty() || given.value.is_null() {
        return Ok(());
    }
    let alone = std::slice::from_ref(&given.value);
    for item in given.value.as_array().map_or(alone, Vec::as_slice) {
        match item {
            Value::Object(_) => {}
            Value::String(text) => {
                dict_from_text(text).map_err(|message| Problem::of(&given.written, message))?;
            }
            _ => {
                return Err(Problem::of(
                    &given.written,
                    format!(
                        "Value '{}' in the sub parameter field '{}' must be a {}, not '{}'",
                        python_str(item),
                        given.arg.name,
                        given.arg.kind.name(),
                        python_type(item)
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn check_required(known: &[&'static Arg], given: &[Given], outer: &[&str]) -> Result<(), Problem> {
    let mut missing: Vec<_> = known
        .iter()
        .filter(|arg| arg.required && !given.iter().any(|it| it.arg.name == arg.name))
        .map(|arg| arg.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    missing.sort_unstable();
    let message = format!("missing required arguments: {}{}", missing.join(", "), found_in(outer));
    Err(Problem { arg: outer.first().map(|it| (*it).to_owned()), message, hint: None })
}

fn found_in(outer: &[&str]) -> String {
    if outer.is_empty() { String::new() } else { format!(" found in {}", outer.join(" -> ")) }
}

/// Converts one value to its argument's type, and the items of a list to theirs.
pub(super) fn convert_argument(
    arg: &'static Arg,
    written: &str,
    value: Value,
    outer: &[&str],
) -> Result<Value, Problem> {
    let kind = python_type(&value);
    let converted = convert(arg.kind, value).map_err(|reason| {
        let place = if outer.is_empty() { String::new() } else { format!(" found in '{}'.", outer.join(" -> ")) };
        let message = format!(
            "argument '{}' is of type {kind}{place} and we were unable to convert to {}: {reason}",
            arg.name,
            arg.kind.name()
        );
        Problem::of(outer.first().copied().unwrap_or(written), message)
    })?;
    let (Some(elements), Value::Array(items)) = (arg.elements, &converted) else { return Ok(converted) };
    let mut converted = Vec::with_capacity(items.len());
    for item in items {
        converted.push(convert(elements, item.clone()).map_err(|reason| {
            let place = if outer.is_empty() { String::new() } else { format!(" found in '{}'", outer.join(" -> ")) };
            let message = format!(
                "Elements value for option '{}'{place} is of type {} and we were unable to convert to {}: {reason}",
                arg.name,
                python_type(item),
                elements.name()
            );
            Problem::of(outer.first().copied().unwrap_or(written), message)
        })?);
    }
    Ok(Value::Array(converted))
}

fn check_choices(given: &mut Given, outer: &[&str]) -> Result<(), Problem> {
    let choices = given.arg.choices;
    if choices.is_empty() {
        return Ok(());
    }
    let message = if let Value::Array(items) = &given.value {
        let strangers: Vec<_> = items.iter().map(python_str).filter(|it| !choices.contains(&it.as_str())).collect();
        if strangers.is_empty() {
            return Ok(());
        }
        format!(
            "value of {} must be one or more of: {}. Got no match for: {}{}",
            given.arg.name,
            choices.join(", "),
            strangers.join(", "),
            found_in(outer)
        )
    } else {
        let text = python_str(&given.value);
        if choices.contains(&text.as_str()) {
            return Ok(());
        }
        if let Some(choice) = boolean_choice(&text, choices) {
            given.value = choice.into();
            return Ok(());
        }
        format!("value of {} must be one of: {}, got: {text}{}", given.arg.name, choices.join(", "), found_in(outer))
    };
    Err(Problem {
        arg: Some(outer.first().map_or_else(|| given.written.clone(), |it| (*it).to_owned())),
        message,
        hint: closest(&python_str(&given.value), choices.iter().copied()).map(|it| format!("did you mean `{it}`?")),
    })
}

/// YAML makes booleans of unquoted `yes` and `off`; a choice is meant if only one of them says the same.
pub(super) fn boolean_choice(text: &str, choices: &[&'static str]) -> Option<&'static str> {
    let words: &[&str] = match text {
        "True" => &["y", "yes", "on", "1", "true", "t"],
        "False" => &["n", "no", "off", "0", "false", "f"],
        _ => return None,
    };
    let mut meant = choices.iter().copied().filter(|it| words.contains(it));
    meant.next().filter(|_| meant.next().is_none())
}

fn check_inner(given: &Given, outer: &[&str], unknown: &mut Vec<Unknown>) -> Result<Value, Problem> {
    let known: Vec<_> = given.arg.options.iter().collect();
    let mut path = outer.to_vec();
    path.push(if outer.is_empty() { &given.written } else { given.arg.name });
    let mut one = |value: &Value| -> Result<Value, Problem> {
        match value {
            Value::Object(map) => check(&known, &[], map.clone(), &path, unknown).map(Value::Object),
            other => Ok(other.clone()),
        }
    };
    match &given.value {
        Value::Array(items) => items.iter().map(one).collect::<Result<_, _>>().map(Value::Array),
        value => one(value),
    }
}
