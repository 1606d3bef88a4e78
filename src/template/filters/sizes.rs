//! Amounts of bytes.

use crate::template::engine::arguments::Bound;
use crate::template::engine::number::{Number, parse_float};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

const UNITS: [(char, i32); 8] = [('Y', 8), ('Z', 7), ('E', 6), ('P', 5), ('T', 4), ('G', 3), ('M', 2), ('K', 1)];

fn number(value: &Val) -> Res<f64> {
    match value {
        Val::Str(text) => parse_float(text).ok_or_else(|| {
            raised(format!("could not convert string to float: {}", crate::value::python::str_repr(text)))
        }),
        other => Number::of(other).map(|number| number.float()).ok_or_else(|| {
            raised(format!("float() argument must be a string or a real number, not '{}'", other.type_name()))
        }),
    }
}

pub fn filesizeformat(_scope: &Scope, args: Bound) -> Res<Val> {
    let bytes = number(&args.val(0))?;
    let binary = args.bool(1, false)?;
    let base = if binary { 1024.0 } else { 1000.0_f64 };
    let prefixes: [&str; 8] = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    if bytes == 1.0 {
        return Ok(Val::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Val::str(format!("{} Bytes", bytes.trunc() + 0.0)));
    }
    let mut unit = base;
    for (index, prefix) in prefixes.iter().enumerate() {
        unit = base.powi(i32::try_from(index).unwrap_or(0) + 2);
        if bytes < unit || index == 7 {
            return Ok(Val::str(format!("{:.1} {prefix}", base * bytes / unit)));
        }
    }
    Ok(Val::str(format!("{:.1}", bytes / unit)))
}

pub fn human_readable(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Some(size) = Number::of(&value) else {
        return Err(raised(format!(
            "human_readable() failed on bad input: '>=' not supported between instances of '{}' and 'int'",
            value.type_name()
        )));
    };
    let size = size.float();
    let bits = args.bool(1, false)?;
    let unit = args.some(2).map(print::text).transpose()?;
    let base = if bits { "bits" } else { "Bytes" };
    let wanted = unit.as_deref().and_then(|unit| unit.chars().next()).map(|char| char.to_ascii_uppercase());
    let mut chosen: Option<(char, i32)> = None;
    for (letter, power) in UNITS {
        let limit = 1024_f64.powi(power);
        if (unit.is_none() && size >= limit) || wanted == Some(letter) {
            chosen = Some((letter, power));
            break;
        }
    }
    let suffix_of = |letter: char| format!("{letter}{}", if bits { "b" } else { "B" });
    Ok(Val::str(match chosen {
        Some((letter, power)) => format!("{:.2} {}", size / 1024_f64.powi(power), suffix_of(letter)),
        None => format!("{size:.2} {base}"),
    }))
}

pub fn human_to_bytes(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0))?;
    let default_unit = args.some(1).map(print::text).transpose()?;
    let bits = args.bool(2, false)?;
    let bad = |message: String| raised(format!("human_to_bytes() failed on bad input: {message}"));
    let trimmed = text.trim_start();
    let digits = trimmed.find(|char: char| !(char.is_ascii_digit() || char == '.')).unwrap_or(trimmed.len());
    let (amount, unit) = trimmed.split_at(digits);
    let unit = unit.trim_start();
    if !unit.chars().all(|char| char.is_ascii_alphabetic()) {
        return Err(bad(format!("can't interpret following string: {text}")));
    }
    let Ok(amount) = amount.parse::<f64>() else {
        return Err(bad(format!("can't interpret following string: {text}")));
    };
    let unit = if unit.is_empty() { default_unit.unwrap_or_default() } else { unit.to_owned() };
    if unit.is_empty() {
        return Ok(whole(amount));
    }
    let first = unit.chars().next().unwrap_or('B').to_ascii_uppercase();
    let power = match UNITS.iter().find(|(letter, _)| *letter == first) {
        Some((_, power)) => *power,
        None if first == 'B' => 0,
        None => {
            return Err(bad(format!(
                "can't interpret following string: {text}. The suffix must be one of Y, Z, E, P, T, G, M, K, B"
            )));
        }
    };
    let (class, word) = if bits { ('b', "bit") } else { ('B', "byte") };
    let lower = unit.to_lowercase();
    let whole_word = match power {
        0 => {
            lower == word
                || lower == format!("{word}s")
                || unit.starts_with(class) && unit.len() == 1
                || (unit.len() == 1 && !bits)
        }
        _ => {
            let rest: String = unit.chars().skip(1).collect();
            let full = |name: &str| lower == format!("{name}{word}") || lower == format!("{name}{word}s");
            rest.is_empty()
                || rest == class.to_string()
                || ["kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta"].iter().any(|name| full(name))
        }
    };
    if !whole_word {
        return Err(bad(format!("Value is not a valid string ({unit} in {text})")));
    }
    Ok(whole((amount * 1024_f64.powi(power)).round_ties_even()))
}

#[expect(clippy::cast_possible_truncation, reason = "larger amounts do not exist")]
fn whole(number: f64) -> Val {
    crate::template::engine::number::float_to_int(number.round_ties_even()).unwrap_or(Val::Int(number as i64))
}
