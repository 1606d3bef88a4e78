//! Adds a role when the run has come to it.

use rplay_module_api::{Arg, Spec};

use super::include_tasks::{apply, params};
use super::{ActionResult, Include, IncludeTarget, Invocation, RunEffect};

pub const SPEC: Spec = Spec {
    name: "include_role",
    summary: "Include a role while the run goes on.",
    args: &[
        Arg::str("name", "The role.").required().aliases(&["role"]),
        Arg::str("tasks_from", "Another file than tasks/main."),
        Arg::str("vars_from", "Another file than vars/main."),
        Arg::str("defaults_from", "Another file than defaults/main."),
        Arg::str("handlers_from", "Another file than handlers/main."),
        Arg::bool("public", "Show the role's variables to the tasks after it.").default("no"),
        Arg::bool("allow_duplicates", "Run the role again if it has run before.").default("yes"),
        Arg::bool("rolespec_validate", "Check the role's arguments against its specification.").default("yes"),
        Arg::dict("apply", "Keywords for the role's tasks."),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let text = |name: &str| invocation.text(name).map(str::to_owned);
    let Some(name) = text("name") else {
        return ActionResult::failed("'name' is a required field for include_role.");
    };
    let target = IncludeTarget::Role {
        name: name.clone(),
        tasks_from: text("tasks_from"),
        vars_from: text("vars_from"),
        defaults_from: text("defaults_from"),
        handlers_from: text("handlers_from"),
        public: invocation.args.contains_key("public").then(|| invocation.bool("public")),
        validated: invocation.bool("rolespec_validate"),
        allow_duplicates: invocation.bool("allow_duplicates"),
    };
    ActionResult::default().with("include", name).with("include_args", crate::value::Dict::new()).with_run_effect(
        RunEffect::Include(Include { target, params: params(invocation), apply: apply(invocation), item: None }),
    )
}
