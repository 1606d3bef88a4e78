//! Expressions.

use std::cell::Cell;
use std::sync::Arc;

use super::arguments::{Arguments, Name};
use super::attributes::{attribute, call_method, item, slice};
use super::comparison;
use super::functions;
use super::operators;
use super::print;
use super::run::Scope;
use super::tree::{CallArgument, CallArguments, Comparison, Expr, Operator, Step};
use super::val::{MOST_DEPTH, Map, Undefined, Val, from_key};
use crate::template::error::{Res, plugin_failed, raised, undefined};
use crate::template::python;
use crate::value::Str;

pub fn eval(scope: &Scope, expr: &Expr) -> Res<Val> {
    match expr {
        Expr::Const(value) => Ok(from_key(value)),
        Expr::Var(name) => Ok(variable(scope, name)),
        Expr::Chain(base, steps) => {
            let value = scope.context.deeper(|| eval(scope, base))?;
            apply_steps(scope, value, steps)
        }
        other => scope.context.deeper(|| compound(scope, other)),
    }
}

#[inline(never)]
fn compound(scope: &Scope, expr: &Expr) -> Res<Val> {
    match expr {
        Expr::Const(_) | Expr::Var(_) | Expr::Chain(..) => eval(scope, expr),
        Expr::Embedded(text) => {
            scope
                .context
                .templar
                .engine()
                .settings
                .notices
                .warn("Jinja constant strings should not contain embedded templates.", None);
            Ok(scope.context.render_text(text).unwrap_or_else(Val::failed))
        }
        Expr::List(items) => Ok(Val::list(eval_all(scope, items)?)),
        Expr::Tuple(items) => {
            let items = eval_all(scope, items)?;
            let looks = Cell::new(MOST_LOOKS);
            if items.iter().any(|item| is_deep(item, MOST_DEPTH, &looks)) {
                return Err(raised("containers are nested too deeply"));
            }
            Ok(Val::tuple(items))
        }
        Expr::Dict(pairs) => {
            let mut map = Map::with_capacity(pairs.len());
            for (key, value) in pairs {
                let key = eval(scope, key)?.to_key()?;
                map.insert(key, eval(scope, value)?);
            }
            Ok(Val::dict(map))
        }
        Expr::Neg(inner) => operators::negate(&eval(scope, inner)?.used()?),
        Expr::Plus(inner) => operators::plus(&eval(scope, inner)?.used()?),
        Expr::Not(inner) => Ok(Val::Bool(!eval(scope, inner)?.truthy()?)),
        Expr::Arithmetic(first, rest) => {
            let mut left = eval(scope, first)?;
            for (operator, right) in rest {
                let right = eval(scope, right)?;
                left = left.used()?;
                // A text without a place for it takes any value, as in Python.
                let unused = *operator == Operator::Rem && matches!(&left, Val::Str(text) if !text.contains('%'));
                if let (Val::List(list), Val::Undefined(_)) = (&left, &right)
                    && list.is_untouched()
                {
                    // Containers of the variables ask what the other side is before they look at it.
                    let other = right.type_name();
                    match operator {
                        Operator::Add => {
                            return Err(raised(format!("can only concatenate list (not \"{other}\") to list")));
                        }
                        Operator::Mul => {
                            return Err(raised(format!("'{other}' object cannot be interpreted as an integer")));
                        }
                        _ => {}
                    }
                }
                if !(unused && right.is_undefined()) {
                    left = operators::arithmetic(*operator, &left, &right.used()?)?;
                }
            }
            Ok(left)
        }
        Expr::Concat(parts) => concat(scope, parts),
        Expr::Compare(first, rest) => compare(scope, first, rest),
        Expr::And(parts) => {
            let mut value = Val::Bool(true);
            for part in parts {
                value = eval(scope, part)?;
                if !value.truthy()? {
                    return Ok(value);
                }
            }
            Ok(value)
        }
        Expr::Or(parts) => {
            let mut value = Val::Bool(false);
            for part in parts {
                value = eval(scope, part)?;
                if part_is_last(parts, part) || value.truthy()? {
                    return Ok(value);
                }
            }
            Ok(value)
        }
        Expr::If(parts) => {
            let (test, then, otherwise) = &**parts;
            if eval(scope, test)?.truthy()? {
                return eval(scope, then);
            }
            match otherwise {
                Some(otherwise) => eval(scope, otherwise),
                None => Ok(plain_undefined()),
            }
        }
    }
}

fn part_is_last(parts: &[Expr], part: &Expr) -> bool {
    parts.last().is_some_and(|last| std::ptr::eq(last, part))
}

fn plain_undefined() -> Val {
    let error = *undefined("the inline if-expression evaluated to false and no else section was defined.");
    Val::Undefined(std::rc::Rc::new(Undefined { error, plain: true }))
}

/// Tuples that are looked into: one that is deep is found at once, one that is wide need not be.
const MOST_LOOKS: usize = 10_000;

/// Tuples inside tuples, which unlike other containers are dropped by recursion.
fn is_deep(value: &Val, left: usize, looks: &Cell<usize>) -> bool {
    looks.set(looks.get().saturating_sub(1));
    match value {
        Val::Tuple(_) if looks.get() == 0 => false,
        Val::Tuple(items) => left == 0 || items.iter().any(|item| is_deep(item, left - 1, looks)),
        _ => false,
    }
}

fn eval_all(scope: &Scope, items: &[Expr]) -> Res<Vec<Val>> {
    items.iter().map(|item| eval(scope, item)).collect()
}

fn concat(scope: &Scope, parts: &[Expr]) -> Res<Val> {
    let mut out = String::new();
    let mut secret = false;
    for part in parts {
        let value = eval(scope, part)?;
        secret |= value.is_secret();
        print::text_into(&value, &mut out)?;
    }
    let text = Str::data(out);
    Ok(Val::Str(if secret { text.into_secret() } else { text }))
}

fn compare(scope: &Scope, first: &Expr, rest: &[(Comparison, Expr)]) -> Res<Val> {
    let mut left = eval(scope, first)?;
    for (operator, right) in rest {
        let right = eval(scope, right)?;
        // A container is asked whether it holds a value; everywhere else the left side comes first.
        let asks_right = matches!(operator, Comparison::In | Comparison::NotIn);
        if !asks_right {
            left.check()?;
        }
        let right = right.used()?;
        if let Val::Undefined(it) = &left
            && asks_right
            && !it.plain
            && let Some(found) = undefined_within(&left, &right)?
        {
            if found == (*operator == Comparison::NotIn) {
                return Ok(Val::Bool(false));
            }
            left = right;
            continue;
        }
        left = left.used()?;
        if !comparison::compare(*operator, &left, &right)? {
            return Ok(Val::Bool(false));
        }
        left = right;
    }
    Ok(Val::Bool(true))
}

/// Whether an undefined value is in a container, where Python answers without looking at it.
fn undefined_within(undefined: &Val, container: &Val) -> Res<Option<bool>> {
    match container {
        Val::Str(_) => {
            Err(raised(format!("'in <string>' requires string as left operand, not {}", undefined.type_name())))
        }
        Val::List(list) if list.is_empty() => Ok(Some(false)),
        Val::Tuple(items) if items.is_empty() => Ok(Some(false)),
        Val::Int(_) | Val::Big(_) | Val::Float(_) | Val::Bool(_) | Val::Null => {
            Err(raised(format!("argument of type '{}' is not iterable", container.type_name())))
        }
        _ => Ok(None),
    }
}

pub fn variable(scope: &Scope, name: &Name) -> Val {
    scope
        .frame
        .get(name)
        .or_else(|| scope.context.variable(name))
        .or_else(|| functions::global(scope, name))
        .unwrap_or_else(|| Val::undefined(format!("'{name}' is undefined")))
}

pub fn apply_steps(scope: &Scope, mut value: Val, steps: &[Step]) -> Res<Val> {
    for step in steps {
        value = apply_step(scope, value, step)?;
    }
    Ok(value)
}

fn apply_step(scope: &Scope, value: Val, step: &Step) -> Res<Val> {
    match step {
        Step::Attribute(name) => Ok(attribute(&value, name)),
        Step::Item(key) => {
            let key = eval(scope, key)?;
            Ok(item(&value, &key))
        }
        Step::Slice(parts) => {
            let mut bounds = [None, None, None];
            for (bound, part) in bounds.iter_mut().zip(parts.iter()) {
                *bound = part.as_ref().map(|part| eval(scope, part)).transpose()?;
            }
            slice(&value.used()?, &bounds)
        }
        Step::Call(arguments) => {
            let arguments = evaluate_arguments(scope, arguments)?;
            call_value(scope, &value, arguments)
        }
        Step::Method(name, arguments) => {
            if value.is_undefined() {
                return Ok(value);
            }
            let arguments = evaluate_arguments(scope, arguments)?;
            scope.context.deeper(|| call_method(scope, &value, name, arguments))
        }
        Step::Filter(filter, arguments) => {
            let arguments = evaluate_arguments(scope, arguments)?;
            Ok(call_filter(scope, filter, value, arguments))
        }
        Step::Test(test, arguments) => {
            let arguments = evaluate_arguments(scope, arguments)?;
            call_test(scope, test, value, arguments)
        }
        Step::Foreign(kind, name, arguments) => {
            let arguments = evaluate_arguments(scope, arguments)?;
            Ok(python::call(scope, *kind, name, value, &arguments))
        }
        Step::Missing(message) => Err(raised(message.clone())),
    }
}

/// A failing filter is a value, too: the error comes when it is used.
pub fn call_filter(
    scope: &Scope,
    filter: &'static crate::template::filters::Filter,
    value: Val,
    mut arguments: Arguments,
) -> Val {
    if !filter.takes_undefined {
        if let Val::Undefined(it) = &value
            && !it.plain
        {
            return value;
        }
        if let Some(undefined) = first_undefined(&arguments) {
            return undefined;
        }
    }
    let secret = value.is_secret();
    arguments.positional.insert(0, value);
    let result = scope.context.deeper(|| {
        let bound = arguments.bind(filter.name, &filter.parameters)?;
        (filter.run)(scope, bound)
    });
    match result {
        Ok(Val::Str(text)) if secret || (scope.context.saw_secrets() && scope.context.holds_secret(&text)) => {
            scope.context.note_secret(&text);
            Val::Str(text.into_secret())
        }
        Ok(Val::Object(object))
            if matches!(
                object.type_name(),
                "generator"
                    | "range"
                    | "zip"
                    | "zip_longest"
                    | "product"
                    | "permutations"
                    | "combinations"
                    | "list_reverseiterator"
            ) =>
        {
            // What a plugin yields is a list as soon as it is back.
            object.as_data().unwrap_or(Val::Null)
        }
        Ok(value) => value,
        Err(fault) => Val::failed(plugin_failed("filter", filter.name, fault)),
    }
}

pub fn call_test(
    scope: &Scope,
    test: &'static crate::template::tests::Test,
    value: Val,
    arguments: Arguments,
) -> Res<Val> {
    if !test.takes_undefined {
        if let Val::Undefined(it) = &value
            && !it.plain
        {
            return Ok(value);
        }
        if let Some(undefined) = first_undefined(&arguments) {
            return Ok(undefined);
        }
    }
    let mut arguments = arguments;
    arguments.positional.insert(0, value);
    let result = scope.context.deeper(|| {
        let bound = arguments.bind(test.name, &test.parameters)?;
        (test.run)(scope, bound)
    });
    Ok(match result {
        Ok(answer) => Val::Bool(answer),
        Err(fault) => Val::failed(plugin_failed("test", test.name, fault)),
    })
}

pub fn first_undefined(arguments: &Arguments) -> Option<Val> {
    arguments
        .positional
        .iter()
        .chain(arguments.named.iter().map(|(_, value)| value))
        .find(|value| matches!(value, Val::Undefined(it) if !it.plain))
        .cloned()
}

pub fn evaluate_arguments(scope: &Scope, arguments: &CallArguments) -> Res<Arguments> {
    let mut out = Arguments { positional: Vec::with_capacity(arguments.0.len() + 1), named: Vec::new() };
    for argument in &arguments.0 {
        match argument {
            CallArgument::Positional(expr) => out.positional.push(eval(scope, expr)?),
            CallArgument::Named(name, expr) => out.named.push((Arc::clone(name), eval(scope, expr)?)),
            CallArgument::Unpack(expr) => out.positional.extend(eval(scope, expr)?.iterate()?),
            CallArgument::UnpackNamed(expr) => match eval(scope, expr)?.used()? {
                Val::Dict(dict) => {
                    for (key, value) in dict.to_map() {
                        let key = key.as_str().ok_or_else(|| raised("keywords must be strings"))?;
                        out.named.push((Name::from(key), value));
                    }
                }
                other => {
                    return Err(raised(format!("argument after ** must be a mapping, not {}", other.type_name())));
                }
            },
        }
    }
    Ok(out)
}

pub fn call_value(scope: &Scope, callee: &Val, arguments: Arguments) -> Res<Val> {
    match callee {
        Val::Undefined(it) if it.plain => Err(Box::new(it.error.clone())),
        Val::Undefined(_) => Ok(callee.clone()),
        Val::Object(object) => scope.context.deeper(|| object.call(&scope.context, arguments)),
        other => Err(raised(format!("'{}' object is not callable", other.type_name()))),
    }
}
