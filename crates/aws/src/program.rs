//! From a request's thread to the async modules and back: progress, cancellation, and what requests share.

use std::panic;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use rplay_module_api::{Ctx, Failure, Json, Map, ModuleResult};
use tokio::runtime::Runtime;

use crate::{AwsModule, Clients, Context};

/// How often a task that waits for AWS looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(100);

/// Connections belong to the runtime that opened them, so both are kept as long as the program runs.
static CLIENTS: LazyLock<Clients> = LazyLock::new(Clients::default);
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> Result<&'static Runtime, Failure> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let made = made.map_err(|err| Failure::new(format!("could not start threads: {err}")))?;
    // When another request was quicker, its runtime is used; this one has nothing to do yet and goes.
    if let Err(surplus) = RUNTIME.set(made) {
        surplus.shutdown_background();
    }
    RUNTIME.get().ok_or_else(|| Failure::new("could not start threads"))
}

pub fn run(module: &'static AwsModule, args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    let (shown, progress) = channel();
    let mut context = Context {
        check: ctx.check,
        diff: ctx.diff,
        verbosity: ctx.verbosity,
        progress: Arc::new(move |text| {
            let _ = shown.send(text);
        }),
        clients: CLIENTS.clone(),
        ..Context::default()
    };
    context.environment.extend(ctx.environment.clone());
    let runtime = runtime()?;
    let task = runtime.spawn(async move { crate::run(module.spec.name, args, &context).await });
    loop {
        match progress.recv_timeout(TICK) {
            Ok(text) => ctx.port.progress(&text),
            Err(RecvTimeoutError::Timeout) if ctx.port.is_cancelled() => {
                task.abort();
                return Err(Failure::new("the task was cancelled"));
            }
            Err(RecvTimeoutError::Timeout) if !task.is_finished() => {}
            Err(_) => break,
        }
    }
    match runtime.block_on(task) {
        Ok(result) => result,
        Err(err) => match err.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            Err(_) => Err(Failure::new("the task was cancelled")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, Read, Write};
    use std::net::TcpListener;

    use rplay_module_api::validate::validate;
    use rplay_module_api::{Command, CommandOutput, Port, Runner, Stream, json};

    use super::*;

    struct Impatient;

    impl Port for Impatient {
        fn output(&mut self, _: Stream, _: &[u8]) {}
        fn progress(&mut self, _: &str) {}
        fn receive_file(&mut self, _: &str, _: &mut dyn Write) -> io::Result<u64> {
            Ok(0)
        }
        fn send_file(&mut self, _: &str, _: &mut dyn Read) -> io::Result<u64> {
            Ok(0)
        }
        fn is_cancelled(&mut self) -> bool {
            true
        }
    }

    impl Runner for Impatient {
        fn run(&mut self, _: &Command, _: &mut dyn Port) -> io::Result<CommandOutput> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// An endpoint that takes the call and never answers keeps nobody who has lost interest.
    #[test]
    fn a_cancelled_task_ends() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let args = json!({
            "name": "k", "region": "us-east-1", "access_key": "a", "secret_key": "b",
            "endpoint_url": format!("http://{}", silent.local_addr().unwrap()),
        });
        let module = crate::find("ec2_key").unwrap();
        let args = validate(module.spec, args.as_object().unwrap().clone()).unwrap();
        let mut ctx = Ctx {
            check: false,
            diff: false,
            verbosity: 0,
            no_log: false,
            environment: BTreeMap::new(),
            tmpdir: "/tmp".into(),
            action: "ec2_key".into(),
            port: &mut Impatient,
            runner: &mut Impatient,
            warnings: Vec::new(),
        };
        assert_eq!(run(module, args, &mut ctx).unwrap_err().msg, "the task was cancelled");
    }
}
