//! Methods of `int`, `bool` and `float`.

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive};

use crate::template::engine::arguments::{Arguments, parameters};
use crate::template::engine::number::Number;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub const INT_NAMES: &[&str] = &["as_integer_ratio", "bit_count", "bit_length", "conjugate", "to_bytes"];
pub const FLOAT_NAMES: &[&str] = &["as_integer_ratio", "conjugate", "hex", "is_integer"];

pub fn property(value: &Val, name: &str) -> Option<Val> {
    let zero = if matches!(value, Val::Float(_)) { Val::Float(0.0) } else { Val::Int(0) };
    match name {
        "real" => Some(Number::of(value)?.into_val()),
        "imag" => Some(zero),
        "numerator" if !matches!(value, Val::Float(_)) => Some(Number::of(value)?.into_val()),
        "denominator" if !matches!(value, Val::Float(_)) => Some(Val::Int(1)),
        _ => None,
    }
}

/// Operators of integers that Jinja2 has no sign for; its sandbox lets them be called by name.
pub const BITWISE: &[&str] = &["__and__", "__lshift__", "__or__", "__rshift__", "__xor__"];
const MOST_SHIFT: u64 = 400_000;

fn bitwise(value: &Val, name: &str, other: &Val) -> Res<Val> {
    let (Some(left), Some(right)) = (whole(value), whole(other)) else {
        return Err(raised("Type 'NotImplementedType' is unsupported for variable storage."));
    };
    let shift = || match right.to_u64() {
        Some(count) if count <= MOST_SHIFT => Ok(count),
        _ if right.is_negative() => Err(raised("negative shift count")),
        _ => Err(raised("the number is too large")),
    };
    let result = match name {
        "__and__" => left & right,
        "__or__" => left | right,
        "__xor__" => left ^ right,
        "__lshift__" => left << shift()?,
        _ => left >> shift()?,
    };
    let booleans = matches!((value, other), (Val::Bool(_), Val::Bool(_))) && !name.ends_with("shift__");
    Ok(if booleans { Val::Bool(result != BigInt::ZERO) } else { Val::big(result) })
}

fn whole(value: &Val) -> Option<BigInt> {
    Number::of(value).and_then(|number| number.big())
}

pub fn call(value: &Val, name: &str, arguments: Arguments) -> Res<Val> {
    if BITWISE.contains(&name) {
        let bound = arguments.bind("expected", &parameters(&["value"], 1))?;
        return bitwise(value, name, &bound.val(0));
    }
    let number = Number::of(value).unwrap_or(Number::Int(0));
    match name {
        "conjugate" => Ok(number.into_val()),
        "is_integer" => Ok(Val::Bool(match number {
            Number::Float(number) => number.is_finite() && number.fract() == 0.0,
            _ => true,
        })),
        "as_integer_ratio" => match number {
            Number::Float(number) => ratio(number),
            whole => Ok(Val::tuple(vec![whole.into_val(), Val::Int(1)])),
        },
        "hex" => Err(raised("float.hex() is not supported")),
        "to_bytes" => {
            let bound = arguments.bind("to_bytes", &parameters(&["length", "byteorder", "signed"], 0))?;
            let length = usize::try_from(bound.int(0, 1)?).unwrap_or(0);
            let big_endian = bound.text_or(1, "big")? == "big";
            let mut bytes = number.big().unwrap_or_default().magnitude().to_bytes_be();
            if bytes == [0] {
                bytes.clear();
            }
            if bytes.len() > length || length > 10_000 {
                return Err(raised("int too big to convert"));
            }
            let mut out = vec![0; length - bytes.len()];
            out.extend(bytes);
            if !big_endian {
                out.reverse();
            }
            Ok(Val::Bytes(out.into()))
        }
        "bit_length" => {
            let bits = number.big().unwrap_or_default().magnitude().bits();
            Ok(Val::Int(i64::try_from(bits).unwrap_or(i64::MAX)))
        }
        "bit_count" => {
            let ones: u32 = number
                .big()
                .unwrap_or_default()
                .magnitude()
                .to_u64_digits()
                .iter()
                .map(|digit| digit.count_ones())
                .sum();
            Ok(Val::Int(i64::from(ones)))
        }
        _ => Err(raised(format!("'{}' object has no attribute '{name}'", value.type_name()))),
    }
}

fn ratio(number: f64) -> Res<Val> {
    if !number.is_finite() {
        return Err(raised("cannot convert Infinity or NaN to integer ratio"));
    }
    let (mut top, mut exponent) = (number, 0_u32);
    while top.fract() != 0.0 && exponent < 1100 {
        top *= 2.0;
        exponent += 1;
    }
    let top: BigInt = BigInt::from_f64(top).unwrap_or_default();
    let bottom = BigInt::from(1) << exponent;
    debug_assert!(bottom.is_positive() && bottom.to_f64().is_some());
    Ok(Val::tuple(vec![Val::big(top), Val::big(bottom)]))
}
