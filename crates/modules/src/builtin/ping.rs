//! Answers, to show that a host can be reached and runs modules.

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(ping) };

const EXAMPLE: &str = r"- name: See whether the host answers
  ping:
";

const RETURNS: &[Return] = &[Return::new("ping", Kind::Str, "success", "What data says.")];

/// Try to connect to a host and run something there.
#[derive(ModuleArgs)]
#[module(name = "ping")]
struct Args {
    /// What to answer; `crash` fails.
    #[arg(default = "pong")]
    data: String,
}

fn ping(args: Args, _ctx: &mut Ctx) -> ModuleResult {
    if args.data == "crash" {
        return Err(Failure::new("boom"));
    }
    Ok(Outcome::changed(false).with("ping", args.data))
}
