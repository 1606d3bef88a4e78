//! Checks variables against a specification of arguments, such as a role's own (`meta/argument_specs.yml`).

mod check;

use rplay_module_api::{Arg, Json, Map, Spec};

use self::check::Checked;
use super::{ActionResult, Cause, FailedIn, Invocation, Trouble};
use crate::value::{Dict, Str, Value};
use crate::vars::names;

pub const SPEC: Spec = Spec {
    name: "validate_argument_spec",
    summary: "Check variables against a specification of arguments.",
    args: &[
        Arg::raw("argument_spec", "The arguments: their names, and type, choices and the like of each."),
        Arg::raw("provided_arguments", "Values that go before variables of these names."),
        Arg::raw("validate_args_context", "What is checked here, for the result."),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let context = invocation.args.get("validate_args_context").cloned().unwrap_or_else(|| Value::dict(Dict::new()));
    match validate(invocation) {
        Ok(result) => result.with("validate_args_context", context),
        Err(result) => result,
    }
}

fn broken(message: String) -> ActionResult {
    let causes = vec![Cause { message, ..Cause::default() }];
    ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes })
}

fn validate(invocation: &Invocation<'_>) -> Result<ActionResult, ActionResult> {
    let Some(written) = invocation.args.get("argument_spec") else {
        let args = Value::dict(invocation.args.clone()).repr();
        return Err(broken(format!("\"argument_spec\" arg is required in args: {args}")));
    };
    let spec = dict(written, "argument_spec")?;
    let nothing = Value::dict(Dict::new());
    let provided = dict(invocation.args.get("provided_arguments").unwrap_or(&nothing), "provided_arguments")?;
    let mut values = Map::new();
    for name in spec.keys().map(Value::to_text) {
        if let Some(value) = variable(invocation, &name)? {
            values.insert(name, value.to_json());
        }
    }
    values.extend(provided.iter().map(|(name, value)| (name.to_json_key(), value.to_json())));
    let spec: Map<String, Json> = spec.iter().map(|(name, value)| (name.to_json_key(), value.to_json())).collect();
    let Checked { errors, warnings } = check::check(&spec, values);
    let mut result = if errors.is_empty() {
        ActionResult::changed(false).with("msg", "The arg spec validation passed")
    } else {
        let message = format!("Validation of arguments failed:\n{}", errors.join("\n"));
        ActionResult::failed(message)
            .with("argument_spec_data", written.clone())
            .with("argument_errors", errors.iter().map(|text| Value::str(text.as_str())).collect::<Vec<_>>())
    };
    result.warnings = warnings;
    Ok(result)
}

fn dict<'a>(value: &'a Value, name: &str) -> Result<&'a Dict, ActionResult> {
    value.as_dict().ok_or_else(|| {
        let found = value.type_name();
        broken(format!("Incorrect type for {name}, expected dict and got <class '{found}'>"))
    })
}

/// The value of a variable, if there is one.
fn variable(invocation: &Invocation<'_>, name: &str) -> Result<Option<Value>, ActionResult> {
    if !names::is_valid(name) || invocation.templar.variables().get(name).is_none() {
        return Ok(None);
    }
    let value = invocation.templar.expression(&Str::trusted(name, None));
    value.map(Some).map_err(|err| ActionResult::template_failed(None, &err))
}
