//! Global functions.

use std::cell::{Cell, RefCell};

use chrono::{Local, Utc};
use num_traits::ToPrimitive;

use super::arguments::{Arguments, parameters};
use super::context::Context;
use super::module::Blocks;
use super::objects::{Cycler, Function, Joiner, Namespace, Range};
use super::run::Scope;
use super::val::{Map, Object, Val};
use crate::template::error::{Res, raised, undefined};
use crate::template::filters::dates::strftime;
use crate::template::lookups;
use crate::value::Value;

pub fn global(scope: &Scope, name: &str) -> Option<Val> {
    Some(match name {
        "range" => Function::val("range", |_, arguments| range(arguments)),
        "dict" => Function::val("dict", |_, arguments| dict(arguments)),
        "namespace" => Function::val("namespace", |_, arguments| {
            let Val::Dict(map) = dict(arguments)? else { return Err(raised("namespace() takes a mapping")) };
            Ok(Val::object(Namespace(RefCell::new(map.to_map()))))
        }),
        "cycler" => Function::val("cycler", |_, arguments| {
            if arguments.positional.is_empty() {
                return Err(raised("at least one item has to be provided"));
            }
            Ok(Val::object(Cycler { items: arguments.positional, position: Cell::new(0) }))
        }),
        "joiner" => Function::val("joiner", |_, arguments| {
            let bound = arguments.bind("joiner", &parameters(&["sep"], 0))?;
            let separator = bound.get(0).cloned().unwrap_or_else(|| Val::str(", "));
            Ok(Val::object(Joiner { separator, used: Cell::new(false) }))
        }),
        "lipsum" => Function::val("lipsum", |_, arguments| super::lipsum::lipsum(arguments)),
        "now" => Function::val("now", |_, arguments| now(arguments)),
        "undef" => Function::val("undef", |_, arguments| {
            let bound = arguments.bind("undef", &parameters(&["hint"], 0))?;
            let message = match bound.some(0) {
                Some(hint) => super::print::text(hint)?,
                None => "Mandatory variable has not been overridden".to_owned(),
            };
            Ok(Val::failed(undefined(message)))
        }),
        "lookup" => lookup_function(scope, "lookup", false),
        "query" => lookup_function(scope, "query", true),
        "q" => lookup_function(scope, "q", true),
        "omit" => Val::Omit,
        "vars" => Val::object(AllVariables { context: scope.context.clone() }),
        "self" => Val::object(Blocks { scope: scope.clone() }),
        _ => return None,
    })
}

fn lookup_function(scope: &Scope, name: &'static str, want_list: bool) -> Val {
    let scope = scope.clone();
    Function::val(name, move |_, arguments| lookups::call(&scope, arguments, want_list))
}

fn integer(value: &Val) -> Res<i64> {
    match value {
        Val::Int(number) => Ok(*number),
        Val::Bool(bool) => Ok(i64::from(*bool)),
        Val::Big(number) => Ok(number.to_i64().unwrap_or(i64::MAX)),
        other => {
            other.check()?;
            Err(raised(format!("'{}' object cannot be interpreted as an integer", other.type_name())))
        }
    }
}

fn range(arguments: Arguments) -> Res<Val> {
    if !arguments.named.is_empty() {
        return Err(raised("range() takes no keyword arguments"));
    }
    let numbers = arguments.positional.iter().map(integer).collect::<Res<Vec<_>>>()?;
    let range = match numbers.as_slice() {
        [] => return Err(raised("range expected at least 1 argument, got 0")),
        [stop] => Range { start: 0, stop: *stop, step: 1 },
        [start, stop] => Range { start: *start, stop: *stop, step: 1 },
        [start, stop, step] => Range { start: *start, stop: *stop, step: *step },
        more => return Err(raised(format!("range expected at most 3 arguments, got {}", more.len()))),
    };
    if range.step == 0 {
        return Err(raised("range() arg 3 must not be zero"));
    }
    Ok(Val::object(range))
}

/// Python's `dict(mapping or pairs, **more)`.
pub fn dict(arguments: Arguments) -> Res<Val> {
    let mut map = Map::new();
    if arguments.positional.len() > 1 {
        return Err(raised(format!("dict expected at most 1 argument, got {}", arguments.positional.len())));
    }
    if let Some(first) = arguments.positional.into_iter().next() {
        match first.used()? {
            Val::Dict(dict) => map = dict.to_map(),
            other => {
                for (index, pair) in other.iterate()?.iter().enumerate() {
                    let items = pair.iterate().map_err(|_| {
                        raised(format!("cannot convert dictionary update sequence element #{index} to a sequence"))
                    })?;
                    let [key, value] = items.as_slice() else {
                        return Err(raised(format!(
                            "dictionary update sequence element #{index} has length {}; 2 is required",
                            items.len()
                        )));
                    };
                    map.insert(key.to_key()?, value.clone());
                }
            }
        }
    }
    for (name, value) in arguments.named {
        map.insert(Value::str(name), value);
    }
    Ok(Val::dict(map))
}

fn now(arguments: Arguments) -> Res<Val> {
    let bound = arguments.bind("now", &parameters(&["utc", "fmt"], 0))?;
    let utc = bound.bool(0, false)?;
    let (time, zone) = if utc {
        (Utc::now().naive_utc(), None)
    } else {
        let now = Local::now();
        (now.naive_local(), None)
    };
    match bound.some(1) {
        Some(format) => {
            let format = super::print::text(format)?;
            Ok(Val::str(strftime(&format, time, zone)?))
        }
        None => Ok(Val::DateTime(time, zone)),
    }
}

/// `vars`: every variable by name.
struct AllVariables {
    context: Context,
}

impl AllVariables {
    fn map(&self) -> Map {
        let templar = &self.context.templar;
        let mut map = Map::new();
        for name in templar.variables().names() {
            if let Some(value) = self.context.variable(&name) {
                map.insert(Value::str(name), value);
            }
        }
        if let Some(locals) = templar.locals() {
            for (key, value) in locals {
                map.insert(key.clone(), self.context.import(value));
            }
        }
        map
    }
}

impl Object for AllVariables {
    fn type_name(&self) -> &'static str {
        "dict"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        self.context.variable(name)
    }

    fn call_method(&self, _context: &Context, name: &str, arguments: Arguments) -> Option<Res<Val>> {
        if name == "get" {
            let found = arguments.positional.first().and_then(|name| self.context.variable(name.as_str()?));
            return Some(Ok(found.or_else(|| arguments.positional.get(1).cloned()).unwrap_or(Val::Null)));
        }
        Some(super::methods::call(&Val::dict(self.map()), name, arguments))
    }

    fn items(&self) -> Option<Res<Vec<Val>>> {
        Some(Ok(self.map().keys().map(super::val::from_key).collect()))
    }

    fn as_data(&self) -> Option<Val> {
        Some(Val::dict(self.map()))
    }
}
