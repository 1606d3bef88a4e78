//! `dependent` of community.general: nested loops, the inner ones over what depends on the outer ones' items.

use super::Request;
use crate::template::engine::attributes::dict_of;
use crate::template::engine::comparison::sort_by_key;
use crate::template::engine::output;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val, from_data, from_key};
use crate::template::error::{Res, raised};
use crate::value::{Dict, Str, Value};

enum Values {
    /// An expression, in which `item` has what the outer loops are at.
    Expression(Str),
    Given(Val),
}

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut loops: Vec<(Value, Values)> = Vec::new();
    for (index, term) in request.terms.into_iter().enumerate() {
        let Val::Dict(dict) = term.used()? else {
            return Err(raised(format!("Parameter {index} must be a dictionary")));
        };
        let mut entries = dict.to_map().into_iter();
        let (Some((name, values)), None) = (entries.next(), entries.next()) else {
            let length = dict.len();
            return Err(raised(format!("Parameter {index} must be a one-element dictionary, got {length} elements")));
        };
        if loops.iter().any(|(known, _)| *known == name) {
            return Err(raised(format!("The variable {} appears more than once", name.repr())));
        }
        let values = match values.used()? {
            Val::Str(text) => Values::Expression(Str::trusted(text.as_str(), text.span().cloned())),
            list @ (Val::List(_) | Val::Tuple(_) | Val::Dict(_)) => Values::Given(list),
            other => {
                return Err(raised(format!(
                    "Parameter {} (index {index}) must have a value of type string, dictionary or list, got type {}",
                    name.repr(),
                    other.type_name()
                )));
            }
        };
        loops.push((name, values));
    }
    let mut out = Vec::new();
    if !loops.is_empty() {
        nest(scope, &loops, &Map::new(), &mut out)?;
    }
    Ok(out)
}

fn nest(scope: &Scope, loops: &[(Value, Values)], item: &Map, out: &mut Vec<Val>) -> Res<()> {
    let Some(((name, values), inner)) = loops.split_first() else {
        out.push(Val::dict(item.clone()));
        return Ok(());
    };
    scope.context.step()?;
    let values = match values {
        Values::Given(values) => values.clone(),
        Values::Expression(text) => {
            let shown = output::finalize(&Val::dict(item.clone()))?;
            let templar = scope.context.templar.with_locals(Dict::from_iter([(Value::str("item"), shown)]));
            let value = templar.expression(text).map_err(|error| {
                let why = error.message;
                raised(format!("Caught \"{why}\" while evaluating {} with item == {}", name.repr(), shown_item(item)))
            })?;
            from_data(&value)
        }
    };
    let values = match &values {
        Val::Dict(dict) => {
            let mut keyed: Vec<(Val, Val)> =
                dict.to_map().into_iter().map(|(key, value)| (from_key(&key), value)).collect();
            sort_by_key(&mut keyed, false)?;
            keyed.into_iter().map(|(key, value)| dict_of(vec![("key", key), ("value", value)])).collect()
        }
        Val::List(_) | Val::Tuple(_) | Val::Str(_) => values.iterate()?,
        other => {
            return Err(raised(format!(
                "Did not obtain dictionary or list while evaluating {} with item == {}, but <class '{}'>",
                name.repr(),
                shown_item(item),
                other.type_name()
            )));
        }
    };
    for value in values {
        let mut item = item.clone();
        item.insert(name.clone(), value);
        nest(scope, inner, &item, out)?;
    }
    Ok(())
}

fn shown_item(item: &Map) -> String {
    print::repr(&Val::dict(item.clone())).unwrap_or_default()
}
