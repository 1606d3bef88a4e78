//! A line for the target's login shell: needs nothing there, not even the agent.

use rplay_module_api::message::shell_quote;
use rplay_module_api::{Arg, Spec};

use super::target::remote_failed;
use super::{ActionResult, Invocation};
use crate::remote::RawOutput;

pub const SPEC: Spec = Spec {
    name: "raw",
    summary: "Run a line in the shell of the target.",
    args: &[
        Arg::str("_raw_params", "The line, as the task's free text.").required(),
        Arg::str("executable", "The shell that runs it."),
    ],
    free_form: Some("_raw_params"),
    check_mode: false,
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    if invocation.check {
        return ActionResult::skipped().with_changed(false);
    }
    let line = invocation.text("_raw_params").unwrap_or_default();
    let line = match invocation.text("executable") {
        Some(shell) if !shell.is_empty() => format!("{shell} -c {}", shell_quote(line)),
        _ => line.to_owned(),
    };
    let mut result = match invocation.target.raw(&line).await {
        Ok(output) => finished(&output),
        Err(err) => remote_failed(&err),
    };
    if !invocation.target.environment.is_empty() {
        result.warnings.push("raw module does not support the environment keyword".to_owned());
    }
    result
}

/// The result of a line that came to its end.
pub fn finished(output: &RawOutput) -> ActionResult {
    let result =
        if output.rc == 0 { ActionResult::changed(true) } else { ActionResult::failed("non-zero return code") };
    result
        .with_changed(true)
        .with("rc", i64::from(output.rc))
        .with("stdout", String::from_utf8_lossy(&output.stdout).into_owned())
        .with("stderr", String::from_utf8_lossy(&output.stderr).into_owned())
}
