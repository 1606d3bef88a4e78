//! One task: its keywords, its action and arguments; static imports are followed here.

use std::sync::Arc;

use super::keywords::{Inherit, Keyword, Place, is_reserved};
use super::loader::Parser;
use super::play::{inheritable, listed, merge, text_of};
use super::task_action::{self, TaskAction, TaskNames};
use super::types::{Context, Entry, Keywords, Loop, LoopControl, Task, Written, collections};
use crate::catalog::Scope;
use crate::error::{Error, ErrorKind, closest};
use crate::source::Span;
use crate::template::lookups;
use crate::value::{Dict, Str, Value, variable_name};
use crate::yaml::{Node, NodeKind};

/// The parts of a task before its keywords are merged with those around it.
struct Draft {
    name: Option<Str>,
    keywords: Keywords,
    vars: Arc<Dict>,
    loop_: Option<Loop>,
    loop_span: Option<Span>,
    loop_control: LoopControl,
    listen: Vec<Value>,
}

impl Parser<'_> {
    /// A task, or what the import that stands for it brings.
    pub fn task(&mut self, node: &Node, entries: &[(Node, Node)], context: &Arc<Context>) -> Vec<Entry> {
        let before = self.errors.len();
        let collections = collections(
            node.get("collections").map(Node::to_value).as_ref().or(context.keywords.get(Keyword::Collections)),
            context,
        );
        let names = TaskNames {
            keywords: &self.loader.task_keywords,
            find: &|name| (self.loader.full_action)(name, &Scope { collections: &collections }),
            collections_path: &self.loader.collections_path,
            notices: &self.loader.notices,
        };
        let action = match task_action::resolve(node, &names) {
            Ok(action) => Some(action),
            Err(mut err) => {
                if err.kind == ErrorKind::Unbalanced {
                    err.message = format!("Error loading tasks: {}", err.message);
                }
                self.errors.push(err);
                None
            }
        };
        let Some(action) = action else { return Vec::new() };
        let place = match action.full_name.as_deref() {
            Some("ansible.builtin.include_tasks") => Place::IncludeTasks,
            Some("ansible.builtin.include_role") => Place::IncludeRole,
            _ if context.handlers => Place::Handler,
            _ => Place::Task,
        };
        if context.handlers {
            self.refuse_as_handler(node, &action);
        }
        let draft = self.draft(entries, place, context.handlers, &action);
        if self.errors.len() > before {
            return Vec::new();
        }
        let task = self.assemble(node, draft, action, context);
        self.expand(task, context)
    }

    /// Handlers are single tasks, or files of them.
    fn refuse_as_handler(&mut self, node: &Node, action: &TaskAction) {
        let message = match action.full_name.as_deref() {
            Some("ansible.builtin.include_role" | "ansible.builtin.import_role") => {
                format!("Using '{}' as a handler is not supported.", action.name)
            }
            Some("ansible.builtin.meta")
                if action.raw_params.as_ref().is_some_and(|what| what.trim() == "flush_handlers") =>
            {
                "flush_handlers cannot be used as a handler".to_owned()
            }
            _ => return,
        };
        self.mistake(message, &node.span);
    }

    fn draft(&mut self, entries: &[(Node, Node)], place: Place, handlers: bool, action: &TaskAction) -> Draft {
        let mut draft = Draft {
            name: None,
            keywords: Keywords::default(),
            vars: Arc::default(),
            loop_: None,
            loop_span: None,
            loop_control: LoopControl::default(),
            listen: Vec::new(),
        };
        for (key, value) in entries {
            let name = key.to_value().to_text();
            match name.as_str() {
                "action" | "local_action" | "args" => {}
                "name" => draft.name = text_of(value).filter(|name| !name.as_str().is_empty()),
                "vars" => draft.vars = self.own_vars(value, "Task").unwrap_or_default(),
                "loop" => {
                    self.set_loop(&mut draft, Loop::Loop(value.to_value()), key);
                    draft.loop_span = Some(value.span.clone());
                }
                "loop_control" => draft.loop_control = self.loop_control(value),
                "listen" if handlers => draft.listen = listed(value.to_value()),
                "register" => {
                    self.check_variable_name(value, "register");
                    self.keyword(key, value, place, &mut draft.keywords);
                }
                _ if action.name == name => {}
                _ => match name.strip_prefix("with_").filter(|lookup| lookups::find(lookup).is_ok()) {
                    Some(lookup) => self.set_loop(&mut draft, Loop::With(lookup.to_owned(), value.to_value()), key),
                    None => self.keyword(key, value, place, &mut draft.keywords),
                },
            }
        }
        if action.is_local {
            let localhost = Written::new(Value::str("localhost"), action.span.clone());
            draft.keywords.entries.insert(Keyword::DelegateTo, localhost);
        }
        draft
    }

    fn set_loop(&mut self, draft: &mut Draft, new: Loop, key: &Node) {
        if draft.loop_.is_some() {
            let kind = match &new {
                Loop::With(lookup, _) => lookup.as_str(),
                Loop::Loop(_) => "loop",
            };
            self.errors.push(
                Error::project(format!("duplicate loop in task: {kind}"), Some(&key.span))
                    .hint("a task has one loop; loop inside an included file, or combine the lists with a filter such as `product`")
                    .with_exit_code(1),
            );
        }
        if let Loop::Loop(Value::Null) = new {
            self.errors
                .push(Error::project("you must specify a value when using loop", Some(&key.span)).with_exit_code(1));
        }
        draft.loop_ = Some(new);
        draft.loop_span = Some(key.span.clone());
    }

    fn loop_control(&mut self, node: &Node) -> LoopControl {
        let mut control = LoopControl::default();
        let NodeKind::Mapping(entries) = &node.kind else {
            self.mistake("the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)", &node.span);
            return control;
        };
        for (key, value) in entries.iter() {
            let name = key.to_value().to_text();
            let value = Some(value.to_value());
            match name.as_str() {
                "loop_var" => control.loop_var = value,
                "index_var" => control.index_var = value,
                "label" => control.label = value,
                "pause" => control.pause = value,
                "extended" => control.extended = value,
                "extended_allitems" => control.extended_allitems = value,
                "break_when" => control.break_when = value,
                _ => {
                    let mut error =
                        Error::project(format!("'{name}' is not a valid attribute for a LoopControl"), Some(&key.span));
                    if let Some(close) = closest(
                        &name,
                        ["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"],
                    ) {
                        error = error.hint(format!("did you mean `{close}`?"));
                    }
                    self.errors.push(error);
                }
            }
        }
        control
    }

    fn check_variable_name(&mut self, node: &Node, keyword: &str) {
        let value = node.to_value();
        if let Some(mistake) = variable_name::mistake(&value).filter(|_| !value.is_null()) {
            let message = format!("Invalid '{keyword}' specified: {mistake}");
            self.errors.push(Error::project(message, Some(&node.span)).hint(variable_name::RULE));
        }
    }

    fn assemble(&self, node: &Node, draft: Draft, action: TaskAction, context: &Arc<Context>) -> Task {
        let mut keywords = merge(&context.keywords, &inheritable(&draft.keywords));
        keywords
            .entries
            .extend(draft.keywords.entries.into_iter().filter(|(keyword, _)| keyword.row().inherit == Inherit::No));
        Task {
            has_reserved_names: context.has_reserved_names() || draft.vars.keys().any(is_reserved),
            id: self.loader.next_task_id(),
            name: draft.name,
            span: node.span.clone(),
            action: action.name,
            full_action: action.full_name,
            action_span: action.span,
            args: action.args,
            raw_params: action.raw_params,
            variable_args: action.variable_args,
            keywords: Arc::new(keywords),
            context: Arc::clone(context),
            vars: draft.vars,
            loop_: draft.loop_,
            loop_span: draft.loop_span,
            loop_control: draft.loop_control,
            listen: draft.listen,
            implicit: false,
        }
    }
}
