//! Where vault passwords come from: files, scripts and the terminal.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{DEFAULT_ID, Secrets, is_encrypted};
use crate::error::{Error, ErrorKind, Notices};

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
    /// The passwords are for what is encrypted anew: whoever is asked answers twice.
    pub new: bool,
}

/// The source of a password that `--ask-vault-pass` asks for.
const ASKED: &str = "prompt_ask_vault_pass";

fn is_prompt(source: &str) -> bool {
    matches!(source, "prompt" | ASKED)
}

impl PasswordSources {
    /// The label and the source of each password, in the order in which they are tried.
    fn all(&self) -> Vec<(&str, &str)> {
        let ids = self.ids.iter().map(|id| id.split_once('@').unwrap_or((DEFAULT_ID, id)));
        let files = self.files.iter().map(|file| (DEFAULT_ID, file.as_str()));
        let mut all: Vec<(&str, &str)> = ids.chain(files).collect();
        if self.ask && !all.iter().any(|(_, source)| is_prompt(source)) {
            all.push((DEFAULT_ID, ASKED));
        }
        all
    }

    fn questions(&self, label: &str, source: &str) -> Vec<String> {
        match (self.new, source == ASKED || label == DEFAULT_ID) {
            (false, true) => vec!["Vault password: ".to_owned()],
            (false, false) => vec![format!("Vault password ({label}): ")],
            (true, true) => vec!["New Vault password: ".to_owned(), "Confirm New Vault password: ".to_owned()],
            (true, false) => {
                vec![format!("New vault password ({label}): "), format!("Confirm new vault password ({label}): ")]
            }
        }
    }
}

impl Secrets {
    /// Collects the passwords; `ask` is called with the prompt's text. A file that gives none is warned about; it is an
    /// error only if nothing else gives one.
    pub fn load(
        sources: &PasswordSources,
        notices: &Notices,
        ask: &mut dyn FnMut(&str) -> Result<String, Error>,
    ) -> Result<Secrets, Error> {
        let mut secrets = Secrets { match_ids: sources.match_ids, ..Secrets::default() };
        let mut last = None;
        for (label, source) in sources.all() {
            if is_prompt(source) {
                let password = asked(&sources.questions(label, source), ask)?;
                secrets.add(label, Password(password.into_bytes()));
                continue;
            }
            let path = PathBuf::from(expand_home(source));
            let found = exists(&path).map_err(|why| ("getting vault password file", why));
            let read = found.and_then(|()| {
                secrets.read_source(label, &path).map_err(|why| ("in vault password file loading", why))
            });
            match read {
                Ok(password) => secrets.add(label, Password(password)),
                Err((doing, why)) => {
                    notices.warn(format!("Error {doing} ({label}): {why}"), None);
                    last = Some(Error::new(ErrorKind::Vault, why));
                }
            }
        }
        last.filter(|_| secrets.is_empty()).map_or(Ok(secrets), Err)
    }

    /// What a file holds or a script prints.
    fn read_source(&self, label: &str, path: &Path) -> Result<Vec<u8>, String> {
        let shown = path.display();
        let unreadable = |err| format!("Could not read vault password file '{shown}'. {err}");
        let (password, kind) = if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o111 != 0 {
            (without_newlines(&run_script(label, path)?).to_vec(), "script")
        } else {
            let bytes = fs::read(path).map_err(unreadable)?;
            let plain = if is_encrypted(&bytes) {
                self.decrypt(&bytes).map_err(|failure| format!("{failure} ({shown})"))?
            } else {
                bytes.trim_ascii().to_vec()
            };
            (without_newlines(&plain).to_vec(), "file")
        };
        if password.is_empty() {
            return Err(format!("Invalid vault password was provided from {kind} ({shown})"));
        }
        Ok(password)
    }
}

fn exists(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            Err(format!("The vault password file {} was not found", path.display()))
        }
        Ok(metadata) if metadata.is_dir() => {
            Err(format!("The vault password file provided '{}' can not be a directory", path.display()))
        }
        _ => Ok(()),
    }
}

/// The answer to all of the questions, which must be the same and not empty.
fn asked(questions: &[String], ask: &mut dyn FnMut(&str) -> Result<String, Error>) -> Result<String, Error> {
    let refused = |message: &str| Error::new(ErrorKind::Vault, message);
    let mut answers = Vec::new();
    for question in questions {
        let answer = ask(question)?.trim().to_owned();
        if answer.is_empty() {
            return Err(refused("Invalid vault password was provided"));
        }
        answers.push(answer);
    }
    let first = answers.first().cloned().unwrap_or_default();
    if answers.iter().any(|answer| *answer != first) {
        return Err(refused("Passwords do not match"));
    }
    Ok(first)
}

/// A script prints the password; one whose name ends in `-client` is told which id is wanted.
fn run_script(label: &str, path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let absolute = std::path::absolute(path).map_err(|err| format!("Could not find {shown}: {err}"))?;
    let mut command = Command::new(absolute);
    if path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("-client")) {
        command.args(["--vault-id", label]);
    }
    let output = command.stdin(Stdio::inherit()).stderr(Stdio::piped()).output().map_err(|err| {
        format!(
            "Problem running vault password script {shown} ({err}). If this is not a script, remove the executable \
             bit from the file."
        )
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let code = output.status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("Vault password script {shown} returned non-zero ({code}): {}", said.trim()))
}

fn without_newlines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

fn expand_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}
