//! Lookups of ansible.builtin and of community.general: one per file, all names in `table.rs`.

mod collection_version;
mod commands;
mod csvfile;
mod dependent;
mod env;
mod file;
mod files;
mod filetree;
mod ini;
mod inventory_hostnames;
mod lists;
mod merge_variables;
mod password;
mod random_string;
pub mod table;
mod url;
mod vars;

use std::sync::LazyLock;

use rplay_module_api::truth;

use super::engine::arguments::{Arguments, Name};
use super::engine::print;
use super::engine::run::Scope;
use super::engine::val::{Val, from_key};
use super::error::{Res, TemplateError, TemplateErrorKind, plugin_failed, raised};
use super::python;
use crate::blocking::blocking;
use crate::catalog::{BUILTIN, Found, Kind, Missing, Plugin, Scope as NameScope, Table, home, is_full};

pub struct Lookup {
    pub name: &'static str,
    pub options: &'static [&'static str],
    pub run: fn(&Scope, Request) -> Res<Vec<Val>>,
}

/// What a lookup was asked.
pub struct Request {
    pub terms: Vec<Val>,
    pub options: Vec<(Name, Val)>,
    /// The action whose loop this is for (`with_NAME`).
    pub loop_of: Option<String>,
}

impl Request {
    pub fn option(&self, name: &str) -> Option<&Val> {
        self.options.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    pub fn flag(&self, name: &str, default: bool) -> Res<bool> {
        match self.option(name) {
            None | Some(Val::Null) => Ok(default),
            Some(Val::Str(text)) => {
                truth(text).ok_or_else(|| raised(format!("the option '{name}' is not a boolean: {}", text.as_str())))
            }
            Some(other) => other.truthy(),
        }
    }

    pub fn text(&self, name: &str) -> Res<Option<String>> {
        self.option(name).filter(|value| !matches!(value, Val::Null)).map(print::text).transpose()
    }

    pub fn texts(&self) -> Res<Vec<String>> {
        self.terms.iter().map(|term| print::text(&term.clone().used()?)).collect()
    }
}

/// Some that were Ansible's own have moved into collections.
static TABLE: LazyLock<Table<Lookup>> = LazyLock::new(|| {
    let full = |name: &str| if is_full(name) { name.to_owned() } else { home(Kind::Lookup, name, BUILTIN) };
    let rows = table::LOOKUPS.iter().map(|lookup| (full(lookup.name), lookup));
    let rows: Vec<_> = rows.collect();
    Table::new(Kind::Lookup, rows.iter().map(|(name, lookup)| (name.as_str(), *lookup)))
});

/// What a lookup's name means.
pub fn find(name: &str) -> Result<Found<Lookup>, Missing> {
    python::found(Kind::Lookup, name, TABLE.resolve(name, &NameScope::default()))
}

/// Whether a name means this lookup of `ansible.builtin`.
pub fn is(name: &str, short: &str) -> bool {
    find(name).is_ok_and(|found| found.native().is_some_and(|lookup| lookup.name == short))
}

/// `lookup()`, `query()` and `q()`.
pub fn call(scope: &Scope, arguments: Arguments, want_list: bool) -> Res<Val> {
    let mut terms = arguments.positional.into_iter();
    let Some(name) = terms.next() else {
        return Err(raised("lookup() missing 1 required positional argument: 'plugin_name'"));
    };
    let name = match name.used()? {
        Val::Str(name) if !name.is_empty() => name.to_string(),
        other => {
            let why = match other {
                Val::Null | Val::Str(_) => "A non-empty plugin name is required.".to_owned(),
                Val::List(_) | Val::Dict(_) => format!("unhashable type: '{}'", other.type_name()),
                _ => format!("unsupported type <class '{}'>", other.type_name()),
            };
            return Err(raised(format!("The lookup plugin {} failed to load: {why}", print::repr(&other)?)));
        }
    };
    let mut want_list = want_list;
    let mut errors = "strict".to_owned();
    let mut options = Vec::new();
    for (key, value) in arguments.named {
        match &*key {
            "wantlist" => want_list = value.truthy()?,
            "errors" => errors = print::text(&value)?,
            _ => options.push((key, value)),
        }
    }
    let lookup = implementation(&name)?;
    if !matches!(errors.as_str(), "strict" | "ignore" | "warn") {
        return Err(raised(format!("Invalid error handling choice '{errors}', must be one of: warn, ignore, strict")));
    }
    let terms: Vec<Val> = terms.collect();
    if let Some(undefined) = terms.iter().chain(options.iter().map(|(_, value)| value)).find(|term| term.is_undefined())
    {
        return Ok(undefined.clone());
    }
    match run_found(scope, lookup, Request { terms, options, loop_of: None }) {
        Ok(found) => shape(found, want_list),
        Err(fault) if errors == "strict" => Ok(Val::failed(fault)),
        Err(fault) => {
            if errors == "warn" {
                let notices = &scope.context.templar.engine().settings.notices;
                notices.warn(fault.message, None);
            }
            Ok(if want_list { Val::list(Vec::new()) } else { Val::Null })
        }
    }
}

/// One result is itself, several texts are joined with commas.
fn shape(found: Vec<Val>, want_list: bool) -> Res<Val> {
    if want_list {
        return Ok(Val::list(found));
    }
    if found.len() == 1 {
        return Ok(found.into_iter().next().unwrap_or(Val::Null));
    }
    if !found.is_empty() && found.iter().all(|item| item.as_str().is_some()) {
        let secret = found.iter().any(Val::is_secret);
        let text = crate::value::Str::data(found.iter().filter_map(Val::as_str).collect::<Vec<_>>().join(","));
        return Ok(Val::Str(if secret { text.into_secret() } else { text }));
    }
    Ok(Val::list(found))
}

pub fn run(scope: &Scope, name: &str, request: Request) -> Res<Vec<Val>> {
    run_found(scope, implementation(name)?, request)
}

/// What answers a lookup.
#[derive(Clone, Copy)]
enum Implementation {
    Native(&'static Lookup),
    Foreign(&'static str),
}

fn run_found(scope: &Scope, lookup: Implementation, request: Request) -> Res<Vec<Val>> {
    let lookup = match lookup {
        Implementation::Native(lookup) => lookup,
        Implementation::Foreign(name) => return python::lookup(scope, name, &request),
    };
    let ask = || scope.context.deeper(|| (lookup.run)(scope, request));
    let found = if WAITS.contains(&lookup.name) { blocking(ask) } else { ask() };
    found.map_err(|fault| plugin_failed("lookup", lookup.name, fault))
}

/// These wait for others: processes, servers, locks.
const WAITS: &[&str] = &["lines", "password", "pipe", "url"];

fn implementation(name: &str) -> Res<Implementation> {
    let message = match find(name) {
        Ok(found) => match found.plugin {
            Plugin::Native(lookup) => return Ok(Implementation::Native(lookup)),
            Plugin::Foreign(name) => return Ok(Implementation::Foreign(name)),
            Plugin::Known => python::missing(Kind::Lookup, &found.full_name),
        },
        Err(Missing::Removed(removed)) => removed.message().to_owned(),
        Err(Missing::Unknown { near: Some(near) }) => {
            format!("The lookup plugin '{name}' was not found. Did you mean '{near}'?")
        }
        Err(Missing::Unknown { near: None }) => format!("The lookup plugin '{name}' was not found."),
    };
    Err(Box::new(TemplateError::new(TemplateErrorKind::PluginMissing, message)))
}

/// The terms, with lists one level deep taken apart.
pub fn flattened(terms: &[Val]) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in terms {
        match term {
            Val::List(_) | Val::Tuple(_) => out.extend(term.iterate()?),
            Val::Object(object) if object.items().is_some() => out.extend(term.iterate()?),
            other => out.push(other.clone()),
        }
    }
    Ok(out)
}

/// A key of a dict as a value, for lookups that list dicts.
pub fn key(value: &crate::value::Value) -> Val {
    from_key(value)
}
