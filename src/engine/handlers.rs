//! The handlers of a play: found by name or topic, run in the order in which they are written.

use std::sync::Arc;

use super::steps::{self, Step, Steps};
use crate::playbook::{Entry, Play, RoleUse, Task};

/// Handlers by the place that defines them: each role's, then the play's own.
#[derive(Default)]
pub struct HandlerBook {
    sections: Vec<Vec<Handler>>,
    steps: Option<Steps>,
}

struct Handler {
    task: Arc<Task>,
    /// Rendered name; none for handlers that only listen.
    name: Option<String>,
    role: Option<(String, String)>,
    listen: Vec<String>,
}

impl Handler {
    /// The same lines of the same role, read again.
    fn is_copy_of(&self, other: &Handler) -> bool {
        let role = |handler: &Handler| handler.task.role().map(|role| role.path.clone());
        let place = |handler: &Handler| {
            let span = &handler.task.span;
            (span.path().to_owned(), span.line, span.column)
        };
        role(self).is_some() && role(self) == role(other) && place(self) == place(other)
    }

    fn is_called(&self, wanted: &str) -> bool {
        let Some(name) = &self.name else { return false };
        if name == wanted {
            return true;
        }
        let in_role = |role: &str| wanted.strip_prefix(role).and_then(|rest| rest.strip_prefix(" : ")) == Some(name);
        self.role.as_ref().is_some_and(|(short, full)| in_role(short) || in_role(full))
    }
}

impl HandlerBook {
    /// `name_of` renders a handler's name with what is known at the start of the play.
    pub fn of_play(play: &Play, name_of: &dyn Fn(&Task) -> Option<String>) -> Self {
        let mut book = Self::default();
        let roles = |uses: &'_ [RoleUse]| uses.iter().map(|usage| usage.handlers.clone()).collect::<Vec<_>>();
        let imported = roles(&play.imported_roles);
        for entries in roles(&play.roles).into_iter().chain([play.handlers.clone()]).chain(imported) {
            let handlers = book.handlers_of(&entries, name_of);
            book.add(handlers);
        }
        book
    }

    /// Adds the handlers of a role that was included while the play runs. A role that is included again brings its handlers anew, in the
    /// place of those that it brought before: returned are the old numbers and the new ones.
    pub fn add_role(&mut self, usage: &RoleUse, name_of: &dyn Fn(&Task) -> Option<String>) -> Vec<(u64, u64)> {
        let mut fresh = self.handlers_of(&usage.handlers, name_of);
        let mut replaced = Vec::new();
        for known in self.sections.iter_mut().flatten() {
            let Some(at) = fresh.iter().position(|handler| handler.is_copy_of(known)) else { continue };
            let handler = fresh.remove(at);
            replaced.push((known.task.id, handler.task.id));
            *known = handler;
            self.steps = None;
        }
        self.add(fresh);
        replaced
    }

    /// The handlers in a list, without those that are known.
    fn handlers_of(&self, entries: &[Entry], name_of: &dyn Fn(&Task) -> Option<String>) -> Vec<Handler> {
        let mut tasks = Vec::new();
        steps::collect_tasks(entries, &mut tasks);
        let known = |task: &Arc<Task>| self.sections.iter().flatten().any(|handler| handler.task.id == task.id);
        tasks
            .into_iter()
            .filter(|task| !known(task))
            .map(|task| Handler {
                name: name_of(&task),
                role: task.role().map(|role| (role.name.clone(), role.full_name.clone())),
                listen: task.listen.iter().map(crate::value::Value::to_text).collect(),
                task,
            })
            .collect()
    }

    fn add(&mut self, section: Vec<Handler>) {
        if !section.is_empty() {
            self.sections.push(section);
            self.steps = None;
        }
    }

    /// The tasks that a notification of `wanted` means; nothing when there is no such handler.
    pub fn find(&self, wanted: &str) -> Vec<u64> {
        let named =
            self.sections.iter().rev().find_map(|section| section.iter().find(|handler| handler.is_called(wanted)));
        let listening = self
            .sections
            .iter()
            .flatten()
            .filter(|handler| handler.listen.iter().any(|topic| topic == wanted))
            .map(|handler| handler.task.id);
        let mut found: Vec<u64> = named.map(|handler| handler.task.id).into_iter().chain(listening).collect();
        found.dedup();
        found
    }

    pub fn steps(&mut self) -> Steps {
        if let Some(steps) = &self.steps {
            return Arc::clone(steps);
        }
        let steps: Steps =
            self.sections.iter().flatten().map(|handler| Step::Task(Arc::clone(&handler.task))).collect();
        self.steps = Some(Arc::clone(&steps));
        steps
    }
}
