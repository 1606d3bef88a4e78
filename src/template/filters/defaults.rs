//! What to do about undefined, empty or oddly typed values: `default`, `mandatory`, `ternary`, `bool`, `type_debug`.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub fn default(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let fallback = || args.get(1).cloned().unwrap_or_else(|| Val::str(""));
    let when_false = match args.get(2) {
        None | Some(Val::Bool(false)) => false,
        Some(Val::Bool(true)) => true,
        Some(other) => {
            other.check()?;
            return Err(raised(format!("The 'boolean' argument must be of type 'bool', not '{}'.", other.type_name())));
        }
    };
    if value.is_missing() && !is_plain(&value) {
        return Ok(fallback());
    }
    if is_plain(&value) {
        return Ok(value);
    }
    value.check()?;
    if when_false && !value.truthy()? {
        return Ok(fallback());
    }
    Ok(value)
}

fn is_plain(value: &Val) -> bool {
    matches!(value, Val::Undefined(it) if it.plain)
}

pub fn mandatory(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if !value.is_missing() {
        return Ok(value);
    }
    match args.some(1) {
        Some(message) => Err(raised(print::text(message)?)),
        None => {
            let name = match &value {
                Val::Undefined(it) => it.error.message.strip_suffix(" is undefined").unwrap_or("").to_owned(),
                _ => String::new(),
            };
            let name = if name.is_empty() { String::new() } else { format!("{name} ") };
            Err(raised(format!("Mandatory variable {name}not defined.")))
        }
    }
}

pub fn ternary(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let (yes, no) = (args.val(1), args.val(2));
    if matches!(value, Val::Null) && args.some(3).is_some() {
        return Ok(args.val(3));
    }
    Ok(if value.used()?.truthy()? { yes } else { no })
}

pub fn bool(scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let known = match &value {
        Val::Bool(_) => return Ok(value),
        Val::Str(text) => match text.to_lowercase().as_str() {
            "yes" | "on" | "true" | "1" => Some(true),
            "no" | "off" | "false" | "0" => Some(false),
            _ => None,
        },
        Val::Int(1) => Some(true),
        Val::Int(0) => Some(false),
        Val::Float(number) if *number == 1.0 => Some(true),
        Val::Float(number) if *number == 0.0 => Some(false),
        _ => None,
    };
    if known.is_none() {
        scope.context.templar.engine().settings.notices.deprecated(
            format!(
                "The `bool` filter coerced invalid value {} ({}) to False.",
                print::repr(&value)?,
                value.type_name()
            ),
            None,
        );
    }
    Ok(Val::Bool(known.unwrap_or(false)))
}

pub fn type_debug(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(args.val(0).type_name()))
}
