//! Methods of `str`.

use std::sync::Arc;

use super::format::{Shown, format_method};
use super::letters;
use crate::template::engine::arguments::{Arguments, Bound, parameters};
use crate::template::engine::attributes::slice_positions;
use crate::template::engine::encoding::encode;
use crate::template::engine::markup;
use crate::template::engine::print::MOST_TEXT;
use crate::template::engine::val::{Map, Val, from_key};
use crate::template::error::{Res, raised};
use crate::value::python::expand_tabs;
use crate::value::{Str, Value};

pub const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub fn call(this: &Str, name: &str, arguments: Arguments) -> Res<Val> {
    let out = if this.is_markup() {
        markup::call_method(this, name, arguments)?
    } else {
        call_plain(this, name, arguments, Shown::Plain)?
    };
    if !this.is_secret() {
        return Ok(out);
    }
    map_texts(out, &|text| text.into_secret())
}

/// The same value with every text in it changed: what a method gives is a text, or a list or tuple of texts.
pub fn map_texts(value: Val, change: &dyn Fn(Str) -> Str) -> Res<Val> {
    let all = |items: Vec<Val>| items.into_iter().map(|item| map_texts(item, change)).collect::<Res<Vec<_>>>();
    Ok(match value {
        Val::Str(text) => Val::Str(change(text)),
        Val::List(items) => Val::list(all(items.to_vec())?),
        Val::Tuple(items) => Val::tuple(all(items.to_vec())?),
        other => other,
    })
}

pub fn call_plain(text: &str, name: &str, arguments: Arguments, shown: Shown) -> Res<Val> {
    Ok(match name {
        "format" => Val::str(format_method(text, &arguments.positional, &arguments.named, shown)?),
        "format_map" => {
            let map = arguments.positional.into_iter().next().unwrap_or(Val::Null);
            let Val::Dict(map) = map else { return Err(raised("format_map() argument must be a mapping")) };
            let named: Vec<(Arc<str>, Val)> =
                map.to_map().into_iter().map(|(key, value)| (Arc::from(key.to_text()), value)).collect();
            Val::str(format_method(text, &[], &named, shown)?)
        }
        "encode" => {
            let bound = arguments.bind("encode", &parameters(&["encoding", "errors"], 0))?;
            let bytes = encode(text, bound.text_or(0, "utf-8")?, bound.text_or(1, "strict")?)?;
            Val::Bytes(bytes.into())
        }
        _ => plain(text, name, arguments)?,
    })
}

fn none(name: &str, arguments: Arguments) -> Res<Bound> {
    let given = arguments.positional.len() + arguments.named.len();
    if given > 0 {
        return Err(raised(format!("str.{name}() takes no arguments ({given} given)")));
    }
    arguments.bind(name, &parameters(&[], 0))
}

fn plain(text: &str, name: &str, arguments: Arguments) -> Res<Val> {
    let simple = |convert: &dyn Fn() -> Val, arguments| none(name, arguments).map(|_| convert());
    match name {
        "upper" => simple(&|| Val::str(text.to_uppercase()), arguments),
        "lower" => simple(&|| Val::str(text.to_lowercase()), arguments),
        "casefold" => simple(&|| Val::str(text.to_lowercase().replace('ß', "ss")), arguments),
        "capitalize" => simple(&|| Val::str(capitalize(text)), arguments),
        "title" => simple(&|| Val::str(title(text)), arguments),
        "swapcase" => simple(&|| Val::str(swapcase(text)), arguments),
        "isalnum" => simple(&|| all(text, char::is_alphanumeric), arguments),
        "isalpha" => simple(&|| all(text, char::is_alphabetic), arguments),
        "isascii" => simple(&|| Val::Bool(text.is_ascii()), arguments),
        "isdecimal" | "isdigit" | "isnumeric" => simple(&|| all(text, letters::number_test(name)), arguments),
        "isspace" => simple(&|| all(text, char::is_whitespace), arguments),
        "islower" => simple(&|| cased(text, char::is_lowercase, char::is_uppercase), arguments),
        "isupper" => simple(&|| cased(text, char::is_uppercase, char::is_lowercase), arguments),
        "istitle" => simple(&|| Val::Bool(text.chars().any(letters::is_cased) && title(text) == text), arguments),
        "isprintable" => simple(
            &|| {
                let quoted = crate::value::python::str_repr(text);
                Val::Bool(
                    text.is_empty()
                        || !text.chars().any(char::is_control) && !quoted.contains("\\u") && !quoted.contains("\\x"),
                )
            },
            arguments,
        ),
        "isidentifier" => simple(
            &|| {
                let mut chars = text.chars();
                Val::Bool(
                    chars.next().is_some_and(|char| char == '_' || char.is_alphabetic())
                        && chars.all(|char| char == '_' || char.is_alphanumeric()),
                )
            },
            arguments,
        ),
        "strip" | "lstrip" | "rstrip" => {
            let bound = arguments.bind(name, &parameters(&["chars"], 0))?;
            Ok(Val::str(strip(text, name, bound.some(0).map(|_| bound.text(0)).transpose()?)))
        }
        "startswith" | "endswith" => {
            let bound = arguments.bind(name, &parameters(&["prefix", "start", "end"], 1))?;
            let part = window(text, &bound, 1)?;
            let test = |candidate: &Val| -> Res<bool> {
                let Val::Str(candidate) = candidate else {
                    candidate.check()?;
                    return Err(raised(format!(
                        "{name} first arg must be str or a tuple of str, not {}",
                        candidate.type_name()
                    )));
                };
                Ok(if name == "startswith" { part.starts_with(&**candidate) } else { part.ends_with(&**candidate) })
            };
            let first = bound.val(0);
            let found = match &first {
                Val::Tuple(items) => {
                    let mut any = false;
                    for item in items.iter() {
                        any |= test(item)?;
                    }
                    any
                }
                other => test(other)?,
            };
            Ok(Val::Bool(found))
        }
        "removeprefix" | "removesuffix" => {
            let bound = arguments.bind(name, &parameters(&["fix"], 1))?;
            let fix = bound.text(0)?;
            let cut = if name == "removeprefix" { text.strip_prefix(fix) } else { text.strip_suffix(fix) };
            Ok(Val::str(cut.unwrap_or(text)))
        }
        "replace" => {
            let bound = arguments.bind(name, &parameters(&["old", "new", "count"], 2))?;
            Ok(Val::str(replace(text, bound.text(0)?, bound.text(1)?, bound.int(2, -1)?)?))
        }
        "split" | "rsplit" => {
            let bound = arguments.bind(name, &parameters(&["sep", "maxsplit"], 0))?;
            let separator = bound.some(0).map(|_| bound.text(0)).transpose()?;
            let most = bound.int(1, -1)?;
            let parts = if name == "split" { split(text, separator, most)? } else { rsplit(text, separator, most)? };
            Ok(Val::list(parts.into_iter().map(Val::str).collect()))
        }
        "splitlines" => {
            let bound = arguments.bind(name, &parameters(&["keepends"], 0))?;
            Ok(Val::list(split_lines(text, bound.bool(0, false)?).into_iter().map(Val::str).collect()))
        }
        "partition" | "rpartition" => {
            let bound = arguments.bind(name, &parameters(&["sep"], 1))?;
            let separator = bound.text(0)?;
            if separator.is_empty() {
                return Err(raised("empty separator"));
            }
            let found = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match (found, name) {
                (Some((before, after)), _) => [before, separator, after],
                (None, "partition") => [text, "", ""],
                (None, _) => ["", "", text],
            };
            Ok(Val::tuple(parts.into_iter().map(Val::from).collect()))
        }
        "join" => {
            let bound = arguments.bind(name, &parameters(&["iterable"], 1))?;
            let items = bound.val(0);
            if !matches!(items, Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Str(_) | Val::Object(_)) {
                return Err(raised("can only join an iterable"));
            }
            let mut out = String::new();
            for (index, item) in items.iterate()?.iter().enumerate() {
                if index > 0 {
                    out.push_str(text);
                }
                match item {
                    Val::Str(item) => out.push_str(item),
                    other => {
                        other.check()?;
                        return Err(raised(format!(
                            "sequence item {index}: expected str instance, {} found",
                            other.type_name()
                        )));
                    }
                }
            }
            Ok(Val::str(out))
        }
        "count" | "find" | "rfind" | "index" | "rindex" => search(text, name, arguments),
        "center" | "ljust" | "rjust" => {
            let bound = arguments.bind(name, &parameters(&["width", "fillchar"], 1))?;
            let mut fill = bound.text_or(1, " ")?.chars();
            let (Some(fill), None) = (fill.next(), fill.next()) else {
                return Err(raised("The fill character must be exactly one character long"));
            };
            let pad = padding(text, bound.int(0, 0)?)?;
            Ok(Val::str(match name {
                "ljust" => format!("{text}{}", fill.to_string().repeat(pad)),
                "rjust" => format!("{}{text}", fill.to_string().repeat(pad)),
                _ => {
                    let width = pad + text.chars().count();
                    let left = pad / 2 + (pad & width & 1);
                    format!("{}{text}{}", fill.to_string().repeat(left), fill.to_string().repeat(pad - left))
                }
            }))
        }
        "zfill" => {
            let bound = arguments.bind(name, &parameters(&["width"], 1))?;
            let pad = "0".repeat(padding(text, bound.int(0, 0)?)?);
            let (sign, digits) = match text.chars().next() {
                Some(sign @ ('+' | '-')) => (sign.to_string(), &text[1..]),
                _ => (String::new(), text),
            };
            Ok(Val::str(format!("{sign}{pad}{digits}")))
        }
        "expandtabs" => {
            let bound = arguments.bind(name, &parameters(&["tabsize"], 0))?;
            let size = usize::try_from(bound.int(0, 8)?.clamp(0, 1000)).unwrap_or(8);
            Ok(Val::str(expand_tabs(text, size)))
        }
        "maketrans" => maketrans(arguments),
        "translate" => {
            let bound = arguments.bind(name, &parameters(&["table"], 1))?;
            translate(text, &bound.val(0))
        }
        _ => Err(raised(format!("'str' object has no attribute '{name}'"))),
    }
}

fn padding(text: &str, width: i64) -> Res<usize> {
    let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
    if width > MOST_TEXT {
        return Err(raised("the result is too large"));
    }
    Ok(width.saturating_sub(text.chars().count()))
}

fn all(text: &str, test: impl Fn(char) -> bool) -> Val {
    Val::Bool(!text.is_empty() && text.chars().all(test))
}

fn cased(text: &str, wanted: impl Fn(char) -> bool, other: impl Fn(char) -> bool) -> Val {
    Val::Bool(text.chars().any(wanted) && !text.chars().any(other))
}

pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next();
    first.map_or_else(String::new, |first| letters::title_case(first) + &chars.as_str().to_lowercase())
}

pub fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if letters::is_cased(char) {
            if inside {
                out.extend(char.to_lowercase());
            } else {
                out.push_str(&letters::title_case(char));
            }
            inside = true;
        } else {
            out.push(char);
            inside = false;
        }
    }
    out
}

fn swapcase(text: &str) -> String {
    text.chars().flat_map(letters::swap_case).collect()
}

pub fn strip<'a>(text: &'a str, name: &str, chars: Option<&str>) -> &'a str {
    let test = |char: char| chars.map_or_else(|| python_space(char), |chars| chars.contains(char));
    match name {
        "lstrip" => text.trim_start_matches(test),
        "rstrip" => text.trim_end_matches(test),
        _ => text.trim_matches(test),
    }
}

pub fn python_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}')
}

pub fn replace(text: &str, old: &str, new: &str, count: i64) -> Res<String> {
    let result = match usize::try_from(count) {
        Ok(count) => text.replacen(old, new, count),
        Err(_) => {
            if new.len() > 1000 && text.len().saturating_mul(new.len()) > MOST_TEXT {
                return Err(raised("the result is too large"));
            }
            text.replace(old, new)
        }
    };
    Ok(result)
}

pub fn split<'a>(text: &'a str, separator: Option<&str>, most: i64) -> Res<Vec<&'a str>> {
    let limit = usize::try_from(most).ok();
    match separator {
        Some("") => Err(raised("empty separator")),
        Some(separator) => Ok(match limit {
            Some(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
            None => text.split(separator).collect(),
        }),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_start_matches(python_space);
            while !rest.is_empty() {
                if limit.is_some_and(|limit| parts.len() >= limit) {
                    parts.push(rest.trim_end_matches(python_space));
                    break;
                }
                let end = rest.find(python_space).unwrap_or(rest.len());
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start_matches(python_space);
            }
            Ok(parts)
        }
    }
}

fn rsplit<'a>(text: &'a str, separator: Option<&str>, most: i64) -> Res<Vec<&'a str>> {
    let Some(limit) = usize::try_from(most).ok() else { return split(text, separator, most) };
    let mut parts: Vec<&str> = Vec::new();
    match separator {
        Some("") => return Err(raised("empty separator")),
        Some(separator) => parts.extend(text.rsplitn(limit.saturating_add(1), separator)),
        None => {
            let mut rest = text.trim_end_matches(python_space);
            while !rest.is_empty() {
                if parts.len() >= limit {
                    parts.push(rest.trim_start_matches(python_space));
                    break;
                }
                let start = rest
                    .char_indices()
                    .rev()
                    .find(|(_, char)| python_space(*char))
                    .map_or(0, |(at, char)| at + char.len_utf8());
                parts.push(&rest[start..]);
                rest = rest[..start].trim_end_matches(python_space);
            }
        }
    }
    parts.reverse();
    Ok(parts)
}

pub fn split_lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if !matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            continue;
        }
        let mut end = at + char.len_utf8();
        if char == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        lines.push(&text[start..if keep_ends { end } else { at }]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// The part of a text between `start` and `end`, where these arguments begin at `first`.
fn window(text: &str, bound: &Bound, first: usize) -> Res<String> {
    if bound.some(first).is_none() && bound.some(first + 1).is_none() {
        return Ok(text.to_owned());
    }
    let chars: Vec<char> = text.chars().collect();
    let bounds = [bound.some(first).cloned(), bound.some(first + 1).cloned(), None];
    Ok(slice_positions(chars.len(), &bounds)?.into_iter().filter_map(|at| chars.get(at)).collect())
}

fn search(text: &str, name: &str, arguments: Arguments) -> Res<Val> {
    let bound = arguments.bind(name, &parameters(&["sub", "start", "end"], 1))?;
    let needle = bound.text(0)?;
    let part = window(text, &bound, 1)?;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    if name == "count" {
        let count = if needle.is_empty() { part.chars().count() + 1 } else { part.matches(needle).count() };
        return Ok(Val::Int(number(count)));
    }
    let found = if name.starts_with('r') { part.rfind(needle) } else { part.find(needle) };
    match found {
        Some(at) => {
            let length = number(text.chars().count());
            let start = bound.int(1, 0).unwrap_or(0);
            let start = if start < 0 { (start + length).max(0) } else { start.min(length) };
            Ok(Val::Int(start + number(part.get(..at).unwrap_or("").chars().count())))
        }
        None if name.ends_with("index") => Err(raised("substring not found")),
        None => Ok(Val::Int(-1)),
    }
}

fn maketrans(arguments: Arguments) -> Res<Val> {
    let bound = arguments.bind("maketrans", &parameters(&["x", "y", "z"], 1))?;
    let mut map = Map::new();
    let code = |char: char| Value::Int(i64::from(u32::from(char)));
    match bound.val(0) {
        Val::Dict(dict) => {
            for (key, value) in dict.to_map() {
                let key = match key.as_str().and_then(|key| key.chars().next()) {
                    Some(char) => code(char),
                    None => key,
                };
                map.insert(key, value);
            }
        }
        _ => {
            let (from, to) = (bound.text(0)?, bound.text_or(1, "")?);
            if from.chars().count() != to.chars().count() {
                return Err(raised("the first two maketrans arguments must have equal length"));
            }
            for (from, to) in from.chars().zip(to.chars()) {
                map.insert(code(from), Val::Int(i64::from(u32::from(to))));
            }
            for char in bound.text_or(2, "")?.chars() {
                map.insert(code(char), Val::Null);
            }
        }
    }
    Ok(Val::dict(map))
}

fn translate(text: &str, table: &Val) -> Res<Val> {
    let Val::Dict(table) = table else { return Err(raised("translate() needs a mapping")) };
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let code = i64::from(u32::from(char));
        match table.get(&Value::Int(code)) {
            None => out.push(char),
            Some(Val::Null) => {}
            Some(Val::Int(code)) => out.push(u32::try_from(code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')),
            Some(other) => out.push_str(&crate::template::engine::print::text(&other)?),
        }
    }
    Ok(Val::str(out))
}

/// The same characters as a list of values, for callers that loop over text.
pub fn characters(text: &str) -> Vec<Val> {
    text.chars().map(|char| from_key(&Value::str(char.to_string()))).collect()
}
