//! Where vault passwords come from: files, scripts and the terminal.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{DEFAULT_ID, Secrets, is_encrypted};
use crate::error::{Error, ErrorKind};

/// A password; prints as `********`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// What the command line and the configuration say about vault passwords.
#[derive(Clone, Debug, Default)]
pub struct PasswordSources {
    /// `label@source` or `source`, where source is a file, a script or `prompt`.
    pub ids: Vec<String>,
    pub files: Vec<String>,
    pub ask: bool,
    pub match_ids: bool,
}

impl Secrets {
    /// Collects the passwords; `ask` is called with the prompt's text.
    pub fn load(
        sources: &PasswordSources,
        ask: &mut dyn FnMut(&str) -> Result<String, Error>,
    ) -> Result<Secrets, Error> {
        let mut secrets = Secrets { match_ids: sources.match_ids, ..Secrets::default() };
        for id in &sources.ids {
            let (label, source) = id.split_once('@').unwrap_or((DEFAULT_ID, id));
            secrets.add_source(label, source, ask)?;
        }
        for file in &sources.files {
            secrets.add_source(DEFAULT_ID, file, ask)?;
        }
        let has_prompt = sources.ids.iter().any(|id| id.split_once('@').map_or(id.as_str(), |(_, it)| it) == "prompt");
        if sources.ask && !has_prompt {
            secrets.add_source(DEFAULT_ID, "prompt", ask)?;
        }
        Ok(secrets)
    }

    fn add_source(
        &mut self,
        label: &str,
        source: &str,
        ask: &mut dyn FnMut(&str) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let password = match source {
            "prompt" | "prompt_ask_vault_pass" => {
                let text = if label == DEFAULT_ID {
                    "Vault password: ".to_owned()
                } else {
                    format!("Vault password ({label}): ")
                };
                ask(&text)?.into_bytes()
            }
            _ => self.read_source(label, Path::new(&expand_home(source)))?,
        };
        if password.is_empty() {
            let message = format!("Invalid vault password was provided from {source}: it is empty");
            return Err(Error::new(ErrorKind::Vault, message));
        }
        self.add(label, Password(password));
        Ok(())
    }

    fn read_source(&self, label: &str, path: &Path) -> Result<Vec<u8>, Error> {
        let failed =
            |why: String| Error::new(ErrorKind::Vault, format!("vault password file {}: {why}", path.display()));
        let metadata = fs::metadata(path)
            .map_err(|_| failed(format!("The vault password file {} was not found", path.display())))?;
        if metadata.is_dir() {
            return Err(failed("it is a directory".to_owned()));
        }
        if metadata.permissions().mode() & 0o111 != 0 {
            return run_script(label, path).map_err(failed).map(|output| trim(&output).to_vec());
        }
        let bytes = fs::read(path).map_err(|err| failed(err.to_string()))?;
        if is_encrypted(&bytes) {
            let plain = self.decrypt(&bytes).map_err(|failure| failed(failure.to_string()))?;
            return Ok(trim(&plain).to_vec());
        }
        Ok(trim(&bytes).to_vec())
    }
}

/// A script prints the password; one whose name ends in `-client` is told which id is wanted.
fn run_script(label: &str, path: &Path) -> Result<Vec<u8>, String> {
    let path = path.canonicalize().map_err(|err| err.to_string())?;
    let mut command = Command::new(&path);
    if path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("-client")) {
        command.args(["--vault-id", label]);
    }
    let output = command
        .stdin(Stdio::inherit())
        .stderr(Stdio::piped())
        .output()
        .map_err(|err| format!("problem running the vault password script: {err}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let code = output.status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    Err(format!("the vault password script returned {code}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

fn expand_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}
