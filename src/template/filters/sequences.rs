//! One sequence in, one value or sequence out.

use std::cmp::Ordering;

use crate::template::engine::arguments::Bound;
use crate::template::engine::attributes::{by_path, item};
use crate::template::engine::comparison::{equal, order, sort_by_key};
use crate::template::engine::markup::like;
use crate::template::engine::number::Number;
use crate::template::engine::objects::Sequence;
use crate::template::engine::operators::arithmetic;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::tree::Operator;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised, undefined};
use crate::template::tests::versions::loose;
use crate::value::Str;

pub fn first(_scope: &Scope, args: Bound) -> Res<Val> {
    let items = args.val(0).iterate()?;
    Ok(items.into_iter().next().unwrap_or_else(|| Val::failed(undefined("No first item, sequence was empty."))))
}

pub fn last(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if !matches!(value, Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Str(_) | Val::Object(_) | Val::Bytes(_)) {
        return Err(raised(format!("'{}' object is not reversible", value.type_name())));
    }
    if let Val::Object(object) = &value
        && matches!(object.type_name(), "generator" | "set")
    {
        return Err(raised(format!("'{}' object is not reversible", value.type_name())));
    }
    if let Val::Str(text) = &value
        && !text.is_empty()
    {
        return Ok(item(&value, &Val::Int(-1)));
    }
    let items = value.iterate()?;
    Ok(items.into_iter().next_back().unwrap_or_else(|| Val::failed(undefined("No last item, sequence was empty."))))
}

pub fn length(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::Int(i64::try_from(length_of(&args.val(0))?).unwrap_or(i64::MAX)))
}

/// Python's `len`.
pub fn length_of(value: &Val) -> Res<usize> {
    Ok(match value {
        Val::Str(text) => text.chars().count(),
        Val::List(list) => list.len(),
        Val::Tuple(items) => items.len(),
        Val::Dict(dict) => dict.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::Object(object) => match object.length() {
            Some(length) => length,
            None if object.type_name() == "dict" => value.iterate()?.len(),
            None => return Err(raised(format!("object of type '{}' has no len()", value.type_name()))),
        },
        Val::Undefined(it) if it.plain => 0,
        other => return Err(raised(format!("object of type '{}' has no len()", other.type_name()))),
    })
}

pub fn list(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::list(args.val(0).iterate()?))
}

pub fn join(_scope: &Scope, args: Bound) -> Res<Val> {
    let separator = args.get(1).map_or_else(|| Ok(String::new()), print::text)?;
    let mut out = String::new();
    let mut secret = false;
    for (index, item) in args.val(0).iterate()?.into_iter().enumerate() {
        let item = match args.some(2) {
            Some(attribute) => by_path(&item, attribute),
            None => item,
        };
        if index > 0 {
            out.push_str(&separator);
        }
        secret |= item.is_secret();
        item.check()?;
        print::text_into(&item, &mut out)?;
    }
    let text = Str::data(out);
    Ok(Val::Str(if secret { text.into_secret() } else { text }))
}

pub fn reverse(_scope: &Scope, args: Bound) -> Res<Val> {
    match args.val(0) {
        value @ Val::Str(_) => {
            let reversed = value.as_str().unwrap_or("").chars().rev().collect();
            Ok(like(&value, reversed))
        }
        other => {
            let mut items = other.iterate().map_err(|_| raised("argument must be iterable"))?;
            items.reverse();
            Ok(Sequence::val("list_reverseiterator", items))
        }
    }
}

/// How Jinja2 compares text unless told to mind the case.
pub fn folded(value: &Val) -> Val {
    match value {
        Val::Str(text) => Val::str(text.to_lowercase()),
        other => other.clone(),
    }
}

fn sort_keys(value: &Val, attribute: Option<&Val>, case_sensitive: bool) -> Res<Val> {
    let fold = |value: Val| if case_sensitive { value } else { folded(&value) };
    match attribute {
        None => Ok(fold(value.clone())),
        Some(Val::Str(names)) if names.contains(',') => {
            let mut keys = Vec::new();
            for name in names.split(',') {
                keys.push(fold(by_path(value, &Val::str(name)).used()?));
            }
            Ok(Val::tuple(keys))
        }
        Some(name) => Ok(fold(by_path(value, name).used()?)),
    }
}

pub fn sort(_scope: &Scope, args: Bound) -> Res<Val> {
    let (reverse, case_sensitive) = (args.int(1, 0)? != 0, args.bool(2, false)?);
    let mut items = Vec::new();
    for item in args.val(0).iterate()? {
        items.push((sort_keys(&item.clone().used()?, args.some(3), case_sensitive)?, item));
    }
    sort_by_key(&mut items, reverse)?;
    Ok(Val::list(items.into_iter().map(|(_, item)| item).collect()))
}

/// Of community.general: texts in the order of the versions they are.
pub fn version_sort(_scope: &Scope, args: Bound) -> Res<Val> {
    let reverse = args.bool(1, false)?;
    let mut versions = Vec::new();
    for item in args.val(0).iterate()? {
        match item.used()? {
            Val::Str(text) => versions.push(text),
            other => return Err(raised(format!("expected string or bytes-like object, got '{}'", other.type_name()))),
        }
    }
    if versions.len() > 1 && versions.iter().any(|version| version.is_empty()) {
        return Err(raised("an empty text is no version"));
    }
    let mut failure = None;
    let mut order = |one: &Str, other: &Str| {
        loose(one, other).unwrap_or_else(|message| {
            failure.get_or_insert(message);
            Ordering::Equal
        })
    };
    if reverse {
        versions.sort_by(|one, other| order(other, one));
    } else {
        versions.sort_by(order);
    }
    failure.map_or_else(|| Ok(Val::list(versions.into_iter().map(Val::Str).collect())), |message| Err(raised(message)))
}

pub fn unique(_scope: &Scope, args: Bound) -> Res<Val> {
    let case_sensitive = args.some(1).map_or(Ok(false), Val::truthy)?;
    // Ansible's own way, which compares what has no hash, knows neither of them.
    let strict = args.some(2).is_some() || matches!(args.some(1), Some(Val::Bool(false)));
    let refused = |why: &str| {
        raised(format!(
            "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the \
             parameters supplied: {why}"
        ))
    };
    let mut seen: Vec<Val> = Vec::new();
    let mut hashed = indexmap::IndexSet::new();
    let mut out = Vec::new();
    for item in args.val(0).iterate()? {
        let key = sort_keys(&item.clone().used()?, args.some(2), case_sensitive)
            .map_err(|fault| if strict { refused(&fault.message) } else { fault })?;
        let fresh = match key.to_key() {
            Ok(key) => hashed.insert(key),
            Err(fault) if strict => return Err(refused(&fault.message)),
            Err(_) => {
                let mut known = false;
                for other in &seen {
                    known |= equal(other, &key)?;
                }
                if !known {
                    seen.push(key);
                }
                !known
            }
        };
        if fresh {
            out.push(item);
        }
    }
    Ok(Val::list(out))
}

pub fn min(_scope: &Scope, args: Bound) -> Res<Val> {
    extreme(&args, std::cmp::Ordering::Less)
}

pub fn max(_scope: &Scope, args: Bound) -> Res<Val> {
    extreme(&args, std::cmp::Ordering::Greater)
}

fn extreme(args: &Bound, wanted: std::cmp::Ordering) -> Res<Val> {
    let case_sensitive = args.bool(1, false)?;
    let sign = if wanted == std::cmp::Ordering::Less { "<" } else { ">" };
    let mut best: Option<(Val, Val)> = None;
    for item in args.val(0).iterate()? {
        let key = sort_keys(&item.clone().used()?, args.some(2), case_sensitive)?;
        let better = match &best {
            None => true,
            Some((other, _)) => order(&key, other, sign)? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| Val::failed(undefined("No aggregated item, sequence was empty.")), |(_, item)| item))
}

pub fn sum(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut total = args.get(2).cloned().unwrap_or(Val::Int(0));
    for item in args.val(0).iterate()? {
        let item = match args.some(1) {
            Some(attribute) => by_path(&item, attribute),
            None => item,
        };
        if let Val::Str(_) = total {
            return Err(raised("sum() can't sum strings [use ''.join(seq) instead]"));
        }
        total = arithmetic(Operator::Add, &total, &item.used()?)?;
    }
    Ok(total)
}

pub fn batch(_scope: &Scope, args: Bound) -> Res<Val> {
    // A row ends when its length equals the size: one that is no number, or negative, never ends a row.
    let size = Number::of(&args.val(1)).map(|number| number.float());
    let mut rows = Vec::new();
    let mut row = Vec::new();
    #[expect(clippy::cast_precision_loss, reason = "no list is that long")]
    for item in args.val(0).iterate()? {
        if size == Some(row.len() as f64) {
            rows.push(Val::list(std::mem::take(&mut row)));
        }
        row.push(item);
    }
    if let Some(fill) = args.some(2)
        && !row.is_empty()
    {
        let size = usize::try_from(args.int(1, 1)?).unwrap_or(0);
        if row.len() < size && size < 1_000_000 {
            row.resize(size, fill.clone());
        }
    }
    if !row.is_empty() {
        rows.push(Val::list(row));
    }
    Ok(Sequence::generator(rows))
}

pub fn slice(_scope: &Scope, args: Bound) -> Res<Val> {
    let items = args.val(0).iterate()?;
    let slices = match args.int(1, 1)? {
        0 => return Err(raised("integer division or modulo by zero")),
        slices => usize::try_from(slices).unwrap_or(0),
    };
    if slices == 0 {
        return Ok(Sequence::generator(Vec::new()));
    }
    if slices > 1_000_000 {
        return Err(raised("too many slices"));
    }
    let (each, with_extra) = (items.len() / slices, items.len() % slices);
    let mut offset = 0;
    let mut rows = Vec::new();
    for number in 0..slices {
        let start = offset + number * each;
        if number < with_extra {
            offset += 1;
        }
        let end = offset + (number + 1) * each;
        let mut row = items.get(start..end).unwrap_or(&[]).to_vec();
        if let Some(fill) = args.some(2)
            && number >= with_extra
        {
            row.push(fill.clone());
        }
        rows.push(Val::list(row));
    }
    Ok(Sequence::generator(rows))
}

pub fn flatten(_scope: &Scope, args: Bound) -> Res<Val> {
    let levels = if args.some(1).is_some() { Some(args.int(1, 0)?) } else { None };
    let skip_nulls = args.bool(2, true)?;
    let mut out = Vec::new();
    flatten_into(&args.val(0), levels, skip_nulls, 0, &mut out)?;
    Ok(Val::list(out))
}

fn flatten_into(value: &Val, levels: Option<i64>, skip_nulls: bool, depth: usize, out: &mut Vec<Val>) -> Res<()> {
    if depth > 150 {
        return Err(raised("maximum recursion depth exceeded"));
    }
    for item in value.iterate()? {
        let null =
            matches!(&item, Val::Null) || matches!(&item, Val::Str(text) if matches!(text.as_str(), "None" | "null"));
        if skip_nulls && null {
            continue;
        }
        let is_sequence = match &item {
            Val::List(_) | Val::Tuple(_) => true,
            Val::Object(object) => object.type_name() == "range",
            _ => false,
        };
        match levels {
            None if is_sequence => flatten_into(&item, None, skip_nulls, depth + 1, out)?,
            Some(levels) if is_sequence && levels >= 1 => {
                flatten_into(&item, Some(levels - 1), skip_nulls, depth + 1, out)?;
            }
            _ => out.push(item),
        }
    }
    Ok(())
}
