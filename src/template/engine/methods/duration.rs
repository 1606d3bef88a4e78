//! Differences of times.

use chrono::Duration;

use crate::template::engine::arguments::Arguments;
use crate::template::engine::context::Context;
use crate::template::engine::val::{Object, Val};
use crate::template::error::Res;

pub struct TimeDelta {
    micros: i64,
}

impl TimeDelta {
    pub fn val(duration: Duration) -> Val {
        Val::object(TimeDelta { micros: duration.num_microseconds().unwrap_or(i64::MAX) })
    }

    fn parts(&self) -> (i64, i64, i64) {
        let days = self.micros.div_euclid(86_400_000_000);
        let rest = self.micros.rem_euclid(86_400_000_000);
        (days, rest / 1_000_000, rest % 1_000_000)
    }
}

impl Object for TimeDelta {
    fn type_name(&self) -> &'static str {
        "timedelta"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        let (days, seconds, micros) = self.parts();
        Some(Val::Int(match name {
            "days" => days,
            "seconds" => seconds,
            "microseconds" => micros,
            "__microseconds__" => self.micros,
            _ => return None,
        }))
    }

    #[expect(clippy::cast_precision_loss, reason = "Python answers with a float as well")]
    fn call_method(&self, _context: &Context, name: &str, _arguments: Arguments) -> Option<Res<Val>> {
        (name == "total_seconds").then(|| Ok(Val::Float(self.micros as f64 / 1e6)))
    }

    fn truthy(&self) -> bool {
        self.micros != 0
    }

    fn text(&self) -> String {
        let (days, seconds, micros) = self.parts();
        let mut out = String::new();
        if days != 0 {
            out = format!("{days} day{}, ", if days.abs() == 1 { "" } else { "s" });
        }
        out += &format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
        if micros > 0 {
            out += &format!(".{micros:06}");
        }
        out
    }
}
