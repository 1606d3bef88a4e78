//! Waits for some time, or for the user.

use std::time::{Duration, Instant};

use rplay_module_api::{Arg, Rule, Spec};

use super::{ActionResult, Answer, FailedIn, Invocation, Pause, Question};
use crate::value::Value;

pub const SPEC: Spec = Spec {
    name: "pause",
    summary: "Wait for some time or for the user.",
    args: &[
        Arg::raw("minutes", "Minutes to wait."),
        Arg::raw("seconds", "Seconds to wait."),
        Arg::str("prompt", "Text to show."),
        Arg::bool("echo", "Show what is typed.").default("yes"),
    ],
    rules: &[Rule::MutuallyExclusive(&["minutes", "seconds"])],
    ..Spec::EMPTY
};

const HOW_TO_GO_ON: &str = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)";

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let seconds = match duration(invocation) {
        Ok(seconds) => seconds,
        Err(message) => return ActionResult::failed(message),
    };
    let prompt = invocation.text("prompt");
    let name = invocation.task.name.as_deref().unwrap_or("pause");
    let hidden = if invocation.bool("echo") { "" } else { " (output is hidden)" };
    let started = chrono::Local::now();
    let clock = Instant::now();
    let mut result = ActionResult::changed(false);
    let mut input = String::new();
    match seconds {
        Some(seconds) => {
            let duration = Duration::from_secs(seconds.max(1));
            (invocation.say)(&format!("Pausing for {} seconds{hidden}", duration.as_secs()));
            let text = match prompt {
                Some(prompt) => {
                    (invocation.say)(HOW_TO_GO_ON);
                    format!("[{name}]\n{prompt}{hidden}:\n")
                }
                None => format!("{HOW_TO_GO_ON}\n"),
            };
            let question = Question { text, secret: true, pause: Some(Pause::For(duration)), ..Question::default() };
            match (invocation.ask)(question).await {
                Answer::Text(_) => {}
                Answer::Aborted => return aborted(),
                Answer::NotInteractive | Answer::Lost(_) => {
                    tokio::time::sleep(duration.saturating_sub(clock.elapsed())).await;
                }
            }
        }
        None => {
            let text = prompt.unwrap_or("Press enter to continue, Ctrl+C to interrupt");
            let question = Question {
                text: format!("[{name}]\n{text}{hidden}:\n"),
                secret: !invocation.bool("echo"),
                pause: Some(Pause::UntilAnswered),
                ..Question::default()
            };
            match (invocation.ask)(question).await {
                Answer::Text(text) => input = text,
                Answer::Aborted => return aborted(),
                Answer::NotInteractive => {
                    result.warnings.push("Not waiting for response to prompt as stdin is not interactive".to_owned());
                }
                Answer::Lost(reason) => return ActionResult::failed(format!("the prompt was not answered: {reason}")),
            }
        }
    }
    let elapsed = clock.elapsed().as_secs();
    let stdout = match (seconds, invocation.checked.contains_key("minutes")) {
        (Some(_), false) => format!("Paused for {} seconds", python_round(clock.elapsed().as_secs_f64())),
        _ => format!("Paused for {} minutes", python_round(clock.elapsed().as_secs_f64() / 60.0)),
    };
    if !result.warnings.is_empty() {
        let warnings = result.warnings.iter().map(|text| Value::str(text.as_str())).collect::<Vec<_>>();
        result = result.with("warnings", warnings);
    }
    result
        .with("rc", 0_i64)
        .with("stderr", "")
        .with("stdout", stdout)
        .with("start", stamp(started))
        .with("stop", stamp(chrono::Local::now()))
        .with("delta", i64::try_from(elapsed).unwrap_or(i64::MAX))
        .with("echo", invocation.bool("echo"))
        .with("user_input", input)
}

fn aborted() -> ActionResult {
    ActionResult::failed_in(FailedIn::Task, "user requested abort!")
}

/// Seconds to wait; none to wait for the user.
fn duration(invocation: &Invocation<'_>) -> Result<Option<u64>, String> {
    for (name, factor) in [("minutes", 60.0), ("seconds", 1.0)] {
        let Some(written) = invocation.args.get(name) else { continue };
        let text = written.to_text();
        let refused = |why: String| {
            let kind = written.type_name();
            format!("argument '{name}' is of type {kind} and we were unable to convert to int: {why}")
        };
        let number: f64 = match written {
            Value::Str(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::Bool(_) => text.trim().parse(),
            other => {
                let wanted = "int() argument must be a string, a bytes-like object or a real number";
                return Err(refused(format!("{wanted}, not '{}'", other.type_name())));
            }
        }
        .map_err(|_| refused(format!("invalid literal for int() with base 10: '{text}'")))?;
        if !number.is_finite() {
            return Err(refused(format!("cannot convert float {text} to integer")));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative after max")]
        return Ok(Some((number.max(0.0) * factor) as u64));
    }
    Ok(None)
}

/// Two digits after the point, as Python prints `round(x, 2)`.
fn python_round(number: f64) -> String {
    crate::value::python::float_repr((number * 100.0).round() / 100.0)
}

fn stamp(time: chrono::DateTime<chrono::Local>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
