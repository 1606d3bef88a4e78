//! Lookups that only rearrange what they are given: `items`, `list`, `dict`, `cartesian`, `flattened`, `indexed_items`, `nested`,
//! `together`, `subelements`, `sequence`, `random_choice`.

use super::{Request, flattened, key};
use crate::template::engine::attributes::dict_of;
use crate::template::engine::methods::format::{Shown, percent};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised, undefined};
use crate::value::python::str_repr;

const MOST_ITEMS: usize = 2_000_000;

pub fn items(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    flattened(&request.terms)
}

pub fn list(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    Ok(request.terms)
}

pub fn dict(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in &request.terms {
        let Val::Dict(dict) = term.clone().used()? else {
            return Err(raised(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{}' of type <class '{}'>)",
                print::text(term)?,
                term.type_name()
            )));
        };
        for (name, value) in dict.to_map() {
            out.push(dict_of(vec![("key", key(&name)), ("value", value)]));
        }
    }
    Ok(out)
}

pub fn flattened_lookup(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    flatten(&request.terms, 0, &mut out)?;
    Ok(out)
}

fn flatten(terms: &[Val], depth: usize, out: &mut Vec<Val>) -> Res<()> {
    if depth > 100 {
        return Err(raised("lists are nested too deeply"));
    }
    for term in terms {
        match term {
            Val::List(_) | Val::Tuple(_) => flatten(&term.iterate()?, depth + 1, out)?,
            // What stands behind such a word is passed over as well.
            Val::Str(text) if matches!(text.as_str(), "None" | "null") => break,
            other => out.push(other.clone()),
        }
    }
    Ok(())
}

/// Each combination of an item of every list; lists inside of it are taken apart.
pub fn cartesian(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return Err(raised("with_cartesian requires at least one element in each list"));
    }
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for term in request.terms {
        let pool = match term.used()? {
            list @ (Val::List(_) | Val::Tuple(_) | Val::Object(_) | Val::Dict(_)) => list.iterate()?,
            other => vec![other],
        };
        rows = product(&rows, &pool)?;
    }
    rows.iter().map(|row| flattened(row).map(Val::list)).collect()
}

fn product(rows: &[Vec<Val>], pool: &[Val]) -> Res<Vec<Vec<Val>>> {
    if rows.len().saturating_mul(pool.len()) > MOST_ITEMS {
        return Err(raised("the product is too large"));
    }
    Ok(rows.iter().flat_map(|row| pool.iter().map(|item| [row.clone(), vec![item.clone()]].concat())).collect())
}

pub fn indexed_items(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let items = flattened(&request.terms)?;
    Ok((0_i64..).zip(items).map(|(index, item)| Val::tuple(vec![Val::Int(index), item])).collect())
}

pub fn nested(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return Err(raised("with_nested requires at least one element in the nested list"));
    }
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for term in &request.terms {
        let pool = match term {
            Val::List(_) | Val::Tuple(_) | Val::Object(_) => term.iterate()?,
            other => vec![other.clone().used()?],
        };
        rows = product(&rows, &pool)?;
    }
    Ok(rows.into_iter().map(Val::list).collect())
}

pub fn together(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    if request.terms.is_empty() {
        return Err(raised("with_together requires at least one element in each list"));
    }
    let columns = request.terms.iter().map(Val::iterate).collect::<Res<Vec<_>>>()?;
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..longest)
        .map(|at| Val::list(columns.iter().map(|column| column.get(at).cloned().unwrap_or(Val::Null)).collect()))
        .collect())
}

pub fn subelements(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let (Some(elements), Some(path)) = (request.terms.first(), request.terms.get(1)) else {
        return Err(raised("subelements lookup expects a list of two or three items, "));
    };
    if !matches!(elements, Val::List(_) | Val::Tuple(_) | Val::Dict(_)) || !matches!(path, Val::Str(_)) {
        return Err(raised(
            "subelements lookup expects a list of two or three items, first a dict or a list, second a string pointing to the subkey",
        ));
    }
    let skip_missing = match request.terms.get(2) {
        Some(Val::Dict(options)) => options.get_str("skip_missing").map_or(Ok(false), |it| it.truthy())?,
        Some(Val::Bool(skip)) => *skip,
        _ => request.flag("skip_missing", false)?,
    };
    let elements = match elements {
        Val::Dict(dict) => dict.to_map().into_values().collect(),
        other => other.iterate()?,
    };
    let mut out = Vec::new();
    for element in elements {
        let Val::Dict(entries) = &element else {
            return Err(raised(format!("subelements lookup expects a dictionary, got '{}'", print::text(&element)?)));
        };
        // The result of a task that was skipped, among results of a loop.
        if entries.get_str("skipped").is_some_and(|skipped| !matches!(skipped, Val::Bool(false))) {
            continue;
        }
        let found = match by_keys(&element, &print::text(path)?)? {
            Ok(found) => found,
            Err(_) if skip_missing => continue,
            Err(missing) => return Err(raised(missing)),
        };
        if !matches!(found, Val::List(_) | Val::Tuple(_)) {
            return Err(raised(format!(
                "the key {} should point to a list, got '{}'",
                print::text(path)?,
                print::text(&found)?
            )));
        }
        let rest = without_path(&element, &print::text(path)?);
        for item in found.iterate()? {
            out.push(Val::tuple(vec![rest.clone(), item]));
        }
    }
    Ok(out)
}

/// An item by a dotted path of keys alone; else what is missing, and where.
fn by_keys(element: &Val, path: &str) -> Res<Result<Val, String>> {
    let mut current = element.clone();
    let mut before = "";
    for key in path.split('.') {
        if !matches!(current, Val::Dict(_)) {
            let got = print::text(&current)?;
            return Ok(Err(format!("the key {before} should point to a dictionary, got '{got}'")));
        }
        before = key;
        let found = match &current {
            Val::Dict(dict) => dict.get_str(key),
            _ => None,
        };
        match found {
            Some(found) => current = found.used()?,
            None => {
                let holder = print::text(&current)?;
                return Ok(Err(format!("could not find '{key}' key in iterated item '{holder}'")));
            }
        }
    }
    Ok(Ok(current))
}

/// An element without the item at a path.
fn without_path(element: &Val, path: &str) -> Val {
    let Val::Dict(dict) = element else { return element.clone() };
    let mut map = dict.to_map();
    match path.split_once('.') {
        None => {
            map.shift_remove(path);
        }
        Some((key, path)) => {
            if let Some(inner) = map.get_mut(key) {
                *inner = without_path(inner, path);
            }
        }
    }
    Val::dict(map)
}

pub fn random_choice(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let items = request.terms;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    Ok(items.get(rand::random_range(0..items.len())).cloned().into_iter().collect())
}

#[derive(Default)]
struct Sequence {
    start: Option<i64>,
    end: Option<i64>,
    stride: Option<i64>,
    count: Option<i64>,
    format: Option<String>,
}

impl Sequence {
    fn set(&mut self, name: &str, text: &str) -> Res<()> {
        let number = || -> Res<i64> {
            let number = crate::template::engine::number::parse_int(text, 0)
                .or_else(|| crate::template::engine::number::parse_int(text, 10))
                .and_then(|number| i64::try_from(number).ok());
            number.ok_or_else(|| raised(format!(
                "Config '{name}' for 'sequence' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'integer': {}",
                str_repr(text)
            )))
        };
        match name {
            "start" => self.start = Some(number()?),
            "end" => self.end = Some(number()?),
            "stride" => self.stride = Some(number()?),
            "count" => self.count = Some(number()?),
            "format" => self.format = Some(text.to_owned()),
            other => return Err(raised(format!("unrecognized arguments to with_sequence: ['{other}']"))),
        }
        Ok(())
    }
}

pub fn sequence(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    let terms = if request.terms.is_empty() { vec![String::new()] } else { request.texts()? };
    for term in terms {
        let mut wanted = Sequence::default();
        for (name, value) in &request.options {
            wanted.set(name, &print::text(value)?)?;
        }
        if term.contains('=') {
            for pair in term.split_whitespace() {
                let Some((name, value)) = pair.split_once('=') else {
                    return Err(raised(format!("unknown error parsing with_sequence arguments: '{term}'")));
                };
                wanted.set(name, value)?;
            }
        } else if !term.is_empty() {
            let (range, format) =
                term.split_once(':').map_or((term.as_str(), None), |(range, format)| (range, Some(format)));
            wanted.format = format.map(str::to_owned).or(wanted.format);
            let (range, stride) = range.split_once('/').map_or((range, None), |(range, stride)| (range, Some(stride)));
            if let Some(stride) = stride {
                wanted.set("stride", stride)?;
            }
            let split = range.get(1..).and_then(|rest| rest.find('-')).map(|at| at + 1);
            match split {
                Some(at) => {
                    wanted.set("start", &range[..at])?;
                    wanted.set("end", &range[at + 1..])?;
                }
                None => wanted.set("end", range)?,
            }
        }
        numbers(wanted, &mut out)?;
    }
    Ok(out)
}

fn numbers(wanted: Sequence, out: &mut Vec<Val>) -> Res<()> {
    let start = wanted.start.unwrap_or(1);
    let stride = wanted.stride.unwrap_or(1);
    let end = match (wanted.end, wanted.count) {
        (Some(_), Some(_)) => return Err(raised("can't specify both count and end in with_sequence")),
        (None, None) => return Err(raised("must specify count or end in with_sequence")),
        (Some(end), None) => end,
        (None, Some(0)) => return Ok(()),
        (None, Some(count)) => start.saturating_add(count.saturating_mul(stride)).saturating_sub(1),
    };
    if stride > 0 && end < start {
        return Err(raised("to count backwards make stride negative"));
    }
    if stride < 0 && end > start {
        return Err(raised("to count forward don't make stride negative"));
    }
    if stride == 0 {
        return Ok(());
    }
    let format = wanted.format.unwrap_or_else(|| "%d".to_owned());
    if format.matches('%').count() != 1 {
        return Err(raised(format!("bad formatting string: {format}")));
    }
    let mut number = start;
    while (stride > 0 && number <= end) || (stride < 0 && number >= end) {
        if out.len() >= MOST_ITEMS {
            return Err(raised("the sequence is too long"));
        }
        let text = percent(&format, &Val::Int(number), Shown::Plain)
            .map_err(|_| raised(format!("problem formatting {number} with {format:?}")))?;
        out.push(Val::str(text));
        number = match number.checked_add(stride) {
            Some(number) => number,
            None => break,
        };
    }
    Ok(())
}

pub fn varnames(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let templar = &scope.context.templar;
    let mut names = templar.variables().names();
    names.extend(
        templar.locals().into_iter().flat_map(|locals| locals.keys().filter_map(|key| key.as_str().map(str::to_owned))),
    );
    let mut out = Vec::new();
    for term in &request.terms {
        let Val::Str(pattern) = term else {
            return Err(raised(format!(
                "Invalid setting identifier, {} is not a string, it is a {}",
                print::repr(term)?,
                term.type_name()
            )));
        };
        let regex =
            crate::template::filters::regex::compile(pattern, crate::template::filters::regex::Flags::default())
                .map_err(|fault| {
                    let why = fault.message;
                    raised(format!("Unable to use \"{}\" as a search parameter: {why}", pattern.as_str()))
                })?;
        for name in &names {
            if regex.is_match(name.as_str()).unwrap_or(false) {
                out.push(Val::str(name.as_str()));
            }
        }
    }
    Ok(out)
}

pub fn undef(_scope: &Scope, _request: Request) -> Res<Vec<Val>> {
    Ok(vec![Val::failed(undefined("Mandatory variable has not been overridden"))])
}

pub fn config(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let on_missing = request.text("on_missing")?.or(request.text("missing")?).unwrap_or_else(|| "error".into());
    if !matches!(on_missing.as_str(), "error" | "warn" | "skip") {
        return Err(raised(format!(
            "Invalid value '{on_missing}' for config 'on_missing' for 'config' lookup plugin."
        )));
    }
    if request.option("plugin_type").is_some() || request.option("plugin_name").is_some() {
        return Err(raised("options of plugins are not known here, only settings are"));
    }
    let show_origin = request.flag("show_origin", false)?;
    if show_origin {
        return Err(raised("`show_origin` is not supported"));
    }
    let mut out = Vec::new();
    for term in &request.terms {
        let Val::Str(name) = term else {
            return Err(raised(format!("Invalid setting identifier, {} is not a string", print::repr(term)?)));
        };
        let found = scope.context.templar.engine().settings.config.as_ref().and_then(|config| config(name));
        match found {
            Some(value) => out.push(crate::template::engine::val::from_data(&value)),
            None if on_missing == "error" => {
                return Err(raised(format!("Unable to find setting {}", name.as_str())));
            }
            None => {
                if on_missing == "warn" {
                    let notices = &scope.context.templar.engine().settings.notices;
                    notices.warn(format!("Skipping, did not find setting {}", name.as_str()), None);
                }
            }
        }
    }
    Ok(out)
}
