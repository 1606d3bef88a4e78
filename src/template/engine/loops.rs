//! The `loop` variable.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::arguments::Arguments;
use super::comparison::equal;
use super::context::Context;
use super::out::Out;
use super::run::{Scope, for_loop};
use super::tree::For;
use super::val::{Object, Val};
use crate::template::error::{Res, raised};

pub struct LoopObject {
    items: Vec<Val>,
    pub index: Cell<usize>,
    depth: usize,
    definition: Arc<For>,
    scope: Scope,
    last: RefCell<Option<Vec<Val>>>,
}

impl LoopObject {
    pub fn new(items: Vec<Val>, depth: usize, definition: &Arc<For>, scope: &Scope) -> Self {
        Self {
            items,
            index: Cell::new(0),
            depth,
            definition: Arc::clone(definition),
            scope: scope.clone(),
            last: RefCell::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn item(&self, index: usize) -> Option<Val> {
        self.items.get(index).cloned()
    }
}

fn int(number: usize) -> Val {
    Val::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Object for LoopObject {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn text(&self) -> String {
        format!("<LoopContext {}/{}>", self.index.get() + 1, self.items.len())
    }

    fn is_callable(&self) -> bool {
        self.definition.recursive
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        let (index, length) = (self.index.get(), self.items.len());
        Some(match name {
            "index" => int(index + 1),
            "index0" => int(index),
            "revindex" => int(length.saturating_sub(index)),
            "revindex0" => int(length.saturating_sub(index + 1)),
            "first" => Val::Bool(index == 0),
            "last" => Val::Bool(index + 1 == length),
            "length" => int(length),
            "depth" => int(self.depth + 1),
            "depth0" => int(self.depth),
            "previtem" => index
                .checked_sub(1)
                .and_then(|index| self.item(index))
                .unwrap_or_else(|| Val::undefined("there is no previous item")),
            "nextitem" => self.item(index + 1).unwrap_or_else(|| Val::undefined("there is no next item")),
            _ => return None,
        })
    }

    fn call(&self, context: &Context, arguments: Arguments) -> Res<Val> {
        if !self.definition.recursive {
            return Err(raised("The loop must have the 'recursive' marker to be called recursively."));
        }
        let Some(items) = arguments.positional.into_iter().next() else {
            return Err(raised("loop() missing 1 required positional argument: 'iterable'"));
        };
        let mut out = Out::default();
        context.deeper(|| for_loop(&self.scope, &self.definition, items, self.depth + 1, &mut out))?;
        out.joined()
    }

    fn call_method(&self, _context: &Context, name: &str, arguments: Arguments) -> Option<Res<Val>> {
        match name {
            "cycle" => {
                let choices = arguments.positional;
                if choices.is_empty() {
                    return Some(Err(raised("no items for cycling given")));
                }
                Some(Ok(choices.get(self.index.get() % choices.len()).cloned().unwrap_or(Val::Null)))
            }
            "changed" => {
                let mut last = self.last.borrow_mut();
                let same = last.as_ref().is_some_and(|last| {
                    last.len() == arguments.positional.len()
                        && last.iter().zip(&arguments.positional).all(|(a, b)| equal(a, b).unwrap_or(false))
                });
                *last = Some(arguments.positional);
                Some(Ok(Val::Bool(!same)))
            }
            _ => None,
        }
    }
}
