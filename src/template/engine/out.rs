//! What statements write, before it is joined.

use std::rc::Rc;

use super::marks::Marks;
use super::output::concat;
use super::print::MOST_TEXT;
use super::val::Val;
use crate::template::error::Res;
use crate::template::limits;

/// The written values in order. Text is counted as it comes, so that a loop without end is stopped before it fills the memory.
#[derive(Default)]
pub struct Out {
    values: Vec<Val>,
    text: usize,
    /// What comes is joined at once, as Jinja2 does with a whole template: the first undefined value ends it.
    streams: bool,
    /// Takes what is undefined in place of that end.
    marks: Option<Rc<Marks>>,
}

impl Out {
    pub fn streaming(marks: Option<Rc<Marks>>) -> Self {
        Self { streams: true, marks, ..Self::default() }
    }

    pub fn push(&mut self, mut value: Val) -> Res<()> {
        if let Some(marks) = &self.marks {
            value = marks.within(value);
        }
        if let Val::Str(text) = &value {
            self.text += text.len();
            if self.text > MOST_TEXT {
                return Err(limits::too_long());
            }
        }
        if self.streams && !matches!(&value, Val::Undefined(it) if it.plain) {
            value.check()?;
        }
        self.values.push(value);
        Ok(())
    }

    pub fn append(&mut self, other: Out) -> Res<()> {
        other.values.into_iter().try_for_each(|value| self.push(value))
    }

    /// All of it as one value.
    pub fn joined(self) -> Res<Val> {
        concat(self.values)
    }
}
