//! Which parts of a result are for people.

use crate::engine::CENSORED_ITEM;
use crate::engine::event::TaskReport;
use crate::value::mask::MASK;
use crate::value::{Dict, Value};

/// The fields of a result as callbacks show them.
pub fn fields(report: &TaskReport, verbosity: u8) -> Dict {
    if report.task.action == "debug" && !report.no_log {
        return of_debug(&report.fields);
    }
    of_task(&report.fields, verbosity)
}

pub fn of_task(fields: &Dict, verbosity: u8) -> Dict {
    fields
        .iter()
        .filter(|(name, _)| {
            let name = name.to_text();
            !HIDDEN.contains(&name.as_str())
                && !name.starts_with("_ansible_")
                && (name != "invocation" || verbosity >= 3)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What `debug` was asked to show, and nothing about the task.
fn of_debug(fields: &Dict) -> Dict {
    if let Some(message) = fields.get("msg") {
        return Dict::from_iter([(Value::str("msg"), message.clone())]);
    }
    let noise = |name: &str| HIDDEN.contains(&name) || DEBUG_NOISE.contains(&name) || name.starts_with("_ansible_");
    let item = fields.get("ansible_loop_var").map(Value::to_text);
    let shown: Vec<_> = fields.iter().filter(|(name, _)| !noise(&name.to_text())).collect();
    // The loop's variable stands beside what was asked for, unless it is what was asked for.
    let asked_for_item = shown.len() == 1;
    shown
        .into_iter()
        .filter(|(name, _)| asked_for_item || Some(name.to_text()) != item)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

const HIDDEN: &[&str] = &["deprecations", "diff", "exception", "failed", "skipped", "warnings"];
const DEBUG_NOISE: &[&str] = &[
    "ansible_index_var",
    "ansible_loop",
    "ansible_loop_var",
    "attempts",
    "changed",
    "failed_when_result",
    "invocation",
    "results",
    "retries",
];

/// What a loop's item is called.
pub fn item_label(report: &TaskReport) -> String {
    if report.no_log {
        return CENSORED_ITEM.to_owned();
    }
    report.item_label.as_ref().map(label).unwrap_or_default()
}

/// A value in one line, without the secrets in it.
pub fn label(value: &Value) -> String {
    without_secrets(value).to_text()
}

pub(super) fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Sealed(_) => Value::str(MASK),
        Value::Str(text) if text.is_secret() => Value::str(MASK),
        Value::List(items) => Value::list(items.iter().map(without_secrets).collect()),
        Value::Dict(dict) => {
            Value::dict(dict.iter().map(|(key, item)| (without_secrets(key), without_secrets(item))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_what_it_was_asked_for() {
        let fields = |names: &[&str]| -> Dict {
            let loop_var = (Value::str("ansible_loop_var"), Value::str("item"));
            names.iter().map(|name| (Value::str(*name), Value::Int(1))).chain([loop_var]).collect()
        };
        let shown = |names: &[&str]| of_debug(&fields(names)).keys().map(Value::to_text).collect::<Vec<_>>();
        assert_eq!(shown(&["x", "item", "changed"]), ["x"]);
        assert_eq!(shown(&["item", "changed"]), ["item"]);
    }
}
