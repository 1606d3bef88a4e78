//! Filters of community.general that make dicts: of pairs, of one value, of lists of dicts, of counted items.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Res, raised};

fn is_sequence(value: &Val) -> bool {
    matches!(value, Val::List(_) | Val::Tuple(_) | Val::Str(_) | Val::Object(_))
}

pub fn counter(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if !is_sequence(&value) {
        return Err(raised(format!(
            "Argument for community.general.counter must be a sequence (string or list). {} is <class '{}'>",
            print::text(&value)?,
            value.type_name()
        )));
    }
    let mut counted = Map::new();
    for item in value.iterate()? {
        let key = item.used()?.to_key().map_err(|fault| {
            let why = fault.message;
            raised(format!(
                "community.general.counter needs a sequence with hashable elements (int, float or str) - {why}"
            ))
        })?;
        match counted.entry(key).or_insert(Val::Int(0)) {
            Val::Int(count) => *count += 1,
            other => *other = Val::Int(1),
        }
    }
    Ok(Val::dict(counted))
}

/// A dict of pairs; a dict stays what it is.
pub fn dict(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0).used()?;
    if let Val::Dict(dict) = &value {
        return Ok(Val::dict(dict.to_map()));
    }
    let mut made = Map::new();
    for (index, pair) in value.iterate()?.into_iter().enumerate() {
        let Ok(items) = pair.clone().used()?.iterate() else {
            return Err(raised(format!("cannot convert dictionary update sequence element #{index} to a sequence")));
        };
        let [key, value] = items.as_slice() else {
            let length = items.len();
            return Err(raised(format!(
                "dictionary update sequence element #{index} has length {length}; 2 is required"
            )));
        };
        made.insert(key.to_key()?, value.clone());
    }
    Ok(Val::dict(made))
}

pub fn dict_kv(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::dict(Map::from_iter([(args.val(1).to_key()?, args.val(0))])))
}

pub fn groupby_as_dict(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if !is_sequence(&value) {
        return Err(raised("Input is not a sequence"));
    }
    let attribute = args.val(1).to_key()?;
    let mut groups = Map::new();
    for (index, item) in value.iterate()?.into_iter().enumerate() {
        let Val::Dict(dict) = &item else {
            return Err(raised(format!("Sequence element #{index} is not a mapping")));
        };
        let Some(key) = dict.get(&attribute) else {
            return Err(raised(format!("Attribute not contained in element #{index} of sequence")));
        };
        if groups.insert(key.to_key()?, item.clone()).is_some() {
            let key = print::repr(&key)?;
            return Err(raised(format!("Multiple sequence entries have attribute value {key}")));
        }
    }
    Ok(Val::dict(groups))
}
