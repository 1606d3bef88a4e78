//! Which action a task's mapping names, and with what arguments: `copy: …`, `action: …`, `local_action: …`, `args:`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::old_arguments;
use crate::catalog::Missing;
use crate::error::{Error, Notices, closest};
use crate::source::Span;
use crate::split_args::{self, FreeForm, parse_kv};
use crate::value::{Dict, Str, Value};
use crate::yaml::{Node, NodeKind};

/// Actions whose text is a command line.
const COMMAND_LINES: &[&str] = &[
    "ansible.builtin.command",
    "ansible.builtin.raw",
    "ansible.builtin.script",
    "ansible.builtin.shell",
    "ansible.windows.win_command",
    "ansible.windows.win_shell",
];

/// Said where one template gives all arguments.
pub const TEMPLATE_WARNING: &str = "Using a template for task args is unsafe in some situations (see https://docs.ansible.com/ansible/devel/reference_appendices/faq.html#argsplat-unsafe).";

/// What a task does.
#[derive(Clone, Debug)]
pub struct TaskAction {
    /// As written; may be a template in `action: "{{ name }}"`.
    pub name: String,
    /// What the name means; none for a template.
    pub full_name: Option<Arc<str>>,
    /// The place of the name.
    pub span: Span,
    /// Named arguments; those of `args:` first, the action's own winning.
    pub args: Dict,
    /// The text of `command: text`.
    pub raw_params: Option<Str>,
    /// `args: "{{ dict }}"`.
    pub variable_args: Option<Value>,
    /// Written as `local_action`.
    pub is_local: bool,
}

/// The names that a task's keys can be.
pub struct TaskNames<'a> {
    pub keywords: &'a [&'a str],
    /// The full name of the action of that name; templates are not asked about.
    pub find: &'a dyn Fn(&str) -> Result<Arc<str>, Missing>,
    /// Where collections are installed.
    pub collections_path: &'a [PathBuf],
    pub notices: &'a Notices,
}

impl TaskNames<'_> {
    /// Warns where a full name is of a collection that is not installed.
    fn warn_of_collection(&self, name: &str) {
        let [namespace, collection, _] = name.split('.').collect::<Vec<_>>()[..] else { return };
        if namespace == "ansible" && matches!(collection, "builtin" | "legacy") {
            return;
        }
        let is_there = |folder: &Path| {
            self.collections_path.iter().any(|path| path.join("ansible_collections").join(folder).is_dir())
        };
        let missing = if !is_there(Path::new(namespace)) {
            namespace.to_owned()
        } else if !is_there(&Path::new(namespace).join(collection)) {
            format!("{namespace}.{collection}")
        } else {
            return;
        };
        let message = format!("Error loading plugin '{name}': No module named 'ansible_collections.{missing}'");
        self.notices.warn(message, None);
    }
}

/// The action's own part, before `args:` is looked at.
struct Own {
    name: String,
    full_name: Option<Arc<str>>,
    span: Span,
    args: Dict,
    raw_params: Option<Str>,
    /// The arguments were `k=v` text.
    is_text: bool,
}

pub fn resolve(task: &Node, names: &TaskNames) -> Result<TaskAction, Error> {
    let notices = names.notices;
    let action = task.get("action");
    let local = task.get("local_action");
    if action.is_some() && local.is_some() {
        return Err(Error::project("action and local_action are mutually exclusive", Some(&task.span)));
    }
    let mut found = match action.or(local) {
        Some(node) => Some(named_by_value(node, task, names, notices)?),
        None => None,
    };
    let is_statement = found.is_some();
    for (key, value) in task.entries() {
        let Some(name) = key.as_str().filter(|name| !is_keyword(name, names)) else { continue };
        if let Some(first) = &found {
            let message = format!("conflicting action statements: {}, {name}", first.name);
            return Err(suggest(Error::project(message, Some(&key.span)), name, names));
        }
        let full_name = (names.find)(name).map_err(|missing| first_unknown(task, names, &missing))?;
        found = Some(named_by_key(name, full_name, key, value)?);
    }
    let Some(own) = found else {
        return Err(Error::project("no module/action detected in task.", Some(&task.span)));
    };
    let (args, variable_args) = keyword_args(task, &own, is_statement, notices)?;
    let merged = merge(args, own);
    refuse_internal(&merged.0, &merged.1.name, task)?;
    let (mut args, own) = merged;
    if let Some(full_name) = own.full_name.as_deref() {
        old_arguments::translate(full_name, &mut args, &own.span, notices);
    }
    Ok(TaskAction {
        name: own.name,
        full_name: own.full_name,
        span: own.span,
        args,
        raw_params: own.raw_params,
        variable_args,
        is_local: local.is_some(),
    })
}

fn is_keyword(name: &str, names: &TaskNames) -> bool {
    matches!(name, "action" | "local_action" | "args") || name.starts_with("with_") || names.keywords.contains(&name)
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

fn free_form(full_name: Option<&str>) -> FreeForm {
    if full_name.is_some_and(|name| COMMAND_LINES.contains(&name)) { FreeForm::Raw } else { FreeForm::Plain }
}

/// Neither keyword nor action: which of the two was meant shows in whether another key is an action.
fn first_unknown(task: &Node, names: &TaskNames, missing: &Missing) -> Error {
    let unknown: Vec<(&str, &Span)> = task
        .entries()
        .iter()
        .filter_map(|(key, _)| Some((key.as_str()?, &key.span)))
        .filter(|(name, _)| !is_keyword(name, names))
        .collect();
    let action = unknown.iter().find(|(name, _)| (names.find)(name).is_ok());
    let (name, span) = match (unknown.first(), action) {
        (Some((name, span)), None) => return unresolved(name, span, names, missing),
        (Some(first), Some(_)) => *first,
        (None, _) => return Error::project("no module/action detected in task.", Some(&task.span)),
    };
    let other = action.map_or(name, |(other, _)| *other);
    suggest(Error::project(format!("conflicting action statements: {name}, {other}"), Some(span)), name, names)
}

fn unresolved(name: &str, span: &Span, names: &TaskNames, missing: &Missing) -> Error {
    if let Missing::Removed(removed) = missing {
        let error = Error::project(removed.message(), Some(span)).with_exit_code(1);
        return removed.hint().into_iter().fold(error, Error::hint);
    }
    names.warn_of_collection(name);
    let message = format!(
        "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
    );
    suggest(Error::project(message, Some(span)), name, names)
}

fn suggest(err: Error, name: &str, names: &TaskNames) -> Error {
    let near = match (names.find)(name) {
        Err(Missing::Unknown { near }) => near,
        _ => None,
    };
    let closest = closest(name, near.as_deref().into_iter().chain(names.keywords.iter().copied()));
    match closest.or(near.as_deref()) {
        Some(meant) if meant != name => err.hint(format!("did you mean `{meant}`?")),
        _ => err,
    }
}

/// `copy: src=a dest=b` or `copy: {src: a, dest: b}`.
fn named_by_key(name: &str, full_name: Arc<str>, key: &Node, value: &Node) -> Result<Own, Error> {
    let mut own = Own {
        name: name.to_owned(),
        full_name: Some(full_name),
        span: key.span.clone(),
        args: Dict::new(),
        raw_params: None,
        is_text: false,
    };
    match &value.kind {
        NodeKind::Scalar(Value::Null) => {}
        NodeKind::Scalar(Value::Str(text)) => {
            own.is_text = true;
            (own.args, own.raw_params) = text_arguments(text, free_form(own.full_name.as_deref()), &value.span)?;
        }
        NodeKind::Mapping(_) => (own.args, own.raw_params) = mapping_arguments(value),
        _ => return Err(unexpected_type(value, &key.span)),
    }
    Ok(own)
}

/// `action: copy src=a dest=b` or `action: {module: copy, src: a, dest: b}`.
fn named_by_value(node: &Node, task: &Node, names: &TaskNames, notices: &Notices) -> Result<Own, Error> {
    match &node.kind {
        NodeKind::Scalar(Value::Str(text)) => statement(text, &node.span, task, names),
        NodeKind::Mapping(_) => {
            notices.deprecated(
                "Using a mapping for `action` is deprecated. Use a string value for `action`.",
                Some(&node.span),
            );
            let Some(module) = node.get("module") else {
                return Err(Error::project("no module/action detected in task.", Some(&task.span)));
            };
            let NodeKind::Scalar(Value::Str(text)) = &module.kind else {
                return Err(unexpected_type(module, &module.span));
            };
            let mut own = statement(text, &module.span, task, names)?;
            let (mut args, raw_params) = mapping_arguments(node);
            args.shift_remove("module");
            match args.shift_remove("args") {
                Some(Value::Dict(inner)) => args.extend((*inner).clone()),
                Some(Value::Str(text)) => args.extend(text_arguments(&text, FreeForm::Plain, &node.span)?.0),
                Some(other) => drop(args.insert(Value::str("args"), other)),
                None => {}
            }
            own.args.extend(args);
            own.raw_params = raw_params.or(own.raw_params);
            own.is_text = false;
            Ok(own)
        }
        _ => Err(unexpected_type(node, &task.span)),
    }
}

fn statement(text: &Str, span: &Span, task: &Node, names: &TaskNames) -> Result<Own, Error> {
    let tokens = split_args::split(text).map_err(|err| err.at(Some(span)))?;
    let Some(first) = tokens.iter().find(|token| !token.text.trim().is_empty()) else {
        return Err(Error::project("no module/action detected in task.", Some(&task.span)));
    };
    let name = first.text.trim().to_owned();
    let rest = text.get(first.start + first.text.len()..).unwrap_or("").trim_start();
    let full_name = if is_template(&name) {
        None
    } else {
        Some((names.find)(&name).map_err(|missing| unresolved(&name, span, names, &missing))?)
    };
    let (args, raw_params) = text_arguments(&text.with_text(rest), free_form(full_name.as_deref()), span)?;
    Ok(Own { name, full_name, span: span.clone(), args, raw_params, is_text: true })
}

fn text_arguments(text: &Str, kind: FreeForm, span: &Span) -> Result<(Dict, Option<Str>), Error> {
    parse_kv(text, kind).map_err(|err| err.at(Some(span)))
}

fn mapping_arguments(node: &Node) -> (Dict, Option<Str>) {
    let mut args: Dict = node.entries().iter().map(|(key, value)| (key.to_value(), value.to_value())).collect();
    let raw_params = match args.get("_raw_params") {
        Some(Value::Str(text)) => Some(text.clone()),
        _ => None,
    };
    if raw_params.is_some() {
        args.shift_remove("_raw_params");
    }
    (args, raw_params)
}

fn unexpected_type(node: &Node, place: &Span) -> Error {
    Error::project(format!("unexpected parameter type in action: <class '{}'>", node.type_name()), Some(place))
}

/// The keyword `args`: a mapping, or a template that will be one.
fn keyword_args(
    task: &Node,
    own: &Own,
    is_statement: bool,
    notices: &Notices,
) -> Result<(Option<(Dict, Option<Str>)>, Option<Value>), Error> {
    let Some(args) = task.get("args") else { return Ok((None, None)) };
    match &args.kind {
        NodeKind::Scalar(Value::Null) => {
            let message =
                "Ignoring empty task `args` keyword. A mapping or template which resolves to a mapping is required.";
            notices.deprecated(message, Some(&task.span));
            Ok((None, None))
        }
        NodeKind::Mapping(_) => {
            if own.is_text && !own.args.is_empty() && !is_statement {
                let mut names: Vec<String> = own.args.keys().map(Value::repr).collect();
                names.sort();
                let message = format!(
                    "Merging legacy k=v args ({}) into task args. Include all task args in the task `args` mapping.",
                    names.join(", ")
                );
                notices.deprecated(message, Some(&own.span));
            }
            Ok((Some(mapping_arguments(args)), None))
        }
        NodeKind::Scalar(Value::Str(text)) if is_template(text) => {
            notices.warn(TEMPLATE_WARNING, Some(&args.span));
            Ok((None, Some(Value::Str(text.clone()))))
        }
        _ => Err(Error::project("The value of the task `args` keyword is invalid.", Some(&args.span))
            .hint("a mapping, or a template that gives one, is needed")),
    }
}

fn merge(keyword: Option<(Dict, Option<Str>)>, mut own: Own) -> (Dict, Own) {
    let own_args = std::mem::take(&mut own.args);
    let Some((mut args, raw_params)) = keyword else { return (own_args, own) };
    args.extend(own_args);
    own.raw_params = own.raw_params.or(raw_params);
    (args, own)
}

fn refuse_internal(args: &Dict, action: &str, task: &Node) -> Result<(), Error> {
    let Some(name) = args.keys().filter_map(Value::as_str).find(|name| name.starts_with("_ansible_")) else {
        return Ok(());
    };
    let message = format!(
        "Invalid parameter specified beginning with keyword '_ansible_' for action '{action}': '{name}'. The prefix '_ansible_' is reserved for internal use only."
    );
    Err(Error::project(message, Some(&task.span)))
}
