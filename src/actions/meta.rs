//! `meta`: the strategy itself carries these out; here is only what may be written.

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Invocation};

pub const SPEC: Spec = Spec {
    name: "meta",
    summary: "Tell the run itself what to do.",
    args: &[Arg::str("free_form", "What to do.").required().choices(CHOICES)],
    free_form: Some("free_form"),
    ..Spec::EMPTY
};

pub const CHOICES: &[&str] = &[
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
];

pub async fn run(_: &Invocation<'_>) -> ActionResult {
    ActionResult::failed("meta can only be used as a task of a play")
}
