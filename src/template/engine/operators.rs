//! Arithmetic and comparison as Python does them.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::Duration;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::methods::duration::TimeDelta;
use super::methods::format::percent;
use super::print::{self, MOST_TEXT};
use super::tree::{Comparison, Operator};
use super::val::Val;
use crate::template::error::{Res, raised};
use crate::value::{Str, Value};

const MOST_ITEMS: usize = 10_000_000;
/// Bits an integer may have.
const MOST_BITS: u64 = 400_000;

#[derive(Clone, Debug)]
pub enum Number {
    Int(i64),
    Big(BigInt),
    Float(f64),
}

impl Number {
    pub fn of(value: &Val) -> Option<Number> {
        Some(match value {
            Val::Bool(bool) => Number::Int(i64::from(*bool)),
            Val::Int(number) => Number::Int(*number),
            Val::Big(number) => Number::Big((**number).clone()),
            Val::Float(number) => Number::Float(*number),
            _ => return None,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "Python converts the same way")]
    pub fn float(&self) -> f64 {
        match self {
            Number::Int(number) => *number as f64,
            Number::Big(number) => number.to_f64().unwrap_or(f64::INFINITY),
            Number::Float(number) => *number,
        }
    }

    pub fn big(&self) -> Option<BigInt> {
        match self {
            Number::Int(number) => Some(BigInt::from(*number)),
            Number::Big(number) => Some(number.clone()),
            Number::Float(_) => None,
        }
    }

    pub fn into_val(self) -> Val {
        match self {
            Number::Int(number) => Val::Int(number),
            Number::Big(number) => Val::big(number),
            Number::Float(number) => Val::Float(number),
        }
    }
}

pub fn negate(value: &Val) -> Res<Val> {
    match Number::of(value) {
        Some(Number::Int(number)) => Ok(number.checked_neg().map_or_else(|| Val::big(-BigInt::from(number)), Val::Int)),
        Some(Number::Big(number)) => Ok(Val::big(-number)),
        Some(Number::Float(number)) => Ok(Val::Float(-number)),
        None => Err(raised(format!("bad operand type for unary -: '{}'", value.type_name()))),
    }
}

pub fn arithmetic(operator: Operator, left: &Val, right: &Val) -> Res<Val> {
    if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
        return numbers(operator, a, b);
    }
    match (operator, left, right) {
        (Operator::Add, Val::Str(a), Val::Str(b)) => {
            let text = Str::data(format!("{}{}", &**a, &**b));
            Ok(Val::Str(if a.is_secret() || b.is_secret() { text.into_secret() } else { text }))
        }
        (Operator::Add, Val::List(a), Val::List(b)) => {
            let mut items = a.to_vec();
            items.extend(b.to_vec());
            limited(items).map(Val::list)
        }
        (Operator::Add, Val::Tuple(a), Val::Tuple(b)) => {
            limited(a.iter().chain(b.iter()).cloned().collect()).map(Val::tuple)
        }
        (Operator::Add, Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes(a.iter().chain(b.iter()).copied().collect())),
        (Operator::Rem, Val::Str(text), _) => {
            let formatted = Str::data(percent(text, right)?);
            Ok(Val::Str(if text.is_secret() || right.is_secret() { formatted.into_secret() } else { formatted }))
        }
        (Operator::Mul, Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Bytes(_), count)
            if times(count).is_some() =>
        {
            repeat(left, times(count).unwrap_or(0))
        }
        (Operator::Mul, count, Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Bytes(_))
            if times(count).is_some() =>
        {
            repeat(right, times(count).unwrap_or(0))
        }
        (Operator::Sub, Val::DateTime(a, _), Val::DateTime(b, _)) => Ok(TimeDelta::val(*a - *b)),
        (Operator::Sub, Val::Date(a), Val::Date(b)) => Ok(TimeDelta::val(*a - *b)),
        (Operator::Add | Operator::Sub, Val::DateTime(time, zone), Val::Object(object)) => {
            match object.attribute("__microseconds__") {
                Some(Val::Int(micros)) => {
                    let micros = if operator == Operator::Sub { -micros } else { micros };
                    let moved = time.checked_add_signed(Duration::microseconds(micros));
                    moved.map(|time| Val::DateTime(time, *zone)).ok_or_else(|| raised("date value out of range"))
                }
                _ => Err(unsupported(operator, left, right)),
            }
        }
        (Operator::Sub, Val::Object(a), Val::Object(_))
            if matches!(a.type_name(), "set" | "dict_keys" | "dict_items") =>
        {
            let remove = right.iterate()?;
            let mut kept = Vec::new();
            for item in left.iterate()? {
                if !contains(&Val::list(remove.clone()), &item)? {
                    kept.push(item);
                }
            }
            Ok(super::objects::SetObject::val(kept))
        }
        _ => Err(unsupported(operator, left, right)),
    }
}

fn unsupported(operator: Operator, left: &Val, right: &Val) -> crate::template::error::Fault {
    let (a, b) = (left.type_name(), right.type_name());
    if operator == Operator::Add {
        match left {
            Val::Str(_) => return raised(format!("can only concatenate str (not \"{b}\") to str")),
            Val::List(_) => return raised(format!("can only concatenate list (not \"{b}\") to list")),
            Val::Tuple(_) => return raised(format!("can only concatenate tuple (not \"{b}\") to tuple")),
            _ => {}
        }
    }
    if operator == Operator::Mul && matches!(left, Val::Str(_) | Val::List(_) | Val::Tuple(_)) {
        return raised(format!("can't multiply sequence by non-int of type '{b}'"));
    }
    if operator == Operator::Mul && matches!(right, Val::Str(_) | Val::List(_) | Val::Tuple(_)) {
        return raised(format!("can't multiply sequence by non-int of type '{a}'"));
    }
    let sign = match operator {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mul => "*",
        Operator::Div => "/",
        Operator::FloorDiv => "//",
        Operator::Rem => "%",
        Operator::Pow => "** or pow()",
    };
    raised(format!("unsupported operand type(s) for {sign}: '{a}' and '{b}'"))
}

fn times(count: &Val) -> Option<i64> {
    match count {
        Val::Int(number) => Some(*number),
        Val::Bool(bool) => Some(i64::from(*bool)),
        _ => None,
    }
}

fn repeat(value: &Val, times: i64) -> Res<Val> {
    let times = usize::try_from(times).unwrap_or(0);
    let too_much = || raised("the result is too large");
    Ok(match value {
        Val::Str(text) => {
            if text.len().checked_mul(times).is_none_or(|length| length > MOST_TEXT) {
                return Err(too_much());
            }
            Val::Str(text.with_text(text.repeat(times)).into_untrusted())
        }
        Val::Bytes(bytes) => {
            if bytes.len().checked_mul(times).is_none_or(|length| length > MOST_TEXT) {
                return Err(too_much());
            }
            Val::Bytes(bytes.repeat(times).into())
        }
        Val::List(_) | Val::Tuple(_) => {
            let items = value.iterate()?;
            if items.len().checked_mul(times).is_none_or(|length| length > MOST_ITEMS) {
                return Err(too_much());
            }
            let repeated: Vec<Val> = std::iter::repeat_n(items, times).flatten().collect();
            if matches!(value, Val::Tuple(_)) { Val::tuple(repeated) } else { Val::list(repeated) }
        }
        _ => Val::Null,
    })
}

fn limited(items: Vec<Val>) -> Res<Vec<Val>> {
    if items.len() > MOST_ITEMS { Err(raised("the result is too large")) } else { Ok(items) }
}

fn numbers(operator: Operator, a: Number, b: Number) -> Res<Val> {
    if let (Number::Int(a), Number::Int(b)) = (&a, &b)
        && let Some(result) = small(operator, *a, *b)?
    {
        return Ok(result);
    }
    match (a.big(), b.big()) {
        (Some(a), Some(b)) => integers(operator, &a, &b),
        _ => floats(operator, a.float(), b.float()),
    }
}

fn small(operator: Operator, a: i64, b: i64) -> Res<Option<Val>> {
    Ok(match operator {
        Operator::Add => a.checked_add(b).map(Val::Int),
        Operator::Sub => a.checked_sub(b).map(Val::Int),
        Operator::Mul => a.checked_mul(b).map(Val::Int),
        Operator::Div if b == 0 => return Err(raised("division by zero")),
        #[expect(clippy::cast_precision_loss, reason = "Python divides integers this small the same way")]
        Operator::Div => {
            (a.unsigned_abs() < 1 << 53 && b.unsigned_abs() < 1 << 53).then(|| Val::Float(a as f64 / b as f64))
        }
        Operator::FloorDiv | Operator::Rem if b == 0 => {
            return Err(raised("integer division or modulo by zero"));
        }
        Operator::FloorDiv => (b != -1).then(|| Val::Int(Integer::div_floor(&a, &b))),
        Operator::Rem => (b != -1).then(|| Val::Int(Integer::mod_floor(&a, &b))),
        Operator::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)).map(Val::Int),
    })
}

fn integers(operator: Operator, a: &BigInt, b: &BigInt) -> Res<Val> {
    Ok(match operator {
        Operator::Add => Val::big(a + b),
        Operator::Sub => Val::big(a - b),
        Operator::Mul => {
            if a.bits().saturating_add(b.bits()) > MOST_BITS {
                return Err(raised("the number is too large"));
            }
            Val::big(a * b)
        }
        Operator::Div | Operator::FloorDiv | Operator::Rem if b.is_zero() => {
            return Err(raised(if operator == Operator::Div {
                "division by zero"
            } else {
                "integer division or modulo by zero"
            }));
        }
        Operator::Div => {
            let quotient = divide(a, b);
            if quotient.is_infinite() {
                return Err(raised("integer division result too large for a float"));
            }
            Val::Float(quotient)
        }
        Operator::FloorDiv => Val::big(a.div_floor(b)),
        Operator::Rem => Val::big(a.mod_floor(b)),
        Operator::Pow => {
            if b.is_negative() {
                if a.is_zero() {
                    return Err(raised("0.0 cannot be raised to a negative power"));
                }
                return Ok(Val::Float(
                    a.to_f64().unwrap_or(f64::INFINITY).powf(b.to_f64().unwrap_or(f64::NEG_INFINITY)),
                ));
            }
            let exponent =
                b.to_u32().filter(|exponent| a.bits().max(1).saturating_mul(u64::from(*exponent)) <= MOST_BITS);
            let Some(exponent) = exponent else {
                let one = a.magnitude().to_u64().is_some_and(|a| a <= 1);
                return if one {
                    Ok(Val::big(if b.is_odd() { a.clone() } else { a * a }))
                } else {
                    Err(raised("the number is too large"))
                };
            };
            Val::big(a.pow(exponent))
        }
    })
}

/// True division of integers beyond the range of exact floats.
fn divide(a: &BigInt, b: &BigInt) -> f64 {
    match (a.to_f64(), b.to_f64()) {
        (Some(x), Some(y)) if x.is_finite() && y.is_finite() => x / y,
        _ => {
            let shift = b.bits().saturating_sub(64);
            let (a, b): (BigInt, BigInt) = (a >> shift, b >> shift);
            a.to_f64().unwrap_or(f64::INFINITY) / b.to_f64().unwrap_or(1.0)
        }
    }
}

fn floats(operator: Operator, a: f64, b: f64) -> Res<Val> {
    Ok(Val::Float(match operator {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div if b == 0.0 => return Err(raised("float division by zero")),
        Operator::Div => a / b,
        Operator::FloorDiv if b == 0.0 => return Err(raised("float floor division by zero")),
        Operator::Rem if b == 0.0 => return Err(raised("float modulo")),
        Operator::FloorDiv => ((a - float_mod(a, b)) / b).round(),
        Operator::Rem => float_mod(a, b),
        Operator::Pow => {
            if a == 0.0 && b < 0.0 {
                return Err(raised("0.0 cannot be raised to a negative power"));
            }
            let result = a.powf(b);
            if result.is_infinite() && a.is_finite() && b.is_finite() {
                return Err(raised("(34, 'Numerical result out of range')"));
            }
            result
        }
    }))
}

fn float_mod(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) {
        rest + b
    } else if rest == 0.0 {
        0.0_f64.copysign(b)
    } else {
        rest
    }
}

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
                        if matches!(a.type_name(), "set" | "dict_keys") {
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

pub fn order_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(b),
        (Number::Float(float), whole) => order_mixed(whole, *float).map(Ordering::reverse),
        (whole, Number::Float(float)) => order_mixed(whole, *float),
        (a, b) => Some(a.big()?.cmp(&b.big()?)),
    }
}

fn order_mixed(whole: &Number, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = num_traits::FromPrimitive::from_f64(float.floor()).unwrap_or_else(BigInt::zero);
    match whole.big()?.cmp(&floor) {
        Ordering::Equal if float.fract() != 0.0 => Some(Ordering::Less),
        other => Some(other),
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

fn unordered(left: &Val, right: &Val, sign: &str) -> crate::template::error::Fault {
    raised(format!("'{sign}' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name()))
}

/// Python's `float()` of text.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.trim_start_matches(['+', '-']);
    if text.len() - plain.len() > 1 {
        return None;
    }
    let lower = plain.to_ascii_lowercase();
    let negative = text.starts_with('-');
    let sign = if negative { -1.0 } else { 1.0 };
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if !plain.starts_with(|char: char| char.is_ascii_digit() || char == '.') {
        return None;
    }
    strip_underscores(plain)?.parse::<f64>().ok().map(|number| sign * number)
}

/// Underscores are allowed between digits only.
fn strip_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'_' {
            let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
            if !digit(at.checked_sub(1)) || !digit(Some(at + 1)) {
                return None;
            }
        }
    }
    Some(text.replace('_', ""))
}

/// Python's `int()` of text; base 0 reads the prefix.
pub fn parse_int(text: &str, base: u32) -> Option<BigInt> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let prefix = match lower.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 0,
    };
    let (base, digits) = match base {
        0 if prefix > 0 => (prefix, lower[2..].trim_start_matches('_')),
        0 if lower.len() > 1 && lower.starts_with('0') && !lower.trim_matches(['0', '_']).is_empty() => return None,
        0 => (10, lower.as_str()),
        base if base == prefix => (base, lower[2..].trim_start_matches('_')),
        base => (base, lower.as_str()),
    };
    let digits = strip_underscores(digits)?;
    if digits.is_empty() || digits.len() > 100_000 || digits.starts_with(['+', '-']) || !(2..=36).contains(&base) {
        return None;
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(if negative { -number } else { number })
}

/// A float without its fraction, as an integer.
pub fn float_to_int(number: f64) -> Res<Val> {
    if number.is_nan() {
        return Err(raised("cannot convert float NaN to integer"));
    }
    if number.is_infinite() {
        return Err(raised("cannot convert float infinity to integer"));
    }
    Ok(Val::big(num_traits::FromPrimitive::from_f64(number.trunc()).unwrap_or_else(BigInt::zero)))
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

pub fn as_text_key(value: &Val) -> Res<Value> {
    Ok(Value::str(print::text(value)?))
}

pub fn big(number: i64) -> Arc<BigInt> {
    Arc::new(BigInt::from(number))
}

/// The remainder as a float, for tests that only ask whether there is one.
pub fn numbers_rem(left: &Val, right: &Val) -> Res<f64> {
    match arithmetic(Operator::Rem, left, right)? {
        Val::Int(0) => Ok(0.0),
        Val::Int(1) => Ok(1.0),
        Val::Float(rest) => Ok(rest),
        Val::Str(_) => Err(raised("not all arguments converted during string formatting")),
        _ => Ok(2.0),
    }
}
