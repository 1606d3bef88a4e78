//! One rendering: the variables it sees, and what must not happen twice or for ever.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::frame::Frame;
use super::run;
use super::tree::Template;
use super::val::{Val, from_key};
use crate::template::Templar;
use crate::template::error::{Fault, Res, TemplateError, TemplateErrorKind, raised};
use crate::value::{Str, Value};

/// Renderings inside renderings; deeper ones are taken for endless.
const MOST_RENDERINGS: usize = 40;
/// Expressions inside expressions, macros and renderings included.
const MOST_DEPTH: usize = 600;

/// Of no use in another host's variables, and without end.
const HOSTVARS_LEAVE_OUT: &[&str] = &["hostvars", "vars"];

#[derive(Clone)]
pub struct Context(Rc<Inner>);

pub struct Inner {
    pub templar: Templar,
    rendering: RefCell<Vec<Arc<str>>>,
    depth: Cell<usize>,
    /// Line of the statement that runs.
    pub line: Cell<u32>,
    secrets: RefCell<Vec<Arc<str>>>,
    /// Containers among the variables stay the same object, so that a template sees what it appended.
    containers: RefCell<HashMap<String, Val>>,
    leftovers: Rc<Leftovers>,
    keep_sealed: Cell<bool>,
    /// Imported templates see no variables.
    pub without_variables: bool,
    /// A string met here is a host's name and stands for its variables (`hostvars`).
    pub names_are_hosts: bool,
}

/// What refers to itself and must be taken apart at the end: contexts whose containers know them, frames whose macros do.
#[derive(Default)]
struct Leftovers {
    contexts: RefCell<Vec<Context>>,
    frames: RefCell<Vec<Rc<Frame>>>,
}

/// Takes the leftovers of a rendering apart when it ends.
pub struct Session(Rc<Leftovers>);

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
        Context(Rc::new(Inner {
            templar,
            rendering: RefCell::default(),
            depth: Cell::new(0),
            line: Cell::new(0),
            secrets: RefCell::default(),
            containers: RefCell::default(),
            leftovers: Rc::default(),
            keep_sealed: Cell::new(false),
            without_variables: false,
            names_are_hosts: false,
        }))
    }

    /// For a template met while this one renders.
    fn nested(&self, templar: Templar) -> Inner {
        Inner {
            templar,
            rendering: RefCell::new(self.rendering.borrow().clone()),
            depth: Cell::new(self.depth.get()),
            line: Cell::new(0),
            secrets: RefCell::default(),
            containers: RefCell::default(),
            leftovers: Rc::clone(&self.leftovers),
            keep_sealed: Cell::new(false),
            without_variables: false,
            names_are_hosts: false,
        }
    }

    /// For the entries of `hostvars`: each host's variables are made when somebody looks at them.
    fn of_hostvars(&self) -> Self {
        Context(Rc::new(Inner { names_are_hosts: true, ..self.nested(self.templar.clone()) }))
    }

    fn hostvars(&self) -> Option<Val> {
        let hosts = self.templar.variables().hosts()?;
        let names: crate::value::Dict =
            hosts.into_iter().map(|host| (Value::str(host.as_str()), Value::str(host))).collect();
        Some(Val::raw_dict(&Arc::new(names), &self.of_hostvars()))
    }

    /// All variables of a host, rendered with its own when they are looked at.
    fn variables_of(&self, host: &str) -> Option<Val> {
        let variables = self.templar.variables().of_host(host)?;
        let all: crate::value::Dict = variables
            .names()
            .into_iter()
            .filter(|name| !HOSTVARS_LEAVE_OUT.contains(&name.as_str()))
            .filter_map(|name| variables.get(&name).map(|value| (Value::str(name), value)))
            .collect();
        let context = Context(Rc::new(self.nested(self.templar.with_variables(variables))));
        Some(Val::raw_dict(&Arc::new(all), &context))
    }

    pub fn without_variables(&self) -> Self {
        Context(Rc::new(Inner { without_variables: true, ..self.nested(self.templar.clone()) }))
    }

    /// To be held until the result is data.
    pub fn session(&self) -> Session {
        Session(Rc::clone(&self.leftovers))
    }

    /// The frame holds something that holds the frame.
    pub fn note_frame(&self, frame: &Rc<Frame>) {
        self.leftovers.frames.borrow_mut().push(Rc::clone(frame));
    }

    /// Runs one level deeper, unless that is too deep.
    pub fn deeper<T>(&self, work: impl FnOnce() -> Res<T>) -> Res<T> {
        let depth = self.depth.get();
        if depth >= MOST_DEPTH {
            return Err(too_deep());
        }
        self.depth.set(depth + 1);
        let result = work();
        self.depth.set(depth);
        result
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
            None if name == "hostvars" => return self.hostvars().or_else(|| self.named(name)),
            None => self.templar.variables().get(name)?,
        };
        let imported = self.import(&value);
        if matches!(imported, Val::List(_) | Val::Dict(_)) {
            if self.containers.borrow().is_empty() {
                self.leftovers.contexts.borrow_mut().push(self.clone());
            }
            self.containers.borrow_mut().insert(name.to_owned(), imported.clone());
        }
        Some(imported)
    }

    fn named(&self, name: &str) -> Option<Val> {
        Some(self.import(&self.templar.variables().get(name)?))
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
            Value::Sealed(sealed) => {
                if self.keep_sealed.get() {
                    return Val::Sealed(Arc::clone(sealed));
                }
                match sealed.open() {
                    Ok(text) => self.import(&Value::Str(text.into_secret())),
                    Err(message) => Val::failed(Box::new(TemplateError::new(TemplateErrorKind::Template, message))),
                }
            }
            other => from_key(other),
        }
    }

    /// Sealed values met meanwhile stay sealed.
    pub fn keeping_sealed<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.keep_sealed.replace(true);
        let result = work();
        self.keep_sealed.set(before);
        result
    }

    pub fn note_secret(&self, text: &Str) {
        let mut secrets = self.secrets.borrow_mut();
        if !text.is_empty() && !secrets.iter().any(|known| **known == **text) {
            secrets.push(Arc::clone(text.arc()));
        }
    }

    /// Does this text hold a secret that was looked at?
    pub fn holds_secret(&self, text: &str) -> bool {
        self.secrets.borrow().iter().any(|secret| text.contains(&**secret))
    }

    pub fn saw_secrets(&self) -> bool {
        !self.secrets.borrow().is_empty()
    }

    /// Renders a string of the project.
    pub fn render_text(&self, text: &Str) -> Res<Val> {
        self.rendering(text.arc(), || {
            let engine = self.templar.engine();
            let template = engine.cache.template(text.arc(), &engine.syntax, &engine.settings)?;
            self.run_template(&template)
        })
        .map_err(|fault| place(fault, text))
    }

    fn rendering(&self, text: &Arc<str>, work: impl FnOnce() -> Res<Val>) -> Res<Val> {
        {
            let mut rendering = self.rendering.borrow_mut();
            if rendering.len() >= MOST_RENDERINGS || rendering.iter().any(|other| **other == **text) {
                return Err(too_deep());
            }
            rendering.push(Arc::clone(text));
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
