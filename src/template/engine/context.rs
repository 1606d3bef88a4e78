//! One rendering: the variables it sees, and what must not happen twice or for ever.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::frame::Frame;
use super::marks::Marks;
use super::run;
use super::tree::Template;
use super::val::{Val, from_key};
use crate::template::Templar;
use crate::template::error::{Fault, Res, TemplateError, TemplateErrorKind, raised};
use crate::template::limits::Budget;
use crate::value::{Str, Value};

/// Renderings inside renderings: variables that refer to each other. Deeper ones are taken for endless.
const MOST_RENDERINGS: usize = 250;
/// Expressions inside expressions, macros and renderings included.
const MOST_DEPTH: usize = 3000;
/// Stack that a level needs at most, and what is taken when less is left.
const STACK_LEFT: usize = 256 << 10;
const STACK_MORE: usize = 4 << 20;

/// Of no use in another host's variables, and without end.
const HOSTVARS_LEAVE_OUT: &[&str] = &["hostvars", "vars"];

#[derive(Clone)]
pub struct Context(Rc<Inner>);

pub struct Inner {
    pub templar: Templar,
    rendering: RefCell<Vec<Text>>,
    depth: Cell<usize>,
    /// Line of the statement that runs.
    pub line: Cell<u32>,
    /// Containers among the variables stay the same object, so that a template sees what it appended.
    containers: RefCell<HashMap<String, Val>>,
    session: Rc<State>,
    /// Imported templates see no variables.
    pub without_variables: bool,
    /// A string met here is a host's name and stands for its variables (`hostvars`).
    pub names_are_hosts: bool,
    /// Whose variables these are, if they are seen through `hostvars`.
    host: Option<Arc<str>>,
}

/// A text that is being rendered, and with whose variables.
type Text = (Arc<str>, Option<Arc<str>>);

/// What all contexts of one rendering share.
struct State {
    /// What refers to itself and must be taken apart at the end: contexts whose containers know them, frames whose macros do.
    contexts: RefCell<Vec<Context>>,
    frames: RefCell<Vec<Rc<Frame>>>,
    secrets: RefCell<Vec<Arc<str>>>,
    budget: Budget,
    /// What is missing is marked in place of ending the rendering.
    marks: Option<Rc<Marks>>,
}

/// Takes apart at the end of a rendering what refers to itself.
pub struct Session(Rc<State>);

impl Drop for Session {
    fn drop(&mut self) {
        for context in self.0.contexts.take() {
            context.containers.take();
        }
        for frame in self.0.frames.take() {
            frame.clear();
        }
    }
}

impl std::ops::Deref for Context {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Context {
    pub fn new(templar: Templar) -> Self {
        Self::with_marks(templar, None)
    }

    /// What is missing goes into the marks, if there are any.
    pub fn with_marks(templar: Templar, marks: Option<Rc<Marks>>) -> Self {
        let session = Rc::new(State {
            marks,
            contexts: RefCell::default(),
            frames: RefCell::default(),
            secrets: RefCell::default(),
            budget: Budget::new(templar.interrupt(), templar.engine().settings.memory),
        });
        Context(Rc::new(Inner {
            templar,
            rendering: RefCell::default(),
            depth: Cell::new(0),
            line: Cell::new(0),
            containers: RefCell::default(),
            session,
            without_variables: false,
            names_are_hosts: false,
            host: None,
        }))
    }

    pub fn marks(&self) -> Option<&Rc<Marks>> {
        self.session.marks.as_ref()
    }

    /// For a template met while this one renders.
    fn nested(&self, templar: Templar) -> Inner {
        Inner {
            templar,
            rendering: RefCell::new(self.rendering.borrow().clone()),
            depth: Cell::new(self.depth.get()),
            line: Cell::new(0),
            containers: RefCell::default(),
            session: Rc::clone(&self.session),
            without_variables: false,
            names_are_hosts: false,
            host: self.host.clone(),
        }
    }

    /// For the entries of `hostvars`: each host's variables are made when somebody looks at them.
    fn of_hostvars(&self) -> Self {
        Context(Rc::new(Inner { names_are_hosts: true, ..self.nested(self.templar.clone()) }))
    }

    fn hostvars(&self) -> Option<Val> {
        Some(Val::raw_dict(&self.templar.variables().hosts()?, &self.of_hostvars()))
    }

    /// All variables of a host, read and rendered with its own when they are looked at.
    pub fn variables_of(&self, host: &str) -> Option<Val> {
        let variables = self.templar.variables().of_host(host)?;
        let inner = self.nested(self.templar.with_variables(variables));
        Some(Val::variables(&Context(Rc::new(Inner { host: Some(Arc::from(host)), ..inner }))))
    }

    /// A variable as it is, seen through `hostvars`.
    pub fn own_variable(&self, name: &str) -> Option<Value> {
        if HOSTVARS_LEAVE_OUT.contains(&name) { None } else { self.templar.variables().get(name) }
    }

    pub fn own_variables(&self) -> crate::value::Dict {
        let names = self.templar.variables().names();
        names.into_iter().filter_map(|name| self.own_variable(&name).map(|value| (Value::str(name), value))).collect()
    }

    pub fn without_variables(&self) -> Self {
        Context(Rc::new(Inner { without_variables: true, ..self.nested(self.templar.clone()) }))
    }

    /// To be held until the result is data.
    pub fn session(&self) -> Session {
        Session(Rc::clone(&self.session))
    }

    /// The frame holds something that holds the frame.
    pub fn note_frame(&self, frame: &Rc<Frame>) {
        self.session.frames.borrow_mut().push(Rc::clone(frame));
    }

    /// Runs one level deeper, unless that is too deep.
    pub fn deeper<T>(&self, work: impl FnOnce() -> Res<T>) -> Res<T> {
        let depth = self.depth.get();
        if depth >= MOST_DEPTH {
            return Err(too_deep());
        }
        self.step()?;
        self.depth.set(depth + 1);
        let result = stacker::maybe_grow(STACK_LEFT, STACK_MORE, work);
        self.depth.set(depth);
        result
    }

    /// To be called for each step of a template: ends those that go on or grow without end.
    pub fn step(&self) -> Res<()> {
        self.session.budget.step()
    }

    /// A variable, rendered if it is a template.
    pub fn variable(&self, name: &str) -> Option<Val> {
        if self.without_variables {
            return None;
        }
        if let Some(known) = self.containers.borrow().get(name) {
            return Some(known.clone());
        }
        let value = match self.templar.locals().and_then(|locals| locals.get(name)) {
            Some(value) => value.clone(),
            None if name == "hostvars" => match self.hostvars() {
                Some(hostvars) => return Some(self.remember(name, hostvars)),
                None => self.templar.variables().get(name)?,
            },
            None => self.templar.variables().get(name)?,
        };
        let imported = self.import(&value);
        Some(if matches!(imported, Val::List(_) | Val::Dict(_)) { self.remember(name, imported) } else { imported })
    }

    /// The container that the variable is from now on.
    fn remember(&self, name: &str, container: Val) -> Val {
        if self.containers.borrow().is_empty() {
            self.session.contexts.borrow_mut().push(self.clone());
        }
        self.containers.borrow_mut().insert(name.to_owned(), container.clone());
        container
    }

    /// A value of the project: templates in it are rendered when they are looked at.
    pub fn import(&self, value: &Value) -> Val {
        match value {
            Value::Str(host) if self.names_are_hosts => self.variables_of(host).unwrap_or_else(|| {
                Val::undefined(format!("object of type 'HostVars' has no attribute '{}'", host.as_str()))
            }),
            Value::Str(text) => {
                if text.is_secret() {
                    self.note_secret(text);
                }
                if text.is_trusted() && super::is_template(text) {
                    // What a template gives is its own: changing it leaves the variables it was made of alone.
                    return self.render_text(text).map_or_else(Val::failed, Val::copied);
                }
                Val::Str(text.clone())
            }
            Value::List(items) => Val::raw_list(items, self),
            Value::Dict(items) => Val::raw_dict(items, self),
            Value::Sealed(sealed) => match sealed.open() {
                Ok(text) => self.import(&Value::Str(text.into_secret())),
                Err(reason) => {
                    let message = format!("Attempt to use undecryptable variable: {reason}");
                    let error = TemplateError::new(TemplateErrorKind::Template, message);
                    Val::failed(Box::new(error.at(sealed.place())))
                }
            },
            other => from_key(other),
        }
    }

    pub fn note_secret(&self, text: &Str) {
        let mut secrets = self.session.secrets.borrow_mut();
        if !text.is_empty() && !secrets.iter().any(|known| **known == **text) {
            secrets.push(Arc::clone(text.arc()));
        }
    }

    /// Does this text hold a secret that was looked at?
    pub fn holds_secret(&self, text: &str) -> bool {
        self.session.secrets.borrow().iter().any(|secret| text.contains(&**secret))
    }

    pub fn saw_secrets(&self) -> bool {
        !self.session.secrets.borrow().is_empty()
    }

    /// Renders a string of the project.
    pub fn render_text(&self, text: &Str) -> Res<Val> {
        let known = self.marks().map(|marks| marks.count());
        let rendered = self.rendering(text.arc(), || {
            let engine = self.templar.engine();
            let template = match (engine.cache.template(text.arc(), &engine.syntax, &engine.settings), self.marks()) {
                (Err(fault), Some(marks)) => return Ok(marks.note(fault.message)),
                (template, _) => template?,
            };
            self.run_template(&template)
        });
        if let (Some(marks), Some(known)) = (self.marks(), known) {
            marks.place(known, text.span());
        }
        rendered.map_err(|fault| place(fault, text))
    }

    fn rendering(&self, text: &Arc<str>, work: impl FnOnce() -> Res<Val>) -> Res<Val> {
        {
            let mut rendering = self.rendering.borrow_mut();
            let is_same = |(other, host): &Text| **other == **text && *host == self.host;
            if rendering.len() >= MOST_RENDERINGS || rendering.iter().any(is_same) {
                return Err(too_deep());
            }
            rendering.push((Arc::clone(text), self.host.clone()));
        }
        let line = self.line.get();
        let result = self.deeper(work);
        self.line.set(line);
        self.rendering.borrow_mut().pop();
        result
    }

    pub fn run_template(&self, template: &Arc<Template>) -> Res<Val> {
        let value = run::whole(self, template)?;
        Ok(restore_newlines(value, template))
    }
}

/// Jinja2 drops one newline at the end; Ansible puts back what the text lost.
pub fn restore_newlines(value: Val, template: &Template) -> Val {
    match &value {
        Val::Str(text) if template.trailing_newlines > 0 => {
            let kept = text.bytes().rev().take_while(|byte| *byte == b'\n').count();
            if kept >= template.trailing_newlines {
                return value;
            }
            let mut longer = text.to_string();
            for _ in kept..template.trailing_newlines {
                longer.push_str(template.last_newline);
            }
            Val::Str(text.with_text(longer))
        }
        _ => value,
    }
}

fn place(mut fault: Fault, text: &Str) -> Fault {
    if fault.place.is_none()
        && let Some(span) = text.span()
    {
        fault.place = Some(span.clone());
    }
    fault
}

fn too_deep() -> Fault {
    let mut fault = raised("");
    fault.kind = TemplateErrorKind::Template;
    fault.message = "Recursive loop detected in template: maximum recursion depth exceeded".into();
    fault
}
