//! The machine that a task works on: runs modules there, over whatever connection the variables name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rplay_module_api::message::{Background, Foreign};
use rplay_module_api::{Json, Map, ModuleResult};

use super::{ActionResult, Cause, FailedIn, Trouble};
use crate::remote::{
    Become, Client, Endpoint, FileSource, ModuleRequest, Pool, Program, RawOutput, RemoteError, RemoteEvent,
};
use crate::value::Value;

/// A module to be run on the target.
#[derive(Clone, Debug, Default)]
pub struct ModuleCall {
    /// The program that has the module; none is the agent.
    pub program: Option<&'static Program>,
    /// The module's name there.
    pub module: String,
    /// The action's name, for modules with several faces.
    pub action: String,
    /// Validated arguments.
    pub args: Map<String, Json>,
    /// The module is no part of the program, but these files.
    pub foreign: Option<Foreign>,
    /// Content that the module may ask for by name.
    pub files: Vec<(String, FileSource)>,
    /// Where files go that the module sends, by name.
    pub receive: Vec<(String, PathBuf)>,
}

/// How the target is reached and as whom the module runs there.
#[derive(Clone)]
pub struct Target {
    pub pool: Arc<Pool>,
    pub endpoint: Endpoint,
    pub becoming: Option<Become>,
    pub environment: BTreeMap<String, String>,
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub verbosity: u8,
    /// The module that runs there goes on by itself (`async`).
    pub background: Option<Background>,
    /// The folder of such modules' job files, as it is written.
    pub async_directory: String,
    /// The configured interpreter of modules in Python, or how it is found.
    pub python: Option<String>,
    /// A variable of the host that the task works on, rendered.
    pub variable: Arc<dyn Fn(&str) -> Option<Value> + Send + Sync>,
    /// Where progress and running output go.
    pub progress: Arc<dyn Fn(RemoteEvent) + Send + Sync>,
}

impl Target {
    pub fn is_local(&self) -> bool {
        matches!(self.endpoint, Endpoint::Local { .. })
    }

    /// The connection, made when it is needed for the first time.
    pub async fn client(&self) -> Result<Arc<Client>, RemoteError> {
        Ok(self.pool.client(&self.endpoint).await?)
    }

    /// Runs a module on the target.
    pub async fn module(&self, call: ModuleCall) -> Result<ModuleResult, RemoteError> {
        let client = self.client().await?;
        let request = ModuleRequest {
            program: call.program,
            module: call.module,
            action: call.action,
            args: call.args,
            check: self.check,
            diff: self.diff,
            verbosity: self.verbosity,
            no_log: self.no_log,
            environment: self.environment.clone(),
            become_: self.becoming.clone(),
            live_output: self.verbosity > 0 && !self.no_log,
            background: self.background.clone(),
            foreign: call.foreign,
            files: call.files,
            receive: call.receive,
        };
        let progress = Arc::clone(&self.progress);
        let reply = client.run(request, &mut move |event| progress(event)).await?;
        Ok(match reply.result {
            Ok(mut outcome) => {
                outcome.warnings.extend(reply.warnings);
                Ok(outcome)
            }
            Err(mut failure) => {
                failure.warnings.extend(reply.warnings);
                Err(failure)
            }
        })
    }

    /// The same, with everything that can go wrong as the task's result.
    pub async fn module_result(&self, call: ModuleCall) -> ActionResult {
        match self.module(call).await {
            Ok(result) => ActionResult::from_module(result),
            Err(err) => remote_failed(&err),
        }
    }

    /// Runs a line in the login shell, without an agent.
    pub async fn raw(&self, line: &str) -> Result<RawOutput, RemoteError> {
        self.client().await?.raw(line, self.becoming.as_ref()).await
    }
}

/// The result of a task whose module could not be run to its end.
pub fn remote_failed(err: &RemoteError) -> ActionResult {
    match err {
        RemoteError::Unreachable(unreachable) => ActionResult::unreachable(unreachable.message.as_str()),
        RemoteError::Failed(reason) => {
            let causes = vec![Cause { message: reason.clone(), ..Cause::default() }];
            ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes })
        }
    }
}
