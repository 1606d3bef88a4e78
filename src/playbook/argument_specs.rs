//! The specification of a role's arguments: the task that checks them, which goes before the role's own.

use std::path::Path;
use std::sync::Arc;

use super::keywords::Keyword;
use super::loader::Parser;
use super::play::merge;
use super::role::{Meta, RoleRequest, main_file};
use super::types::{Context, Keywords, LoopControl, Task, Written};
use crate::value::{Dict, Str, Value};
use crate::yaml::Node;

impl Parser<'_> {
    /// The check of the entry point that is used; none when nothing is specified for it.
    pub(super) fn validation(
        &mut self,
        path: &Path,
        meta: &Meta,
        request: &RoleRequest,
        context: &Context,
    ) -> Option<Task> {
        let entry = request.files.tasks_from.as_deref().unwrap_or("main");
        let specs = match main_file(&path.join("meta"), "argument_specs") {
            Some(file) => self.read(&file)?.get("argument_specs").cloned(),
            None => meta.argument_specs.clone(),
        };
        let spec = specs?.get(entry).filter(|spec| spec.to_value().is_truthy()).cloned()?;
        let title = format!("Validating arguments against arg spec '{entry}'");
        let name = match spec.get("short_description") {
            Some(description) => format!("{title} - {}", description.to_value().to_text()),
            None => title,
        };
        let text = |text: &str| Value::str(text);
        let role = context.role.as_ref().map_or(request.name.as_str(), |role| role.name.as_str());
        let about = Dict::from_iter([
            (text("type"), text("role")),
            (text("name"), text(role)),
            (text("argument_spec_name"), text(entry)),
            (text("path"), text(&path.to_string_lossy())),
        ]);
        let options = spec.get("options").map_or_else(|| Value::dict(Dict::new()), Node::to_value);
        let args = Dict::from_iter([
            (text("argument_spec"), options),
            (text("provided_arguments"), Value::dict(request.params.clone())),
            (text("validate_args_context"), Value::dict(about)),
        ]);
        let mut own = Keywords::default();
        let tags = Written { value: Value::list(vec![text("always")]), span: spec.span.clone(), outer: None };
        own.entries.insert(Keyword::Tags, tags);
        let action = "ansible.builtin.validate_argument_spec";
        Some(Task {
            id: self.loader.next_task_id(),
            name: Some(Str::data(name)),
            span: spec.span.clone(),
            action: action.to_owned(),
            full_action: Some(action.into()),
            action_span: spec.span.clone(),
            args,
            raw_params: None,
            variable_args: None,
            keywords: Arc::new(merge(&context.keywords, &own)),
            context: Arc::new(context.clone()),
            vars: Arc::default(),
            has_reserved_names: context.has_reserved_names(),
            loop_: None,
            loop_span: None,
            loop_control: LoopControl::default(),
            listen: Vec::new(),
            implicit: false,
        })
    }
}
