//! The one value type: what YAML, JSON, templates and modules exchange.
//! A string knows whether a person wrote it (only then may it be a template), where, and whether it is secret.

pub mod json;
mod list;
pub mod mask;
pub mod python;
pub mod secret;
pub mod variable_name;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use indexmap::IndexMap;
use num_bigint::BigInt;

pub use list::List;

use crate::source::Span;

pub type Dict = IndexMap<Value, Value>;

/// Puts the entries of one dict into another; dicts under the same name become one, at any depth.
pub fn merge(into: &mut Dict, from: &Dict) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Dict(old)), Value::Dict(new)) => merge(Arc::make_mut(old), new),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

#[derive(Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Only for integers that do not fit `Int`.
    BigInt(Arc<BigInt>),
    Float(f64),
    Str(Str),
    Bytes(Arc<[u8]>),
    Date(NaiveDate),
    DateTime(NaiveDateTime, Option<FixedOffset>),
    List(List),
    Dict(Arc<Dict>),
    /// A vaulted string that has not been opened.
    Sealed(Arc<dyn Sealed>),
    /// The `omit` variable: an argument with this value is dropped.
    Omit,
}

/// A vaulted string, opened on first use.
pub trait Sealed: Send + Sync {
    /// The ciphertext with its `$ANSIBLE_VAULT` header.
    fn ciphertext(&self) -> &str;
    /// The plaintext, or why it cannot be had. The result is remembered.
    fn open(&self) -> Result<Str, String>;
    /// Where it was written.
    fn place(&self) -> Option<&Span>;
}

/// A string with what is known about it.
#[derive(Clone)]
pub struct Str {
    text: Arc<str>,
    note: Option<Arc<Note>>,
}

#[derive(Clone, Debug, Default)]
struct Note {
    trusted: bool,
    secret: bool,
    markup: bool,
    vaulted: bool,
    span: Option<Span>,
}

impl Str {
    /// Data: never rendered as a template.
    pub fn data(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), note: None }
    }

    /// Text a person wrote in the project: rendered when it holds a template.
    pub fn trusted(text: impl Into<Arc<str>>, span: Option<Span>) -> Self {
        Self { text: text.into(), note: Some(Arc::new(Note { trusted: true, span, ..Note::default() })) }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn arc(&self) -> &Arc<str> {
        &self.text
    }

    pub fn is_trusted(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.trusted)
    }

    pub fn is_secret(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.secret)
    }

    /// HTML that needs no escaping: inside templates only, data never is.
    pub fn is_markup(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.markup)
    }

    /// The text of a vaulted string, unchanged.
    pub fn is_vaulted(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.vaulted)
    }

    pub fn span(&self) -> Option<&Span> {
        self.note.as_ref()?.span.as_ref()
    }

    /// The same text, marked as secret: masked wherever it would be shown.
    #[must_use]
    pub fn into_secret(self) -> Self {
        self.noted(|note| note.secret = true)
    }

    /// The text of a vaulted string: secret, and known to come from a vault as long as nothing is made of it.
    #[must_use]
    pub fn into_vaulted(self) -> Self {
        self.noted(|note| (note.secret, note.vaulted) = (true, true))
    }

    #[must_use]
    pub fn into_markup(self) -> Self {
        self.noted(|note| note.markup = true)
    }

    #[must_use]
    pub fn without_markup(self) -> Self {
        if self.is_markup() { self.noted(|note| note.markup = false) } else { self }
    }

    /// The same text as data; it keeps its place and its secrecy.
    #[must_use]
    pub fn into_untrusted(self) -> Self {
        match self.note.as_deref() {
            Some(note) if note.trusted => self.noted(|note| note.trusted = false),
            _ => self,
        }
    }

    fn noted(self, change: impl FnOnce(&mut Note)) -> Self {
        let mut note = self.note.as_deref().cloned().unwrap_or_default();
        change(&mut note);
        let says_something = note.trusted || note.secret || note.markup || note.span.is_some();
        Self { text: self.text, note: says_something.then(|| Arc::new(note)) }
    }

    /// Another text with this one's trust, place and secrecy.
    #[must_use]
    pub fn with_text(&self, text: impl Into<Arc<str>>) -> Self {
        let other = Self { text: text.into(), note: self.note.clone() };
        if self.is_vaulted() { other.noted(|note| note.vaulted = false) } else { other }
    }
}

impl std::ops::Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() { f.write_str("********") } else { fmt::Debug::fmt(&*self.text, f) }
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Str {}

impl Value {
    /// A string of data.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Value::Str(Str::data(text))
    }

    pub fn list(items: Vec<Value>) -> Self {
        Value::List(items.into())
    }

    pub fn dict(dict: Dict) -> Self {
        Value::Dict(Arc::new(dict))
    }

    /// An integer of any size.
    pub fn big(number: BigInt) -> Self {
        i64::try_from(&number).map_or_else(|_| Value::BigInt(Arc::new(number)), Value::Int)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The entry of a dict under a string key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key)
    }

    /// The place of a string, if it was written in a file.
    pub fn span(&self) -> Option<&Span> {
        match self {
            Value::Str(text) => text.span(),
            _ => None,
        }
    }

    /// Name of the type as Python (and so Ansible's messages) has it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) | Value::Sealed(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::Date(_) => "date",
            Value::DateTime(..) => "datetime",
            Value::List(_) => "list",
            Value::Dict(_) => "dict",
            Value::Omit => "Omit",
        }
    }

    /// Python's truth value.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(bool) => *bool,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Dict(dict) => !dict.is_empty(),
            Value::Sealed(sealed) => sealed.open().map_or(true, |text| !text.is_empty()),
            Value::BigInt(_) | Value::Date(_) | Value::DateTime(..) | Value::Omit => true,
        }
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Value::Bool(bool)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Float(number)
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::str(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::str(text)
    }
}
impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Value::Str(text)
    }
}
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::list(items)
    }
}
impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Value::dict(dict)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Str(text) => fmt::Debug::fmt(text, f),
            Value::Sealed(_) => f.write_str("<sealed>"),
            Value::List(items) => f.debug_list().entries(items.iter()).finish(),
            Value::Dict(dict) => f.debug_map().entries(dict.iter()).finish(),
            other => f.write_str(&other.repr()),
        }
    }
}

/// Python's equality: `1 == 1.0 == True`.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) | (Value::Omit, Value::Omit) => true,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::DateTime(a, zone_a), Value::DateTime(b, zone_b)) => match (zone_a, zone_b) {
                (Some(zone_a), Some(zone_b)) => instant(*a, *zone_a) == instant(*b, *zone_b),
                (None, None) => a == b,
                _ => false,
            },
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Dict(a), Value::Dict(b)) => a == b,
            (Value::Sealed(a), b) => a.open().is_ok_and(|text| b.as_str() == Some(&*text)),
            (a, Value::Sealed(b)) => b.open().is_ok_and(|text| a.as_str() == Some(&*text)),
            (a, b) => match (a.number(), b.number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

/// Keys are compared by equality; `NaN`, the one value that differs from itself, is not found again, as in Python.
impl Eq for Value {}

impl Hash for Value {
    /// A string hashes as `str` does, so that a dict can be asked with a `&str`.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Str(text) => (**text).hash(state),
            Value::Sealed(sealed) => sealed.open().unwrap_or_else(|_| Str::data("")).hash(state),
            Value::Bytes(bytes) => bytes.hash(state),
            Value::Date(date) => date.hash(state),
            Value::DateTime(time, None) => time.hash(state),
            Value::DateTime(time, Some(zone)) => instant(*time, *zone).timestamp_nanos_opt().hash(state),
            Value::List(items) => items.hash(state),
            Value::Dict(dict) => dict.len().hash(state),
            Value::Null | Value::Omit => 0_u8.hash(state),
            Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
                if let Some(number) = self.number() {
                    number.hash(state);
                }
            }
        }
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self.text).hash(state);
    }
}

impl indexmap::Equivalent<Value> for str {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self)
    }
}

/// A number in a form in which equal numbers of different types are equal.
#[derive(PartialEq)]
enum Number<'a> {
    Int(i64),
    Big(&'a BigInt),
    Float(f64),
}

impl Hash for Number<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Number::Int(number) => number.hash(state),
            Number::Big(number) => number.hash(state),
            Number::Float(number) => number.to_bits().hash(state),
        }
    }
}

impl Value {
    fn number(&self) -> Option<Number<'_>> {
        match self {
            Value::Bool(bool) => Some(Number::Int(i64::from(*bool))),
            Value::Int(number) => Some(Number::Int(*number)),
            Value::BigInt(number) => Some(Number::Big(number)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "whole and in range, as just checked"
            )]
            Value::Float(number) if number.fract() == 0.0 && number.abs() < i64::MAX as f64 => {
                Some(Number::Int(*number as i64))
            }
            Value::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }
}

fn instant(time: NaiveDateTime, zone: FixedOffset) -> DateTime<FixedOffset> {
    DateTime::from_naive_utc_and_offset(time - zone, zone)
}
