//! Filters of community.general that turn texts like `1h 30min` into a number of units.

use num_traits::ToPrimitive;

use super::numbers::round_float;
use crate::template::engine::arguments::Bound;
use crate::template::engine::number::Number;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

const UNITS: &[(Unit, &str, &[&str])] = &[
    (Unit::Milliseconds, "ms", &["millisecond", "msec", "msecond"]),
    (Unit::Seconds, "s", &["sec", "second"]),
    (Unit::Minutes, "m", &["min", "minute"]),
    (Unit::Hours, "h", &["hour"]),
    (Unit::Days, "d", &["day"]),
    (Unit::Weeks, "w", &["week"]),
    (Unit::Months, "mo", &["month"]),
    (Unit::Years, "y", &["year"]),
];

impl Unit {
    /// By its short name, or by a long one in singular or plural.
    fn named(name: &str) -> Option<Self> {
        let singular = name.trim_end_matches('s');
        let is_meant = |(_, short, long): &&(Unit, &str, &[&str])| *short == name || long.contains(&singular);
        UNITS.iter().find(is_meant).map(|(unit, ..)| *unit)
    }
}

/// How many days months and years have.
struct Calendar {
    month: f64,
    year: f64,
}

impl Calendar {
    fn milliseconds(&self, unit: Unit) -> f64 {
        const DAY: f64 = 86_400_000.0;
        match unit {
            Unit::Milliseconds => 1.0,
            Unit::Seconds => 1000.0,
            Unit::Minutes => 60_000.0,
            Unit::Hours => 3_600_000.0,
            Unit::Days => DAY,
            Unit::Weeks => 7.0 * DAY,
            Unit::Months => self.month * DAY,
            Unit::Years => self.year * DAY,
        }
    }
}

fn convert(args: &Bound, unit: Unit) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        let found = value.used()?.type_name();
        return Err(raised(format!("a duration must be text like '1h 30m', not {found}")));
    };
    if text.as_str() == "0" {
        return Ok(Val::Int(0));
    }
    let mut calendar = Calendar { month: 30.0, year: 365.0 };
    for (name, value) in &args.named {
        let days = Number::of(value).map(|number| number.float());
        match (&**name, days) {
            ("month", Some(days)) => calendar.month = days,
            ("year", Some(days)) => calendar.year = days,
            ("month" | "year", None) => return Err(raised(format!("'{name}' must be a number of days"))),
            (other, _) => return Err(raised(format!("to_time_unit() got unknown keyword arguments: {other}"))),
        }
    }
    let mut total = 0.0;
    for word in text.split_whitespace() {
        let part = part(word)
            .ok_or_else(|| raised(format!("to_time_unit() can not interpret following string: {}", text.as_str())))?;
        total += part.0 * calendar.milliseconds(part.1);
    }
    let size = calendar.milliseconds(unit);
    if size == 0.0 {
        return Err(raised("division by zero"));
    }
    Ok(Val::Float(round_float(total / size, 12)))
}

/// A whole number with its unit; what stands behind them does not count.
fn part(word: &str) -> Option<(f64, Unit)> {
    let (sign, rest) = word.strip_prefix('-').map_or((1.0, word), |rest| (-1.0, rest));
    let digits = rest.find(|it: char| !it.is_ascii_digit())?;
    let (number, rest) = rest.split_at(digits);
    let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
    let number = number.parse::<i128>().ok()?.to_f64()?;
    Some((sign * number, Unit::named(&rest[..end])?))
}

pub fn to_time_unit(_scope: &Scope, args: Bound) -> Res<Val> {
    let name = args.text_or(1, "ms")?;
    let Some(unit) = Unit::named(name) else {
        let short: Vec<&str> = UNITS.iter().map(|(_, short, _)| *short).collect();
        let long: Vec<&str> = UNITS.iter().flat_map(|(_, _, long)| long.iter().copied()).collect();
        return Err(raised(format!(
            "to_time_unit() can not convert to the following unit: {name}. Available units (singular or plural): {}. \
             Available short units: {}",
            long.join(", "),
            short.join(", ")
        )));
    };
    convert(&args, unit)
}

pub fn to_milliseconds(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Milliseconds)
}

pub fn to_seconds(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Seconds)
}

pub fn to_minutes(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Minutes)
}

pub fn to_hours(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Hours)
}

pub fn to_days(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Days)
}

pub fn to_weeks(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Weeks)
}

pub fn to_months(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Months)
}

pub fn to_years(_scope: &Scope, args: Bound) -> Res<Val> {
    convert(&args, Unit::Years)
}
