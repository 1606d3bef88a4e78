//! Arguments of modules are checked as far as they are written out, before a host is touched.

use crate::actions::table::{self, Resolved};
use crate::error::Error;
use crate::playbook::keywords::Keyword;
use crate::playbook::{Entry, Play, Playbook, Task};
use crate::source::Span;
use crate::template::Templar;
use crate::value::Value;
use rplay_module_api::validate::{Problem, Written, check_written};

/// Exit code of a task that fails: in Ansible such a mistake shows when the task runs.
const FAILED: u8 = 2;

/// All mistakes in the arguments of tasks that are certain to run into them.
pub fn arguments(playbook: &Playbook) -> Vec<Error> {
    let mut errors = Vec::new();
    for play in &playbook.plays {
        for section in sections(play) {
            entries(section, &mut errors);
        }
    }
    errors
}

fn sections(play: &Play) -> impl Iterator<Item = &[Entry]> {
    let roles = play.roles.iter().map(|role| role.tasks.as_slice());
    [play.pre_tasks.as_slice()].into_iter().chain(roles).chain([play.tasks.as_slice(), play.post_tasks.as_slice()])
}

fn entries(list: &[Entry], errors: &mut Vec<Error>) {
    for entry in list {
        match entry {
            Entry::Task(entry) => task(entry, errors),
            // A mistake in a block with a rescue may be meant to be rescued.
            Entry::Block(block) if block.rescue.is_empty() => {
                entries(&block.tasks, errors);
                entries(&block.always, errors);
            }
            Entry::Block(block) => entries(&block.always, errors),
            Entry::Role { tasks, .. } => entries(tasks, errors),
        }
    }
}

/// A condition may keep a task from running, and a failure may be wanted; then Ansible does not stop either.
fn may_be_excused(task: &Task) -> bool {
    let excuses = [Keyword::When, Keyword::IgnoreErrors, Keyword::FailedWhen, Keyword::Until, Keyword::ModuleDefaults];
    excuses.into_iter().any(|keyword| task.keyword(keyword).is_some())
        || task.loop_.is_some()
        || task.variable_args.is_some()
        || task
            .keyword(Keyword::Tags)
            .is_some_and(|tags| tags.as_list().is_some_and(|tags| tags.contains(&Value::str("never"))))
}

fn task(task: &Task, errors: &mut Vec<Error>) {
    let Some(resolved) = table::of(task) else { return };
    let strange_text = task.raw_params.is_some() && resolved.spec().free_form.is_none();
    if resolved.takes_any_argument() || strange_text || task.is_builtin("meta") || may_be_excused(task) {
        return;
    }
    for problem in problems(task, resolved) {
        errors.push(error(task, resolved, problem));
    }
}

fn problems(task: &Task, resolved: &Resolved) -> Vec<Problem> {
    let spec = resolved.spec();
    let mut given: Vec<(String, Option<serde_json::Value>)> = task
        .args
        .iter()
        .map(|(name, value)| (name.to_text(), (!holds_template(value)).then(|| value.to_json())))
        .collect();
    if let (Some(text), Some(name)) = (&task.raw_params, spec.free_form) {
        let literal = (!Templar::is_template(text)).then(|| serde_json::Value::from(text.as_str()));
        given.push((name.to_owned(), literal));
    }
    let written: Vec<(&str, Written)> = given
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_ref().map_or(Written::Template, Written::Literal)))
        .collect();
    check_written(spec, &written)
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.is_trusted() && Templar::is_template(text),
        Value::List(items) => items.iter().any(holds_template),
        Value::Dict(dict) => dict.iter().any(|(key, value)| holds_template(key) || holds_template(value)),
        Value::Sealed(_) => true,
        _ => false,
    }
}

fn error(task: &Task, resolved: &Resolved, problem: Problem) -> Error {
    let place = problem
        .arg
        .as_deref()
        .and_then(|name| place_of(task, name))
        .unwrap_or_else(|| task.action_span.clone().with_length(task.action.chars().count()));
    let hints = problem.hint.clone().map_or_else(|| meanings(resolved, &problem), |hint| vec![hint]);
    let error = Error::project(problem.message, Some(&place)).with_exit_code(FAILED);
    hints.into_iter().fold(error, Error::hint)
}

/// What the arguments are for that a problem is about, or that are missing.
fn meanings(resolved: &Resolved, problem: &Problem) -> Vec<String> {
    let missing = problem.message.rsplit_once(": ").map_or("", |(_, names)| names);
    let names = problem.arg.as_deref().map_or_else(|| missing.split(", ").collect(), |name| vec![name]);
    names
        .into_iter()
        .filter_map(|name| resolved.spec().find(name))
        .map(|arg| format!("`{}`: {}", arg.name, arg.summary))
        .collect()
}

/// Where an argument is written: its key if it has a place of its own, else its value.
fn place_of(task: &Task, name: &str) -> Option<Span> {
    let (key, value) = task.args.get_key_value(name)?;
    key.span().map(|span| span.clone().with_length(name.chars().count())).or_else(|| value.span().cloned())
}
