//! Scalars of YAML 1.1 as PyYAML resolves and converts them, with its (Python's) words for what is wrong.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{FixedOffset, NaiveDate};
use num_bigint::BigInt;
use num_traits::{Num, ToPrimitive};
use regex::Regex;

use crate::value::Value;
use crate::value::python::str_repr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Str,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    /// `<<`
    Merge,
    /// `=`
    Value,
}

static INT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$",
    )
});

static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    )
});

static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// What a plain scalar without a tag is.
pub fn resolve(text: &str) -> Scalar {
    let Some(first) = text.chars().next() else { return Scalar::Null };
    match first {
        '~' if text == "~" => Scalar::Null,
        'n' | 'N' if matches!(text, "null" | "Null" | "NULL") => Scalar::Null,
        '=' if text == "=" => Scalar::Value,
        '<' if text == "<<" => Scalar::Merge,
        'y' | 'Y' | 'n' | 'N' | 't' | 'T' | 'f' | 'F' | 'o' | 'O' if is_bool(text) => Scalar::Bool,
        // Most numbers are plain, and need no pattern.
        '1'..='9' if text.bytes().all(|byte| byte.is_ascii_digit()) => Scalar::Int,
        '0'..='9' | '-' | '+' | '.' => {
            if FLOAT.is_match(text) {
                Scalar::Float
            } else if first != '.' && INT.is_match(text) {
                Scalar::Int
            } else if is_timestamp(text) {
                Scalar::Timestamp
            } else {
                Scalar::Str
            }
        }
        _ => Scalar::Str,
    }
}

fn is_bool(text: &str) -> bool {
    matches!(
        text,
        "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// A date alone needs two digits for month and day; with a time one is enough.
fn is_timestamp(text: &str) -> bool {
    TIMESTAMP.captures(text).is_some_and(|parts| {
        let long = |index: usize| parts.get(index).is_some_and(|part| part.len() == 2);
        parts.get(4).is_some() || long(2) && long(3)
    })
}

/// The value of a scalar of a kind other than `Str`, `Merge`, `Value` and `Binary`.
pub fn construct(text: &str, kind: Scalar) -> Result<Value, String> {
    match kind {
        Scalar::Null => Ok(Value::Null),
        Scalar::Bool => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "off" => Ok(Value::Bool(false)),
            other => Err(str_repr(other)),
        },
        Scalar::Int => integer(text),
        Scalar::Float => float(text),
        Scalar::Timestamp => timestamp(text),
        Scalar::Binary => binary(text),
        Scalar::Str | Scalar::Merge | Scalar::Value => Ok(Value::str(text)),
    }
}

fn integer(text: &str) -> Result<Value, String> {
    let text = text.replace('_', "");
    let (negative, digits) = signed(&text);
    if digits.is_empty() {
        return Err("string index out of range".to_owned());
    }
    let number = if digits == "0" {
        BigInt::ZERO
    } else if let Some(digits) = digits.strip_prefix("0b") {
        in_base(digits, 2)?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        in_base(digits, 16)?
    } else if digits.starts_with('0') {
        in_base(digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")).unwrap_or(digits), 8)?
    } else if digits.contains(':') {
        digits.split(':').try_fold(BigInt::ZERO, |sum, part| Ok::<_, String>(sum * 60 + in_base(part, 10)?))?
    } else {
        in_base(digits, 10)?
    };
    Ok(Value::big(if negative { -number } else { number }))
}

fn in_base(digits: &str, base: u32) -> Result<BigInt, String> {
    let refused = || format!("invalid literal for int() with base {base}: {}", str_repr(digits));
    let trimmed = digits.trim();
    // Longer numbers take quadratic time; Python refuses them as well.
    if base == 10 && trimmed.len() > 4300 {
        return Err("Exceeds the limit (4300 digits) for integer string conversion".to_owned());
    }
    BigInt::from_str_radix(trimmed, base).map_err(|_| refused())
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn float(text: &str) -> Result<Value, String> {
    let text = text.replace('_', "").to_lowercase();
    let (negative, digits) = signed(&text);
    let number = match digits {
        "" => return Err("string index out of range".to_owned()),
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if digits.contains(':') => {
            let mut base = 1.0;
            let mut sum = 0.0;
            for part in digits.rsplit(':') {
                sum += python_float(part)? * base;
                base *= 60.0;
            }
            sum
        }
        _ => python_float(digits)?,
    };
    Ok(Value::Float(if negative { -number } else { number }))
}

fn python_float(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("could not convert string to float: {}", str_repr(text)))
}

fn timestamp(text: &str) -> Result<Value, String> {
    let refused = || "'NoneType' object has no attribute 'groupdict'".to_owned();
    let parts = TIMESTAMP.captures(text).filter(|_| is_timestamp(text)).ok_or_else(refused)?;
    let number = |index: usize| parts.get(index).and_then(|part| part.as_str().parse::<u32>().ok());
    let (year, month, day) = (number(1).unwrap_or(0), number(2).unwrap_or(0), number(3).unwrap_or(0));
    if year == 0 {
        return Err("year 0 is out of range".to_owned());
    }
    if !(1..=12).contains(&month) {
        return Err("month must be in 1..12".to_owned());
    }
    let date = NaiveDate::from_ymd_opt(year.to_i32().unwrap_or(0), month, day)
        .ok_or_else(|| "day is out of range for month".to_owned())?;
    let Some(hour) = number(4) else { return Ok(Value::Date(date)) };
    let (minute, second) = (number(5).unwrap_or(0), number(6).unwrap_or(0));
    for (value, limit, name) in [(hour, 23, "hour"), (minute, 59, "minute"), (second, 59, "second")] {
        if value > limit {
            return Err(format!("{name} must be in 0..{limit}"));
        }
    }
    let fraction: String =
        parts.get(7).map_or("", |part| part.as_str()).chars().chain("000000".chars()).take(6).collect();
    let time = date
        .and_hms_micro_opt(hour, minute, second, fraction.parse().unwrap_or(0))
        .ok_or_else(|| "second must be in 0..59".to_owned())?;
    let Some(zone) = parts.get(8) else { return Ok(Value::DateTime(time, None)) };
    if zone.as_str() == "Z" {
        return Ok(Value::DateTime(time, FixedOffset::east_opt(0)));
    }
    let seconds = number(10).unwrap_or(0) * 3600 + number(11).unwrap_or(0) * 60;
    let seconds = seconds.to_i32().unwrap_or(0) * if zone.as_str().starts_with('-') { -1 } else { 1 };
    let zone = FixedOffset::east_opt(seconds).ok_or_else(|| {
        "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24).".to_owned()
    })?;
    Ok(Value::DateTime(time, Some(zone)))
}

/// Base64 as Python's `decodebytes` reads it: what is not of the alphabet is passed over.
pub fn binary(text: &str) -> Result<Value, String> {
    if let Some((position, char)) = text.chars().enumerate().find(|(_, char)| !char.is_ascii()) {
        let char = str_repr(&char.to_string());
        return Err(format!(
            "failed to convert base64 data into ascii: 'ascii' codec can't encode character {char} in position {position}: ordinal not in range(128)"
        ));
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let is_data = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/');
    let data: String = text.chars().filter(is_data).collect();
    let padding = text.chars().filter(|char| *char == '=').count();
    match data.len() % 4 {
        1 => {
            return Err(format!(
                "failed to decode base64 data: Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                data.len()
            ));
        }
        rest if rest > 1 && padding < 4 - rest => {
            return Err("failed to decode base64 data: Incorrect padding".to_owned());
        }
        _ => {}
    }
    engine
        .decode(data)
        .map(|bytes| Value::Bytes(Arc::from(bytes)))
        .map_err(|err| format!("failed to decode base64 data: {err}"))
}
