//! Filters of community.general that keep, leave out or rename the keys of all dicts in a list.

use std::sync::Arc;

use fancy_regex::Regex;

use super::regex::{Anchor, Flags, compile, matches};
use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Res, raised};
use crate::value::Value;

/// What a key is compared with.
enum Pattern {
    Equal(String),
    Start(String),
    End(String),
    Regex(Arc<Regex>),
}

impl Pattern {
    fn new(text: &str, kind: &str) -> Res<Self> {
        Ok(match kind {
            "equal" => Pattern::Equal(text.to_owned()),
            "starts_with" => Pattern::Start(text.to_owned()),
            "ends_with" => Pattern::End(text.to_owned()),
            "regex" => match compile(text, Flags::default()) {
                Ok(regex) => Pattern::Regex(regex),
                Err(_) => return Err(raised(format!("'{text}' is no valid regular expression"))),
            },
            other => {
                return Err(raised(format!(
                    "The matching_parameter must be one of ['equal', 'starts_with', 'ends_with', 'regex']. \
                     matching_parameter={other}"
                )));
            }
        })
    }

    fn fits(&self, key: &str) -> Res<bool> {
        match self {
            Pattern::Equal(text) => Ok(key == text),
            Pattern::Start(text) => Ok(key.starts_with(text)),
            Pattern::End(text) => Ok(key.ends_with(text)),
            Pattern::Regex(regex) => matches(regex, key, Anchor::Start),
        }
    }
}

/// The dicts of the first argument, all keys of which are text.
fn dicts(args: &Bound) -> Res<Vec<Map>> {
    let value = args.val(0);
    if !matches!(value, Val::List(_) | Val::Tuple(_) | Val::Str(_) | Val::Object(_)) {
        let found = value.type_name();
        return Err(raised(format!("First argument must be a list. {} is <class '{found}'>", print::text(&value)?)));
    }
    let mut dicts = Vec::new();
    for item in value.iterate()? {
        let Val::Dict(dict) = &item else {
            let found = item.type_name();
            let item = print::text(&item.used()?)?;
            return Err(raised(format!("The data items must be dictionaries. {item} is <class '{found}'>")));
        };
        let dict = dict.to_map();
        if dict.keys().any(|key| key.as_str().is_none()) {
            return Err(raised("Top level keys must be strings."));
        }
        dicts.push(dict);
    }
    Ok(dicts)
}

fn kind(args: &Bound) -> Res<String> {
    args.get(2).map_or_else(|| Ok("equal".to_owned()), print::text)
}

/// One text, or a list of some; of regular expressions there may be one.
fn targets(args: &Bound, kind: &str) -> Res<Vec<Pattern>> {
    let target = args.val(1);
    if let Val::Str(text) = &target {
        if text.is_empty() {
            return Err(raised("The target can't be empty."));
        }
        return Ok(vec![Pattern::new(text, kind)?]);
    }
    let Some(items) = target.as_sequence() else {
        let found = target.used()?.type_name();
        return Err(raised(format!("The target must be a string or a list. target is <class '{found}'>.")));
    };
    if items.is_empty() {
        return Err(raised("The target can't be empty."));
    }
    if kind == "regex" && items.len() > 1 {
        return Err(raised("Single item is required in the target list if matching_parameter=regex."));
    }
    let mut patterns = Vec::new();
    for item in items {
        let Val::Str(text) = &item else {
            let found = item.type_name();
            let item = print::text(&item.used()?)?;
            return Err(raised(format!("The target items must be strings. {item} is <class '{found}'>")));
        };
        patterns.push(Pattern::new(text, kind)?);
    }
    Ok(patterns)
}

fn filtered(args: &Bound, keeps: bool) -> Res<Val> {
    let (dicts, kind) = (dicts(args)?, kind(args)?);
    let patterns = targets(args, &kind)?;
    let mut out = Vec::new();
    for dict in dicts {
        let mut kept = Map::new();
        for (key, value) in dict {
            let mut is_meant = false;
            for pattern in &patterns {
                is_meant = is_meant || pattern.fits(key.as_str().unwrap_or_default())?;
            }
            if is_meant == keeps {
                kept.insert(key, value);
            }
        }
        out.push(Val::dict(kept));
    }
    Ok(Val::list(out))
}

pub fn keep_keys(_scope: &Scope, args: Bound) -> Res<Val> {
    filtered(&args, true)
}

pub fn remove_keys(_scope: &Scope, args: Bound) -> Res<Val> {
    filtered(&args, false)
}

pub fn replace_keys(_scope: &Scope, args: Bound) -> Res<Val> {
    let (dicts, kind) = (dicts(&args)?, kind(&args)?);
    let target = args.val(1);
    let Val::List(target) = &target else {
        let found = target.used()?.type_name();
        return Err(raised(format!("The target must be a list. target is <class '{found}'>.")));
    };
    if target.is_empty() {
        return Err(raised("The target can't be empty."));
    }
    let mut names = Vec::new();
    for item in target.to_vec() {
        let Val::Dict(dict) = &item else {
            let found = item.type_name();
            let item = print::text(&item.used()?)?;
            return Err(raised(format!("The target items must be dictionaries. {item} is <class '{found}'>")));
        };
        let (Some(before), Some(after)) = (dict.get_str("before"), dict.get_str("after")) else {
            return Err(raised("All dictionaries in target must include attributes: after, before."));
        };
        let (Val::Str(before), Val::Str(after)) = (before.used()?, after.used()?) else {
            return Err(raised("The attributes before and after must be strings."));
        };
        names.push((Pattern::new(&before, &kind)?, Value::Str(after)));
    }
    let new_name = |key: Value| -> Res<Value> {
        for (pattern, after) in &names {
            if pattern.fits(key.as_str().unwrap_or_default())? {
                return Ok(after.clone());
            }
        }
        Ok(key)
    };
    let rename = |dict: Map| {
        let entries = dict.into_iter().map(|(key, value)| Ok((new_name(key)?, value))).collect::<Res<Map>>();
        entries.map(Val::dict)
    };
    Ok(Val::list(dicts.into_iter().map(rename).collect::<Res<_>>()?))
}
