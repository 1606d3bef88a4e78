//! Values while a template runs: those of a run (`Value`), and what only templates know: undefined, tuples,
//! functions, containers that can be changed, and containers whose templates are rendered when they are looked at.

use std::cell::RefCell;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use indexmap::{Equivalent, IndexMap};
use num_bigint::BigInt;

use super::arguments::Arguments;
use super::context::Context;
pub use super::data::{all_plain, from_data, from_key, is_plain};
use super::dismantle::dismantle;
use super::run::{TemplateFile, in_file};
use crate::template::error::{Fault, Res, TemplateError, TemplateErrorKind, raised, undefined};
use crate::value::{self, Dict, Str, Value};

/// Containers inside containers; deeper ones are taken for endless.
pub const MOST_DEPTH: usize = 150;

pub type Map = IndexMap<Value, Val>;

#[derive(Clone)]
pub enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
    Str(Str),
    Bytes(Arc<[u8]>),
    Date(NaiveDate),
    DateTime(NaiveDateTime, Option<FixedOffset>),
    List(Rc<List>),
    Tuple(Rc<Vec<Val>>),
    Dict(Rc<DictCell>),
    Undefined(Rc<Undefined>),
    Omit,
    Sealed(Arc<dyn crate::value::Sealed>),
    Object(Rc<dyn Object>),
}

/// A value that is missing, or that could not be made; using it is the error.
pub struct Undefined {
    pub error: TemplateError,
    /// Jinja's own undefined (an inline `if` without `else`): vanishes inside text.
    pub plain: bool,
}

pub struct List(RefCell<Items<Vec<Val>, value::List, usize>>);
pub struct DictCell {
    items: RefCell<Items<Map, Arc<Dict>, Value>>,
    /// All variables of a host, none of them read but those in `items` that were looked at.
    unread: RefCell<Option<Context>>,
}

enum Items<Own, Raw, Key> {
    Own(Own),
    /// Not looked at, but for the containers in it that were: they stay the same objects.
    Raw(Raw, Context, Looked<Key>),
}

impl<Own: Clone, Raw: Clone, Key: Clone> Items<Own, Raw, Key> {
    fn copied(&self) -> Self {
        match self {
            Items::Own(own) => Items::Own(own.clone()),
            Items::Raw(raw, context, looked) => Items::Raw(raw.clone(), context.clone(), looked.clone()),
        }
    }
}

type Looked<Key> = IndexMap<Key, Val>;

/// A value that is data as it stands, and whose containers nobody else holds, so that it may be kept as data.
fn as_data(value: &Val, depth: usize) -> Option<Value> {
    let is_text = |text: &Str| !text.is_trusted() && !text.is_markup();
    match value {
        Val::Str(text) if is_text(text) => Some(Value::Str(text.clone())),
        Val::Null | Val::Bool(_) | Val::Int(_) | Val::Big(_) | Val::Float(_) | Val::Date(_) | Val::DateTime(..) => {
            value.to_key().ok()
        }
        Val::List(list) if depth < MOST_DEPTH && Rc::strong_count(list) == 1 => match &*list.0.borrow() {
            Items::Own(items) => {
                items.iter().map(|item| as_data(item, depth + 1)).collect::<Option<_>>().map(Value::list)
            }
            Items::Raw(..) => None,
        },
        Val::Dict(dict) if depth < MOST_DEPTH && Rc::strong_count(dict) == 1 => match &*dict.items.borrow() {
            Items::Own(items) => {
                let entry = |(key, item): (&Value, &Val)| match key {
                    Value::Str(text) if is_text(text) => Some((key.clone(), as_data(item, depth + 1)?)),
                    _ => None,
                };
                items.iter().map(entry).collect::<Option<_>>().map(Value::dict)
            }
            Items::Raw(..) => None,
        },
        _ => None,
    }
}

impl Val {
    fn is_container(&self) -> bool {
        matches!(self, Val::List(_) | Val::Dict(_))
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Items::Own(items) = self.0.get_mut() {
            dismantle(std::mem::take(items));
        }
    }
}

impl Drop for DictCell {
    fn drop(&mut self) {
        if let Items::Own(items) = self.items.get_mut() {
            dismantle(std::mem::take(items).into_values().collect());
        }
    }
}

impl List {
    pub fn len(&self) -> usize {
        match &*self.0.borrow() {
            Items::Own(items) => items.len(),
            Items::Raw(items, ..) => items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Val> {
        let (value, context) = match &*self.0.borrow() {
            Items::Own(items) => return items.get(index).cloned(),
            Items::Raw(items, context, looked) => match looked.get(&index) {
                Some(known) => return Some(known.clone()),
                None => (items.get(index)?.clone(), context.clone()),
            },
        };
        let imported = context.import(&value);
        if imported.is_container()
            && let Items::Raw(_, _, looked) = &mut *self.0.borrow_mut()
        {
            looked.insert(index, imported.clone());
        }
        Some(imported)
    }

    pub fn to_vec(&self) -> Vec<Val> {
        let (items, context, looked) = match &*self.0.borrow() {
            Items::Own(items) => return items.clone(),
            Items::Raw(items, context, looked) => (items.clone(), context.clone(), looked.clone()),
        };
        let import = |(index, item)| looked.get(&index).cloned().unwrap_or_else(|| context.import(item));
        let own: Vec<Val> = items.iter().enumerate().map(import).collect();
        self.0.replace(Items::Own(own.clone()));
        own
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<Val>) -> T) -> T {
        if matches!(&*self.0.borrow(), Items::Raw(..)) {
            self.to_vec();
        }
        match &mut *self.0.borrow_mut() {
            Items::Own(items) => change(items),
            Items::Raw(..) => change(&mut Vec::new()),
        }
    }

    /// A container of the variables whose items are not all rendered yet.
    pub fn is_untouched(&self) -> bool {
        matches!(&*self.0.borrow(), Items::Raw(..))
    }

    /// The list with more items, if it holds data that nobody has looked at: it stays so, and is not made anew.
    pub fn with_data(&self, more: &Rc<List>) -> Option<Val> {
        let Items::Raw(items, context, looked) = &*self.0.borrow() else { return None };
        if !looked.is_empty() || !all_plain(items, 0) {
            return None;
        }
        // Whoever else holds a container would not see what is done to it from now on.
        let alone = Rc::strong_count(more) == 1;
        let more = match &*more.0.borrow() {
            Items::Own(more) => {
                let data = |item: &Val| (alone || !item.is_container()).then(|| as_data(item, 1)).flatten();
                more.iter().map(data).collect::<Option<_>>()?
            }
            Items::Raw(more, _, looked) if looked.is_empty() => {
                let is_container = |item: &Value| matches!(item, Value::List(_) | Value::Dict(_));
                more.iter().all(|item| !is_container(item) && is_plain(item, 0)).then(|| more.to_vec())?
            }
            Items::Raw(..) => return None,
        };
        Some(Val::raw_list(&items.with(more), context))
    }

    /// The unrendered items, while nobody has looked at them.
    pub fn raw(&self) -> Option<value::List> {
        match &*self.0.borrow() {
            Items::Raw(items, _, looked) if looked.is_empty() => Some(items.clone()),
            Items::Raw(..) | Items::Own(_) => None,
        }
    }
}

impl DictCell {
    fn new(items: Items<Map, Arc<Dict>, Value>) -> Self {
        Self { items: RefCell::new(items), unread: RefCell::default() }
    }

    /// The items, all of which somebody wants to see.
    fn items(&self) -> &RefCell<Items<Map, Arc<Dict>, Value>> {
        if let Some(context) = self.unread.take() {
            let all = Arc::new(context.own_variables());
            if let Items::Raw(items, ..) = &mut *self.items.borrow_mut() {
                *items = all;
            }
        }
        &self.items
    }

    pub fn len(&self) -> usize {
        match &*self.items().borrow() {
            Items::Own(items) => items.len(),
            Items::Raw(items, ..) => items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, key: &Value) -> Option<Val> {
        self.look_up(key, |unread| unread.own_variable(key.as_str()?).map(|value| (key.clone(), value)))
            .or_else(|| self.unlisted_host(key.as_str()?))
    }

    pub fn get_str(&self, key: &str) -> Option<Val> {
        self.look_up(key, |unread| unread.own_variable(key).map(|value| (Value::str(key), value)))
            .or_else(|| self.unlisted_host(key))
    }

    /// A host that `hostvars` knows and does not list: the implicit localhost.
    fn unlisted_host(&self, name: &str) -> Option<Val> {
        let context = match &*self.items.borrow() {
            Items::Raw(_, context, _) if context.names_are_hosts => context.clone(),
            Items::Raw(..) | Items::Own(_) => return None,
        };
        context.variables_of(name)
    }

    fn look_up<Key: ?Sized + Hash + Equivalent<Value>>(
        &self,
        key: &Key,
        read: impl FnOnce(&Context) -> Option<(Value, Value)>,
    ) -> Option<Val> {
        let (key, value, context) = match &*self.items.borrow() {
            Items::Own(items) => return items.get(key).cloned(),
            Items::Raw(items, context, looked) => match (looked.get(key), &*self.unread.borrow()) {
                (Some(known), _) => return Some(known.clone()),
                (None, Some(unread)) => {
                    let (key, value) = read(unread)?;
                    (key, value, context.clone())
                }
                (None, None) => {
                    let (key, value) = items.get_key_value(key)?;
                    (key.clone(), value.clone(), context.clone())
                }
            },
        };
        let imported = context.import(&value);
        if imported.is_container()
            && let Items::Raw(_, _, looked) = &mut *self.items.borrow_mut()
        {
            looked.insert(key, imported.clone());
        }
        Some(imported)
    }

    pub fn contains(&self, key: &Value) -> bool {
        if let Some(unread) = &*self.unread.borrow() {
            return key.as_str().is_some_and(|name| unread.own_variable(name).is_some());
        }
        let is_listed = match &*self.items.borrow() {
            Items::Own(items) => items.contains_key(key),
            Items::Raw(items, ..) => items.contains_key(key),
        };
        is_listed || key.as_str().is_some_and(|name| self.unlisted_host(name).is_some())
    }

    pub fn keys(&self) -> Vec<Value> {
        match &*self.items().borrow() {
            Items::Own(items) => items.keys().cloned().collect(),
            Items::Raw(items, ..) => items.keys().cloned().collect(),
        }
    }

    pub fn to_map(&self) -> Map {
        let (items, context, looked) = match &*self.items().borrow() {
            Items::Own(items) => return items.clone(),
            Items::Raw(items, context, looked) => (Arc::clone(items), context.clone(), looked.clone()),
        };
        let import = |key, item| looked.get(key).cloned().unwrap_or_else(|| context.import(item));
        let own: Map = items.iter().map(|(key, item)| (key.clone(), import(key, item))).collect();
        self.items.replace(Items::Own(own.clone()));
        own
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Map) -> T) -> T {
        if self.is_untouched() {
            self.to_map();
        }
        match &mut *self.items.borrow_mut() {
            Items::Own(items) => change(items),
            Items::Raw(..) => change(&mut Map::new()),
        }
    }

    /// A container of the variables whose items are not all rendered yet.
    pub fn is_untouched(&self) -> bool {
        matches!(&*self.items().borrow(), Items::Raw(..))
    }

    pub fn raw(&self) -> Option<Arc<Dict>> {
        match &*self.items().borrow() {
            Items::Raw(items, context, looked) if !context.names_are_hosts && looked.is_empty() => {
                Some(Arc::clone(items))
            }
            Items::Raw(..) | Items::Own(_) => None,
        }
    }
}

/// Functions, macros, loops, namespaces: what has behavior instead of data.
pub trait Object {
    fn type_name(&self) -> &'static str;
    fn call(&self, _context: &Context, _arguments: Arguments) -> Res<Val> {
        Err(raised(format!("'{}' object is not callable", self.type_name())))
    }
    fn attribute(&self, _name: &str) -> Option<Val> {
        None
    }
    fn call_method(&self, _context: &Context, _name: &str, _arguments: Arguments) -> Option<Res<Val>> {
        None
    }
    fn set(&self, _name: &str, _value: Val) -> bool {
        false
    }
    /// The items when it can be looped over.
    fn items(&self) -> Option<Res<Vec<Val>>> {
        None
    }
    fn is_callable(&self) -> bool {
        false
    }
    fn length(&self) -> Option<usize> {
        None
    }
    fn truthy(&self) -> bool {
        true
    }
    fn text(&self) -> String {
        format!("<{} object>", self.type_name())
    }
    /// What it is as data; functions have no such form.
    fn as_data(&self) -> Option<Val> {
        None
    }
    /// Equal to a dict with these entries (views, sets).
    fn hashable(&self) -> bool {
        true
    }
}

impl Val {
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Val::Str(Str::data(text))
    }

    pub fn list(items: Vec<Val>) -> Self {
        Val::List(Rc::new(List(RefCell::new(Items::Own(items)))))
    }

    pub fn tuple(items: Vec<Val>) -> Self {
        Val::Tuple(Rc::new(items))
    }

    pub fn dict(map: Map) -> Self {
        Val::Dict(Rc::new(DictCell::new(Items::Own(map))))
    }

    pub fn raw_list(items: &value::List, context: &Context) -> Self {
        Val::List(Rc::new(List(RefCell::new(Items::Raw(items.clone(), context.clone(), IndexMap::new())))))
    }

    pub fn raw_dict(items: &Arc<Dict>, context: &Context) -> Self {
        Val::Dict(Rc::new(DictCell::new(Items::Raw(Arc::clone(items), context.clone(), IndexMap::new()))))
    }

    /// The variables of the context's host as a dict, each read when it is looked at.
    pub fn variables(context: &Context) -> Self {
        let cell = DictCell::new(Items::Raw(Arc::default(), context.clone(), IndexMap::new()));
        cell.unread.replace(Some(context.clone()));
        Val::Dict(Rc::new(cell))
    }

    pub fn object(object: impl Object + 'static) -> Self {
        Val::Object(Rc::new(object))
    }

    /// A container of its own with the same items.
    #[must_use]
    pub fn copied(self) -> Self {
        match self {
            Val::List(list) => Val::List(Rc::new(List(RefCell::new(list.0.borrow().copied())))),
            Val::Dict(dict) => Val::Dict(Rc::new(DictCell::new(dict.items().borrow().copied()))),
            other => other,
        }
    }

    pub fn big(number: BigInt) -> Self {
        i64::try_from(&number).map_or_else(|_| Val::Big(Arc::new(number)), Val::Int)
    }

    pub fn undefined(message: impl Into<String>) -> Self {
        Val::Undefined(Rc::new(Undefined { error: *undefined(message), plain: false }))
    }

    /// An error that is raised when the value is used.
    #[expect(clippy::boxed_local, reason = "errors travel boxed")]
    pub fn failed(fault: Fault) -> Self {
        Val::Undefined(Rc::new(Undefined { error: *fault, plain: false }))
    }

    /// An error that waits to be raised remembers the line, and the file, that wrote the value.
    #[must_use]
    pub fn written_at(self, line: u32, file: impl FnOnce() -> TemplateFile) -> Self {
        match self {
            Val::Undefined(it) if it.error.line == 0 => {
                let error = Box::new(TemplateError { line, ..it.error.clone() });
                let error = *in_file(file().as_deref(), error);
                Val::Undefined(Rc::new(Undefined { error, plain: it.plain }))
            }
            other => other,
        }
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Val::Undefined(_))
    }

    /// Missing, as opposed to an error that waits to be raised.
    pub fn is_missing(&self) -> bool {
        matches!(self, Val::Undefined(it) if it.error.kind == TemplateErrorKind::Undefined)
    }

    /// The value, or the error that an undefined one stands for.
    pub fn used(self) -> Res<Val> {
        match self {
            Val::Undefined(it) => Err(Box::new(it.error.clone())),
            other => Ok(other),
        }
    }

    pub fn check(&self) -> Res<()> {
        match self {
            Val::Undefined(it) => Err(Box::new(it.error.clone())),
            _ => Ok(()),
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self, Val::Str(text) if text.is_secret())
    }

    pub fn is_mapping(&self) -> bool {
        matches!(self, Val::Dict(_))
    }

    /// Lists and tuples, and what turns into a list when it is stored.
    pub fn as_sequence(&self) -> Option<Vec<Val>> {
        match self {
            Val::List(list) => Some(list.to_vec()),
            Val::Tuple(items) => Some(items.to_vec()),
            _ => None,
        }
    }

    /// Name of the type as Python has it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Val::Null => "NoneType",
            Val::Bool(_) => "bool",
            Val::Int(_) | Val::Big(_) => "int",
            Val::Float(_) => "float",
            Val::Str(text) if text.is_markup() => "Markup",
            Val::Str(_) | Val::Sealed(_) => "str",
            Val::Bytes(_) => "bytes",
            Val::Date(_) => "date",
            Val::DateTime(..) => "datetime",
            Val::List(_) => "list",
            Val::Tuple(_) => "tuple",
            Val::Dict(_) => "dict",
            Val::Undefined(it) if it.plain => "Undefined",
            Val::Undefined(it) if it.error.kind == TemplateErrorKind::Undefined => "UndefinedMarker",
            Val::Undefined(_) => "CapturedExceptionMarker",
            Val::Omit => "_OmitType",
            Val::Object(object) => object.type_name(),
        }
    }

    /// Python's truth value; an undefined one is an error.
    pub fn truthy(&self) -> Res<bool> {
        Ok(match self {
            Val::Null => false,
            Val::Bool(bool) => *bool,
            Val::Int(number) => *number != 0,
            Val::Float(number) => *number != 0.0,
            Val::Str(text) => !text.is_empty(),
            Val::Bytes(bytes) => !bytes.is_empty(),
            Val::List(list) => !list.is_empty(),
            Val::Tuple(items) => !items.is_empty(),
            Val::Dict(dict) => !dict.is_empty(),
            Val::Undefined(it) if it.plain => false,
            Val::Undefined(it) => return Err(Box::new(it.error.clone())),
            Val::Sealed(sealed) => sealed.open().map_or(true, |text| !text.is_empty()),
            Val::Object(object) => object.truthy(),
            Val::Big(_) | Val::Date(_) | Val::DateTime(..) | Val::Omit => true,
        })
    }

    /// What `for` and Python's `iter()` give.
    pub fn iterate(&self) -> Res<Vec<Val>> {
        match self {
            Val::List(list) => Ok(list.to_vec()),
            Val::Tuple(items) => Ok(items.to_vec()),
            Val::Dict(dict) => Ok(dict.keys().iter().map(from_key).collect()),
            Val::Str(text) => {
                let plain = text.clone().into_untrusted().without_markup();
                Ok(text.chars().map(|char| Val::Str(plain.with_text(char.to_string()))).collect())
            }
            Val::Bytes(bytes) => Ok(bytes.iter().map(|byte| Val::Int(i64::from(*byte))).collect()),
            Val::Undefined(it) if it.plain => Ok(Vec::new()),
            Val::Undefined(it) => Err(Box::new(it.error.clone())),
            Val::Object(object) => object
                .items()
                .unwrap_or_else(|| Err(raised(format!("'{}' object is not iterable", object.type_name())))),
            other => Err(raised(format!("'{}' object is not iterable", other.type_name()))),
        }
    }

    /// As a key of a dict.
    pub fn to_key(&self) -> Res<Value> {
        Ok(match self {
            Val::Null => Value::Null,
            Val::Bool(bool) => Value::Bool(*bool),
            Val::Int(number) => Value::Int(*number),
            Val::Big(number) => Value::BigInt(Arc::clone(number)),
            Val::Float(number) => Value::Float(*number),
            Val::Str(text) => Value::Str(text.clone()),
            Val::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
            Val::Date(date) => Value::Date(*date),
            Val::DateTime(time, zone) => Value::DateTime(*time, *zone),
            Val::Tuple(items) => Value::list(items.iter().map(Val::to_key).collect::<Res<_>>()?),
            Val::Omit => Value::Omit,
            Val::Undefined(it) => return Err(Box::new(it.error.clone())),
            Val::Sealed(sealed) => Value::Sealed(Arc::clone(sealed)),
            Val::List(_) | Val::Dict(_) | Val::Object(_) => {
                return Err(raised(format!("unhashable type: '{}'", self.type_name())));
            }
        })
    }
}
