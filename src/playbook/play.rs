//! A playbook file and its plays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::import::missing_import;
use super::keywords::{self, Inherit, Keyword, Place};
use super::loader::{INVALID_VARIABLES, INVALID_VARIABLES_HINT, Parser, directory_of};
use super::types::{Context, Entry, Keywords, Play, RoleUse, VarsPrompt, Written};
use crate::catalog::{self, Missing};
use crate::error::{Error, ErrorKind};
use crate::template::{Templar, lookups};
use crate::value::{Dict, Str, Value};
use crate::yaml::{Node, NodeKind};

impl Parser<'_> {
    /// The plays of a file; `outer` holds what `import_playbook` adds, `open` the files being read.
    pub fn playbook_file(&mut self, path: &Path, outer: &Context, open: &mut Vec<PathBuf>) -> Vec<Arc<Play>> {
        let node = match self.loader.reader.read_file(path) {
            Ok(node) => node,
            Err(err) => {
                self.errors.push(err);
                return Vec::new();
            }
        };
        self.scope.playbook_dir = directory_of(path);
        self.plays(&node, path, outer, open)
    }

    pub fn plays(&mut self, node: &Node, path: &Path, outer: &Context, open: &mut Vec<PathBuf>) -> Vec<Arc<Play>> {
        let NodeKind::Sequence(items) = &node.kind else {
            if matches!(&node.kind, NodeKind::Scalar(Value::Null)) {
                self.errors
                    .push(Error::new(ErrorKind::Project, format!("Empty playbook, nothing to do: {}", path.display())));
            } else {
                let class = class_of(&node.to_value());
                let message = format!("A playbook must be a list of plays, got a {class} instead: {}", path.display());
                self.mistake(message, &node.span);
            }
            return Vec::new();
        };
        if items.is_empty() {
            self.errors.push(Error::new(
                ErrorKind::Project,
                format!("A playbook must contain at least one play: {}", path.display()),
            ));
        }
        open.push(path.to_owned());
        let mut plays = Vec::new();
        for item in items.iter() {
            let NodeKind::Mapping(entries) = &item.kind else {
                self.mistake("playbook entries must be either valid plays or 'import_playbook' statements", &item.span);
                continue;
            };
            match entries.iter().find(|(key, _)| is_import(key)) {
                Some((key, target)) => plays.extend(self.import_playbook(key, target, &entries[..], outer, open)),
                None => plays.extend(self.play(item, &entries[..], outer)),
            }
        }
        open.pop();
        plays
    }

    fn import_playbook(
        &mut self,
        key: &Node,
        target: &Node,
        entries: &[(Node, Node)],
        outer: &Context,
        open: &mut Vec<PathBuf>,
    ) -> Vec<Arc<Play>> {
        let mut context = outer.clone();
        let mut keywords = Keywords::default();
        for (name, value) in entries {
            match name.to_value().to_text().as_str() {
                "vars" => context.vars.extend(self.own_vars(value, "PlaybookInclude")),
                "when" | "tags" => self.keyword(name, value, Place::Block, &mut keywords),
                "name" => {}
                other if is_import_name(other) => {}
                other => self.mistake(format!("'{other}' is not a valid attribute for a PlaybookInclude"), &name.span),
            }
        }
        context.keywords = Arc::new(merge(&outer.keywords, &keywords));
        let Some(file) = self.render_static(&target.to_value(), &context, &target.span) else { return Vec::new() };
        let path = self.scope.playbook_dir.join(file.to_text().trim());
        if open.contains(&path) {
            self.mistake(format!("the playbook {} imports itself", path.display()), &target.span);
            return Vec::new();
        }
        if !path.is_file() {
            self.errors.push(missing_import(&path, &target.span));
            return Vec::new();
        }
        if key.to_value().as_str() == Some("include") {
            self.loader
                .notices
                .deprecated("`include` of a playbook was removed from Ansible; use import_playbook", Some(&key.span));
        }
        let directory = Arc::clone(&self.scope.playbook_dir);
        let plays = self.playbook_file(&path, &context, open);
        self.scope.playbook_dir = directory;
        plays
    }

    fn play(&mut self, node: &Node, entries: &[(Node, Node)], outer: &Context) -> Option<Arc<Play>> {
        let mut keywords = Keywords::default();
        let mut sections: IndexMap<&'static str, &Node> = IndexMap::new();
        for (key, value) in entries {
            let name = key.to_value().to_text();
            match name.as_str() {
                "hosts" | "vars" | "vars_files" | "vars_prompt" | "roles" | "pre_tasks" | "tasks" | "post_tasks"
                | "handlers" | "name" => {
                    if let Some(keyword) = Keyword::find(&name) {
                        sections.insert(keyword.name(), value);
                    }
                }
                _ => self.keyword(key, value, Place::Play, &mut keywords),
            }
        }
        let has = |wanted: &str| entries.iter().any(|(key, _)| key.to_value().as_str() == Some(wanted));
        if has("user") && has("remote_user") {
            let message = "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed";
            self.mistake(message, &node.span);
        }
        let hosts = self.hosts(node, sections.get("hosts").copied())?;
        let mut vars = Dict::new();
        if let Some(section) = sections.get("vars") {
            let own = self.own_vars(section, "Play").unwrap_or_default();
            vars.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        // Who imports a playbook knows better than the playbook, and who imports the importer better still.
        for layer in outer.vars.iter().rev() {
            vars.extend(layer.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        let vars = Arc::new(vars);
        self.scope.vars = Arc::clone(&vars);
        let context = Arc::new(Context {
            keywords: Arc::new(merge(&outer.keywords, &inheritable(&keywords))),
            ..Context::default()
        });
        let handler_context = Arc::new(Context { handlers: true, ..(*context).clone() });

        let roles = sections.get("roles").map_or_else(Vec::new, |section| self.roles(section, &context));
        let tasks = |parser: &mut Self, name: &str, context: &Arc<Context>| -> Vec<Entry> {
            sections.get(name).map_or_else(Vec::new, |section| parser.task_list(section, name, context))
        };
        let pre_tasks = tasks(self, "pre_tasks", &context);
        let own_tasks = tasks(self, "tasks", &context);
        let post_tasks = tasks(self, "post_tasks", &context);
        let handlers = tasks(self, "handlers", &handler_context);
        Some(Arc::new(Play {
            name: sections.get("name").and_then(|name| text_of(name)),
            span: node.span.clone(),
            hosts,
            keywords: Arc::new(keywords),
            vars,
            vars_files: sections.get("vars_files").map_or_else(Vec::new, |files| listed(files.to_value())),
            vars_prompt: sections.get("vars_prompt").map_or_else(Vec::new, |prompts| self.vars_prompts(prompts)),
            roles,
            imported_roles: std::mem::take(&mut self.imported_roles),
            pre_tasks,
            tasks: own_tasks,
            post_tasks,
            handlers,
            playbook_dir: Arc::clone(&self.scope.playbook_dir),
            context,
        }))
    }

    fn hosts(&mut self, play: &Node, hosts: Option<&Node>) -> Option<Value> {
        let Some(hosts) = hosts else {
            self.errors.push(
                Error::project("The field 'hosts' is required but was not set.", Some(&play.span))
                    .hint("a play needs `hosts:`; a list of tasks belongs under `tasks:` of a play"),
            );
            return None;
        };
        let value = hosts.to_value();
        let fitting = match &value {
            Value::Str(text) => !text.trim().is_empty(),
            Value::List(items) => {
                !items.is_empty() && items.iter().all(|item| matches!(item, Value::Str(_) | Value::Int(_)))
            }
            Value::Null => false,
            _ => {
                self.mistake("Hosts list must be a sequence or string. Please check your playbook.", &hosts.span);
                return None;
            }
        };
        if !fitting {
            self.mistake("Hosts list cannot be empty. Please check your playbook", &hosts.span);
            return None;
        }
        Some(value)
    }

    fn vars_prompts(&mut self, node: &Node) -> Vec<VarsPrompt> {
        match &node.kind {
            NodeKind::Scalar(Value::Null) => Vec::new(),
            NodeKind::Sequence(items) => items.iter().filter_map(|item| self.vars_prompt(item)).collect(),
            _ => self.vars_prompt(node).into_iter().collect(),
        }
    }

    fn vars_prompt(&mut self, node: &Node) -> Option<VarsPrompt> {
        let NodeKind::Mapping(entries) = &node.kind else {
            self.errors.push(Error::project(INVALID_VARIABLES, Some(&node.span)).hint(INVALID_VARIABLES_HINT));
            return None;
        };
        let mut fields: IndexMap<String, Value> = IndexMap::new();
        for (key, value) in entries.iter() {
            let name = key.to_value().to_text();
            if !["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"]
                .contains(&name.as_str())
            {
                self.mistake(format!("Invalid vars_prompt data structure, found unsupported key '{name}'"), &key.span);
            }
            fields.insert(name, value.to_value());
        }
        let Some(name) = fields.get("name").map(Value::to_text) else {
            self.mistake("Invalid vars_prompt data structure, missing 'name' key", &node.span);
            return None;
        };
        let flag = |field: &str, default| fields.get(field).map_or(default, Value::is_truthy);
        Some(VarsPrompt {
            name,
            prompt: fields.get("prompt").cloned(),
            default: fields.get("default").cloned(),
            private: flag("private", true),
            confirm: flag("confirm", false),
            encrypt: fields.get("encrypt").filter(|value| !value.is_null()).map(Value::to_text),
            salt: fields.get("salt").cloned(),
            salt_size: fields.get("salt_size").and_then(Value::as_int),
            is_unsafe: flag("unsafe", false),
        })
    }

    pub fn roles(&mut self, section: &Node, context: &Arc<Context>) -> Vec<RoleUse> {
        match &section.kind {
            NodeKind::Scalar(Value::Null) => Vec::new(),
            NodeKind::Sequence(items) => items.iter().flat_map(|item| self.role_entry(item, context)).collect(),
            _ => {
                let value = section.to_value();
                self.mistake(
                    format!(
                        "A malformed role declaration was encountered: ds ({}) should be a list but was a {}",
                        value.to_text(),
                        class_of(&value)
                    ),
                    &section.span,
                );
                Vec::new()
            }
        }
    }

    /// Puts a keyword into `keywords`, or says why it can't stand here.
    pub fn keyword(&mut self, key: &Node, value: &Node, place: Place, keywords: &mut Keywords) {
        let written = key.to_value().to_text();
        let renamed =
            keywords::RENAMED.iter().find(|(old, _)| *old == written && Keyword::find_at(old, place).is_none());
        let name = renamed.map_or(written.as_str(), |(_, new)| new);
        let Some(keyword) = Keyword::find_at(name, place) else {
            self.unknown_keyword(&written, key, place);
            return;
        };
        if let Some((old, new)) = renamed.filter(|(old, _)| *old != "user") {
            self.loader
                .notices
                .deprecated(format!("the keyword `{old}` was removed from Ansible; use `{new}`"), Some(&key.span));
        }
        let mut value = value.to_value();
        if keyword == Keyword::Tags {
            let Some(tags) = tag_list(&value) else {
                self.errors.push(Error::project("tags must be specified as a list", Some(&key.span)).with_exit_code(1));
                return;
            };
            value = tags;
        } else if let (Keyword::Debugger, Some(text)) = (keyword, value.as_str())
            && !text.is_empty()
            && !DEBUGGER_VALUES.contains(&text)
        {
            let all = DEBUGGER_VALUES.join(", ");
            let message = format!("'{text}' is not a valid value for debugger. Must be one of {all}");
            self.errors.push(Error::project(message, Some(&key.span)));
            return;
        } else if keyword.row().inherit == Inherit::Extend {
            value = Value::list(listed(value));
        }
        keywords.entries.insert(keyword, Written::new(value, key.span.clone()));
    }

    fn unknown_keyword(&mut self, name: &str, key: &Node, place: Place) {
        let mut error =
            Error::project(format!("'{name}' is not a valid attribute for a {}", place.title()), Some(&key.span));
        let lookup = match name.strip_prefix("with_").map(lookups::find) {
            Some(Err(Missing::Unknown { near })) => near,
            Some(Err(Missing::Removed(removed))) => removed.instead,
            _ => None,
        };
        if let Some(lookup) = lookup {
            error = error.hint(format!("did you mean `with_{lookup}`?"));
        } else if let Some(close) = keywords::closest_at(name, place) {
            error = error.hint(format!("did you mean `{close}`?"));
        } else if let Some(keyword) = Keyword::find(name) {
            let row = keyword.row();
            error = error.hint(format!("`{name}` is a keyword, but not of a {}: {}", place.title(), row.doc));
        }
        self.errors.push(error);
    }
}

/// After which results a task is debugged.
const DEBUGGER_VALUES: &[&str] = &["always", "on_failed", "on_unreachable", "on_skipped", "never"];

/// Keywords with those of the inside merged in, each as its table entry says.
pub(super) fn merge(outer: &Keywords, inner: &Keywords) -> Keywords {
    let mut merged = outer.clone();
    for (keyword, written) in &inner.entries {
        let extends = keyword.row().inherit == Inherit::Extend;
        match merged.entries.get_mut(keyword) {
            Some(existing) if extends => {
                let mut items = listed(existing.value.clone());
                items.extend(listed(written.value.clone()));
                *existing = Written::new(Value::list(items), written.span.clone());
            }
            existing => {
                let may_be_omitted = matches!(&written.value, Value::Str(text) if Templar::is_template(text));
                let outer = existing.filter(|_| may_be_omitted).map(|outer| Arc::new(outer.clone()));
                merged.entries.insert(*keyword, Written { outer, ..written.clone() });
            }
        }
    }
    merged
}

/// The keywords that what stands inside inherits.
pub(super) fn inheritable(keywords: &Keywords) -> Keywords {
    let entries = keywords
        .entries
        .iter()
        .filter(|(keyword, _)| keyword.row().inherit != Inherit::No)
        .map(|(keyword, written)| (*keyword, written.clone()))
        .collect();
    Keywords { entries }
}

/// The type of what a file holds as Ansible's messages name it.
fn class_of(value: &Value) -> String {
    let name = match value {
        Value::Dict(_) => "Dict",
        Value::Float(_) => "Float",
        Value::Int(_) => "Int",
        Value::List(_) => "List",
        Value::Str(_) => "Str",
        other => return format!("<class '{}'>", other.type_name()),
    };
    format!("<class 'ansible.module_utils._internal._datatag._AnsibleTagged{name}'>")
}

/// A list as it is, nothing as no items, anything else as one item.
pub(super) fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.to_vec(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

fn tag_list(value: &Value) -> Option<Value> {
    let split = |text: &Str| text.split(',').map(|tag| Value::Str(text.with_text(tag.trim()))).collect::<Vec<_>>();
    match value {
        Value::Null => Some(Value::list(Vec::new())),
        Value::Str(text) => Some(Value::list(split(text))),
        Value::Int(_) => Some(Value::list(vec![value.clone()])),
        Value::List(items) => Some(Value::list(
            items
                .iter()
                .flat_map(|item| match item {
                    Value::Str(text) => split(text),
                    other => vec![other.clone()],
                })
                .collect(),
        )),
        _ => None,
    }
}

/// A name as written; numbers become text, nothing is no name.
pub(super) fn text_of(node: &Node) -> Option<Str> {
    match node.to_value() {
        Value::Null => None,
        Value::Str(text) => Some(text),
        other => Some(Str::trusted(other.to_text(), Some(node.span.clone()))),
    }
}

fn is_import_name(name: &str) -> bool {
    name == "include" || catalog::is_builtin(name, "import_playbook")
}

fn is_import(key: &Node) -> bool {
    key.to_value().as_str().is_some_and(is_import_name)
}
