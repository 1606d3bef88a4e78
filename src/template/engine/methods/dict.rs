//! Methods of `dict`.

use std::rc::Rc;

use crate::template::engine::arguments::{Arguments, parameters};
use crate::template::engine::functions;
use crate::template::engine::print;
use crate::template::engine::val::{DictCell, Map, Val, from_key};
use crate::template::error::{Res, raised};

pub const NAMES: &[&str] =
    &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

pub fn call(this: &Rc<DictCell>, name: &str, arguments: Arguments) -> Res<Val> {
    match name {
        "get" => {
            let bound = arguments.bind("get", &parameters(&["key", "default"], 1))?;
            let found = this.get(&bound.val(0).to_key()?);
            Ok(found.unwrap_or_else(|| bound.val(1)))
        }
        "items" | "keys" | "values" => {
            arguments.bind(name, &parameters(&[], 0))?;
            // Ansible makes lists of views as soon as a call returns them.
            Ok(Val::list(match name {
                "keys" => this.keys().iter().map(from_key).collect(),
                "values" => this.to_map().into_values().collect(),
                _ => this.to_map().into_iter().map(|(key, value)| Val::tuple(vec![from_key(&key), value])).collect(),
            }))
        }
        "update" => {
            let Val::Dict(more) = functions::dict(arguments)? else { return Ok(Val::Null) };
            let more = more.to_map();
            this.change(|map| map.extend(more));
            Ok(Val::Null)
        }
        "pop" => {
            let bound = arguments.bind("pop", &parameters(&["key", "default"], 1))?;
            let key = bound.val(0).to_key()?;
            match this.change(|map| map.shift_remove(&key)) {
                Some(value) => Ok(value),
                None => match bound.get(1) {
                    Some(default) => Ok(default.clone()),
                    None => Err(raised(print::repr(&bound.val(0))?)),
                },
            }
        }
        "popitem" => match this.change(Map::pop) {
            Some((key, value)) => Ok(Val::tuple(vec![from_key(&key), value])),
            None => Err(raised("'popitem(): dictionary is empty'")),
        },
        "setdefault" => {
            let bound = arguments.bind("setdefault", &parameters(&["key", "default"], 1))?;
            let key = bound.val(0).to_key()?;
            if let Some(found) = this.get(&key) {
                return Ok(found);
            }
            let value = bound.val(1);
            this.change(|map| map.insert(key, value.clone()));
            Ok(value)
        }
        "clear" => {
            this.change(Map::clear);
            Ok(Val::Null)
        }
        "copy" => Ok(Val::dict(this.to_map())),
        "fromkeys" => {
            let bound = arguments.bind("fromkeys", &parameters(&["iterable", "value"], 1))?;
            let mut map = Map::new();
            for key in bound.val(0).iterate()? {
                map.insert(key.to_key()?, bound.val(1));
            }
            Ok(Val::dict(map))
        }
        _ => Err(raised(format!("'dict' object has no attribute '{name}'"))),
    }
}
