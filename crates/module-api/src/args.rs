//! The arguments of a module as a struct. `#[derive(ModuleArgs)]` makes the specification from it, and the struct from
//! what a task says: each argument is said once.
//!
//! At the struct, whose doc comment is the module's summary: `#[module(name = "copy")]`, `check_mode = false`,
//! `free_form = "_raw_params"`, and the rules `mutually_exclusive("a", "b")`, `required_together(…)`, `required_one_of(…)`,
//! `required_if(state = "link", "src")`, `required_if_any(…)`, `required_by("client_key", "client_cert")`.
//!
//! At a field, whose doc comment is the argument's sentence: `#[arg(default = "text as a user writes it")]`,
//! `alias("dest", "name")`, `no_log`, `internal`, `flatten` (a struct that several modules share), and where the type
//! of the field doesn't say it: `name = "use"`, `kind = Path`, `elements = Path`, `choices("a", "b")`, `required = true`.
//! A field without a default that is no `Option` is required.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::validate::default_value;
use crate::{Arg, Failure, Kind, Rule};

/// A struct of arguments.
pub trait ArgSet: Sized {
    const ARGS: &'static [Arg];
    /// Arguments of the structs in it.
    const SHARED: &'static [&'static [Arg]];
    const RULES: &'static [Rule];
    /// Moves the arguments out of `args`; what is missing gets its default.
    fn take(args: &mut Map<String, Value>) -> Result<Self, Failure>;
}

/// The type of one argument.
pub trait ArgType: Sized {
    const KIND: Kind;
    const ELEMENTS: Option<Kind> = None;
    const CHOICES: &'static [&'static str] = &[];
    const OPTIONS: &'static [Arg] = &[];
    /// From a converted value; the error is the reason why it doesn't fit.
    fn from_json(value: Value) -> Result<Self, String>;
    /// What the argument is when it is not given and has no default.
    fn absent() -> Option<Self> {
        None
    }
}

macro_rules! plain {
    ($($kind:ident: $($type:ty),*;)*) => {
        $($(impl ArgType for $type {
            const KIND: Kind = Kind::$kind;
            fn from_json(value: Value) -> Result<Self, String> {
                from_serde(value)
            }
        })*)*
    };
}

plain! {
    Str: String;
    Path: PathBuf;
    Bool: bool;
    Int: i16, i32, i64, u8, u16, u32, u64, usize;
    Float: f64;
    Dict: Map<String, Value>;
}

fn from_serde<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|err| err.to_string())
}

impl ArgType for Value {
    const KIND: Kind = Kind::Raw;
    fn from_json(value: Value) -> Result<Self, String> {
        Ok(value)
    }
    fn absent() -> Option<Self> {
        Some(Value::Null)
    }
}

impl ArgType for BTreeMap<String, String> {
    const KIND: Kind = Kind::Dict;
    fn from_json(value: Value) -> Result<Self, String> {
        from_serde(value)
    }
}

impl<T: ArgType> ArgType for Option<T> {
    const KIND: Kind = T::KIND;
    const ELEMENTS: Option<Kind> = T::ELEMENTS;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const OPTIONS: &'static [Arg] = T::OPTIONS;
    fn from_json(value: Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_json(value).map(Some) }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: ArgType> ArgType for Vec<T> {
    const KIND: Kind = Kind::List;
    const ELEMENTS: Option<Kind> = Some(T::KIND);
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const OPTIONS: &'static [Arg] = T::OPTIONS;
    fn from_json(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => items.into_iter().map(T::from_json).collect(),
            other => Err(format!("a list was expected, not {other}")),
        }
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// Moves one argument out of `args`, or gives it its default.
pub fn take_arg<T: ArgType>(args: &mut Map<String, Value>, arg: &'static Arg) -> Result<T, Failure> {
    let value = match args.remove(arg.name).filter(|value| !value.is_null()) {
        Some(value) => Some(value),
        None => default_value(arg).map_err(|problem| Failure::new(problem.message))?,
    };
    match value {
        Some(value) => T::from_json(value).map_err(|reason| Failure::new(format!("argument '{}': {reason}", arg.name))),
        None => T::absent().ok_or_else(|| Failure::new(format!("missing required arguments: {}", arg.name))),
    }
}

/// A module's arguments from a dictionary: complete, and without a name that it does not have.
pub fn take_args<T: ArgSet>(mut args: Map<String, Value>) -> Result<T, Failure> {
    let taken = T::take(&mut args)?;
    match args.keys().next() {
        None => Ok(taken),
        Some(name) => Err(Failure::new(format!("the module has no argument {name}"))),
    }
}

/// A dictionary inside of arguments.
pub fn args_from_json<T: ArgSet>(value: Value) -> Result<T, String> {
    match value {
        Value::Object(args) => take_args(args).map_err(|failure| failure.msg),
        other => Err(format!("a dictionary was expected, not {other}")),
    }
}
