//! `meta`: the strategy itself carries these out; here is only what may be written.

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Invocation};

pub const SPEC: Spec = Spec {
    name: "meta",
    summary: "Tell the run itself what to do.",
    args: &[Arg::str("free_form", "What to do.").required()],
    free_form: Some("free_form"),
    ..Spec::EMPTY
};

pub async fn run(_: &Invocation<'_>) -> ActionResult {
    ActionResult::failed("meta can only be used as a task of a play")
}
