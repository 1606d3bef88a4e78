//! Dropping containers that lie deep inside each other: by the language's own rules that recurses, and a template can
//! nest deeper than a stack is long.

use std::cell::{Cell, RefCell};

use super::val::Val;

/// Containers that are dropped inside each other before the rest waits.
const MOST_NESTED: usize = 50;

thread_local! {
    static NESTED: Cell<usize> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Vec<Val>>> = const { RefCell::new(Vec::new()) };
}

/// Drops what a container held.
pub fn dismantle(items: Vec<Val>) {
    if !items.iter().any(|item| matches!(item, Val::List(_) | Val::Dict(_) | Val::Tuple(_) | Val::Object(_))) {
        return;
    }
    let nested = NESTED.get();
    if nested >= MOST_NESTED {
        WAITING.with_borrow_mut(|waiting| waiting.push(items));
        return;
    }
    NESTED.set(nested + 1);
    drop(items);
    if nested == 0 {
        while let Some(items) = WAITING.with_borrow_mut(Vec::pop) {
            drop(items);
        }
    }
    NESTED.set(nested);
}
