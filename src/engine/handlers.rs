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
        for usage in play.roles.iter().chain(&play.imported_roles) {
            book.add(&usage.handlers, name_of);
        }
        book.add(&play.handlers, name_of);
        book
    }

    /// Adds the handlers of a role that was included while the play runs.
    pub fn add_role(&mut self, usage: &RoleUse, name_of: &dyn Fn(&Task) -> Option<String>) {
        self.add(&usage.handlers, name_of);
    }

    fn add(&mut self, entries: &[Entry], name_of: &dyn Fn(&Task) -> Option<String>) {
        let mut tasks = Vec::new();
        steps::collect_tasks(entries, &mut tasks);
        let known = |task: &Arc<Task>| self.sections.iter().flatten().any(|handler| handler.task.id == task.id);
        let section: Vec<Handler> = tasks
            .into_iter()
            .filter(|task| !known(task))
            .map(|task| Handler {
                name: name_of(&task),
                role: task.role().map(|role| (role.name.clone(), role.full_name.clone())),
                listen: task.listen.iter().map(crate::value::Value::to_text).collect(),
                task,
            })
            .collect();
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
