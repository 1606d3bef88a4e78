//! What a run keeps from play to play: who is lost, and the numbers of the recap.

use std::collections::HashSet;

use super::event::Stats;
use crate::value::{Dict, Value};

#[derive(Default)]
pub struct RunState {
    pub stats: Stats,
    pub failed: HashSet<String>,
    pub unreachable: HashSet<String>,
}

impl RunState {
    /// Ansible's exit code for what has happened.
    pub fn exit_code(&self) -> u8 {
        if !self.unreachable.is_empty() {
            4
        } else if !self.failed.is_empty() {
            2
        } else {
            0
        }
    }
}

/// Adds to a statistic as `set_stats` with `aggregate` does: numbers and texts grow, dicts are merged, lists appended.
pub fn add_stat(stats: &mut Dict, name: Value, value: Value, aggregate: bool) {
    let combined = match (stats.get(&name), &value) {
        (Some(old), _) if aggregate => match (old, &value) {
            (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map_or(value.clone(), Value::Int),
            (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) =>
            {
                #[expect(clippy::cast_precision_loss, reason = "as Python adds them")]
                Value::Float(*a as f64 + b)
            }
            (Value::Str(a), Value::Str(b)) => Value::str(format!("{a}{b}", a = a.as_str(), b = b.as_str())),
            (Value::List(a), Value::List(b)) => Value::list(a.iter().chain(b.iter()).cloned().collect()),
            (Value::Dict(a), Value::Dict(b)) => {
                let mut merged = (**a).clone();
                merged.extend(b.iter().map(|(key, value)| (key.clone(), value.clone())));
                Value::dict(merged)
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    };
    stats.insert(name, combined);
}
