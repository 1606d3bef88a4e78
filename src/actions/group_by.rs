//! Puts a host into a group named after something about it.

use rplay_module_api::{Arg, Kind, Spec};

use super::{ActionResult, FailedIn, Invocation, RunEffect};
use crate::inventory::Change;
use crate::value::Value;

pub const SPEC: Spec = Spec {
    name: "group_by",
    summary: "Put hosts into groups by their variables.",
    args: &[
        Arg::str("key", "Name of the group."),
        Arg::list("parents", "Groups that it belongs to.", Kind::Str).default("all"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    if invocation.args.contains_key("_raw_params") {
        return ActionResult::failed_in(FailedIn::Task, "Invalid options for group_by: _raw_params");
    }
    let Some(key) = invocation.text("key") else {
        return ActionResult::failed_in(FailedIn::Task, "the 'key' param is required when using group_by");
    };
    let group = key.replace(' ', "-");
    let parents: Vec<String> = match invocation.checked.get("parents") {
        Some(serde_json::Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str()).map(|name| name.replace(' ', "-")).collect()
        }
        _ => vec!["all".to_owned()],
    };
    let names = Value::list(parents.iter().map(|name| Value::str(name.as_str())).collect());
    ActionResult::default()
        .with("add_group", group.as_str())
        .with("parent_groups", names)
        .with_run_effect(RunEffect::Inventory(Change::GroupBy { host: invocation.host.to_owned(), group, parents }))
}
