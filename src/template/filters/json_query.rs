//! JMESPath, as community.general's `json_query` has it. The grammar is the crate's; values stay ours, so that the order of
//! dicts is kept and a number of any size is one.

mod functions;

use jmespath::ast::{Ast, Comparator};

use crate::template::engine::arguments::Bound;
use crate::template::engine::comparison::equal;
use crate::template::engine::number::{Number, order_numbers};
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Fault, Res, raised};
use crate::value::Value;

pub fn json_query(_scope: &Scope, args: Bound) -> Res<Val> {
    let expression = args.text(1)?;
    let ast = jmespath::parse(expression).map_err(|err| wrong(&err.to_string()))?;
    search(&ast, &args.val(0))
}

fn wrong(reason: &str) -> Fault {
    raised(format!("JMESPathError in json_query filter plugin:\n{reason}"))
}

fn search(ast: &Ast, value: &Val) -> Res<Val> {
    value.check()?;
    match ast {
        Ast::Identity { .. } => Ok(value.clone()),
        Ast::Field { name, .. } => match value {
            Val::Dict(dict) => dict.get(&Value::str(name.as_str())).map_or(Ok(Val::Null), Val::used),
            _ => Ok(Val::Null),
        },
        Ast::Index { idx, .. } => index(value, *idx),
        Ast::Literal { value: literal, .. } => Ok(literal_value(literal)),
        Ast::Subexpr { lhs, rhs, .. } => search(rhs, &search(lhs, value)?),
        Ast::And { lhs, rhs, .. } => {
            let left = search(lhs, value)?;
            if is_true(&left)? { search(rhs, value) } else { Ok(left) }
        }
        Ast::Or { lhs, rhs, .. } => {
            let left = search(lhs, value)?;
            if is_true(&left)? { Ok(left) } else { search(rhs, value) }
        }
        Ast::Not { node, .. } => Ok(Val::Bool(!is_true(&search(node, value)?)?)),
        Ast::Condition { predicate, then, .. } => {
            if is_true(&search(predicate, value)?)? {
                search(then, value)
            } else {
                Ok(Val::Null)
            }
        }
        Ast::Comparison { comparator, lhs, rhs, .. } => compare(comparator, &search(lhs, value)?, &search(rhs, value)?),
        Ast::ObjectValues { node, .. } => match search(node, value)? {
            Val::Dict(dict) => Ok(Val::list(dict.to_map().into_values().collect())),
            _ => Ok(Val::Null),
        },
        Ast::Flatten { node, .. } => flatten(&search(node, value)?),
        Ast::Projection { lhs, rhs, .. } => project(&search(lhs, value)?, rhs),
        Ast::Slice { start, stop, step, .. } => slice(value, *start, *stop, *step),
        Ast::MultiList { elements, .. } => match value {
            Val::Null => Ok(Val::Null),
            _ => Ok(Val::list(elements.iter().map(|it| search(it, value)).collect::<Res<_>>()?)),
        },
        Ast::MultiHash { elements, .. } => {
            if matches!(value, Val::Null) {
                return Ok(Val::Null);
            }
            let entry = |it: &jmespath::ast::KeyValuePair| Ok((Value::str(it.key.as_str()), search(&it.value, value)?));
            Ok(Val::dict(elements.iter().map(entry).collect::<Res<Map>>()?))
        }
        Ast::Function { name, args, .. } => functions::call(name, args, value),
        // It only stands among the arguments of functions, which take it as it is.
        Ast::Expref { .. } => Err(wrong("an expression reference is no value")),
    }
}

/// The items of what JMESPath takes for a list.
fn items(value: &Val) -> Res<Option<Vec<Val>>> {
    match value {
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => Ok(Some(value.iterate()?)),
        _ => Ok(None),
    }
}

fn index(value: &Val, index: i32) -> Res<Val> {
    let Some(items) = items(value)? else { return Ok(Val::Null) };
    let place = usize::try_from(index).ok().or_else(|| items.len().checked_sub(index.unsigned_abs() as usize));
    place.and_then(|place| items.into_iter().nth(place)).map_or(Ok(Val::Null), Val::used)
}

fn slice(value: &Val, start: Option<i32>, stop: Option<i32>, step: i32) -> Res<Val> {
    let Some(items) = items(value)? else { return Ok(Val::Null) };
    let bound = |it: Option<i32>| it.map(|it| Val::Int(it.into()));
    let positions = crate::template::engine::attributes::slice_positions(
        items.len(),
        &[bound(start), bound(stop), Some(Val::Int(step.into()))],
    )?;
    Ok(Val::list(positions.into_iter().filter_map(|at| items.get(at).cloned()).collect()))
}

fn project(value: &Val, ast: &Ast) -> Res<Val> {
    let Some(items) = items(value)? else { return Ok(Val::Null) };
    let mut found = Vec::new();
    for item in items {
        let result = search(ast, &item)?;
        if !matches!(result, Val::Null) {
            found.push(result);
        }
    }
    Ok(Val::list(found))
}

fn flatten(value: &Val) -> Res<Val> {
    let Some(outer) = items(value)? else { return Ok(Val::Null) };
    let mut flat = Vec::new();
    for item in outer {
        match items(&item)? {
            Some(inner) => flat.extend(inner),
            None => flat.push(item),
        }
    }
    Ok(Val::list(flat))
}

/// Everything but null, false and what is empty; zero, too.
fn is_true(value: &Val) -> Res<bool> {
    match value {
        Val::Int(_) | Val::Big(_) | Val::Float(_) => Ok(true),
        other => other.truthy(),
    }
}

fn compare(comparator: &Comparator, left: &Val, right: &Val) -> Res<Val> {
    let same = || -> Res<bool> {
        // Truth is no number here.
        let booleans = [left, right].into_iter().filter(|it| matches!(it, Val::Bool(_))).count();
        Ok(booleans != 1 && equal(left, right)?)
    };
    let orders: fn(std::cmp::Ordering) -> bool = match comparator {
        Comparator::Equal => return Ok(Val::Bool(same()?)),
        Comparator::NotEqual => return Ok(Val::Bool(!same()?)),
        Comparator::LessThan => |order| order.is_lt(),
        Comparator::LessThanEqual => |order| order.is_le(),
        Comparator::GreaterThan => |order| order.is_gt(),
        Comparator::GreaterThanEqual => |order| order.is_ge(),
    };
    let order = match (left, right) {
        (Val::Str(one), Val::Str(other)) => Some(one.as_str().cmp(other.as_str())),
        (Val::Bool(_), _) | (_, Val::Bool(_)) => None,
        (Val::Str(_), other) | (other, Val::Str(_)) if Number::of(other).is_some() => {
            return Err(wrong("texts and numbers have no order"));
        }
        _ => Number::of(left).zip(Number::of(right)).and_then(|(one, other)| order_numbers(&one, &other)),
    };
    Ok(order.map_or(Val::Null, |order| Val::Bool(orders(order))))
}

fn literal_value(literal: &jmespath::Variable) -> Val {
    use jmespath::Variable;
    match literal {
        Variable::Null | Variable::Expref(_) => Val::Null,
        Variable::String(text) => Val::str(text.as_str()),
        Variable::Bool(it) => Val::Bool(*it),
        Variable::Number(number) => match number.as_i64() {
            Some(whole) => Val::Int(whole),
            None => number.as_f64().map_or(Val::Null, Val::Float),
        },
        Variable::Array(items) => Val::list(items.iter().map(|it| literal_value(it)).collect()),
        Variable::Object(entries) => {
            Val::dict(entries.iter().map(|(key, it)| (Value::str(key.as_str()), literal_value(it))).collect())
        }
    }
}
