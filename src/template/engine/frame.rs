//! Names that a template gives itself: by `set`, `for`, `with`, macros.

use std::cell::RefCell;
use std::rc::Rc;

use super::arguments::Name;
use super::val::Val;

#[derive(Default)]
pub struct Frame {
    names: RefCell<Vec<(Name, Val)>>,
    parent: Option<Rc<Frame>>,
}

impl Frame {
    pub fn root() -> Rc<Self> {
        Rc::new(Self::default())
    }

    pub fn child(parent: &Rc<Frame>) -> Rc<Self> {
        Rc::new(Self { names: RefCell::default(), parent: Some(Rc::clone(parent)) })
    }

    pub fn get(&self, name: &str) -> Option<Val> {
        let mut frame = Some(self);
        while let Some(current) = frame {
            if let Some((_, value)) = current.names.borrow().iter().rev().find(|(known, _)| &**known == name) {
                return Some(value.clone());
            }
            frame = current.parent.as_deref();
        }
        None
    }

    pub fn set(&self, name: &Name, value: Val) {
        let mut names = self.names.borrow_mut();
        match names.iter_mut().find(|(known, _)| known == name) {
            Some(slot) => slot.1 = value,
            None => names.push((name.clone(), value)),
        }
    }

    pub fn clear(&self) {
        self.names.take();
    }

    /// What was set in this very frame.
    pub fn own(&self) -> Vec<(Name, Val)> {
        self.names.borrow().clone()
    }
}
