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
        Arg::raw("fail_msg", "Text for a failure, or texts.").aliases(&["msg"]),
        Arg::raw("success_msg", "Text for success, or texts."),
        Arg::bool("quiet", "Say less about success.").default("no"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let quiet = invocation.bool("quiet");
    let conditions = match invocation.args.get("that") {
        Some(Value::List(items)) => items.to_vec(),
        Some(single) => match listed(single, invocation) {
            Some(items) => items,
            None => vec![single.clone()],
        },
        None => Vec::new(),
    };
    let args = &invocation.args;
    let texts = [("fail_msg", args.get("fail_msg").or(args.get("msg"))), ("success_msg", args.get("success_msg"))];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !is_text_or_texts(text)) {
            let message = format!(
                "argument '{name}' is of type {} and we were unable to convert to str_or_list_of_str: a string or list of strings is required",
                text.type_name()
            );
            return ActionResult::failed_in(FailedIn::Task, message);
        }
    }
    let [fail_msg, success_msg] = texts.map(|(_, text)| text.filter(|text| !text.is_null()).cloned());
    for condition in conditions {
        match invocation.templar.condition(&condition) {
            Ok(held) if held.result => {}
            Ok(_) => {
                let message = fail_msg.unwrap_or_else(|| Value::str("Assertion failed"));
                let mut result = ActionResult::failed_in(FailedIn::Action, message.to_text())
                    .with("msg", message)
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
    let message = success_msg.unwrap_or_else(|| Value::str("All assertions passed"));
    let mut result = ActionResult::changed(false).with("msg", message);
    result.always_verbose = !quiet;
    result
}

/// The conditions in a variable that has several.
fn listed(that: &Value, invocation: &Invocation<'_>) -> Option<Vec<Value>> {
    let text = that.as_str()?.trim();
    if !text.starts_with("{{") || !text.ends_with("}}") {
        return None;
    }
    match invocation.templar.render(that) {
        Ok(Value::List(items)) => Some(items.to_vec()),
        _ => None,
    }
}

fn is_text_or_texts(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().all(|item| item.as_str().is_some()),
        other => other.is_null() || other.as_str().is_some(),
    }
}

fn as_data(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(Str::data(text.as_str())),
        other => other,
    }
}
