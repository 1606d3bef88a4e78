//! Numbers as Python has them: integers of any size beside floats, and both as text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};
use regex::Regex;

use super::val::Val;
use crate::template::error::{Res, raised};

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

/// Python's `float()` of text.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = ascii_digits(text);
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

/// Decimal digits of every script as those of ASCII.
fn ascii_digits(text: &str) -> Cow<'_, str> {
    static DIGIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").expect("a constant pattern"));
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let is_digit = |char: char| DIGIT.is_match(char.encode_utf8(&mut [0; 4]));
    // Scripts have their digits one after the other, from zero to nine.
    let ascii = |char: char| {
        let before = (0..u32::from(char)).rev().map_while(char::from_u32).take_while(|it| is_digit(*it)).count();
        u32::try_from(before % 10).ok().and_then(|value| char::from_digit(value, 10)).unwrap_or(char)
    };
    Cow::Owned(text.chars().map(|char| if !char.is_ascii() && is_digit(char) { ascii(char) } else { char }).collect())
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
    let text = ascii_digits(text);
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
