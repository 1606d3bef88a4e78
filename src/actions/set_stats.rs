//! Adds to the statistics that are shown after the recap.

use rplay_module_api::{Arg, Spec};

use super::set_fact::refused_name;
use super::{ActionResult, Invocation, RunEffect};
use crate::value::{Dict, Value};

pub const SPEC: Spec = Spec {
    name: "set_stats",
    summary: "Set statistics of the run.",
    args: &[
        Arg::dict("data", "Statistics and their values.").required(),
        Arg::bool("per_host", "Keep them per host.").default("no"),
        Arg::bool("aggregate", "Add to what is there already.").default("yes"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let Some(Value::Dict(data)) = invocation.args.get("data") else {
        return ActionResult::failed("The 'data' option needs to be a dictionary/hash");
    };
    if let Some(refused) = data.keys().find_map(refused_name) {
        return refused;
    }
    let (per_host, aggregate) = (invocation.bool("per_host"), invocation.bool("aggregate"));
    let stats = Dict::from_iter([
        (Value::str("aggregate"), Value::Bool(aggregate)),
        (Value::str("data"), Value::Dict(std::sync::Arc::clone(data))),
        (Value::str("per_host"), Value::Bool(per_host)),
    ]);
    ActionResult::changed(false).with("ansible_stats", stats).with_run_effect(RunEffect::SetStats {
        data: (**data).clone(),
        per_host,
        aggregate,
    })
}
