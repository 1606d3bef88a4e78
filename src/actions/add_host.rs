//! Puts a host into the inventory of this run.

use rplay_module_api::{Arg, Kind, Spec};

use super::{ActionResult, FailedIn, Invocation, RunEffect};
use crate::inventory::Change;
use crate::value::{Dict, Value};

pub const SPEC: Spec = Spec {
    name: "add_host",
    summary: "Add a host to the inventory of this run.",
    args: &[
        Arg::str("name", "The host, with a port if need be.").required().aliases(&["host", "hostname"]),
        Arg::list("groups", "Groups to put it into.", Kind::Str).aliases(&["group", "groupname"]),
    ],
    ..Spec::EMPTY
};

const NAMES: &[&str] = &["name", "host", "hostname"];
const GROUPS: &[&str] = &["groups", "group", "groupname", "group_name"];

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let mut args = invocation.args.clone();
    match args.shift_remove("_raw_params") {
        Some(Value::Dict(all)) => {
            let own = std::mem::replace(&mut args, (*all).clone());
            args.extend(own);
        }
        Some(other) => {
            let message = format!(
                "Invalid raw parameters passed, requires a dictonary/mapping got a  <class '{}'>",
                other.type_name()
            );
            return ActionResult::failed_in(FailedIn::Task, message);
        }
        None => {}
    }
    let Some(name) = NAMES.iter().find_map(|name| args.get(*name)).map(Value::to_text).filter(|name| !name.is_empty())
    else {
        return ActionResult::failed_in(FailedIn::Task, "name, host or hostname needs to be provided");
    };
    let (name, port) = split_port(&name);
    let mut groups: Vec<String> = Vec::new();
    for value in GROUPS.iter().filter_map(|name| args.get(*name)) {
        let add = |text: &str, groups: &mut Vec<String>| {
            for group in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
                if !groups.iter().any(|known| known == group) {
                    groups.push(group.to_owned());
                }
            }
        };
        match value {
            Value::Null => {}
            Value::List(items) => items.iter().for_each(|item| add(&item.to_text(), &mut groups)),
            other => add(&other.to_text(), &mut groups),
        }
    }
    let mut vars: Dict = args
        .iter()
        .filter(|(key, _)| key.as_str().is_none_or(|key| !NAMES.contains(&key) && !GROUPS.contains(&key)))
        .map(|(key, value)| (Value::str(key.to_text()), value.clone()))
        .collect();
    if let Some(port) = port {
        vars.insert(Value::str("ansible_ssh_port"), Value::Int(port));
    }
    let details = Dict::from_iter([
        (Value::str("groups"), Value::list(groups.iter().map(|group| Value::str(group.as_str())).collect())),
        (Value::str("host_name"), Value::str(name.as_str())),
        (Value::str("host_vars"), Value::dict(vars.clone())),
    ]);
    ActionResult::default().with("add_host", details).with_run_effect(RunEffect::Inventory(Change::AddHost {
        name,
        groups,
        vars,
    }))
}

/// `host:port`, `[v6]:port`, or a host alone.
fn split_port(text: &str) -> (String, Option<i64>) {
    if let Some((host, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:"))
        && let Ok(port) = port.parse()
    {
        return (host.to_owned(), Some(port));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host.to_owned(), Some(port)),
            Err(_) => (text.to_owned(), None),
        },
        _ => (text.to_owned(), None),
    }
}
