//! Equality, order and membership as Python decides them.

use std::cmp::Ordering;

use super::number::{Number, order_numbers};
use super::tree::Comparison;
use super::val::Val;
use crate::template::error::{Fault, Res, raised};

pub fn compare(comparison: Comparison, left: &Val, right: &Val) -> Res<bool> {
    Ok(match comparison {
        Comparison::Eq => equal(left, right)?,
        Comparison::Ne => !equal(left, right)?,
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
        Comparison::Lt => order(left, right, "<")? == Some(Ordering::Less),
        Comparison::Le => matches!(order(left, right, "<=")?, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Gt => order(left, right, ">")? == Some(Ordering::Greater),
        Comparison::Ge => matches!(order(left, right, ">=")?, Some(Ordering::Greater | Ordering::Equal)),
    })
}

pub fn equal(left: &Val, right: &Val) -> Res<bool> {
    equal_at(left, right, 0)
}

fn equal_at(left: &Val, right: &Val, depth: usize) -> Res<bool> {
    if depth > 150 {
        return Err(raised("maximum recursion depth exceeded in comparison"));
    }
    if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
        return Ok(order_numbers(&a, &b) == Some(Ordering::Equal));
    }
    Ok(match (left, right) {
        (Val::Undefined(it), _) | (_, Val::Undefined(it)) if !it.plain => return Err(Box::new(it.error.clone())),
        (Val::Undefined(_), Val::Undefined(_)) => true,
        (Val::Undefined(_), _) | (_, Val::Undefined(_)) => false,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::List(a), Val::List(b)) => {
            a.len() == b.len() && {
                for (a, b) in a.to_vec().iter().zip(b.to_vec().iter()) {
                    if !equal_at(a, b, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
        }
        (Val::Tuple(a), Val::Tuple(b)) => {
            a.len() == b.len() && {
                for (a, b) in a.iter().zip(b.iter()) {
                    if !equal_at(a, b, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
        }
        (Val::Dict(a), Val::Dict(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.to_map() {
                match b.get(&key) {
                    Some(other) if equal_at(&value, &other, depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Val::Object(a), Val::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b) || {
                match (a.as_data(), b.as_data()) {
                    (Some(x), Some(y)) if a.type_name() == b.type_name() && a.type_name() != "generator" => {
                        if a.type_name() == "set" {
                            let (x, y) = (x.iterate()?, y.iterate()?);
                            let y_list = Val::list(y.clone());
                            x.len() == y.len() && {
                                for item in &x {
                                    if !contains(&y_list, item)? {
                                        return Ok(false);
                                    }
                                }
                                true
                            }
                        } else {
                            equal_at(&x, &y, depth + 1)?
                        }
                    }
                    _ => false,
                }
            }
        }
        (Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Object(_), _)
        | (_, Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Object(_)) => false,
        (a, b) => a.to_key()? == b.to_key()?,
    })
}

pub fn contains(container: &Val, item: &Val) -> Res<bool> {
    item.check()?;
    match container {
        Val::Str(text) => match item {
            Val::Str(part) => Ok(text.contains(&**part)),
            other => Err(raised(format!("'in <string>' requires string as left operand, not {}", other.type_name()))),
        },
        Val::Dict(dict) => Ok(dict.contains(&item.to_key()?)),
        Val::Bytes(bytes) => Ok(match item {
            Val::Int(number) => bytes.iter().any(|byte| i64::from(*byte) == *number),
            Val::Bytes(part) => part.is_empty() || bytes.windows(part.len()).any(|window| window == &**part),
            _ => false,
        }),
        Val::List(_) | Val::Tuple(_) => {
            for other in container.iterate()? {
                if equal(&other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Val::Object(object) if object.items().is_some() => {
            for other in container.iterate()? {
                if equal(&other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Val::Undefined(it) if !it.plain => Err(Box::new(it.error.clone())),
        Val::Undefined(_) => Ok(false),
        other => Err(raised(format!("argument of type '{}' is not iterable", other.type_name()))),
    }
}

/// The order of two values, or Python's type error with the operator's sign.
pub fn order(left: &Val, right: &Val, sign: &str) -> Res<Option<Ordering>> {
    if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
        return Ok(order_numbers(&a, &b));
    }
    match (left, right) {
        (Val::Str(a), Val::Str(b)) => Ok(Some((**a).cmp(&**b))),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Val::Date(a), Val::Date(b)) => Ok(Some(a.cmp(b))),
        (Val::DateTime(a, zone_a), Val::DateTime(b, zone_b)) => match (zone_a, zone_b) {
            (Some(x), Some(y)) => Ok(Some((*a - *x).cmp(&(*b - *y)))),
            (None, None) => Ok(Some(a.cmp(b))),
            _ => Err(raised("can't compare offset-naive and offset-aware datetimes")),
        },
        (Val::List(_), Val::List(_)) | (Val::Tuple(_), Val::Tuple(_)) => {
            let (a, b) = (left.iterate()?, right.iterate()?);
            for (x, y) in a.iter().zip(&b) {
                if !equal(x, y)? {
                    return order(x, y, sign);
                }
            }
            Ok(Some(a.len().cmp(&b.len())))
        }
        (Val::Object(a), Val::Object(b)) => match (a.attribute("__microseconds__"), b.attribute("__microseconds__")) {
            (Some(Val::Int(a)), Some(Val::Int(b))) => Ok(Some(a.cmp(&b))),
            _ => Err(unordered(left, right, sign)),
        },
        (Val::Undefined(it), _) | (_, Val::Undefined(it)) => Err(Box::new(it.error.clone())),
        _ => Err(unordered(left, right, sign)),
    }
}

fn unordered(left: &Val, right: &Val, sign: &str) -> Fault {
    raised(format!("'{sign}' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name()))
}

/// Sorts by Python's `<`; the first error of a comparison is the result.
pub fn sort_by_key(items: &mut [(Val, Val)], reverse: bool) -> Res<()> {
    let mut failure = None;
    let mut comparator = |a: &(Val, Val), b: &(Val, Val)| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        match order(&a.0, &b.0, "<") {
            Ok(order) => order.unwrap_or(Ordering::Equal),
            Err(fault) => {
                failure = Some(fault);
                Ordering::Equal
            }
        }
    };
    if reverse {
        // Equal items keep their order, as Python's reverse sort keeps it.
        items.sort_by(|a, b| comparator(b, a));
    } else {
        items.sort_by(comparator);
    }
    failure.map_or(Ok(()), Err)
}
