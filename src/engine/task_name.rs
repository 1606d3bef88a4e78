//! What a task is called in banners, and in `ansible_failed_task`.

use std::sync::Arc;

use super::shared::{PlayRun, Shared};
use crate::error::Notices;
use crate::playbook::Task;
use crate::template::{Mark, SearchPath, Templar, marks_text};
use crate::value::{Dict, Value, mask};

/// The rendered name, with the role in front. What cannot be rendered is marked, and warned about.
pub fn of_task(shared: &Shared, play: &PlayRun, task: &Task, host: &Arc<str>, search_path: &Arc<SearchPath>) -> String {
    let own = match &task.name {
        None => unnamed(task),
        Some(name) if !Templar::is_template(name) => name.as_str().to_owned(),
        Some(name) => shared
            .scope(play, task, host, search_path)
            .ok()
            .and_then(|scope| shared.templar(&scope, search_path).render_leniently(&Value::Str(name.clone())).ok())
            .map_or_else(
                || name.as_str().to_owned(),
                |name| {
                    warn_of_marks(&name.marks, &shared.notices);
                    without_secret(&name.value)
                },
            ),
    };
    with_role(task, own)
}

fn warn_of_marks(marks: &[Mark], notices: &Notices) {
    let Some(first) = marks.first() else { return };
    notices.warn(marks_text(marks), first.place.as_ref());
}

/// What is too short to be found in a text hides all of it.
fn without_secret(name: &Value) -> String {
    let text = name.to_text();
    let secret = matches!(name, Value::Str(text) if text.is_secret());
    if secret && mask::hide(&text) == text { mask::MASK.to_owned() } else { text }
}

/// The name before anything is rendered.
pub fn written(task: &Task) -> String {
    with_role(task, task.name.as_ref().map_or_else(|| unnamed(task), |name| name.as_str().to_owned()))
}

fn with_role(task: &Task, own: String) -> String {
    match task.role() {
        // It names the role that it brings in.
        Some(role) if !task.is_builtin("include_role") => format!("{} : {own}", role.full_name),
        _ => own,
    }
}

/// An unnamed task is called after its action, an include of a role after the role too.
fn unnamed(task: &Task) -> String {
    if task.is_builtin("include_role")
        && let Some(role) = task.args.get("name").or_else(|| task.args.get("role"))
    {
        return format!("{} : {}", task.action, role.to_text());
    }
    task.action.clone()
}

/// `ansible_failed_task`: what a rescue may want to know about the task.
pub fn describe(task: &Task) -> Value {
    let text = |text: &str| Value::str(text);
    let own = task.name.as_ref().map_or("", |name| name.as_str());
    let mut dict = Dict::new();
    dict.insert(text("action"), text(&task.action));
    dict.insert(text("args"), untrusted(&Value::dict(task.args.clone())));
    dict.insert(text("name"), text(own));
    for (keyword, written) in &task.keywords.entries {
        dict.entry(text(keyword.name())).or_insert_with(|| untrusted(&written.value));
    }
    Value::dict(dict)
}

/// Shown as it is written, never rendered.
fn untrusted(value: &Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(text.clone().into_untrusted()),
        Value::List(items) => Value::list(items.iter().map(untrusted).collect()),
        Value::Dict(dict) => Value::dict(dict.iter().map(|(key, item)| (untrusted(key), untrusted(item))).collect()),
        other => other.clone(),
    }
}
