//! Starts the cloud once for all tests, and runs modules against it as the controller does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rplay_aws::{Context, Pace};
use rplay_module_api::validate::validate;
use rplay_module_api::{Failure, Json, ModuleResult, Outcome};

struct Server {
    /// The server ends when this process lets go of its standard input.
    _child: Child,
    port: u16,
}

static SERVER: OnceLock<Server> = OnceLock::new();

fn start() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/cloud.py");
    let mut child = Command::new(python_of_moto())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of moto_server starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("standard output is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("the cloud tells its port");
    let port = line.trim().parse().expect("moto[server,ec2,rds] is installed and starts");
    Server { _child: child, port }
}

/// The interpreter that `moto_server` names in its first line.
fn python_of_moto() -> PathBuf {
    let candidates: Vec<PathBuf> = match std::env::var_os("RPLAY_MOTO_SERVER") {
        Some(path) => vec![path.into()],
        None => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|dir| dir.join("moto_server"))
            .collect(),
    };
    for candidate in &candidates {
        let Ok(text) = std::fs::read_to_string(candidate) else { continue };
        if let Some(interpreter) = text.lines().next().and_then(|line| line.strip_prefix("#!")) {
            let interpreter = PathBuf::from(interpreter.trim());
            if interpreter.is_file() {
                return interpreter;
            }
        }
    }
    panic!(
        "these tests need moto: `python3 -m venv VENV && VENV/bin/pip install 'moto[server,ec2,rds]'`, then \
         RPLAY_MOTO_SERVER=VENV/bin/moto_server"
    );
}

/// One user of the cloud: a region, a key, and what was shown while waiting.
pub struct Cloud {
    pub context: Context,
    pub progress: Arc<Mutex<Vec<String>>>,
}

impl Cloud {
    pub fn new(region: &str) -> Self {
        Self::with_key(region, "testing")
    }

    pub fn with_key(region: &str, key: &str) -> Self {
        let endpoint = format!("http://127.0.0.1:{}", SERVER.get_or_init(start).port);
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", "hidden-key"),
            ("AWS_REGION", region),
        ];
        let environment: BTreeMap<String, String> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let progress = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&progress);
        let context = Context {
            environment,
            progress: Arc::new(move |text| shown.lock().unwrap().push(text)),
            pace: Pace { speedup: 20, first_retry: Duration::from_millis(5) },
            ..Context::default()
        };
        Self { context, progress }
    }

    pub fn endpoint(&self) -> &str {
        &self.context.environment["AWS_ENDPOINT_URL"]
    }

    /// Validates and runs a module, as the controller does.
    pub async fn run(&self, module: &str, args: Json) -> ModuleResult {
        let spec = &rplay_aws::find(module).expect("the module exists").spec;
        let args = args.as_object().cloned().expect("arguments are a mapping");
        let args = validate(spec, args).map_err(|problem| Failure::new(problem.message))?;
        rplay_aws::run(module, args, &self.context).await
    }

    pub async fn ok(&self, module: &str, args: Json) -> Outcome {
        self.run(module, args).await.unwrap_or_else(|failure| panic!("{module} failed: {}", failure.msg))
    }

    pub async fn fails(&self, module: &str, args: Json) -> Failure {
        match self.run(module, args).await {
            Err(failure) => failure,
            Ok(outcome) => panic!("{module} did not fail: {:?}", outcome.fields),
        }
    }

    pub async fn check(&mut self, module: &str, args: Json) -> Outcome {
        self.context.check = true;
        let outcome = self.ok(module, args).await;
        self.context.check = false;
        outcome
    }

    pub fn shown(&self, text: &str) -> bool {
        self.progress.lock().unwrap().iter().any(|line| line.contains(text))
    }
}
