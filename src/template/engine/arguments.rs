//! Arguments of a call, and how they are matched with parameters, as Python does it.

use std::sync::Arc;

use super::val::Val;
use crate::template::error::{Res, raised};

pub type Name = Arc<str>;

#[derive(Clone, Default)]
pub struct Arguments {
    pub positional: Vec<Val>,
    pub named: Vec<(Name, Val)>,
}

/// Arguments in the order of the parameters.
pub struct Bound {
    slots: Vec<Option<Val>>,
    names: &'static [&'static str],
    pub rest: Vec<Val>,
    pub named: Vec<(Name, Val)>,
}

/// Parameter names with how many of them must be given. `*` at the end takes any further positional
/// arguments, `**` any further named ones.
pub struct Parameters {
    pub names: &'static [&'static str],
    pub required: usize,
}

pub const fn parameters(names: &'static [&'static str], required: usize) -> Parameters {
    Parameters { names, required }
}

impl Arguments {
    pub fn new(positional: Vec<Val>) -> Self {
        Self { positional, named: Vec::new() }
    }

    pub fn bind(self, function: &str, parameters: &Parameters) -> Res<Bound> {
        let keywords = parameters.names.contains(&"**");
        let variadic = parameters.names.iter().position(|name| *name == "*");
        let plain = parameters.names.iter().filter(|name| !name.starts_with('*')).count();
        let by_position = variadic.unwrap_or(plain).min(plain);
        let mut bound =
            Bound { slots: vec![None; plain], names: parameters.names, rest: Vec::new(), named: Vec::new() };
        let given = self.positional.len();
        if given > by_position && variadic.is_none() {
            return Err(raised(too_many(function, by_position, parameters.required, given)));
        }
        for (index, value) in self.positional.into_iter().enumerate() {
            if index < by_position {
                bound.slots[index] = Some(value);
            } else {
                bound.rest.push(value);
            }
        }
        for (name, value) in self.named {
            let slot = parameters
                .names
                .iter()
                .filter(|name| !name.starts_with('*'))
                .position(|known| *known == &*name)
                .and_then(|index| bound.slots.get_mut(index));
            match slot {
                Some(Some(_)) => {
                    return Err(raised(format!("{function}() got multiple values for argument '{name}'")));
                }
                Some(empty) => *empty = Some(value),
                None if keywords => bound.named.push((name, value)),
                None => {
                    return Err(raised(format!("{function}() got an unexpected keyword argument '{name}'")));
                }
            }
        }
        let missing: Vec<String> = bound
            .slots
            .iter()
            .zip(parameters.names.iter().filter(|name| !name.starts_with('*')))
            .take(parameters.required)
            .filter(|(slot, _)| slot.is_none())
            .map(|(_, name)| format!("'{name}'"))
            .collect();
        if !missing.is_empty() {
            let plural = if missing.len() == 1 { "" } else { "s" };
            let list = match missing.as_slice() {
                [one] => one.clone(),
                [one, two] => format!("{one} and {two}"),
                [many @ .., last] => format!("{}, and {last}", many.join(", ")),
                [] => String::new(),
            };
            return Err(raised(format!(
                "{function}() missing {} required positional argument{plural}: {list}",
                missing.len()
            )));
        }
        Ok(bound)
    }
}

fn too_many(function: &str, most: usize, required: usize, given: usize) -> String {
    let were = if given == 1 { "was" } else { "were" };
    if required < most {
        format!("{function}() takes from {required} to {most} positional arguments but {given} {were} given")
    } else {
        let plural = if most == 1 { "" } else { "s" };
        format!("{function}() takes {most} positional argument{plural} but {given} {were} given")
    }
}

impl Bound {
    /// A required argument.
    pub fn val(&self, index: usize) -> Val {
        self.slots.get(index).cloned().flatten().unwrap_or(Val::Null)
    }

    pub fn get(&self, index: usize) -> Option<&Val> {
        self.slots.get(index)?.as_ref()
    }

    /// An optional argument; `None` counts as not given.
    pub fn some(&self, index: usize) -> Option<&Val> {
        self.get(index).filter(|value| !matches!(value, Val::Null))
    }

    pub fn bool(&self, index: usize, default: bool) -> Res<bool> {
        self.get(index).map_or(Ok(default), Val::truthy)
    }

    pub fn int(&self, index: usize, default: i64) -> Res<i64> {
        match self.get(index) {
            None => Ok(default),
            Some(Val::Int(number)) => Ok(*number),
            Some(Val::Bool(bool)) => Ok(i64::from(*bool)),
            Some(other) => {
                other.check()?;
                Err(raised(format!("'{}' object cannot be interpreted as an integer", other.type_name())))
            }
        }
    }

    /// A string argument; other types are Python's type error.
    pub fn text(&self, index: usize) -> Res<&str> {
        match self.get(index) {
            Some(Val::Str(text)) => Ok(text),
            Some(other) => {
                other.check()?;
                Err(raised(format!(
                    "argument '{}' must be str, not {}",
                    self.names.get(index).unwrap_or(&""),
                    other.type_name()
                )))
            }
            None => Ok(""),
        }
    }

    pub fn text_or(&self, index: usize, default: &'static str) -> Res<&str> {
        if self.get(index).is_none() { Ok(default) } else { self.text(index) }
    }
}
