//! Results as Ansible hands them to its callbacks: what `register` keeps, and keys that only callbacks see.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::event::{Status, TaskReport};
use crate::value::{Dict, Value};

/// Makes whole results. A loop's result has its items, of which their own reports say more.
#[derive(Default)]
pub struct Whole {
    items: HashMap<Arc<str>, Vec<Dict>>,
}

impl Whole {
    pub fn item(&mut self, report: &TaskReport) {
        let mut keys = keys(report);
        let label = report.item_label.clone().unwrap_or(Value::Null);
        keys.insert(Value::str("_ansible_item_label"), if report.no_log { Value::Null } else { label });
        self.items.entry(Arc::clone(&report.host)).or_default().push(keys);
    }

    pub fn result(&mut self, report: &TaskReport) -> Dict {
        let items = self.items.remove(&report.host).unwrap_or_default();
        let mut fields = of_task(report);
        let results = fields.get("results").and_then(Value::as_list).map(<[Value]>::to_vec);
        let Some(results) = results.filter(|_| report.looped && !report.no_log) else {
            fields.extend(keys(report));
            return fields;
        };
        let mut items = items.into_iter();
        let results = results.into_iter().map(|result| match &result {
            Value::Dict(dict) => {
                let own = dict.iter().map(|(name, value)| (name.clone(), value.clone()));
                Value::dict(own.chain(items.next().unwrap_or_default()).collect())
            }
            _ => result,
        });
        fields.insert(Value::str("results"), Value::list(results.collect()));
        fields
    }
}

/// The fields of a result. That it has not failed or was not skipped, its status says.
pub fn of_task(report: &TaskReport) -> Dict {
    let mut fields = report.fields.clone();
    if report.status != Status::Failed {
        fields.shift_remove("failed");
    }
    if report.status != Status::Skipped {
        fields.shift_remove("skipped");
    }
    let texts = |texts: &[String]| Value::list(texts.iter().map(|text| Value::str(text.as_str())).collect());
    if !report.warnings.is_empty() {
        fields.insert(Value::str("warnings"), texts(&report.warnings));
    }
    if !report.show_diff {
        fields.shift_remove("diff");
    }
    fields
}

fn keys(report: &TaskReport) -> Dict {
    let mut keys = Dict::new();
    keys.insert(Value::str("_ansible_no_log"), Value::Bool(report.no_log));
    if report.always_verbose {
        keys.insert(Value::str("_ansible_verbose_always"), Value::Bool(true));
    }
    if let Some(host) = &report.delegated_to {
        let other =
            [("ansible_host", Value::str(host.as_str())), ("ansible_port", Value::Null), ("ansible_user", Value::Null)];
        let other: Dict = other.into_iter().map(|(name, value)| (Value::str(name), value)).collect();
        keys.insert(Value::str("_ansible_delegated_vars"), Value::dict(other));
    }
    keys
}
