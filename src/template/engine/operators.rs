//! Arithmetic as Python does it.

use chrono::Duration;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::comparison::contains;
use super::markup;
use super::methods::duration::TimeDelta;
use super::methods::format::{Shown, percent};
use super::number::Number;
use super::print::MOST_TEXT;
use super::tree::Operator;
use super::val::Val;
use crate::template::error::{Fault, Res, raised};
use crate::value::Str;

const MOST_ITEMS: usize = 10_000_000;
/// Bits an integer may have.
const MOST_BITS: u64 = 400_000;

pub fn negate(value: &Val) -> Res<Val> {
    match Number::of(value) {
        Some(Number::Int(number)) => Ok(number.checked_neg().map_or_else(|| Val::big(-BigInt::from(number)), Val::Int)),
        Some(Number::Big(number)) => Ok(Val::big(-number)),
        Some(Number::Float(number)) => Ok(Val::Float(-number)),
        None => Err(raised(format!("bad operand type for unary -: '{}'", value.type_name()))),
    }
}

/// Unary plus, which makes an integer of a boolean.
pub fn plus(value: &Val) -> Res<Val> {
    Number::of(value)
        .map(Number::into_val)
        .ok_or_else(|| raised(format!("bad operand type for unary +: '{}'", value.type_name())))
}

pub fn arithmetic(operator: Operator, left: &Val, right: &Val) -> Res<Val> {
    if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
        return numbers(operator, a, b);
    }
    if let Some(result) = markup::operator(operator, left, right) {
        return result;
    }
    match (operator, left, right) {
        (Operator::Add, Val::Str(a), Val::Str(b)) => {
            let text = Str::data(format!("{}{}", &**a, &**b));
            Ok(Val::Str(if a.is_secret() || b.is_secret() { text.into_secret() } else { text }))
        }
        (Operator::Add, Val::List(a), Val::List(b)) => {
            if a.len() + b.len() > MOST_ITEMS {
                return Err(raised("the result is too large"));
            }
            if let Some(list) = a.with_data(b) {
                return Ok(list);
            }
            let mut items = a.to_vec();
            items.extend(b.to_vec());
            Ok(Val::list(items))
        }
        (Operator::Add, Val::Tuple(a), Val::Tuple(b)) => {
            limited(a.iter().chain(b.iter()).cloned().collect()).map(Val::tuple)
        }
        (Operator::Add, Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes(a.iter().chain(b.iter()).copied().collect())),
        (Operator::Rem, Val::Str(text), _) => {
            let formatted = Str::data(percent(text, right, Shown::Plain)?);
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
        (Operator::Sub, Val::Object(a), Val::Object(_)) if a.type_name() == "set" => {
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

fn unsupported(operator: Operator, left: &Val, right: &Val) -> Fault {
    let (a, b) = (left.type_name(), right.type_name());
    if operator == Operator::Add {
        match left {
            Val::Str(text) if !text.is_markup() => {
                return raised(format!("can only concatenate str (not \"{b}\") to str"));
            }
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
