//! `a.b`, `a['b']`, `a[1:2]` and methods, as Jinja2's sandbox resolves them.

use std::rc::Rc;

use num_traits::ToPrimitive;

use super::arguments::Arguments;
use super::context::Context;
use super::eval::call_value;
use super::markup;
use super::methods;
use super::print;
use super::run::Scope;
use super::val::{Object, Val};
use crate::template::error::{Res, raised};
use crate::value::Value;

/// Attributes every Python object has; templates may not reach them.
const UNSAFE: &[&str] = &[
    "__abs__",
    "__add__",
    "__class__",
    "__contains__",
    "__delattr__",
    "__delitem__",
    "__dict__",
    "__dir__",
    "__doc__",
    "__eq__",
    "__format__",
    "__ge__",
    "__getattribute__",
    "__getitem__",
    "__getstate__",
    "__gt__",
    "__hash__",
    "__init__",
    "__init_subclass__",
    "__iter__",
    "__le__",
    "__len__",
    "__lt__",
    "__mod__",
    "__module__",
    "__mro__",
    "__mul__",
    "__ne__",
    "__new__",
    "__reduce__",
    "__reduce_ex__",
    "__repr__",
    "__reversed__",
    "__setattr__",
    "__setitem__",
    "__sizeof__",
    "__slots__",
    "__str__",
    "__sub__",
    "__subclasshook__",
    "__globals__",
    "__call__",
    "__code__",
    "__closure__",
    "__func__",
    "__self__",
    "__subclasses__",
    "__base__",
    "__bases__",
    "mro",
    "func_globals",
    "gi_frame",
    "gi_code",
    "cr_frame",
    "f_globals",
];

/// `a.b`: an attribute, else an item.
pub fn attribute(value: &Val, name: &str) -> Val {
    match value {
        Val::Undefined(it) if it.plain => return Val::failed(Box::new(it.error.clone())),
        Val::Undefined(_) => return value.clone(),
        _ => {}
    }
    if name.starts_with("__") && UNSAFE.contains(&name) {
        return unsafe_attribute(value, name);
    }
    if let Some(found) = own_attribute(value, name) {
        return found;
    }
    let item = match value {
        Val::Dict(dict) => dict.get_str(name),
        _ => None,
    };
    item.unwrap_or_else(|| missing(value, &format!("'{name}'")))
}

/// The filter `attr`: keys of dicts do not count.
pub fn attribute_only(value: &Val, name: &str) -> Val {
    if name.starts_with("__") && UNSAFE.contains(&name) {
        return unsafe_attribute(value, name);
    }
    own_attribute(value, name).unwrap_or_else(|| missing(value, &format!("'{name}'")))
}

fn unsafe_attribute(value: &Val, name: &str) -> Val {
    Val::undefined(format!("access to attribute '{name}' of '{}' object is unsafe.", value.type_name()))
}

fn missing(value: &Val, name: &str) -> Val {
    Val::undefined(format!("object of type '{}' has no attribute {name}", value.type_name()))
}

fn own_attribute(value: &Val, name: &str) -> Option<Val> {
    if let Val::Object(object) = value
        && let Some(found) = object.attribute(name)
    {
        return Some(found);
    }
    if let Some(found) = methods::property(value, name) {
        return Some(found);
    }
    methods::has(value, name).then(|| Val::object(Method { object: value.clone(), name: name.to_owned() }))
}

/// `a[b]`: an item, else an attribute of that name.
pub fn item(value: &Val, key: &Val) -> Val {
    match value {
        Val::Undefined(it) if it.plain => return Val::failed(Box::new(it.error.clone())),
        Val::Undefined(_) => return value.clone(),
        _ => {}
    }
    if key.is_undefined() {
        return key.clone();
    }
    let found = match value {
        Val::Dict(dict) => match key.to_key() {
            Ok(key) => dict.get(&key),
            // A key that cannot be one is not there; one that is empty as well is named in Jinja2's own words.
            Err(_) if key.truthy().is_ok_and(|it| it) => None,
            Err(_) => {
                let key = print::repr(key).unwrap_or_default();
                return Val::undefined(format!("{} object has no element {key}", value.type_name()));
            }
        },
        Val::List(list) => position(key, list.len()).and_then(|at| list.get(at)),
        Val::Tuple(items) => position(key, items.len()).and_then(|at| items.get(at).cloned()),
        Val::Str(text) => {
            let length = if text.is_ascii() { text.len() } else { text.chars().count() };
            position(key, length)
                .and_then(|at| text.chars().nth(at))
                .map(|char| Val::Str(text.with_text(char.to_string()).into_untrusted()))
        }
        Val::Bytes(bytes) => {
            position(key, bytes.len()).and_then(|at| bytes.get(at)).map(|byte| Val::Int(i64::from(*byte)))
        }
        Val::Object(object) => match (key, object.as_data()) {
            (Val::Int(_), Some(data)) if data.as_sequence().is_some() && object.type_name() != "generator" => {
                return item(&data, key);
            }
            (Val::Str(name), None) => object.attribute(name),
            _ => None,
        },
        _ => None,
    };
    if let Some(found) = found {
        return found;
    }
    if let Val::Str(name) = key {
        if name.starts_with("__") && UNSAFE.contains(&&**name) {
            return unsafe_attribute(value, name);
        }
        if let Some(found) = own_attribute(value, name) {
            return found;
        }
    }
    missing(value, &print::repr(key).unwrap_or_default())
}

fn position(key: &Val, length: usize) -> Option<usize> {
    let index = match key {
        Val::Int(index) => *index,
        Val::Bool(bool) => i64::from(*bool),
        _ => return None,
    };
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().filter(|_| index < length)
}

/// Positions a Python slice selects.
pub fn slice_positions(length: usize, bounds: &[Option<Val>; 3]) -> Res<Vec<usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let number = |bound: &Option<Val>| -> Res<Option<i64>> {
        Ok(match bound {
            None | Some(Val::Null) => None,
            Some(Val::Int(number)) => Some(*number),
            Some(Val::Bool(bool)) => Some(i64::from(*bool)),
            Some(Val::Big(number)) => Some(number.to_i64().unwrap_or(i64::MAX)),
            Some(other) => {
                other.check()?;
                return Err(raised("slice indices must be integers or None or have an __index__ method"));
            }
        })
    };
    let step = number(&bounds[2])?.unwrap_or(1);
    if step == 0 {
        return Err(raised("slice step cannot be zero"));
    }
    let clamp = |index: i64| -> i64 {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        if step > 0 { index.clamp(0, length) } else { index.clamp(-1, length - 1) }
    };
    let start = number(&bounds[0])?.map_or(if step > 0 { 0 } else { length - 1 }, clamp);
    let stop = number(&bounds[1])?.map_or(if step > 0 { length } else { -1 }, clamp);
    let mut out = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if let Ok(at) = usize::try_from(at) {
            out.push(at);
        }
        at = match at.checked_add(step) {
            Some(at) => at,
            None => break,
        };
    }
    Ok(out)
}

pub fn slice(value: &Val, bounds: &[Option<Val>; 3]) -> Res<Val> {
    match value {
        Val::List(list) => {
            let items = list.to_vec();
            let positions = slice_positions(items.len(), bounds)?;
            Ok(Val::list(positions.into_iter().filter_map(|at| items.get(at).cloned()).collect()))
        }
        Val::Tuple(items) => {
            let positions = slice_positions(items.len(), bounds)?;
            Ok(Val::tuple(positions.into_iter().filter_map(|at| items.get(at).cloned()).collect()))
        }
        Val::Str(text) => {
            let chars: Vec<char> = text.chars().collect();
            let positions = slice_positions(chars.len(), bounds)?;
            let sliced: String = positions.into_iter().filter_map(|at| chars.get(at)).collect();
            Ok(Val::Str(text.with_text(sliced).into_untrusted()))
        }
        Val::Bytes(bytes) => {
            let positions = slice_positions(bytes.len(), bounds)?;
            Ok(Val::Bytes(positions.into_iter().filter_map(|at| bytes.get(at).copied()).collect()))
        }
        Val::Object(object) if object.type_name() == "range" => match object.as_data() {
            Some(data) => slice(&data, bounds),
            None => Err(raised("'range' object is not subscriptable")),
        },
        Val::Dict(_) => Err(raised("unhashable type: 'slice'")),
        Val::Null | Val::Bool(_) | Val::Int(_) | Val::Big(_) | Val::Float(_) => {
            Err(raised(format!("'{}' object is not subscriptable", value.type_name())))
        }
        other => Ok(missing(other, "slice(None, None, None)")),
    }
}

pub fn call_method(scope: &Scope, value: &Val, name: &str, arguments: Arguments) -> Res<Val> {
    if name.starts_with("__") && UNSAFE.contains(&name) {
        return unsafe_attribute(value, name).used();
    }
    if let Val::Object(object) = value
        && let Some(result) = object.call_method(&scope.context, name, arguments.clone())
    {
        return result;
    }
    if methods::has(value, name) {
        return methods::call(value, name, arguments);
    }
    call_value(scope, &attribute(value, name), arguments)
}

/// A method that was asked for but not called.
struct Method {
    object: Val,
    name: String,
}

impl Object for Method {
    fn type_name(&self) -> &'static str {
        if self.lazy_type().is_some() {
            return "method";
        }
        let marked = matches!(&self.object, Val::Str(text) if text.is_markup());
        if self.name.starts_with("__") {
            "method-wrapper"
        } else if marked && markup::KEEPING_METHODS.contains(&self.name.as_str()) {
            "method"
        } else {
            "builtin_function_or_method"
        }
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _context: &Context, arguments: Arguments) -> Res<Val> {
        methods::call(&self.object, &self.name, arguments)
    }

    fn text(&self) -> String {
        match self.lazy_type() {
            Some(owner) => {
                let object = print::repr(&self.object).unwrap_or_default();
                format!("<bound method {owner}.{} of {object}>", self.name)
            }
            None => format!("<built-in method {} of {} object>", self.name, self.object.type_name()),
        }
    }
}

/// Methods that Ansible's own containers of variables replace.
const LAZY_DICT: &[&str] = &["copy", "get", "items", "pop", "popitem", "setdefault", "values"];
const LAZY_LIST: &[&str] = &["copy", "index", "pop", "remove", "sort"];

impl Method {
    /// The class that such a container has in Ansible, if the method is one of its own.
    fn lazy_type(&self) -> Option<&'static str> {
        let name = self.name.as_str();
        match &self.object {
            Val::Dict(dict) if LAZY_DICT.contains(&name) && dict.is_untouched() => Some("_AnsibleLazyTemplateDict"),
            Val::List(list) if LAZY_LIST.contains(&name) && list.is_untouched() => Some("_AnsibleLazyTemplateList"),
            _ => None,
        }
    }
}

/// An item by a dotted path, as `map(attribute='a.b')` and `groupby` resolve it.
pub fn by_path(value: &Val, path: &Val) -> Val {
    match path {
        Val::Str(path) => {
            let mut current = value.clone();
            for part in path.split('.') {
                current = match part.parse::<i64>() {
                    Ok(number) if !part.starts_with(['+', '-']) => item(&current, &Val::Int(number)),
                    _ => item(&current, &Val::str(part)),
                };
            }
            current
        }
        other => item(value, other),
    }
}

/// Used by tables of names: a dict of what an object holds.
pub fn dict_of(entries: Vec<(&str, Val)>) -> Val {
    Val::dict(entries.into_iter().map(|(key, value)| (Value::str(key), value)).collect())
}

pub fn shared(object: impl Object + 'static) -> Rc<dyn Object> {
    Rc::new(object)
}
