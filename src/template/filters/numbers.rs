//! Numbers.

use num_bigint::BigInt;
use num_traits::Signed;

use crate::template::engine::arguments::Bound;
use crate::template::engine::number::{Number, float_to_int, parse_float, parse_int};
use crate::template::engine::operators::arithmetic;
use crate::template::engine::run::Scope;
use crate::template::engine::tree::Operator;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub fn int(_scope: &Scope, args: Bound) -> Res<Val> {
    let default = args.get(1).cloned().unwrap_or(Val::Int(0));
    // A base of another type is Python's type error, after which the text is tried as a float.
    let base = match args.get(2) {
        None => Some(10),
        Some(Val::Int(base)) => u32::try_from(*base).ok(),
        Some(_) => None,
    };
    Ok(match args.val(0) {
        Val::Str(text) => match base.and_then(|base| parse_int(&text, base)) {
            Some(number) => Val::big(number),
            None => parse_float(&text).and_then(|number| float_to_int(number).ok()).unwrap_or(default),
        },
        Val::Float(number) => float_to_int(number).unwrap_or(default),
        other => Number::of(&other).map_or(default, Number::into_val),
    })
}

pub fn float(_scope: &Scope, args: Bound) -> Res<Val> {
    let default = args.get(1).cloned().unwrap_or(Val::Float(0.0));
    Ok(match args.val(0) {
        Val::Str(text) => parse_float(&text).map_or(default, Val::Float),
        other => Number::of(&other).map_or(default, |number| Val::Float(number.float())),
    })
}

pub fn abs(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    match Number::of(&value) {
        Some(Number::Int(number)) => {
            Ok(number.checked_abs().map_or_else(|| Val::big(BigInt::from(number).abs()), Val::Int))
        }
        Some(Number::Big(number)) => Ok(Val::big(number.abs())),
        Some(Number::Float(number)) => Ok(Val::Float(number.abs())),
        None => Err(raised(format!("bad operand type for abs(): '{}'", value.type_name()))),
    }
}

pub fn round(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let precision = args.int(1, 0)?;
    let method = args.text_or(2, "common")?;
    if !matches!(method, "common" | "ceil" | "floor") {
        return Err(raised("method must be common, ceil or floor"));
    }
    let Some(number) = Number::of(&value) else {
        return Err(raised(format!("type {} doesn't define __round__ method", value.type_name())));
    };
    let whole = number.big();
    if method == "common" {
        if let Some(whole) = whole {
            // Python rounds whole numbers to whole numbers.
            if precision >= 0 {
                return Ok(Val::big(whole));
            }
            let places = u32::try_from(-precision).unwrap_or(u32::MAX);
            if places > 400 {
                return Ok(Val::Int(0));
            }
            let unit = BigInt::from(10).pow(places);
            return Ok(Val::big(round_half_even(&whole, &unit)));
        }
        return Ok(Val::Float(round_float(number.float(), precision)));
    }
    let scale = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
    let scaled = number.float() * scale;
    let rounded = if method == "ceil" { scaled.ceil() } else { scaled.floor() };
    if !rounded.is_finite() {
        return Err(raised("cannot convert float infinity to integer"));
    }
    // Rounded up or down it is a whole number, which has no negative zero.
    Ok(Val::Float(rounded / scale + 0.0))
}

fn round_half_even(number: &BigInt, unit: &BigInt) -> BigInt {
    use num_integer::Integer;
    let (quotient, rest) = number.div_mod_floor(unit);
    let double: BigInt = &rest * 2;
    let up = match double.cmp(unit) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient.is_odd(),
    };
    (if up { quotient + 1 } else { quotient }) * unit
}

/// Correctly rounded, as Python does it: through the decimal text of the exact value.
pub fn round_float(number: f64, precision: i64) -> f64 {
    if !number.is_finite() {
        return number;
    }
    if precision >= 0 {
        let precision = usize::try_from(precision.min(320)).unwrap_or(0);
        return format!("{number:.precision$}").parse().unwrap_or(number);
    }
    let unit = 10_f64.powi(i32::try_from(-precision).unwrap_or(400));
    if unit.is_infinite() {
        return 0.0;
    }
    (number / unit).round_ties_even() * unit
}

fn real(value: &Val, message: &str) -> Res<f64> {
    match Number::of(value) {
        Some(number) => Ok(number.float()),
        None => Err(raised(format!("{message}: must be real number, not {}", value.type_name()))),
    }
}

pub fn log(_scope: &Scope, args: Bound) -> Res<Val> {
    let number = real(&args.val(0), "log() can only be used on numbers")?;
    let base = match args.get(1) {
        Some(base) => real(base, "log() can only be used on numbers")?,
        None => std::f64::consts::E,
    };
    if number <= 0.0 || base <= 0.0 {
        return Err(raised("math domain error"));
    }
    if args.get(1).is_some() && base == 10.0 {
        return Ok(Val::Float(number.log10()));
    }
    if args.get(1).is_none() {
        return Ok(Val::Float(number.ln()));
    }
    if base == 1.0 {
        return Err(raised("float division by zero"));
    }
    Ok(Val::Float(number.ln() / base.ln()))
}

pub fn pow(_scope: &Scope, args: Bound) -> Res<Val> {
    let (base, exponent) = (args.val(0), args.val(1));
    real(&base, "pow() can only be used on numbers")?;
    real(&exponent, "pow() can only be used on numbers")?;
    let (base, exponent) = (real(&base, "")?, real(&exponent, "")?);
    if base < 0.0 && exponent.fract() != 0.0 {
        return Err(raised("math domain error"));
    }
    arithmetic(Operator::Pow, &Val::Float(base), &Val::Float(exponent))
}

pub fn root(_scope: &Scope, args: Bound) -> Res<Val> {
    let number = real(&args.val(0), "root() can only be used on numbers")?;
    let base = match args.get(1) {
        Some(base) => real(base, "root() can only be used on numbers")?,
        None => 2.0,
    };
    if base == 2.0 {
        if number < 0.0 {
            return Err(raised("math domain error"));
        }
        return Ok(Val::Float(number.sqrt()));
    }
    if base == 0.0 {
        return Err(raised("float division by zero"));
    }
    Ok(Val::Float(number.powf(1.0 / base)))
}
