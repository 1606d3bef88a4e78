//! Methods and attributes of `date` and `datetime`.

use chrono::{Datelike, FixedOffset, NaiveDateTime, NaiveTime, TimeZone, Timelike};

use super::duration::TimeDelta;
use crate::template::engine::arguments::{Arguments, parameters};
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::dates::strftime;

pub const NAMES: &[&str] = &[
    "date",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "time",
    "timestamp",
    "toordinal",
    "utcoffset",
    "weekday",
    "ctime",
    "timetuple",
    "astimezone",
];

pub fn property(value: &Val, name: &str) -> Option<Val> {
    let (time, _) = parts(value);
    Some(Val::Int(match (name, value) {
        ("year", _) => i64::from(time.year()),
        ("month", _) => i64::from(time.month()),
        ("day", _) => i64::from(time.day()),
        ("hour", Val::DateTime(..)) => i64::from(time.hour()),
        ("minute", Val::DateTime(..)) => i64::from(time.minute()),
        ("second", Val::DateTime(..)) => i64::from(time.second()),
        ("microsecond", Val::DateTime(..)) => i64::from(time.nanosecond() / 1000),
        ("tzinfo", Val::DateTime(_, None)) => return Some(Val::Null),
        _ => return None,
    }))
}

fn parts(value: &Val) -> (NaiveDateTime, Option<FixedOffset>) {
    match value {
        Val::Date(date) => (date.and_time(NaiveTime::MIN), None),
        Val::DateTime(time, zone) => (*time, *zone),
        _ => (NaiveDateTime::default(), None),
    }
}

pub fn call(value: &Val, name: &str, arguments: Arguments) -> Res<Val> {
    let (time, zone) = parts(value);
    match name {
        "strftime" => {
            let bound = arguments.bind(name, &parameters(&["format"], 1))?;
            Ok(Val::str(strftime(bound.text(0)?, time, zone)?))
        }
        "isoformat" => {
            let bound = arguments.bind(name, &parameters(&["sep", "timespec"], 0))?;
            let text = value.to_key()?.to_text();
            Ok(Val::str(text.replacen(' ', bound.text_or(0, "T")?, 1)))
        }
        "ctime" => Ok(Val::str(strftime("%a %b %e %H:%M:%S %Y", time, zone)?)),
        "date" => Ok(Val::Date(time.date())),
        "weekday" => Ok(Val::Int(i64::from(time.weekday().num_days_from_monday()))),
        "isoweekday" => Ok(Val::Int(i64::from(time.weekday().number_from_monday()))),
        "isocalendar" => Ok(Val::tuple(vec![
            Val::Int(i64::from(time.iso_week().year())),
            Val::Int(i64::from(time.iso_week().week())),
            Val::Int(i64::from(time.weekday().number_from_monday())),
        ])),
        "toordinal" => Ok(Val::Int(i64::from(time.date().num_days_from_ce()))),
        "utcoffset" => {
            Ok(zone
                .map_or(Val::Null, |zone| TimeDelta::val(chrono::Duration::seconds(i64::from(zone.local_minus_utc())))))
        }
        "timestamp" => Ok(Val::Float(timestamp(time, zone)?)),
        "replace" => {
            let bound = arguments.bind(
                name,
                &parameters(&["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"], 0),
            )?;
            let part = |index: usize, old: u32| -> Res<u32> {
                u32::try_from(bound.int(index, i64::from(old))?).map_err(|_| raised("value out of range"))
            };
            let year =
                i32::try_from(bound.int(0, i64::from(time.year()))?).map_err(|_| raised("year is out of range"))?;
            let moved = chrono::NaiveDate::from_ymd_opt(year, part(1, time.month())?, part(2, time.day())?)
                .and_then(|date| {
                    let (hour, minute) = (part(3, time.hour()).ok()?, part(4, time.minute()).ok()?);
                    let (second, micro) = (part(5, time.second()).ok()?, part(6, time.nanosecond() / 1000).ok()?);
                    date.and_hms_micro_opt(hour, minute, second, micro)
                })
                .ok_or_else(|| raised("day is out of range for month"))?;
            Ok(if matches!(value, Val::Date(_)) { Val::Date(moved.date()) } else { Val::DateTime(moved, zone) })
        }
        _ => Err(raised(format!("'{}' object has no attribute '{name}'", value.type_name()))),
    }
}

/// Seconds since 1970; a time without zone is local.
#[expect(clippy::cast_precision_loss, reason = "Python answers with a float as well")]
pub fn timestamp(time: NaiveDateTime, zone: Option<FixedOffset>) -> Res<f64> {
    let utc = match zone {
        Some(zone) => (time - zone).and_utc(),
        None => chrono::Local
            .from_local_datetime(&time)
            .earliest()
            .ok_or_else(|| raised("the time does not exist"))?
            .to_utc(),
    };
    Ok(utc.timestamp_micros() as f64 / 1e6)
}
