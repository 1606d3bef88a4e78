//! AWS modules, a program of their own: the only place with the AWS SDK. Arguments are in `crates/aws-specs`.
//! `faces` knows return values, `api` knows what AWS does, `services` how to call it, `connection` whose account it is.

mod api;
mod connection;
mod context;
mod error;
mod faces;
mod program;
mod services;
mod table;
mod task;

use rplay_module_api::{Failure, Json, Map, ModuleResult, Outcome, Spec};

pub use connection::Clients;
pub use context::{Context, Pace};
pub use table::{MODULES, PROGRAM};

use task::{Running, Task};

/// One line of the table of AWS modules.
pub struct AwsModule {
    pub spec: &'static Spec,
    run: for<'a> fn(Map<String, Json>, &'a Task) -> Running<'a>,
}

pub fn find(name: &str) -> Option<&'static AwsModule> {
    MODULES.binary_search_by(|module| module.spec.name.cmp(name)).ok().and_then(|index| MODULES.get(index))
}

/// Runs a module with validated arguments. Dropping the future stops it; what AWS has accepted by then stays.
pub async fn run(name: &str, args: Map<String, Json>, context: &Context) -> ModuleResult {
    let Some(module) = find(name) else {
        return Err(Failure::new(format!("there is no AWS module `{name}`")));
    };
    let name = module.spec.name;
    if context.check && !module.spec.check_mode {
        let skipped = Outcome { skipped: true, ..Outcome::default() };
        return Ok(skipped.with("msg", format!("remote module ({name}) does not support check mode")));
    }
    let mut args = args;
    let settings = connection::Settings::take(&mut args, &context.environment)?;
    let task = Task::new(module.spec.name, context.clone(), settings);
    let result = (module.run)(args, &task).await;
    let warnings = task.into_warnings();
    match result {
        Ok(mut outcome) => {
            outcome.warnings.extend(warnings);
            Ok(outcome)
        }
        Err(mut failure) => {
            failure.warnings.extend(warnings);
            Err(failure)
        }
    }
}
