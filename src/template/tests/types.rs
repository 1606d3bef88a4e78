//! What kind of value is it?

use crate::template::engine::arguments::Bound;
use crate::template::engine::comparison::equal;
use crate::template::engine::number::Number;
use crate::template::engine::operators::arithmetic;
use crate::template::engine::run::Scope;
use crate::template::engine::tree::Operator;
use crate::template::engine::val::Val;
use crate::template::error::{Res, TemplateErrorKind, raised};
use crate::template::{filters, tests};
use crate::value::Str;
use crate::value::python::str_repr;

pub fn defined(_scope: &Scope, args: Bound) -> Res<bool> {
    match args.val(0) {
        Val::Undefined(it) if it.plain || it.error.kind == TemplateErrorKind::Undefined => Ok(false),
        Val::Undefined(it) => Err(Box::new(it.error.clone())),
        _ => Ok(true),
    }
}

/// What a text is known to be, by the names that ansible-core has for it.
pub fn tagged_with(_scope: &Scope, args: Bound) -> Res<bool> {
    let tag = args.text(1)?;
    let value = args.val(0);
    let text = match &value {
        Val::Str(text) => Some(text),
        _ => None,
    };
    Ok(match tag {
        "Origin" => text.is_some_and(|text| text.span().is_some()),
        "SourceWasEncrypted" | "VaultedValue" => text.is_some_and(Str::is_vaulted),
        "TrustedAsTemplate" => text.is_some_and(Str::is_trusted),
        "Deprecated" => false,
        _ => return Err(raised(format!("Unknown tag name {}.", str_repr(tag)))),
    })
}

pub fn undefined(scope: &Scope, args: Bound) -> Res<bool> {
    defined(scope, args).map(|defined| !defined)
}

pub fn none(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Null))
}

pub fn boolean(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Bool(_)))
}

pub fn is_true(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Bool(true)))
}

pub fn is_false(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Bool(false)))
}

pub fn string(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Str(_)))
}

pub fn number(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(Number::of(&args.val(0)).is_some())
}

pub fn integer(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Int(_) | Val::Big(_)))
}

pub fn float(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Float(_)))
}

pub fn mapping(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(match args.val(0) {
        Val::Dict(_) => true,
        Val::Object(object) => object.type_name() == "dict",
        _ => false,
    })
}

pub fn sequence(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(match args.val(0) {
        Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Bytes(_) => true,
        Val::Object(object) => object.type_name() == "range" || object.type_name() == "GroupTuple",
        _ => false,
    })
}

pub fn iterable(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(match args.val(0) {
        Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Bytes(_) => true,
        Val::Undefined(_) => true,
        Val::Object(object) => object.items().is_some(),
        _ => false,
    })
}

pub fn callable(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Object(object) if object.is_callable()))
}

pub fn escaped(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Str(text) if text.is_markup()))
}

pub fn sameas(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(match (args.val(0), args.val(1)) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) => a == b && (-5..=256).contains(&a),
        (Val::Str(a), Val::Str(b)) => std::sync::Arc::ptr_eq(a.arc(), b.arc()),
        (Val::List(a), Val::List(b)) => std::rc::Rc::ptr_eq(&a, &b),
        (Val::Dict(a), Val::Dict(b)) => std::rc::Rc::ptr_eq(&a, &b),
        (Val::Object(a), Val::Object(b)) => std::rc::Rc::ptr_eq(&a, &b),
        _ => false,
    })
}

fn leaves(number: &Val, divisor: &Val, rest: i64) -> Res<bool> {
    equal(&arithmetic(Operator::Rem, number, divisor)?, &Val::Int(rest))
}

pub fn odd(_scope: &Scope, args: Bound) -> Res<bool> {
    leaves(&args.val(0), &Val::Int(2), 1)
}

pub fn even(_scope: &Scope, args: Bound) -> Res<bool> {
    leaves(&args.val(0), &Val::Int(2), 0)
}

pub fn divisibleby(_scope: &Scope, args: Bound) -> Res<bool> {
    leaves(&args.val(0), &args.val(1), 0)
}

pub fn nan(_scope: &Scope, args: Bound) -> Res<bool> {
    match Number::of(&args.val(0)) {
        Some(number) => Ok(number.float().is_nan()),
        None => Ok(false),
    }
}

pub fn filter(scope: &Scope, args: Bound) -> Res<bool> {
    let settings = &scope.context.templar.engine().settings;
    hashable(&args.val(0))?;
    Ok(args.val(0).as_str().is_some_and(|name| filters::find(name, settings).is_ok_and(|found| !found.is_only_known())))
}

pub fn test(_scope: &Scope, args: Bound) -> Res<bool> {
    hashable(&args.val(0))?;
    // What is no text is not looked up there.
    Ok(args.val(0).as_str().is_none_or(|name| tests::find(name).is_ok_and(|found| !found.is_only_known())))
}

fn hashable(name: &Val) -> Res<()> {
    name.to_key().map(|_| ())
}

pub fn vault_encrypted(_scope: &Scope, args: Bound) -> Res<bool> {
    Ok(matches!(args.val(0), Val::Str(text) if text.is_vaulted()))
}
