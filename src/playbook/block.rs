//! Lists of tasks, and blocks in them.

use std::path::Path;
use std::sync::Arc;

use super::keywords::Place;
use super::loader::Parser;
use super::play::{inheritable, merge, text_of};
use super::types::{Block, Context, Entry, Keywords};
use crate::error::{Error, ErrorKind};
use crate::value::Value;
use crate::yaml::{Node, NodeKind};

impl Parser<'_> {
    /// Reads a file of tasks for a place with this context.
    pub fn task_file(&mut self, path: &Path, context: &Context) -> Vec<Entry> {
        let node = match self.loader.reader.read_file(path) {
            Ok(node) => node,
            Err(err) => {
                self.errors.push(err);
                return Vec::new();
            }
        };
        let mut context = context.clone();
        context.task_files.push(Arc::from(path));
        if matches!(node.kind, NodeKind::Mapping(_)) {
            self.errors.push(
                Error::project("included task files must contain a list of tasks", Some(&node.span))
                    .of_kind(ErrorKind::NotATaskList)
                    .hint("a playbook (with `hosts:`) is imported with import_playbook, variables with include_vars")
                    .with_exit_code(1),
            );
            return Vec::new();
        }
        self.task_list(&node, "tasks", &Arc::new(context))
    }

    /// `section` is what has the tasks: `tasks`, `handlers`, a part of a block.
    pub fn task_list(&mut self, node: &Node, section: &str, context: &Arc<Context>) -> Vec<Entry> {
        match &node.kind {
            NodeKind::Scalar(value) if value.is_null() => Vec::new(),
            NodeKind::Sequence(items) => {
                items.iter().enumerate().flat_map(|(index, item)| self.entry(items, index, item, context)).collect()
            }
            _ => {
                let value = node.to_value();
                self.mistake(
                    format!(
                        "A malformed block was encountered while loading {section}: {} should be a list or None but is {}",
                        value.to_text(),
                        value.type_name()
                    ),
                    &node.span,
                );
                Vec::new()
            }
        }
    }

    /// The item with this number of a list.
    fn entry(&mut self, items: &[Node], index: usize, node: &Node, context: &Arc<Context>) -> Vec<Entry> {
        let NodeKind::Mapping(entries) = &node.kind else {
            if !node.to_value().is_null() {
                let message = format!(
                    "A malformed block was encountered while loading a block: The ds ({}) should be a dict but was a <class 'list'>",
                    Value::list(taken_together(items, index)).repr()
                );
                let error = Error::project(message, Some(&node.span));
                self.errors.push(error.hint("each item of a list of tasks is a mapping such as `- debug: msg=hello`"));
            }
            return Vec::new();
        };
        if is_block(entries) {
            self.block(node, entries, context).into_iter().collect()
        } else {
            self.task(node, entries, context)
        }
    }

    /// A handler may be a block, but nothing inside of it.
    fn refuse_blocks_in(&mut self, section: &Node) {
        for item in section.items().iter().filter(|item| is_block(item.entries())) {
            self.mistake("Using a block as a handler is not supported.", &item.span);
        }
    }

    fn block(&mut self, node: &Node, entries: &[(Node, Node)], context: &Arc<Context>) -> Option<Entry> {
        let mut keywords = Keywords::default();
        let mut inner = (**context).clone();
        let (mut tasks, mut rescue, mut always, mut name) = (None, None, None, None);
        for (key, value) in entries {
            match key.to_value().to_text().as_str() {
                "block" => tasks = Some(value),
                "rescue" => rescue = Some(value),
                "always" => always = Some(value),
                "name" => name = text_of(value),
                "vars" => inner.vars.extend(self.own_vars(value, "Block")),
                _ => self.keyword(key, value, Place::Block, &mut keywords),
            }
        }
        let Some(tasks) = tasks else {
            self.mistake("'rescue' and 'always' need a 'block' before them", &node.span);
            return None;
        };
        inner.keywords = Arc::new(merge(&context.keywords, &inheritable(&keywords)));
        if context.handlers {
            for section in [Some(tasks), rescue, always].into_iter().flatten() {
                self.refuse_blocks_in(section);
            }
        }
        let inner = Arc::new(inner);
        let list = |parser: &mut Self, section: Option<&Node>, name: &str| {
            let Some(section) = section else { return Vec::new() };
            if matches!(section.kind, NodeKind::Mapping(_)) {
                let message =
                    "A malformed block was encountered while loading a block: {} should be a list but was a dict";
                parser.mistake(message.replace("{}", &section.to_value().repr()), &node.span);
                return Vec::new();
            }
            parser.task_list(section, name, &inner)
        };
        Some(Entry::Block(Arc::new(Block {
            name,
            span: node.span.clone(),
            tasks: list(self, Some(tasks), "a block"),
            rescue: list(self, rescue, "rescue"),
            always: list(self, always, "always"),
            keywords: Arc::clone(&inner.keywords),
            role: context.role.clone(),
        })))
    }
}

/// The items around this one that Ansible reads as one block: those between nothing and written blocks.
fn taken_together(items: &[Node], index: usize) -> Vec<Value> {
    let ends = |item: &Node| item.to_value().is_null() || is_block(item.entries());
    let begin = items[..index].iter().rposition(ends).map_or(0, |before| before + 1);
    items[begin..].iter().take_while(|item| !ends(item)).map(Node::to_value).collect()
}

fn is_block(entries: &[(Node, Node)]) -> bool {
    entries.iter().any(|(key, _)| matches!(key.to_value().as_str(), Some("block" | "rescue" | "always")))
}
