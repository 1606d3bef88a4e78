//! Objects that hold data: sets, views, generators, ranges, namespaces, cyclers, joiners.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::arguments::Arguments;
use super::comparison::equal;
use super::context::Context;
use super::dismantle::dismantle;
use super::methods;
use super::val::{Map, Object, Val};
use crate::template::error::{Res, raised};
use crate::value::Value;

/// A sequence that is only looped over, or looked at as a list: `map`, `select`, `reversed`, views of dicts.
pub struct Sequence {
    pub kind: &'static str,
    pub items: Vec<Val>,
}

impl Sequence {
    pub fn val(kind: &'static str, items: Vec<Val>) -> Val {
        Val::object(Sequence { kind, items })
    }

    pub fn generator(items: Vec<Val>) -> Val {
        Self::val("generator", items)
    }
}

impl Object for Sequence {
    fn type_name(&self) -> &'static str {
        self.kind
    }

    fn items(&self) -> Option<Res<Vec<Val>>> {
        Some(Ok(self.items.clone()))
    }

    fn as_data(&self) -> Option<Val> {
        Some(Val::list(self.items.clone()))
    }

    fn length(&self) -> Option<usize> {
        (self.kind != "generator").then_some(self.items.len())
    }

    fn truthy(&self) -> bool {
        self.kind == "generator" || !self.items.is_empty()
    }

    fn text(&self) -> String {
        format!("<{} object>", self.kind)
    }
}

pub struct SetObject {
    pub items: Vec<Val>,
}

impl SetObject {
    /// Keeps the first of equal items.
    pub fn val(items: Vec<Val>) -> Val {
        let mut unique: Vec<Val> = Vec::new();
        for item in items {
            if !unique.iter().any(|other| equal(other, &item).unwrap_or(false)) {
                unique.push(item);
            }
        }
        Val::object(SetObject { items: unique })
    }
}

impl Object for SetObject {
    fn type_name(&self) -> &'static str {
        "set"
    }

    fn items(&self) -> Option<Res<Vec<Val>>> {
        Some(Ok(self.items.clone()))
    }

    fn as_data(&self) -> Option<Val> {
        Some(Val::list(self.items.clone()))
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }

    fn truthy(&self) -> bool {
        !self.items.is_empty()
    }

    fn text(&self) -> String {
        if self.items.is_empty() {
            return "set()".into();
        }
        let items: Vec<String> = self.items.iter().map(|item| super::print::repr(item).unwrap_or_default()).collect();
        format!("{{{}}}", items.join(", "))
    }
}

pub struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

const MOST_RANGE: usize = 5_000_000;

impl Range {
    fn count(&self) -> usize {
        let span =
            if self.step > 0 { self.stop.saturating_sub(self.start) } else { self.start.saturating_sub(self.stop) };
        let step = self.step.unsigned_abs().max(1);
        usize::try_from(span).map_or(0, |span| usize::try_from((span as u64).div_ceil(step)).unwrap_or(usize::MAX))
    }

    fn numbers(&self) -> Res<Vec<Val>> {
        let count = self.count();
        if count > MOST_RANGE {
            return Err(raised(format!(
                "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MOST_RANGE})."
            )));
        }
        Ok((0..count).map(|index| Val::Int(self.start + i64::try_from(index).unwrap_or(0) * self.step)).collect())
    }
}

impl Object for Range {
    fn type_name(&self) -> &'static str {
        "range"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        match name {
            "start" => Some(Val::Int(self.start)),
            "stop" => Some(Val::Int(self.stop)),
            "step" => Some(Val::Int(self.step)),
            _ => None,
        }
    }

    fn call_method(&self, _context: &Context, name: &str, arguments: Arguments) -> Option<Res<Val>> {
        let numbers = || self.numbers().and_then(|all| methods::call(&Val::tuple(all), name, arguments));
        matches!(name, "count" | "index").then(numbers)
    }

    fn items(&self) -> Option<Res<Vec<Val>>> {
        Some(self.numbers())
    }

    fn as_data(&self) -> Option<Val> {
        self.numbers().ok().map(Val::list)
    }

    fn length(&self) -> Option<usize> {
        Some(self.count())
    }

    fn truthy(&self) -> bool {
        self.count() > 0
    }

    fn text(&self) -> String {
        if self.step == 1 {
            format!("range({}, {})", self.start, self.stop)
        } else {
            format!("range({}, {}, {})", self.start, self.stop, self.step)
        }
    }
}

#[derive(Default)]
pub struct Namespace(pub RefCell<Map>);

impl Drop for Namespace {
    fn drop(&mut self) {
        dismantle(std::mem::take(self.0.get_mut()).into_values().collect());
    }
}

impl Object for Namespace {
    fn type_name(&self) -> &'static str {
        "Namespace"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        self.0.borrow().get(name).cloned()
    }

    fn set(&self, name: &str, value: Val) -> bool {
        self.0.borrow_mut().insert(Value::str(name), value);
        true
    }

    fn text(&self) -> String {
        let map = Val::dict(self.0.borrow().clone());
        format!("<Namespace {}>", super::print::repr(&map).unwrap_or_default())
    }
}

pub struct Cycler {
    pub items: Vec<Val>,
    pub position: Cell<usize>,
}

impl Cycler {
    fn current(&self) -> Val {
        self.items.get(self.position.get()).cloned().unwrap_or(Val::Null)
    }
}

impl Object for Cycler {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        (name == "current").then(|| self.current())
    }

    fn call_method(&self, _context: &Context, name: &str, _arguments: Arguments) -> Option<Res<Val>> {
        match name {
            "next" => {
                let current = self.current();
                self.position.set((self.position.get() + 1) % self.items.len().max(1));
                Some(Ok(current))
            }
            "reset" => {
                self.position.set(0);
                Some(Ok(Val::Null))
            }
            _ => None,
        }
    }
}

pub struct Joiner {
    pub separator: Val,
    pub used: Cell<bool>,
}

impl Object for Joiner {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _context: &Context, _arguments: Arguments) -> Res<Val> {
        Ok(if self.used.replace(true) { self.separator.clone() } else { Val::str("") })
    }
}

/// A function of the engine.
pub struct Function {
    pub name: &'static str,
    pub run: Box<dyn Fn(&Context, Arguments) -> Res<Val>>,
}

impl Function {
    pub fn val(name: &'static str, run: impl Fn(&Context, Arguments) -> Res<Val> + 'static) -> Val {
        Val::Object(Rc::new(Function { name, run: Box::new(run) }))
    }
}

impl Object for Function {
    /// Python's types answer with their own name: what the filter `type_debug` shows of them.
    fn type_name(&self) -> &'static str {
        match self.name {
            "cycler" => "Cycler",
            "dict" => "dict",
            "joiner" => "Joiner",
            "namespace" => "Namespace",
            "range" => "range",
            _ => "function",
        }
    }

    fn call_method(&self, _context: &Context, name: &str, arguments: Arguments) -> Option<Res<Val>> {
        if self.name != "dict" {
            return None;
        }
        if name == "fromkeys" {
            return Some(dict_from_keys(arguments));
        }
        let mut positional = arguments.positional.into_iter();
        let dict = positional.next().filter(|dict| matches!(dict, Val::Dict(_)) && methods::has(dict, name))?;
        let arguments = Arguments { positional: positional.collect(), named: arguments.named };
        Some(methods::call(&dict, name, arguments))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, context: &Context, arguments: Arguments) -> Res<Val> {
        (self.run)(context, arguments)
    }

    fn text(&self) -> String {
        format!("<function {}>", self.name)
    }
}

fn dict_from_keys(arguments: Arguments) -> Res<Val> {
    let given = arguments.positional.len();
    if !(1..=2).contains(&given) {
        let limit = if given == 0 { "at least 1 argument" } else { "at most 2 arguments" };
        return Err(raised(format!("fromkeys expected {limit}, got {given}")));
    }
    let mut positional = arguments.positional.into_iter();
    let (keys, value) = (positional.next().unwrap_or(Val::Null), positional.next().unwrap_or(Val::Null));
    let entries = keys.iterate()?.iter().map(|key| Ok((key.to_key()?, value.clone()))).collect::<Res<Map>>()?;
    Ok(Val::dict(entries))
}
