//! Comparisons as tests, and truth.

use std::collections::HashSet;

use crate::template::engine::arguments::Bound;
use crate::template::engine::comparison;
use crate::template::engine::run::Scope;
use crate::template::engine::tree::Comparison;
use crate::template::engine::val::Val;
use crate::template::error::Res;

fn compare(args: &Bound, comparison: Comparison) -> Res<bool> {
    comparison::compare(comparison, &args.val(0).used()?, &args.val(1).used()?)
}

pub fn eq(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Eq)
}

pub fn ne(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Ne)
}

pub fn lt(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Lt)
}

pub fn le(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Le)
}

pub fn gt(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Gt)
}

pub fn ge(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::Ge)
}

pub fn within(_scope: &Scope, args: Bound) -> Res<bool> {
    compare(&args, Comparison::In)
}

pub fn contains(_scope: &Scope, args: Bound) -> Res<bool> {
    comparison::contains(&args.val(0).used()?, &args.val(1).used()?)
}

fn truth(args: &Bound) -> Res<bool> {
    let value = args.val(0).used()?;
    if !args.bool(1, false)? {
        return value.truthy();
    }
    // `convert_bool=True` reads words as the filter `bool` does, and fails on others.
    match &value {
        Val::Str(text) => rplay_module_api::truth(text).map_or_else(|| value.truthy(), Ok),
        other => other.truthy(),
    }
}

pub fn truthy(_scope: &Scope, args: Bound) -> Res<bool> {
    truth(&args)
}

pub fn falsy(_scope: &Scope, args: Bound) -> Res<bool> {
    truth(&args).map(|truth| !truth)
}

pub fn any(_scope: &Scope, args: Bound) -> Res<bool> {
    for item in args.val(0).iterate()? {
        if item.truthy()? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn all(_scope: &Scope, args: Bound) -> Res<bool> {
    for item in args.val(0).iterate()? {
        if !item.truthy()? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// As sets, whose items must be hashable.
fn all_in(items: &Val, container: &Val) -> Res<bool> {
    let keys = |value: &Val| value.iterate()?.iter().map(Val::to_key).collect::<Res<HashSet<_>>>();
    Ok(keys(items)?.is_subset(&keys(container)?))
}

pub fn subset(_scope: &Scope, args: Bound) -> Res<bool> {
    all_in(&args.val(0), &args.val(1))
}

pub fn superset(_scope: &Scope, args: Bound) -> Res<bool> {
    all_in(&args.val(1), &args.val(0))
}
