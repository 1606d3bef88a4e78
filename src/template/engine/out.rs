//! What statements write, before it is joined.

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
}

impl Out {
    pub fn push(&mut self, value: Val) -> Res<()> {
        if let Val::Str(text) = &value {
            self.text += text.len();
            if self.text > MOST_TEXT {
                return Err(limits::too_long());
            }
        }
        self.values.push(value);
        Ok(())
    }

    pub fn append(&mut self, other: Out) -> Res<()> {
        self.text += other.text;
        self.values.extend(other.values);
        if self.text > MOST_TEXT { Err(limits::too_long()) } else { Ok(()) }
    }

    /// All of it as one value.
    pub fn joined(self) -> Res<Val> {
        concat(self.values)
    }
}
