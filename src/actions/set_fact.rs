//! Gives a host variables.

use rplay_module_api::{Arg, Spec, truth};

use super::{ActionResult, Cause, FailedIn, HostEffect, Invocation, Trouble};
use crate::value::{Dict, Value};
use crate::vars::names;

pub const SPEC: Spec = Spec {
    name: "set_fact",
    summary: "Set variables of a host.",
    args: &[
        Arg::raw("key_value", "Variables and their values."),
        Arg::bool("cacheable", "Also make them facts.").default("no"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let mut facts = Dict::new();
    let mut cacheable = false;
    for (name, value) in &invocation.args {
        if name.as_str() == Some("cacheable") {
            cacheable = truth(&value.to_text()) == Some(true);
            continue;
        }
        if let Some(refused) = refused_name(name) {
            return refused;
        }
        let name = match name {
            Value::Str(text) => Value::Str(text.clone().into_untrusted()),
            other => Value::str(other.to_text()),
        };
        facts.insert(name, value.clone());
    }
    if facts.is_empty() {
        return ActionResult::failed_in(
            FailedIn::Task,
            "No key/value pairs provided, at least one is required for this action to succeed",
        );
    }
    ActionResult::changed(false)
        .with("ansible_facts", facts.clone())
        .with_host_effect(HostEffect::SetFacts { facts, cacheable })
}

/// The failure of a task that sets a variable of this name; nothing when a variable may be called so.
pub fn refused_name(name: &Value) -> Option<ActionResult> {
    let cause =
        Cause { message: names::mistake(name)?, place: name.span().cloned(), hint: Some(names::RULE.to_owned()) };
    Some(ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes: vec![cause] }))
}
