//! What a run keeps from play to play: who is lost, and the numbers of the recap.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use super::event::{HostStats, Stats};
use crate::value::{Dict, Value};

#[derive(Default)]
pub struct RunState {
    pub failed: HashSet<Arc<str>>,
    pub unreachable: HashSet<Arc<str>>,
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

    pub fn is_lost(&self, host: &str) -> bool {
        self.failed.contains(host) || self.unreachable.contains(host)
    }
}

/// The numbers of the recap. They outlive whoever counts, so that an interrupted run still has its recap.
#[derive(Default)]
pub struct Counters(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    hosts: IndexMap<Arc<str>, HostStats>,
    custom: IndexMap<String, Dict>,
}

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A host's place among the counters, for `count`.
    pub fn place(&self, host: &Arc<str>) -> usize {
        let mut counted = self.lock();
        let entry = counted.hosts.entry(Arc::clone(host));
        let index = entry.index();
        entry.or_default();
        index
    }

    pub fn count(&self, place: usize, change: impl FnOnce(&mut HostStats)) {
        if let Some((_, stats)) = self.lock().hosts.get_index_mut(place) {
            change(stats);
        }
    }

    /// `set_stats`, for one host or for the run.
    pub fn add_custom(&self, host: Option<&str>, data: Dict, aggregate: bool) {
        let mut counted = self.lock();
        let stats = counted.custom.entry(host.unwrap_or("_run").to_owned()).or_default();
        for (name, value) in data {
            add_stat(stats, name, value, aggregate);
        }
    }

    /// The numbers of all hosts that did something.
    pub fn stats(&self) -> Stats {
        let counted = self.lock();
        let busy = |stats: &HostStats| *stats != HostStats::default();
        let hosts = counted.hosts.iter().filter(|(_, stats)| busy(stats));
        Stats { hosts: hosts.map(|(host, stats)| (Arc::clone(host), *stats)).collect(), custom: counted.custom.clone() }
    }
}

/// Adds to a statistic as `set_stats` with `aggregate` does: numbers and texts grow, dicts are merged, lists appended.
fn add_stat(stats: &mut Dict, name: Value, value: Value, aggregate: bool) {
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
