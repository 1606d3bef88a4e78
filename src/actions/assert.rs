//! Fails unless conditions hold.

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, FailedIn, Invocation};
use crate::template::TemplateErrorKind;
use crate::value::{Str, Value};

pub const SPEC: Spec = Spec {
    name: "assert",
    summary: "Check that conditions hold.",
    args: &[
        Arg::raw("that", "The conditions.").required(),
        Arg::str("fail_msg", "Text for a failure.").aliases(&["msg"]),
        Arg::str("success_msg", "Text for success."),
        Arg::bool("quiet", "Say less about success.").default("no"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let quiet = invocation.bool("quiet");
    let conditions = match invocation.args.get("that") {
        Some(Value::List(items)) => items.to_vec(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    for condition in conditions {
        match invocation.templar.condition(&condition) {
            Ok(held) if held.result => {}
            Ok(_) => {
                let message = invocation.text("fail_msg").unwrap_or("Assertion failed");
                let mut result = ActionResult::failed_in(FailedIn::Action, message)
                    .with("evaluated_to", false)
                    .with("assertion", as_data(condition));
                result.always_verbose = !quiet;
                return result;
            }
            Err(err) => {
                let mut result = ActionResult::template_failed(None, &err);
                if err.kind == TemplateErrorKind::BrokenConditional
                    && let Some(cause) = result.cause_mut()
                {
                    cause.hint = Some(super::result::BROKEN_CONDITIONAL_HINT.to_owned());
                }
                return result;
            }
        }
    }
    let mut result =
        ActionResult::changed(false).with("msg", invocation.text("success_msg").unwrap_or("All assertions passed"));
    result.always_verbose = !quiet;
    result
}

fn as_data(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(Str::data(text.as_str())),
        other => other,
    }
}
