//! Times: `strftime`, `to_datetime`, and Python's format codes.

use chrono::{DateTime, Datelike, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use crate::template::engine::arguments::Bound;
use crate::template::engine::methods::time::timestamp;
use crate::template::engine::number::{Number, parse_float};
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

/// A time in Python's `strftime` format, in the C locale.
pub fn strftime(format: &str, time: NaiveDateTime, zone: Option<FixedOffset>) -> Res<String> {
    formatted(format, |code| one_code(code, time, zone))
}

/// The codes with the C library's flags, widths and modifiers.
fn formatted(format: &str, text_of: impl Fn(char) -> Res<Option<String>>) -> Res<String> {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let flags = after.len() - after.trim_start_matches(['-', '_', '^', '#', '0']).len();
        let (flags, tail) = after.split_at(flags);
        let digits = tail.len() - tail.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let (width, tail) = tail.split_at(digits);
        let mut codes = tail.chars();
        let mut code = codes.next();
        if matches!(code, Some('E' | 'O')) && codes.as_str().starts_with(|char: char| char.is_ascii_alphabetic()) {
            code = codes.next();
        }
        match code.map(&text_of).transpose()?.flatten() {
            Some(text) => {
                rest = codes.as_str();
                out += &with_flags(&text, flags, width.parse().unwrap_or(0));
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn with_flags(text: &str, flags: &str, width: usize) -> String {
    let is_number = text.trim_start().chars().all(|char| char.is_ascii_digit()) && !text.is_empty();
    let mut text = text.to_owned();
    let mut fill = if is_number && !text.starts_with(' ') { '0' } else { ' ' };
    for flag in flags.chars() {
        match flag {
            '^' => text = text.to_uppercase(),
            // The names of days and months become large, AM and PM small.
            '#' => text = if matches!(text.as_str(), "AM" | "PM") { text.to_lowercase() } else { text.to_uppercase() },
            '-' if is_number => {
                let short = text.trim_start_matches(['0', ' ']);
                text = if short.is_empty() { "0".to_owned() } else { short.to_owned() };
            }
            '_' if is_number => {
                let short = text.trim_start_matches('0');
                let short = if short.is_empty() { "0" } else { short };
                text = format!("{short:>padded$}", padded = text.len());
                fill = ' ';
            }
            '0' if is_number => {
                text = text.replace(' ', "0");
                fill = '0';
            }
            _ => {}
        }
    }
    let missing = width.min(1000).saturating_sub(text.chars().count());
    format!("{}{text}", fill.to_string().repeat(missing))
}

fn one_code(code: char, time: NaiveDateTime, zone: Option<FixedOffset>) -> Res<Option<String>> {
    let hour12 = if time.hour().is_multiple_of(12) { 12 } else { time.hour() % 12 };
    let from_sunday = time.weekday().num_days_from_sunday();
    Ok(Some(match code {
        'Y' => time.year().to_string(),
        'C' => format!("{:02}", time.year().div_euclid(100)),
        'y' => format!("{:02}", time.year().rem_euclid(100)),
        'm' => format!("{:02}", time.month()),
        'd' => format!("{:02}", time.day()),
        'e' => format!("{:2}", time.day()),
        'H' => format!("{:02}", time.hour()),
        'k' => format!("{:2}", time.hour()),
        'I' => format!("{hour12:02}"),
        'l' => format!("{hour12:2}"),
        'M' => format!("{:02}", time.minute()),
        'S' => format!("{:02}", time.second()),
        'f' => format!("{:06}", time.nanosecond() / 1000),
        'p' => (if time.hour() < 12 { "AM" } else { "PM" }).to_owned(),
        'P' => (if time.hour() < 12 { "am" } else { "pm" }).to_owned(),
        'j' => format!("{:03}", time.ordinal()),
        'a' => time.format("%a").to_string(),
        'A' => time.format("%A").to_string(),
        'b' | 'h' => time.format("%b").to_string(),
        'B' => time.format("%B").to_string(),
        'w' => from_sunday.to_string(),
        'u' => time.weekday().number_from_monday().to_string(),
        'U' => format!("{:02}", (time.ordinal0() + 7 - from_sunday) / 7),
        'W' => format!("{:02}", (time.ordinal0() + 7 - time.weekday().num_days_from_monday()) / 7),
        'V' => format!("{:02}", time.iso_week().week()),
        'G' => time.iso_week().year().to_string(),
        'g' => format!("{:02}", time.iso_week().year().rem_euclid(100)),
        'D' | 'x' => time.format("%m/%d/%y").to_string(),
        'F' => time.format("%Y-%m-%d").to_string(),
        'T' | 'X' => time.format("%H:%M:%S").to_string(),
        'R' => time.format("%H:%M").to_string(),
        'r' => format!(
            "{hour12:02}:{:02}:{:02} {}",
            time.minute(),
            time.second(),
            if time.hour() < 12 { "AM" } else { "PM" }
        ),
        'c' => time.format("%a %b %e %H:%M:%S %Y").to_string(),
        's' => format!("{:.0}", timestamp(time, zone)?),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        'z' => zone.map_or_else(String::new, |zone| zone.to_string().replace(':', "")),
        'Z' => zone.map_or_else(String::new, |zone| {
            if zone.local_minus_utc() == 0 { "UTC".to_owned() } else { format!("UTC{zone}") }
        }),
        _ => return Ok(None),
    }))
}

/// The filter: a format applied to seconds since 1970, or to now.
pub fn strftime_filter(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Str(format) = args.val(0) else {
        return Err(raised(format!("'{}' object is not a format string", args.val(0).type_name())));
    };
    let utc = args.bool(2, false)?;
    let seconds = match args.some(1) {
        None => None,
        Some(Val::Str(text)) => Some(
            parse_float(text).ok_or_else(|| raised(format!("Invalid value for epoch value ({})", text.as_str())))?,
        ),
        Some(other) => match Number::of(other) {
            Some(number) => Some(number.float()),
            None => {
                let shown = crate::template::engine::print::text(other)?;
                return Err(raised(format!("Invalid value for epoch value ({shown})")));
            }
        },
    };
    let instant = match seconds {
        None => Utc::now(),
        #[expect(clippy::cast_possible_truncation, reason = "times that far away are refused below")]
        Some(seconds) => DateTime::from_timestamp(seconds.floor() as i64, 0)
            .filter(|_| seconds.abs() < 1e13)
            .ok_or_else(|| raised("timestamp out of range for platform time_t"))?,
    };
    let (time, zone) = if utc {
        (instant.naive_utc(), FixedOffset::east_opt(0))
    } else {
        let local = instant.with_timezone(&Local);
        (local.naive_local(), Some(*local.offset()))
    };
    // As the C library does it: Greenwich by its own name, and nothing below a second.
    let text = formatted(&format, |code| match code {
        'Z' if utc => Ok(Some("GMT".to_owned())),
        'f' => Ok(None),
        _ => one_code(code, time, zone),
    })?;
    Ok(Val::str(text))
}

pub fn to_datetime(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = crate::template::engine::print::text(&args.val(0))?;
    let format = args.text_or(1, "%Y-%m-%d %H:%M:%S")?;
    let (time, zone) = strptime(&text, format)?;
    Ok(Val::DateTime(time, zone))
}

/// Python's `strptime`.
pub fn strptime(text: &str, format: &str) -> Res<(NaiveDateTime, Option<FixedOffset>)> {
    let mismatch = || {
        raised(format!(
            "time data {} does not match format {}",
            crate::value::python::str_repr(text),
            crate::value::python::str_repr(format)
        ))
    };
    let mut parsed = Parsed { year: 1900, month: 1, day: 1, ..Parsed::default() };
    let mut rest = text;
    let mut codes = format.chars();
    while let Some(char) = codes.next() {
        if char.is_whitespace() {
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return Err(mismatch());
            }
            rest = trimmed;
            continue;
        }
        if char != '%' {
            rest = rest.strip_prefix(char).ok_or_else(mismatch)?;
            continue;
        }
        let code = codes.next().ok_or_else(|| raised(format!("stray % in format '{format}'")))?;
        match code {
            'T' => {
                for (index, code) in ['H', 'M', 'S'].into_iter().enumerate() {
                    if index > 0 {
                        rest = rest.strip_prefix(':').ok_or_else(mismatch)?;
                    }
                    rest = parsed.read(code, rest).ok_or_else(mismatch)?;
                }
            }
            'Y' | 'm' | 'd' | 'H' | 'I' | 'M' | 'S' | 'f' | 'y' | 'p' | 'b' | 'B' | 'a' | 'A' | 'z' | 'Z' | 'j'
            | '%' => {
                rest = parsed.read(code, rest).ok_or_else(mismatch)?;
            }
            other => {
                return Err(raised(format!("'{other}' is a bad directive in format '{format}'")));
            }
        }
    }
    if !rest.is_empty() {
        return Err(raised(format!("unconverted data remains: {rest}")));
    }
    let time = parsed.finish().ok_or_else(|| raised("day is out of range for month"))?;
    Ok((time, parsed.zone))
}

#[derive(Default)]
struct Parsed {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    afternoon: Option<bool>,
    ordinal: Option<u32>,
    zone: Option<FixedOffset>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Parsed {
    fn read<'a>(&mut self, code: char, text: &'a str) -> Option<&'a str> {
        let number = |most: usize, low: u32, high: u32| -> Option<(u32, &'a str)> {
            let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            (1..=digits).rev().find_map(|length| {
                let value: u32 = text.get(..length)?.parse().ok()?;
                (low..=high).contains(&value).then(|| (value, &text[length..]))
            })
        };
        let name = |names: &[&str], short: bool| -> Option<(u32, &'a str)> {
            let lower = text.to_ascii_lowercase();
            names.iter().enumerate().find_map(|(index, name)| {
                let name = if short { &name[..3] } else { *name };
                lower.starts_with(name).then(|| (u32::try_from(index).unwrap_or(0), &text[name.len()..]))
            })
        };
        let rest;
        match code {
            'Y' => {
                let digits = text.get(..4)?;
                self.year = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
                rest = &text[4..];
            }
            'y' => {
                let (value, after) = number(2, 0, 99)?;
                self.year = i32::try_from(if value < 69 { 2000 + value } else { 1900 + value }).ok()?;
                rest = after;
            }
            'm' => (self.month, rest) = number(2, 1, 12)?,
            'd' => (self.day, rest) = number(2, 1, 31)?,
            'H' => (self.hour, rest) = number(2, 0, 23)?,
            'I' => {
                let (value, after) = number(2, 1, 12)?;
                self.hour = value;
                self.afternoon.get_or_insert(false);
                rest = after;
            }
            'M' => (self.minute, rest) = number(2, 0, 59)?,
            'S' => (self.second, rest) = number(2, 0, 61)?,
            'j' => {
                let (value, after) = number(3, 1, 366)?;
                self.ordinal = Some(value);
                rest = after;
            }
            'f' => {
                let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
                let value: u32 = text.get(..digits)?.parse().ok()?;
                self.micros = value * 10_u32.pow(6 - u32::try_from(digits).ok()?);
                rest = &text[digits..];
            }
            'p' => {
                let lower = text.get(..2)?.to_ascii_lowercase();
                self.afternoon = Some(match lower.as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
                rest = &text[2..];
            }
            'b' | 'B' => {
                let (month, after) = name(&MONTHS, code == 'b')?;
                self.month = month + 1;
                rest = after;
            }
            'a' | 'A' => (_, rest) = name(&DAYS, code == 'a')?,
            'z' => {
                if let Some(after) = text.strip_prefix('Z') {
                    self.zone = FixedOffset::east_opt(0);
                    return Some(after);
                }
                let sign = match text.chars().next()? {
                    '+' => 1,
                    '-' => -1,
                    _ => return None,
                };
                let hours: i32 = text.get(1..3)?.parse().ok()?;
                let after = text.get(3..)?;
                let after = after.strip_prefix(':').unwrap_or(after);
                let minutes: i32 = after.get(..2)?.parse().ok()?;
                self.zone = FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60));
                rest = &after[2..];
            }
            'Z' => rest = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT"))?,
            _ => rest = text.strip_prefix('%')?,
        }
        Some(rest)
    }

    fn finish(&self) -> Option<NaiveDateTime> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let date = match self.ordinal {
            Some(ordinal) => NaiveDate::from_yo_opt(self.year, ordinal)?,
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day)?,
        };
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.micros)?;
        Some(date.and_time(time))
    }
}
