//! Shows a text or a variable.

use rplay_module_api::{Arg, Rule, Spec};

use super::{ActionResult, FailedIn, Invocation};
use crate::template::{Templar, TemplateErrorKind};
use crate::value::{Str, Value};

pub const SPEC: Spec = Spec {
    name: "debug",
    summary: "Show a text or a variable.",
    args: &[
        Arg::raw("msg", "The text to show.").default("Hello world!"),
        Arg::raw("var", "The variable or expression to show."),
        Arg::int("verbosity", "Show it only from this number of -v on.").default("0"),
    ],
    rules: &[Rule::MutuallyExclusive(&["msg", "var"])],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let wanted = invocation.number("verbosity").unwrap_or(0.0);
    if wanted > f64::from(invocation.verbosity) {
        return ActionResult::skipped().with("skipped_reason", "Verbosity threshold not met.");
    }
    let mut result = match invocation.args.get("var") {
        Some(variable @ (Value::Str(_) | Value::Null | Value::Sealed(_))) => show(variable, invocation),
        Some(other) => {
            let (kind, text) = (other.type_name(), other.repr());
            let message = format!(
                "argument 'var' is of type {kind} and we were unable to convert to _check_type_str_no_conversion: \
                 '{text}' is not a string and conversion is not allowed"
            );
            return ActionResult::failed_in(FailedIn::Task, message);
        }
        None => {
            let message = invocation.args.get("msg").cloned().unwrap_or_else(|| Value::str("Hello world!"));
            ActionResult::default().with("msg", message)
        }
    };
    if result.is_failed() {
        return result;
    }
    result.always_verbose = true;
    result.with_changed(false)
}

fn show(variable: &Value, invocation: &Invocation<'_>) -> ActionResult {
    let named;
    let variable = match variable {
        // `var: "{{ name }}"` means the variable whose name that is; other text is data and never evaluated.
        Value::Str(text) if Templar::is_template(text) => match invocation.templar.render(variable) {
            Ok(Value::Str(name)) if name.split('.').all(crate::vars::names::is_valid) => {
                named = Value::Str(Str::trusted(name.as_str(), text.span().cloned()));
                &named
            }
            _ => variable,
        },
        other => other,
    };
    let value = match variable {
        Value::Str(text) if Templar::is_template(text) => invocation.templar.render(variable),
        Value::Str(text) => invocation.templar.expression(text),
        other => invocation.templar.render(other),
    };
    let name = match variable {
        Value::Str(text) => Value::Str(Str::data(text.as_str())),
        other => Value::str(format!("<class '{}'>", other.type_name())),
    };
    let mut result = ActionResult::default();
    match value {
        Ok(value) => {
            result.fields.insert(name, value);
        }
        // What is missing is shown as missing; an expression that is wrong fails the task.
        Err(err) if err.kind != TemplateErrorKind::Undefined => {
            return ActionResult::template_failed(Some("Error while resolving `var` expression"), &err);
        }
        Err(err) => {
            result.warnings.push("Encountered 1 template error.".to_owned());
            result.fields.insert(name, Value::str(format!("<< error 1 - {} >>", err.message)));
        }
    }
    result
}
