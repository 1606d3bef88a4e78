//! The answers of `ssh -G`.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::SshConfig;
use super::options::{ALGORITHMS, Collector, Fate, fate};
use crate::connection::limits;

/// `ssh -G` without any configuration, by option: what differs from it is the user's wish.
type Defaults = HashMap<String, String>;
static DEFAULTS: LazyLock<Mutex<HashMap<String, Arc<OnceCell<Result<Arc<Defaults>, String>>>>>> =
    LazyLock::new(Mutex::default);

pub async fn ask(program: &str, arguments: &[String], host: &str) -> Result<Arc<SshConfig>, String> {
    let defaults =
        Arc::clone(DEFAULTS.lock().unwrap_or_else(PoisonError::into_inner).entry(program.to_owned()).or_default());
    let defaults = defaults
        .get_or_init(|| async {
            let text = run(program, &["-F".to_owned(), "none".to_owned()], "localhost").await?;
            Ok(Arc::new(pairs(&text).map(|(name, value)| (name, value.to_owned())).collect()))
        })
        .await
        .clone()?;
    let text = run(program, arguments, host).await?;
    Ok(Arc::new(parse_output(&text, &defaults)))
}

async fn run(program: &str, arguments: &[String], host: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).arg("-G").arg("--").arg(host);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = match command.output().await {
        Ok(output) => output,
        Err(err) => {
            return Err(format!("`{program} -G` cannot be asked for the options of {host}: {}", limits::explain(&err)));
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), said.trim()) {
        (true, _) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        (false, "") => Err(format!("`{program} -G {host}` failed without a word ({})", output.status)),
        (false, said) => Err(said.to_owned()),
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.lines().map(|line| {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        (name.to_lowercase(), value)
    })
}

/// Understands what `ssh -G` printed.
pub fn parse_output(text: &str, defaults: &Defaults) -> SshConfig {
    let mut collector = Collector::default();
    for (name, value) in pairs(text) {
        let is_default = defaults.get(&name).is_some_and(|default| default == value);
        match fate(&name) {
            Some(Fate::Honored) if is_default && ALGORITHMS.contains(&name.as_str()) => {}
            Some(Fate::Honored) => collector.take(&name, value),
            Some(Fate::Idle(_)) if name == "controlpath" && value != "none" => collector.shares_connection(),
            Some(Fate::Idle(_)) => {}
            Some(Fate::Program(harmless)) if is_default || harmless.contains(&value) => {}
            Some(Fate::Refused(harmless)) if value == harmless => {}
            Some(Fate::Refused(_)) => collector.refuse(&name, value),
            None if is_default || name.is_empty() => {}
            Some(Fate::Program(_)) | None => collector.hand_over(&name, value),
        }
    }
    collector.finish()
}
