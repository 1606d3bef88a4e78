//! Which arguments are secret, and what their values are, so that the controller can mask them wherever they turn up.

use serde_json::{Map, Value};

use crate::{Arg, Spec};

/// Whether the argument that `name` means is secret as a whole.
pub fn is_secret(spec: &Spec, name: &str) -> bool {
    spec.find(name).is_some_and(|arg| arg.no_log)
}

/// The texts in `args` that must not be shown. `args` may be validated or as the user wrote them.
pub fn secret_values(spec: &Spec, args: &Map<String, Value>) -> Vec<String> {
    let mut values = Vec::new();
    for (name, value) in args {
        if let Some(arg) = spec.find(name) {
            collect(arg, value, &mut values);
        }
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// What stands for a text that is a secret as a whole.
pub const WHOLE: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
const PART: &str = "********";

/// The text without these secrets, the longest of which come first.
pub fn without(text: &str, secrets: &[String]) -> String {
    if secrets.iter().any(|secret| secret == text) {
        return WHOLE.to_owned();
    }
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), PART);
        }
    }
    text
}

/// Takes these secrets out of every text in a value.
pub fn hide(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => *text = without(text, secrets),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, secrets)),
        Value::Object(map) => map.values_mut().for_each(|item| hide(item, secrets)),
        _ => {}
    }
}

fn collect(arg: &'static Arg, value: &Value, values: &mut Vec<String>) {
    if arg.no_log {
        return collect_all(value, values);
    }
    if arg.options.is_empty() {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(arg, item, values)),
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(inner) =
                    arg.options.iter().find(|it| it.name == name || it.aliases.contains(&name.as_str()))
                {
                    collect(inner, value, values);
                }
            }
        }
        // An inner dict that is still text can't be told apart, so all of it is kept back.
        Value::String(_) if has_secret(arg.options) => collect_all(value, values),
        _ => {}
    }
}

fn has_secret(options: &'static [Arg]) -> bool {
    options.iter().any(|arg| arg.no_log || has_secret(arg.options))
}

fn collect_all(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => values.push(text.clone()),
        Value::Number(number) => values.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect_all(item, values)),
        Value::Object(map) => map.values().for_each(|item| collect_all(item, values)),
        // Masking `True` or the empty text everywhere would destroy the output and protect nothing.
        _ => {}
    }
}
