//! Times of day in the host's zone, which libc knows, and the reading of times that users write.

use std::mem::MaybeUninit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

unsafe extern "C" {
    fn tzset();
}

/// libc's own parts of a time. An agent outlives changes of the zone, which `localtime_r` alone does not see.
pub fn parts(seconds: i64) -> libc::tm {
    let seconds: libc::time_t = seconds;
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid for the call, and an all-zero `tm` is a valid value should the call fail; `tzset` takes libc's own lock.
    unsafe {
        tzset();
        libc::localtime_r(&raw const seconds, parts.as_mut_ptr());
        parts.assume_init()
    }
}

pub fn from_unix(seconds: i64) -> LocalTime {
    let parts = parts(seconds);
    let small = |number: libc::c_int| u32::try_from(number).unwrap_or(0);
    LocalTime {
        year: i64::from(parts.tm_year) + 1900,
        month: small(parts.tm_mon) + 1,
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
    }
}

pub fn to_unix(time: LocalTime) -> Option<i64> {
    let number = |number: u32| libc::c_int::try_from(number).ok();
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: every field of `tm` may be zero; `mktime` reads and normalizes a complete value.
    let seconds = unsafe {
        let parts = parts.as_mut_ptr();
        (*parts).tm_year = libc::c_int::try_from(time.year - 1900).ok()?;
        (*parts).tm_mon = number(time.month.checked_sub(1)?)?;
        (*parts).tm_mday = number(time.day)?;
        (*parts).tm_hour = number(time.hour)?;
        (*parts).tm_min = number(time.minute)?;
        (*parts).tm_sec = number(time.second)?;
        (*parts).tm_isdst = -1;
        libc::mktime(parts)
    };
    Some(seconds)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads local time in a format of strptime: the numeric directives, month names, `%s` and `%%`. None if text and format do not fit.
pub fn parse(text: &str, format: &str) -> Option<i64> {
    let mut time = LocalTime { year: 1900, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    let (mut rest, mut format, mut afternoon) = (text, format.chars(), None);
    while let Some(letter) = format.next() {
        if letter != '%' {
            if letter.is_whitespace() {
                rest = rest.trim_start();
            } else {
                rest = rest.strip_prefix(letter)?;
            }
            continue;
        }
        match format.next()? {
            'Y' => time.year = i64::from(number(&mut rest, 4)?),
            'y' => {
                let short = i64::from(number(&mut rest, 2)?);
                time.year = if short < 69 { 2000 + short } else { 1900 + short };
            }
            'm' => time.month = number(&mut rest, 2).filter(|month| (1..=12).contains(month))?,
            'd' | 'e' => time.day = number(&mut rest, 2).filter(|day| (1..=31).contains(day))?,
            'H' => time.hour = number(&mut rest, 2).filter(|hour| *hour < 24)?,
            'I' => time.hour = number(&mut rest, 2).filter(|hour| (1..=12).contains(hour))?,
            'M' => time.minute = number(&mut rest, 2).filter(|minute| *minute < 60)?,
            'S' => time.second = number(&mut rest, 2).filter(|second| *second < 62)?,
            'p' => {
                let half = rest.get(..2)?.to_ascii_lowercase();
                afternoon = Some(half == "pm");
                rest = rest.get(2..)?;
            }
            'b' | 'B' => {
                let name = rest.get(..3)?.to_ascii_lowercase();
                time.month = u32::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
                rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
            }
            'T' => {
                time.hour = number(&mut rest, 2).filter(|hour| *hour < 24)?;
                rest = rest.strip_prefix(':')?;
                time.minute = number(&mut rest, 2).filter(|minute| *minute < 60)?;
                rest = rest.strip_prefix(':')?;
                time.second = number(&mut rest, 2).filter(|second| *second < 62)?;
            }
            's' => return rest.parse().ok(),
            '%' => rest = rest.strip_prefix('%')?,
            _ => return None,
        }
    }
    match afternoon {
        Some(true) if time.hour < 12 => time.hour += 12,
        Some(false) if time.hour == 12 => time.hour = 0,
        _ => {}
    }
    if rest.is_empty() { to_unix(time) } else { None }
}

fn number(rest: &mut &str, digits: usize) -> Option<u32> {
    let length = rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    let (digits, remaining) = rest.split_at_checked(length)?;
    *rest = remaining;
    digits.parse().ok()
}

/// Year, month and day of a day counted from 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Howard Hinnant's algorithm: eras of 400 years that begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}
