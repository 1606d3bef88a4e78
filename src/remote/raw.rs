//! A command line for a host's login shell, without an agent: what `raw`, `script` and reboots need.

use std::time::Duration;

use rplay_module_api::message::shell_quote;
use rplay_module_api::privilege::{Elevation, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Become, RemoteError};
use crate::connection::{Connection, Endpoint, Over, Start, Unreachable};

/// As long as ansible waits for a prompt.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(12);

/// How the line ended. With a terminal both streams come as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOutput {
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

pub async fn run(
    connection: &Connection,
    endpoint: &Endpoint,
    line: &str,
    becoming: Option<&Become>,
    input: Option<&[u8]>,
) -> Result<RawOutput, RemoteError> {
    let mut elevation = match becoming {
        Some(becoming) => {
            let token = format!("{:016x}", rand::random::<u64>());
            Some(Elevation::new(&becoming.to_message(), &token).map_err(RemoteError::Failed)?)
        }
        None => None,
    };
    let local = matches!(endpoint, Endpoint::Local { .. });
    // A terminal, as Ansible requests for raw: programs behave in it as they do for a person, and end with the connection.
    let terminal = !local && input.is_none();
    let wanted = match &elevation {
        Some(elevation) => elevation.command(line),
        None => line.to_owned(),
    };
    let wanted = match endpoint {
        Endpoint::Local { executable, .. } if elevation.is_none() && executable != "/bin/sh" => {
            format!("exec {executable} -c {}", shell_quote(&wanted))
        }
        _ => wanted,
    };
    let mut link = connection.open(Start::Command { line: &wanted, terminal }).await?;
    let mut output = RawOutput::default();
    if let Some(elevation) = &mut elevation {
        output.stdout = converse(&mut link, elevation).await?;
    }
    if let Some(input) = input {
        // A line that doesn't read all of its input is not at fault.
        let _ = link.writer.write_all(input).await;
    }
    if !terminal {
        let _ = link.writer.shutdown().await;
    }
    let read = link.reader.read_to_end(&mut output.stdout).await;
    match link.ending.wait().await {
        Over::Exited(code) => output.rc = code,
        Over::Lost(reason) => {
            let text = link.ending.error_text();
            let text = String::from_utf8_lossy(&text);
            let reason = if text.trim().is_empty() { reason.as_str() } else { text.trim() };
            return Err(Unreachable::ssh(reason).into());
        }
    }
    read.map_err(|err| RemoteError::Failed(err.to_string()))?;
    output.stderr = link.ending.error_text();
    Ok(output)
}

/// Becomes the other user; returns what the line has printed already.
async fn converse(link: &mut crate::connection::Link, elevation: &mut Elevation) -> Result<Vec<u8>, RemoteError> {
    let mut buffer = [0; 4096];
    let mut errors_seen = 0;
    let deadline = tokio::time::Instant::now() + PROMPT_TIMEOUT;
    loop {
        // Without a terminal, prompts and complaints come as error output, which is collected beside this stream.
        let read = tokio::time::timeout(Duration::from_millis(50), link.reader.read(&mut buffer)).await;
        let errors = link.ending.error_text();
        let news = errors.get(errors_seen..).unwrap_or_default().to_vec();
        errors_seen = errors.len();
        let mut ended = false;
        let mut bytes = news;
        match read {
            Ok(Ok(0) | Err(_)) => ended = true,
            Ok(Ok(count)) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(_) if bytes.is_empty() && tokio::time::Instant::now() < deadline => continue,
            Err(_) => {}
        }
        match elevation.feed(&bytes) {
            Step::Started(rest) => return Ok(rest),
            Step::Failed(reason) => return Err(RemoteError::Failed(reason)),
            Step::Password => {
                let password = format!("{}\n", elevation.password().unwrap_or_default());
                let sent = link.writer.write_all(password.as_bytes()).await;
                sent.map_err(|err| RemoteError::Failed(err.to_string()))?;
            }
            Step::More if ended => return Err(RemoteError::Failed(elevation.ended())),
            Step::More if tokio::time::Instant::now() >= deadline => {
                let limit = PROMPT_TIMEOUT.as_secs();
                let text = format!("Timeout ({limit}s) waiting for privilege escalation prompt: ");
                return Err(RemoteError::Failed(text));
            }
            Step::More => {}
        }
    }
}
