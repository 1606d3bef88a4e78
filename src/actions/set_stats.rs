//! Adds to the statistics that are shown after the recap.

use std::sync::Arc;

use rplay_module_api::{Arg, Spec, truth};

use super::set_fact::refused_name;
use super::{ActionResult, Invocation, RunEffect};
use crate::value::{Dict, Value};

pub const SPEC: Spec = Spec {
    name: "set_stats",
    summary: "Set statistics of the run.",
    args: &[
        Arg::raw("data", "A dict of statistics and their values."),
        Arg::raw("per_host", "Keep them per host; what is no boolean counts as false."),
        Arg::raw("aggregate", "Add to what is there already (the default); what is no boolean counts as false."),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let data = match invocation.args.get("data") {
        None => &Arc::default(),
        Some(Value::Dict(data)) => data,
        Some(_) => return ActionResult::failed("The 'data' option needs to be a dictionary/hash"),
    };
    if let Some(refused) = data.keys().find_map(refused_name) {
        return refused;
    }
    let flag = |name: &str| match invocation.args.get(name) {
        None | Some(Value::Null) => None,
        Some(value) => Some(truth(&value.to_text()).unwrap_or(false)),
    };
    let (per_host, aggregate) = (flag("per_host").unwrap_or(false), flag("aggregate").unwrap_or(true));
    let stats = Dict::from_iter([
        (Value::str("aggregate"), Value::Bool(aggregate)),
        (Value::str("data"), Value::Dict(Arc::clone(data))),
        (Value::str("per_host"), Value::Bool(per_host)),
    ]);
    ActionResult::changed(false).with("ansible_stats", stats).with_run_effect(RunEffect::SetStats {
        data: (**data).clone(),
        per_host,
        aggregate,
    })
}
