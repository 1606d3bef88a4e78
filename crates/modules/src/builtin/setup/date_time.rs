//! The host's clock.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::json;

use super::{Facts, Gathering, facts};
use crate::support::local_time;

/// Broken-down time, copied from libc's.
struct Clock {
    tm: libc::tm,
    zone: String,
}

fn local(seconds: i64) -> Clock {
    let tm = local_time::parts(seconds);
    let zone = if tm.tm_zone.is_null() {
        String::new()
    } else {
        // SAFETY: it is text of libc's, which keeps the names of all zones that it has read.
        unsafe { CStr::from_ptr(tm.tm_zone) }.to_string_lossy().into_owned()
    };
    Clock { tm, zone }
}

fn universal(seconds: i64) -> libc::tm {
    let mut tm = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: as above.
    unsafe {
        libc::gmtime_r(&raw const seconds, tm.as_mut_ptr());
        tm.assume_init()
    }
}

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub fn date_time(_: &mut Gathering) -> Facts {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
    let micros = now.subsec_micros();
    let Clock { tm, zone } = local(seconds);
    let utc = universal(seconds);
    let date = |tm: &libc::tm| format!("{:04}-{:02}-{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    let time = |tm: &libc::tm| format!("{:02}:{:02}:{:02}", tm.tm_hour, tm.tm_min, tm.tm_sec);
    let compact = |text: String| text.replace(['-', ':'], "");
    let basic = format!("{}T{}", compact(date(&tm)), compact(time(&tm)));
    let offset = tm.tm_gmtoff / 60;
    let sign = if offset < 0 { '-' } else { '+' };
    let weekday = usize::try_from(tm.tm_wday).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or_default();
    // Weeks begin on Monday; days before the first one are week 0.
    let week = (tm.tm_yday + 7 - (tm.tm_wday + 6) % 7) / 7;
    let summer = daylight_name(&zone, seconds);
    facts([(
        "date_time",
        json!({
            "date": date(&tm),
            "time": time(&tm),
            "year": format!("{:04}", tm.tm_year + 1900),
            "month": format!("{:02}", tm.tm_mon + 1),
            "day": format!("{:02}", tm.tm_mday),
            "hour": format!("{:02}", tm.tm_hour),
            "minute": format!("{:02}", tm.tm_min),
            "second": format!("{:02}", tm.tm_sec),
            "weekday": weekday,
            "weekday_number": tm.tm_wday.to_string(),
            "weeknumber": format!("{week:02}"),
            "epoch": seconds.to_string(),
            "epoch_int": seconds.to_string(),
            "iso8601": format!("{}T{}Z", date(&utc), time(&utc)),
            "iso8601_micro": format!("{}T{}.{micros:06}Z", date(&utc), time(&utc)),
            "iso8601_basic": format!("{basic}{micros:06}"),
            "iso8601_basic_short": basic,
            "tz": zone,
            "tz_dst": summer,
            "tz_offset": format!("{sign}{:02}{:02}", offset.abs() / 60, offset.abs() % 60),
        }),
    )])
}

/// The zone's name in the other half of the year, if it has summer time.
fn daylight_name(zone: &str, seconds: i64) -> String {
    (1..12)
        .map(|month| local(seconds + month * 30 * 86400))
        .find(|clock| clock.tm.tm_isdst > 0)
        .map_or_else(|| zone.to_owned(), |clock| clock.zone)
}
