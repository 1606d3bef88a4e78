//! Filters that apply filters, tests and attributes to each item.

use crate::catalog::{Kind, Plugin};
use crate::template::engine::arguments::{Arguments, Bound};
use crate::template::engine::attributes::by_path;
use crate::template::engine::comparison::sort_by_key;
use crate::template::engine::eval::{call_filter, call_test};
use crate::template::engine::objects::Sequence;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::sequences::folded;
use crate::template::{filters, python, tests};

pub fn map(scope: &Scope, args: Bound) -> Res<Val> {
    if !args.val(0).truthy()? {
        return Ok(Sequence::generator(Vec::new()));
    }
    let items = args.val(0).iterate()?;
    let named = |name: &str| args.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value);
    if args.rest.is_empty()
        && let Some(attribute) = named("attribute")
    {
        if let Some((name, _)) = args.named.iter().find(|(name, _)| !matches!(&**name, "attribute" | "default")) {
            return Err(raised(format!("Unexpected keyword argument '{name}'")));
        }
        let default = named("default").filter(|value| !matches!(value, Val::Null));
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let found = by_path(&item, attribute);
            out.push(match default {
                Some(default) if found.is_missing() => default.clone(),
                _ => found,
            });
        }
        return Ok(Sequence::generator(out));
    }
    let mut rest = args.rest.into_iter();
    let Some(name) = rest.next() else { return Err(raised("map requires a filter argument")) };
    let name = print::text(&name)?;
    let settings = &scope.context.templar.engine().settings;
    let found = filters::find(&name, settings).map_err(|_| raised(format!("No filter named '{name}'.")))?;
    let arguments = Arguments { positional: rest.collect(), named: args.named };
    let filter = match found.plugin {
        Plugin::Native(filter) => filter,
        Plugin::Foreign(name) => {
            return Ok(Sequence::generator(python::call_each(scope, Kind::Filter, name, items, &arguments)));
        }
        Plugin::Known => return Err(raised(python::missing(Kind::Filter, &found.full_name))),
    };
    let out = items.into_iter().map(|item| call_filter(scope, filter, item, arguments.clone())).collect();
    Ok(Sequence::generator(out))
}

pub fn select(scope: &Scope, args: Bound) -> Res<Val> {
    choose(scope, args, false, true)
}

pub fn reject(scope: &Scope, args: Bound) -> Res<Val> {
    choose(scope, args, false, false)
}

pub fn selectattr(scope: &Scope, args: Bound) -> Res<Val> {
    choose(scope, args, true, true)
}

pub fn rejectattr(scope: &Scope, args: Bound) -> Res<Val> {
    choose(scope, args, true, false)
}

/// Nothing, whatever its type, has nothing to choose from.
fn choose(scope: &Scope, args: Bound, by_attribute: bool, keep: bool) -> Res<Val> {
    if !args.val(0).truthy()? {
        return Ok(Sequence::generator(Vec::new()));
    }
    let items = args.val(0).iterate()?;
    let mut rest = args.rest.into_iter();
    let attribute = if by_attribute {
        Some(rest.next().ok_or_else(|| raised("Missing parameter for attribute name"))?)
    } else {
        None
    };
    let test = match rest.next() {
        None => None,
        Some(name) => {
            let name = print::text(&name)?;
            Some(tests::find(&name).map_err(|_| raised(format!("No test named '{name}'.")))?)
        }
    };
    let arguments = Arguments { positional: rest.collect(), named: args.named };
    let value_of = |item: &Val| attribute.as_ref().map_or_else(|| item.clone(), |attribute| by_path(item, attribute));
    let foreign = match test.as_ref().map(|found| found.plugin) {
        Some(Plugin::Foreign(name)) => {
            python::call_each(scope, Kind::Test, name, items.iter().map(value_of).collect(), &arguments)
        }
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let answer = match test.as_ref().map(|found| (found, found.plugin)) {
            Some((_, Plugin::Native(test))) => call_test(scope, test, value_of(&item), arguments.clone())?.truthy()?,
            Some((_, Plugin::Foreign(_))) => foreign.get(index).map_or(Ok(false), Val::truthy)?,
            Some((found, Plugin::Known)) => return Err(raised(python::missing(Kind::Test, &found.full_name))),
            None => value_of(&item).truthy()?,
        };
        if answer == keep {
            out.push(item);
        }
    }
    Ok(Sequence::generator(out))
}

pub fn groupby(_scope: &Scope, args: Bound) -> Res<Val> {
    let attribute = args.val(1);
    let case_sensitive = args.bool(3, false)?;
    let mut items = Vec::new();
    for item in args.val(0).iterate()? {
        // A missing attribute stays an error: Ansible's undefined never lets Jinja2's `default` come in.
        let key = by_path(&item, &attribute).used()?;
        items.push((if case_sensitive { key.clone() } else { folded(&key) }, Val::tuple(vec![key, item])));
    }
    sort_by_key(&mut items, false)?;
    let mut groups: Vec<(Val, Val, Vec<Val>)> = Vec::new();
    for (folded, pair) in items {
        let Val::Tuple(pair) = pair else { continue };
        let (Some(key), Some(item)) = (pair.first(), pair.get(1)) else { continue };
        match groups.last_mut() {
            Some((known, _, members)) if crate::template::engine::comparison::equal(known, &folded)? => {
                members.push(item.clone());
            }
            _ => groups.push((folded, key.clone(), vec![item.clone()])),
        }
    }
    Ok(Val::list(groups.into_iter().map(|(_, key, members)| group(key, members)).collect()))
}

/// A pair that also answers to `grouper` and `list`.
fn group(key: Val, members: Vec<Val>) -> Val {
    Val::object(crate::template::filters::collections::Group { key, members: Val::list(members) })
}
