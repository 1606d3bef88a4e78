//! Fails on purpose.

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Invocation};

pub const SPEC: Spec = Spec {
    name: "fail",
    summary: "Fail with a message.",
    args: &[Arg::str("msg", "Why.").default("Failed as requested from task")],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    ActionResult::failed(invocation.text("msg").unwrap_or_default())
}
