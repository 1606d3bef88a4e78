//! Fails on purpose.

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Invocation};
use crate::value::Value;

const DEFAULT: &str = "Failed as requested from task";

pub const SPEC: Spec = Spec {
    name: "fail",
    summary: "Fail with a message.",
    args: &[Arg::raw("msg", "Why.").default(DEFAULT)],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let msg = invocation.args.get("msg").cloned().unwrap_or_else(|| Value::str(DEFAULT));
    ActionResult::failed(msg.to_text()).with("msg", msg)
}
