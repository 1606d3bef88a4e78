//! Tests about registered results.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

fn field(args: &Bound, test: &str, name: &str) -> Res<Option<Val>> {
    match args.val(0) {
        Val::Dict(dict) => dict.get_str(name).map(Val::used).transpose(),
        _ => Err(raised(format!("The '{test}' test expects a dictionary"))),
    }
}

fn flag(args: &Bound, test: &str, name: &str) -> Res<bool> {
    field(args, test, name)?.map_or(Ok(false), |value| match &value {
        Val::Str(text) => Ok(matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "1" | "y" | "t")),
        other => other.truthy(),
    })
}

pub fn failed(_scope: &Scope, args: Bound) -> Res<bool> {
    flag(&args, "failed", "failed")
}

pub fn success(_scope: &Scope, args: Bound) -> Res<bool> {
    flag(&args, "success", "failed").map(|failed| !failed)
}

pub fn unreachable(_scope: &Scope, args: Bound) -> Res<bool> {
    flag(&args, "unreachable", "unreachable")
}

pub fn reachable(_scope: &Scope, args: Bound) -> Res<bool> {
    flag(&args, "reachable", "unreachable").map(|unreachable| !unreachable)
}

pub fn timedout(_scope: &Scope, args: Bound) -> Res<bool> {
    match field(&args, "timedout", "timedout")? {
        Some(Val::Dict(dict)) => dict.get_str("period").map_or(Ok(false), |period| period.truthy()),
        Some(other) => other.truthy(),
        None => Ok(false),
    }
}

pub fn skipped(_scope: &Scope, args: Bound) -> Res<bool> {
    flag(&args, "skipped", "skipped")
}

pub fn changed(_scope: &Scope, args: Bound) -> Res<bool> {
    if field(&args, "changed", "changed")?.is_some() {
        return flag(&args, "changed", "changed");
    }
    let Some(results) = field(&args, "changed", "results")? else { return Ok(false) };
    let Ok(results) = results.iterate() else { return Ok(false) };
    let mut any = false;
    for result in results {
        if let Val::Dict(result) = result {
            any |= result.get_str("changed").map_or(Ok(false), |changed| changed.truthy())?;
        }
    }
    Ok(any)
}

pub fn started(_scope: &Scope, args: Bound) -> Res<bool> {
    whole(&args, "started", 1)
}

pub fn finished(_scope: &Scope, args: Bound) -> Res<bool> {
    whole(&args, "finished", 1)
}

fn whole(args: &Bound, name: &str, otherwise: i64) -> Res<bool> {
    match field(args, name, name)? {
        None => Ok(otherwise != 0),
        Some(value) => {
            print::text(&value)?;
            value.truthy()
        }
    }
}
