//! Filters, tests and lookups in Python: which names are theirs, and how values get there and back.

use std::collections::HashMap;
use std::fs;
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::engine::arguments::Arguments;
use super::engine::eval::first_undefined;
use super::engine::objects::SetObject;
use super::engine::run::Scope;
use super::engine::val::{MOST_DEPTH, Map as ValMap, Val, from_data};
use super::error::{Fault, Res, plugin_failed, raised, undefined};
use super::lookups::Request;
use crate::catalog::{self, BUILTIN, Found, Kind, Missing, Plugin, not_in_python};
use crate::python::{self, Fault as PythonFault, Question, wire};

/// What a name means, when Python is asked about names that are not rplay's, and about those that the project takes for itself.
pub fn found<T>(kind: Kind, name: &str, found: Result<Found<T>, Missing>) -> Result<Found<T>, Missing> {
    let asked = match &found {
        Ok(Found { plugin: Plugin::Native(_), .. }) => is_mentioned(kind, name),
        Ok(Found { plugin: Plugin::Known, .. }) => true,
        Ok(Found { plugin: Plugin::Foreign(_), .. }) | Err(Missing::Removed(_)) => false,
        Err(Missing::Unknown { .. }) => catalog::is_full(name) || python::has_folder(folder(kind)),
    };
    let full_name = || found.as_ref().map_or(name, |found| &found.full_name);
    let asked_for = if matches!(&found, Ok(Found { plugin: Plugin::Known, .. })) { full_name() } else { name };
    match asked.then(|| name_in_python(kind, asked_for)).flatten() {
        Some(theirs) => Ok(Found { full_name: theirs.into(), plugin: Plugin::Foreign(theirs) }),
        None => found,
    }
}

/// Where projects have plugins of a kind.
fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Filter => "filter_plugins",
        Kind::Lookup => "lookup_plugins",
        _ => "test_plugins",
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Filter => "filter",
        Kind::Lookup => "lookup",
        _ => "test",
    }
}

/// Whether a file of the project may have a plugin of this name. Reading the files starts no Python.
fn is_mentioned(kind: Kind, name: &str) -> bool {
    static MENTIONED: LazyLock<Mutex<HashMap<(usize, Kind, String), bool>>> = LazyLock::new(Mutex::default);
    let roots = python::roots();
    let key = (roots.len(), kind, name.to_owned());
    if let Some(known) = MENTIONED.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return *known;
    }
    let literals = [format!("'{name}'"), format!("\"{name}\"")];
    let mut files = roots.iter().filter_map(|root| fs::read_dir(root.join(folder(kind))).ok()).flatten().flatten();
    let mentioned = files.any(|file| {
        let path = file.path();
        match kind {
            // A lookup is called as its file is.
            Kind::Lookup => path.file_stem().is_some_and(|stem| stem == name),
            _ => fs::read_to_string(&path).is_ok_and(|text| literals.iter().any(|literal| text.contains(literal))),
        }
    });
    MENTIONED.lock().unwrap_or_else(PoisonError::into_inner).insert(key, mentioned);
    mentioned
}

/// The name under which Python has a plugin that is none of Ansible's own.
fn name_in_python(kind: Kind, name: &str) -> Option<&'static str> {
    static NAMES: LazyLock<Mutex<HashMap<(usize, Kind, String), Option<&'static str>>>> = LazyLock::new(Mutex::default);
    let key = (python::roots().len(), kind, name.to_owned());
    if let Some(known) = NAMES.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return *known;
    }
    let request = Map::from_iter([("kind".to_owned(), word(kind).into()), ("name".to_owned(), name.into())]);
    let told = python::ask("find", request).ok().and_then(|told| Some(told.get("name")?.as_str()?.to_owned()));
    let native = |told: &str| {
        catalog::split(told).is_some_and(|(collection, _)| collection == BUILTIN) && !catalog::is_full(name)
    };
    // Known as long as the program runs, as the rows of tables are.
    let found = told.filter(|told| !native(told)).map(|told| &*told.leak());
    NAMES.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found);
    found
}

/// What is said of a name that is known, and neither rplay nor Python has.
pub fn missing(kind: Kind, full_name: &str) -> String {
    let request = Map::from_iter([("kind".to_owned(), word(kind).into()), ("name".to_owned(), full_name.into())]);
    match python::ask("find", request) {
        Err(PythonFault::Missing) | Ok(_) => {
            not_in_python(kind, full_name, "ansible-core does not find it; install its collection")
        }
        Err(why) => not_in_python(kind, full_name, why),
    }
}

/// Calls a filter or test. What fails is a value, too: the error comes when it is used.
pub fn call(scope: &Scope, kind: Kind, name: &'static str, value: Val, arguments: &Arguments) -> Val {
    let mut results = call_each(scope, kind, name, vec![value], arguments);
    results.pop().unwrap_or(Val::Null)
}

/// Calls a filter or test for each value, in one request.
pub fn call_each(scope: &Scope, kind: Kind, name: &'static str, values: Vec<Val>, arguments: &Arguments) -> Vec<Val> {
    let count = values.len();
    if let Some(undefined) = first_undefined(arguments) {
        return vec![undefined; count];
    }
    let waits = |value: &Val| matches!(value, Val::Undefined(it) if !it.plain);
    let given: Vec<Val> = values.iter().filter(|value| !waits(value)).cloned().collect();
    let answered = ask_each(scope, kind, name, &given, arguments);
    match answered {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            values
                .into_iter()
                .map(|value| if waits(&value) { value } else { answers.next().unwrap_or(Val::Null) })
                .collect()
        }
        Err(fault) => vec![Val::failed(plugin_failed(word(kind), name, fault)); count],
    }
}

fn ask_each(scope: &Scope, kind: Kind, name: &str, values: &[Val], arguments: &Arguments) -> Res<Vec<Val>> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let mut out = Outgoing::default();
    let request = Map::from_iter([
        ("kind".to_owned(), word(kind).into()),
        ("name".to_owned(), name.into()),
        ("values".to_owned(), out.list(values)?),
        ("rest".to_owned(), out.list(&arguments.positional)?),
        ("named".to_owned(), out.named(&arguments.named)?),
    ]);
    answers(scope, "call", request, out.secret)
}

pub fn lookup(scope: &Scope, name: &str, request: &Request) -> Res<Vec<Val>> {
    let mut out = Outgoing::default();
    let basedir = scope.context.templar.search().basedir.to_string_lossy().into_owned();
    let message = Map::from_iter([
        ("name".to_owned(), name.into()),
        ("terms".to_owned(), out.list(&request.terms)?),
        ("named".to_owned(), out.named(&request.options)?),
        ("basedir".to_owned(), basedir.into()),
    ]);
    answers(scope, "lookup", message, out.secret).map_err(|fault| plugin_failed("lookup", name, fault))
}

fn answers(scope: &Scope, what: &str, request: Map<String, Json>, secret: bool) -> Res<Vec<Val>> {
    let interrupt = scope.context.templar.interrupt();
    let answer = &mut |question: &Question| about_variables(scope, question);
    let answered = python::call(what, request, answer, &|| interrupt.reason().map(str::to_owned));
    let told = answered.map_err(|fault| raised(fault.to_string()))?;
    let items = told.as_array().ok_or_else(|| raised("Python gave no list"))?;
    items.iter().map(|item| incoming(scope, item, secret)).collect()
}

/// Variables are told when somebody looks at them.
fn about_variables(scope: &Scope, question: &Question) -> Result<Json, String> {
    let templar = &scope.context.templar;
    match question.ask.as_str() {
        "names" => {
            let locals = templar.locals().into_iter().flat_map(|locals| locals.keys().filter_map(|name| name.as_str()));
            let mut names: Vec<String> = locals.map(str::to_owned).collect();
            names.extend(templar.variables().names());
            Ok(names.into())
        }
        "variable" => {
            let name = question.details.get("name").and_then(Json::as_str).unwrap_or_default();
            let Some(value) = scope.context.variable(name) else { return Ok(Json::Array(Vec::new())) };
            let told = Outgoing::default().value(&value, 0).map_err(|fault| fault.message)?;
            Ok(Json::Array(vec![told]))
        }
        other => Err(format!("nobody answers {other}")),
    }
}

/// Values on their way to Python, and whether a secret is among them.
#[derive(Default)]
struct Outgoing {
    secret: bool,
}

impl Outgoing {
    fn list(&mut self, values: &[Val]) -> Res<Json> {
        values.iter().map(|value| self.value(value, 0)).collect::<Res<Vec<_>>>().map(Json::Array)
    }

    fn named(&mut self, named: &[(super::engine::arguments::Name, Val)]) -> Res<Json> {
        let named = named.iter().map(|(name, value)| Ok((name.to_string(), self.value(value, 0)?)));
        named.collect::<Res<Map<_, _>>>().map(Json::Object)
    }

    fn value(&mut self, value: &Val, depth: usize) -> Res<Json> {
        if depth > MOST_DEPTH {
            return Err(raised("containers are nested too deeply"));
        }
        Ok(match value {
            Val::Str(text) => {
                self.secret |= text.is_secret();
                Json::from(text.as_str())
            }
            Val::List(list) => Json::Array(self.items(&list.to_vec(), depth)?),
            Val::Tuple(items) => wire::marked("tuple", self.items(items, depth)?),
            Val::Dict(dict) => {
                let entries = dict.to_map().into_iter().filter(|(_, item)| !matches!(item, Val::Omit));
                let told =
                    entries.map(|(key, item)| Ok((key, self.value(&item, depth + 1)?))).collect::<Res<Vec<_>>>()?;
                wire::dict_to_json(told.iter().map(|(key, item)| (key, item.clone())))
            }
            Val::Undefined(it) => wire::marked("undefined", it.error.message.clone()),
            Val::Sealed(sealed) => {
                self.secret = true;
                Json::from(sealed.open().map_err(raised)?.as_str())
            }
            Val::Bytes(bytes) => wire::marked("bytes", STANDARD.encode(bytes)),
            Val::Object(object) => {
                let data = object.as_data().ok_or_else(|| raised(format!("a {} is no data", object.type_name())))?;
                match (object.type_name(), &data) {
                    ("set", Val::List(items)) => wire::marked("set", self.items(&items.to_vec(), depth)?),
                    _ => self.value(&data, depth + 1)?,
                }
            }
            Val::Null
            | Val::Bool(_)
            | Val::Int(_)
            | Val::Big(_)
            | Val::Float(_)
            | Val::Date(_)
            | Val::DateTime(..)
            | Val::Omit => wire::to_json(&value.to_key()?),
        })
    }

    fn items(&mut self, items: &[Val], depth: usize) -> Res<Vec<Json>> {
        items.iter().map(|item| self.value(item, depth + 1)).collect()
    }
}

/// What Python gives is data; where it was given a secret, its text may hold it.
fn incoming(scope: &Scope, json: &Json, secret: bool) -> Res<Val> {
    if let Some((kind, content)) = wire::mark_of(json) {
        let items = || {
            content.as_array().into_iter().flatten().map(|item| incoming(scope, item, secret)).collect::<Res<Vec<_>>>()
        };
        return match kind {
            "tuple" => Ok(Val::tuple(items()?)),
            "set" => Ok(SetObject::val(items()?)),
            "undefined" => Ok(Val::failed(undefined(content.as_str().unwrap_or_default()))),
            "dict" => {
                let mut map = ValMap::new();
                for pair in items()? {
                    let pair = pair.iterate()?;
                    if let [key, item] = pair.as_slice() {
                        map.insert(key.to_key()?, item.clone());
                    }
                }
                Ok(Val::dict(map))
            }
            _ => wire::from_json(json).map(|value| from_data(&value)).map_err(raised),
        };
    }
    Ok(match json {
        Json::Array(items) => Val::list(items.iter().map(|item| incoming(scope, item, secret)).collect::<Res<_>>()?),
        Json::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, item)| Ok((crate::value::Value::str(key.as_str()), incoming(scope, item, secret)?)));
            Val::dict(entries.collect::<Result<ValMap, Fault>>()?)
        }
        Json::String(text) => {
            let text = crate::value::Str::data(text.as_str());
            if secret || (scope.context.saw_secrets() && scope.context.holds_secret(&text)) {
                scope.context.note_secret(&text);
                Val::Str(text.into_secret())
            } else {
                Val::Str(text)
            }
        }
        scalar => wire::from_json(scalar).map(|value| from_data(&value)).map_err(raised)?,
    })
}
