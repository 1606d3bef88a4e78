//! The handlers of a play: found by name or topic, run in the order in which they are written.

use std::sync::Arc;

use super::steps::{self, Step, Steps};
use crate::error::Notices;
use crate::playbook::{Entry, Play, RoleUse, Task};
use crate::template::Templar;
use crate::value::Value;

/// Handlers by the place that defines them: each role's, then the play's own.
#[derive(Default)]
pub struct HandlerBook {
    sections: Vec<Vec<Handler>>,
    steps: Option<Steps>,
}

struct Handler {
    task: Arc<Task>,
    name: Name,
    role: Option<(String, String)>,
    listen: Vec<String>,
}

/// A handler's name with what the play and the handler's role know; no host is asked.
enum Name {
    /// The handler only listens.
    None,
    Known(String),
    /// The name as it is written, and why it can't be rendered.
    Unusable(String, String),
}

impl Name {
    fn of(task: &Task, templar_of: &TemplarOf<'_>) -> Self {
        let Some(written) = &task.name else { return Name::None };
        match templar_of(task).render(&Value::Str(written.clone())) {
            Ok(name) => Name::Known(name.to_text()),
            Err(err) => Name::Unusable(written.as_str().to_owned(), err.message),
        }
    }
}

/// Gives the variables that a handler's name may use.
pub type TemplarOf<'a> = dyn Fn(&Task) -> Templar + 'a;

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

    /// A copy from a use of the role that counts as the same.
    fn is_same_as(&self, other: &Handler) -> bool {
        let identity = |handler: &Handler| handler.task.role().map(|role| role.identity);
        identity(self) == identity(other) && self.is_copy_of(other)
    }

    fn is_called(&self, wanted: &str) -> bool {
        matches!(&self.name, Name::Known(name) if self.means(wanted, name))
    }

    fn hears(&self, wanted: &str) -> bool {
        self.listen.iter().any(|topic| self.means(wanted, topic))
    }

    /// Whether `wanted` is this name, alone or after that of the handler's role.
    fn means(&self, wanted: &str, name: &str) -> bool {
        let in_role = |role: &str| wanted.strip_prefix(role).and_then(|rest| rest.strip_prefix(" : ")) == Some(name);
        wanted == name || self.role.as_ref().is_some_and(|(short, full)| in_role(short) || in_role(full))
    }

    fn warn_if_unusable(&self, notices: &Notices) {
        if let Name::Unusable(name, why) = &self.name
            && self.listen.is_empty()
        {
            notices.warn(
                format!(
                    "Handler '{name}' is unusable because it has no listen topics and the name could not be templated \
                     (host-specific variables are not supported in handler names). The error: {why}"
                ),
                None,
            );
        }
    }
}

impl HandlerBook {
    pub fn of_play(play: &Play, templar_of: &TemplarOf<'_>) -> Self {
        let mut book = Self::default();
        let roles = |uses: &'_ [RoleUse]| uses.iter().map(|usage| usage.handlers.clone()).collect::<Vec<_>>();
        let imported = roles(&play.imported_roles);
        for entries in roles(&play.roles).into_iter().chain([play.handlers.clone()]).chain(imported) {
            let mut handlers = book.handlers_of(&entries, templar_of);
            // A role that several others depend on has its handlers once.
            handlers.retain(|handler| !book.sections.iter().flatten().any(|known| known.is_same_as(handler)));
            book.add(handlers);
        }
        book
    }

    /// Adds the handlers of a role that was included while the play runs. A role that is included again brings its handlers anew, in the
    /// place of those that it brought before: returned are the old numbers and the new ones.
    pub fn add_role(&mut self, usage: &RoleUse, templar_of: &TemplarOf<'_>) -> Vec<(u64, u64)> {
        let mut fresh = self.handlers_of(&usage.handlers, templar_of);
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
    fn handlers_of(&self, entries: &[Entry], templar_of: &TemplarOf<'_>) -> Vec<Handler> {
        let mut tasks = Vec::new();
        steps::collect_tasks(entries, &mut tasks);
        let known = |task: &Arc<Task>| self.sections.iter().flatten().any(|handler| handler.task.id == task.id);
        tasks
            .into_iter()
            .filter(|task| !known(task))
            .map(|task| Handler {
                name: Name::of(&task, templar_of),
                role: task.role().map(|role| (role.name.clone(), role.full_name.clone())),
                listen: topics(&task),
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

    /// The tasks that a notification of `wanted` means; nothing when there is no such handler. Handlers that are looked
    /// at and can't be called are warned about.
    pub fn find(&self, wanted: &str, notices: &Notices) -> Vec<u64> {
        let mut looked_at = self.sections.iter().rev().flatten().inspect(|handler| handler.warn_if_unusable(notices));
        let named = looked_at.find(|handler| handler.is_called(wanted));
        let listening =
            self.sections.iter().flatten().filter(|handler| handler.hears(wanted)).map(|handler| handler.task.id);
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

/// What a handler listens to: of a role's handlers also with the role's name in front.
fn topics(task: &Task) -> Vec<String> {
    let own = task.listen.iter().map(Value::to_text);
    let Some(role) = task.role() else { return own.collect() };
    let with_role = |topic: String| {
        let long = [&role.full_name, &role.name].map(|name| format!("{name} : {topic}"));
        std::iter::once(topic).chain(long)
    };
    own.flat_map(with_role).collect()
}
