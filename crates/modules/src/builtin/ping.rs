//! Answers, to show that a host can be reached and runs modules.

use rplay_module_api::{Arg, Ctx, Failure, Module, ModuleResult, Outcome, Spec, run};
use serde::Deserialize;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "ping",
        summary: "Try to connect to a host and run something there.",
        args: &[Arg::str("data", "What to answer; `crash` fails.").default("pong")],
        ..Spec::EMPTY
    },
    run: run!(ping),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    data: String,
}

fn ping(args: Args, _ctx: &mut Ctx) -> ModuleResult {
    if args.data == "crash" {
        return Err(Failure::new("boom"));
    }
    Ok(Outcome::changed(false).with("ping", args.data))
}
