//! Rendering that goes on where something is missing, as titles of tasks are rendered: what is wrong is shown in its place.

use std::cell::RefCell;

use super::val::{MOST_DEPTH, Val};
use crate::source::Span;
use crate::template::error::{Fault, Res, TemplateErrorKind, rendering_failed};
use crate::value::{Str, Value};

/// What was wrong, in the order in which it was met.
#[derive(Default)]
pub struct Marks(RefCell<Vec<Mark>>);

#[derive(Clone, Debug)]
pub struct Mark {
    pub message: String,
    /// Where the text is written that could not be rendered.
    pub place: Option<Span>,
}

impl Marks {
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub fn take(&self) -> Vec<Mark> {
        self.0.take()
    }

    /// Gives the marks from this one on a place, where they have none.
    pub fn place(&self, first: usize, place: Option<&Span>) {
        for mark in self.0.borrow_mut().iter_mut().skip(first) {
            mark.place = mark.place.take().or_else(|| place.cloned());
        }
    }

    /// What stands where a value should.
    pub fn note(&self, message: String) -> Val {
        let mut marks = self.0.borrow_mut();
        let text = format!("<< error {} - {message} >>", marks.len() + 1);
        marks.push(Mark { message, place: None });
        Val::Str(Str::data(text))
    }

    /// A template that broke off.
    pub fn broken_off(&self, fault: Fault) -> [Val; 2] {
        let message = rendering_failed(fault).message;
        [self.note(message), self.note("template potentially truncated".to_owned())]
    }

    /// The value of an expression that only missed something.
    pub fn excuse(&self, fault: Fault) -> Res<Val> {
        match fault.kind {
            TemplateErrorKind::Undefined | TemplateErrorKind::PluginMissing => Ok(self.note(fault.message)),
            _ => Err(fault),
        }
    }

    /// The value with marks for what is undefined in it.
    pub fn within(&self, value: Val) -> Val {
        self.marked(value, 0)
    }

    fn marked(&self, value: Val, depth: usize) -> Val {
        match value {
            Val::Undefined(it) if !it.plain => self.note(it.error.message.clone()),
            Val::List(list) if depth < MOST_DEPTH => {
                Val::list(list.to_vec().into_iter().map(|item| self.marked(item, depth + 1)).collect())
            }
            Val::Dict(dict) if depth < MOST_DEPTH => {
                let entries = dict.to_map().into_iter();
                Val::dict(entries.map(|(key, item)| (key, self.marked(item, depth + 1))).collect())
            }
            other => other,
        }
    }
}

/// What was rendered, and what could not be.
pub struct Lenient {
    pub value: Value,
    pub marks: Vec<Mark>,
}

/// The warning about what could not be rendered.
pub fn marks_text(marks: &[Mark]) -> String {
    let mut text = format!("Encountered {} template error{}.", marks.len(), if marks.len() == 1 { "" } else { "s" });
    for (index, mark) in marks.iter().enumerate() {
        text.push_str(&format!("\nerror {} - {}", index + 1, mark.message));
    }
    text
}
