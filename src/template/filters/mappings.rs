//! Dicts: merging, turning into lists and back, sorting.

use crate::template::engine::arguments::Bound;
use crate::template::engine::attributes::{attribute_only, dict_of, item};
use crate::template::engine::comparison::{equal, sort_by_key};
use crate::template::engine::objects::Sequence;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val, from_key};
use crate::template::error::{Res, raised};
use crate::template::filters::sequences::folded;
use crate::template::filters::sets::taken_apart;
use crate::value::Value;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendNew,
    PrependNew,
}

/// How dicts are merged: into the depth or not, and what becomes of lists.
#[derive(Clone, Copy)]
struct Merge {
    recursive: bool,
    lists: Lists,
}

impl Merge {
    fn of(args: &Bound) -> Res<Self> {
        let named = |name: &str| args.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value);
        if args.named.iter().any(|(name, _)| !matches!(&**name, "recursive" | "list_merge")) {
            return Err(raised("'recursive' and 'list_merge' are the only valid keyword arguments"));
        }
        let recursive = named("recursive").map_or(Ok(false), Val::truthy)?;
        let lists = match named("list_merge").map(print::text).transpose()?.as_deref() {
            None | Some("replace") => Lists::Replace,
            Some("keep") => Lists::Keep,
            Some("append") => Lists::Append,
            Some("prepend") => Lists::Prepend,
            Some("append_rp") => Lists::AppendNew,
            Some("prepend_rp") => Lists::PrependNew,
            Some(_) => {
                return Err(raised(
                    "'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'",
                ));
            }
        };
        Ok(Merge { recursive, lists })
    }
}

pub fn combine(_scope: &Scope, args: Bound) -> Res<Val> {
    let Merge { recursive, lists } = Merge::of(&args)?;
    let mut dicts = Vec::new();
    for value in std::iter::once(args.val(0)).chain(args.rest) {
        add_dicts(value, &mut dicts)?;
    }
    let mut merged = Map::new();
    for (index, dict) in dicts.into_iter().enumerate() {
        let Val::Dict(dict) = dict else {
            return Err(raised(format!(
                "failed to combine variables, expected dicts but got a '{}'",
                dict.type_name()
            )));
        };
        merged = if index == 0 { dict.to_map() } else { merge(merged, dict.to_map(), recursive, lists, 0)? };
    }
    Ok(Val::dict(merged))
}

/// Lists of dicts, joined by the value that all have under a name, and sorted by it; later lists win.
pub fn lists_mergeby(_scope: &Scope, args: Bound) -> Res<Val> {
    let Merge { recursive, lists: of_lists } = Merge::of(&args)?;
    let mut terms: Vec<Val> = std::iter::once(args.val(0)).chain(args.rest).collect();
    let Some(index) = terms.pop().filter(|_| !terms.is_empty()) else {
        return Err(raised("At least one list and index are needed."));
    };
    let is_sequence = |value: &Val| matches!(value, Val::List(_) | Val::Tuple(_) | Val::Str(_) | Val::Object(_));
    let lists = taken_apart(&terms, &is_sequence)?;
    let [low @ .., last] = lists.as_slice() else { return Ok(Val::list(Vec::new())) };
    if low.is_empty() {
        return Ok(last.clone());
    }
    let Val::Str(index) = index.used()? else {
        return Err(raised("First argument after the lists for community.general.lists_mergeby must be string."));
    };
    let key = Value::Str(index);
    let mut merged = last.clone();
    for list in low.iter().rev() {
        let mut found = Map::new();
        for item in list.iterate()?.into_iter().chain(merged.iterate()?) {
            let Val::Dict(dict) = &item else {
                return Err(raised(format!(
                    "Elements of list arguments for lists_mergeby must be dictionaries. {} is {}",
                    print::text(&item.clone().used()?)?,
                    python_type(&item)
                )));
            };
            let Some(value) = dict.get(&key) else { continue };
            let value = value.to_key()?;
            let known = match found.get(&value) {
                Some(Val::Dict(known)) => known.to_map(),
                _ => Map::new(),
            };
            found.insert(value, Val::dict(merge(known, dict.to_map(), recursive, of_lists, 0)?));
        }
        let mut keyed: Vec<(Val, Val)> = found.into_iter().map(|(key, item)| (from_key(&key), item)).collect();
        sort_by_key(&mut keyed, false)?;
        merged = Val::list(keyed.into_iter().map(|(_, item)| item).collect());
    }
    Ok(merged)
}

/// A dict, or the dicts of a list; a list inside of a list is none.
fn add_dicts(value: Val, out: &mut Vec<Val>) -> Res<()> {
    value.check()?;
    match value {
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => {
            for item in value.iterate()? {
                item.check()?;
                if !matches!(item, Val::Null) {
                    out.push(item);
                }
            }
        }
        Val::Null => {}
        other => out.push(other),
    }
    Ok(())
}

fn merge(mut low: Map, high: Map, recursive: bool, lists: Lists, depth: usize) -> Res<Map> {
    if depth > 150 {
        return Err(raised("maximum recursion depth exceeded"));
    }
    for (key, new) in high {
        let merged = match (low.get(&key), &new) {
            (Some(Val::Dict(old)), Val::Dict(new)) if recursive => {
                Val::dict(merge(old.to_map(), new.to_map(), recursive, lists, depth + 1)?)
            }
            (Some(Val::List(old)), Val::List(new_list)) => {
                let (old, new_items) = (old.to_vec(), new_list.to_vec());
                match lists {
                    Lists::Replace => new,
                    Lists::Keep => Val::list(old),
                    Lists::Append => Val::list([old, new_items].concat()),
                    Lists::Prepend => Val::list([new_items, old].concat()),
                    Lists::AppendNew => Val::list([without(old, &new_items)?, new_items].concat()),
                    Lists::PrependNew => {
                        let rest = without(old, &new_items)?;
                        Val::list([new_items, rest].concat())
                    }
                }
            }
            _ => new,
        };
        low.insert(key, merged);
    }
    Ok(low)
}

fn without(items: Vec<Val>, remove: &[Val]) -> Res<Vec<Val>> {
    let mut kept = Vec::new();
    'items: for item in items {
        for other in remove {
            if equal(&item, other)? {
                continue 'items;
            }
        }
        kept.push(item);
    }
    Ok(kept)
}

pub fn dict2items(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Dict(dict) = args.val(0) else {
        return Err(raised(format!("dict2items requires a dictionary, got {} instead.", python_type(&args.val(0)))));
    };
    let key_name = args.get(1).map_or_else(|| Ok("key".to_owned()), print::text)?;
    let value_name = args.get(2).map_or_else(|| Ok("value".to_owned()), print::text)?;
    let items = dict.to_map().into_iter();
    Ok(Val::list(items.map(|(key, value)| dict_of(vec![(&key_name, from_key(&key)), (&value_name, value)])).collect()))
}

/// A type as Python prints the class itself.
fn python_type(value: &Val) -> String {
    format!("<class '{}'>", value.type_name())
}

pub fn items2dict(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if !matches!(value, Val::List(_) | Val::Tuple(_) | Val::Object(_)) {
        return Err(raised(format!("items2dict requires a list, got {} instead.", python_type(&value))));
    }
    let key_name = args.get(1).cloned().unwrap_or_else(|| Val::str("key"));
    let value_name = args.get(2).cloned().unwrap_or_else(|| Val::str("value"));
    let mut map = Map::new();
    for entry in value.iterate()? {
        entry.check()?;
        if !matches!(entry, Val::Dict(_) | Val::List(_) | Val::Tuple(_) | Val::Object(_)) {
            return Err(raised(format!(
                "items2dict requires a list of dictionaries, got a list of {}",
                python_type(&entry)
            )));
        }
        let field = |name: &Val| -> Res<Val> {
            let found = item(&entry, name);
            (!found.is_missing()).then_some(found).ok_or_else(|| {
                raised(format!(
                    "items2dict requires each dictionary in the list to contain the keys '{}' and '{}'",
                    print::text(&key_name).unwrap_or_default(),
                    print::text(&value_name).unwrap_or_default()
                ))
            })
        };
        map.insert(field(&key_name)?.to_key()?, field(&value_name)?);
    }
    Ok(Val::dict(map))
}

pub fn items(_scope: &Scope, args: Bound) -> Res<Val> {
    match args.val(0) {
        Val::Undefined(it) if it.plain => Ok(Sequence::generator(Vec::new())),
        Val::Dict(dict) => Ok(Sequence::generator(
            dict.to_map().into_iter().map(|(key, value)| Val::tuple(vec![from_key(&key), value])).collect(),
        )),
        _ => Err(raised("Can only get item pairs from a mapping.")),
    }
}

pub fn dictsort(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Dict(dict) = args.val(0) else {
        return Err(raised(format!("'{}' object has no attribute 'items'", args.val(0).type_name())));
    };
    let case_sensitive = args.bool(1, false)?;
    let by_value = match args.text_or(2, "key")? {
        "key" => false,
        "value" => true,
        _ => return Err(raised("You can only sort by either \"key\" or \"value\"")),
    };
    let mut pairs: Vec<(Val, Val)> = dict
        .to_map()
        .into_iter()
        .map(|(key, value)| {
            let key = from_key(&key);
            let sort_key = if by_value { value.clone() } else { key.clone() };
            let sort_key = if case_sensitive { sort_key } else { folded(&sort_key) };
            (sort_key, Val::tuple(vec![key, value]))
        })
        .collect();
    sort_by_key(&mut pairs, args.bool(3, false)?)?;
    Ok(Val::list(pairs.into_iter().map(|(_, pair)| pair).collect()))
}

pub fn subelements(_scope: &Scope, args: Bound) -> Res<Val> {
    let elements = match args.val(0) {
        Val::Dict(dict) => dict.to_map().into_values().collect(),
        value @ (Val::List(_) | Val::Tuple(_)) => value.iterate()?,
        _ => return Err(raised("obj must be a list of dicts or a nested dict")),
    };
    let path: Vec<Val> = match args.val(1) {
        Val::Str(path) => path.split('.').map(Val::from).collect(),
        value @ (Val::List(_) | Val::Tuple(_)) => value.iterate()?,
        _ => return Err(raised("subelements must be a list or a string")),
    };
    let skip_missing = args.bool(2, false)?;
    let mut out = Vec::new();
    for element in elements {
        let mut values = element.clone();
        for part in &path {
            let Val::Dict(dict) = &values else {
                return Err(raised(format!(
                    "the key {} should point to a dictionary, got '{}'",
                    print::text(part)?,
                    print::text(&values)?
                )));
            };
            match dict.get(&part.to_key()?) {
                Some(found) => values = found.used()?,
                None if skip_missing => {
                    values = Val::list(Vec::new());
                    break;
                }
                None => {
                    return Err(raised(format!(
                        "could not find {} key in iterated item {}",
                        print::repr(part)?,
                        print::repr(&values)?
                    )));
                }
            }
        }
        if !matches!(values, Val::List(_) | Val::Tuple(_)) {
            return Err(raised(format!(
                "the key {} should point to a list, got {}",
                path.last().map_or(Ok(String::new()), print::repr)?,
                print::repr(&values)?
            )));
        }
        for value in values.iterate()? {
            out.push(Val::tuple(vec![element.clone(), value]));
        }
    }
    Ok(Val::list(out))
}

/// `key | extract(container, more keys)`.
pub fn extract(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut found = item(&args.val(1), &args.val(0));
    match args.some(2) {
        None => {}
        Some(more @ (Val::List(_) | Val::Tuple(_))) => {
            for key in more.iterate()? {
                found = item(&found, &key);
            }
        }
        Some(key) => found = item(&found, key),
    }
    Ok(found)
}

pub fn rekey_on_member(_scope: &Scope, args: Bound) -> Res<Val> {
    let rows = match args.val(0) {
        Val::Dict(dict) => dict.to_map().into_values().collect(),
        value @ (Val::List(_) | Val::Tuple(_) | Val::Object(_)) => value.iterate()?,
        _ => return Err(raised("Type is not a valid list, set, or dict")),
    };
    let key_name = args.val(1);
    let overwrite = match args.text_or(2, "error")? {
        "error" => false,
        "overwrite" => true,
        other => {
            return Err(raised(format!("duplicates parameter to rekey_on_member has unknown value: {other}")));
        }
    };
    let mut map = Map::new();
    for row in rows {
        let Val::Dict(dict) = &row else { return Err(raised("List item is not a valid dict")) };
        let Some(key) = dict.get(&key_name.to_key()?) else {
            return Err(raised(format!("Key {} was not found", print::text(&key_name)?)));
        };
        let key: Value = key.to_key()?;
        if map.contains_key(&key) && !overwrite {
            return Err(raised(format!("Key {} is not unique, cannot convert to dict.", key.repr())));
        }
        map.insert(key, row);
    }
    Ok(Val::dict(map))
}

/// An attribute, never an item.
pub fn attr(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(attribute_only(&args.val(0), &print::text(&args.val(1))?))
}
