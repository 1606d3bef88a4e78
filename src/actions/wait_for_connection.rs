//! Waits until a host can be reached and modules run there.

use std::time::{Duration, Instant};

use rplay_module_api::{Arg, Spec};

use super::{ActionResult, Invocation, ModuleCall};

pub const SPEC: Spec = Spec {
    name: "wait_for_connection",
    summary: "Wait until the host can be reached.",
    args: &[
        Arg::int("connect_timeout", "Seconds for one attempt.").default("5"),
        Arg::int("delay", "Seconds before the first attempt.").default("0"),
        Arg::int("sleep", "Seconds between attempts.").default("1"),
        Arg::int("timeout", "Seconds for all of it.").default("600"),
    ],
    ..Spec::EMPTY
};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let seconds = |name: &str| Duration::from_secs_f64(invocation.number(name).unwrap_or(0.0).max(0.0));
    if invocation.check {
        return ActionResult::skipped().with_changed(false).with("elapsed", 0_i64);
    }
    let start = Instant::now();
    tokio::time::sleep(seconds("delay")).await;
    let deadline = start + seconds("timeout");
    let mut last;
    loop {
        // Whatever was left of an earlier connection would answer for a host that is going down.
        invocation.target.pool.reset(&invocation.target.endpoint);
        let ping = ModuleCall { module: "ping".into(), action: "ping".into(), ..ModuleCall::default() };
        let attempt = invocation.target.module(ping);
        last = match tokio::time::timeout(seconds("connect_timeout").max(Duration::from_secs(1)) * 2, attempt).await {
            Ok(Ok(Ok(_))) => return ActionResult::changed(false).with("elapsed", elapsed(start)),
            Ok(Ok(Err(failure))) => failure.msg,
            Ok(Err(err)) => err.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if Instant::now() >= deadline {
            break;
        }
        (invocation.progress)(&format!("waiting for a connection: {last}"));
        tokio::time::sleep(seconds("sleep")).await;
    }
    ActionResult::failed(format!("timed out waiting for ping module test: {last}")).with("elapsed", elapsed(start))
}

fn elapsed(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_secs()).unwrap_or(i64::MAX)
}
