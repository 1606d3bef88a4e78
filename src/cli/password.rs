//! Passwords: asked for on the terminal or read from files.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::options::{BecomeOptions, ConnectionOptions};
use crate::callback::SilentTerminal;
use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind};
use crate::value::secret::Secret;

/// The passwords of one run.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    pub connection: Option<Secret>,
    pub become_: Option<Secret>,
}

/// Asks in Ansible's order and words; an empty answer to the second question repeats the first.
pub fn read(config: &Config, connection: &ConnectionOptions, become_: &BecomeOptions) -> Result<Passwords, Error> {
    let mut passwords = Passwords::default();
    let ask_pass = connection.ask_pass || config.get(setting::DEFAULT_ASK_PASS);
    let file = connection.connection_password_file.clone().or_else(|| config.get(setting::CONNECTION_PASSWORD_FILE));
    if ask_pass {
        passwords.connection = Some(ask("SSH password: ")?);
    } else if let Some(file) = file {
        passwords.connection = Some(from_file(&file)?);
    }
    let file = become_.become_password_file.clone().or_else(|| config.get(setting::BECOME_PASSWORD_FILE));
    if become_.ask_become_pass || config.get(setting::DEFAULT_BECOME_ASK_PASS) {
        let question = if ask_pass { "BECOME password[defaults to SSH password]: " } else { "BECOME password: " };
        let answer = ask(question)?;
        let repeats = answer.expose().is_empty() && passwords.connection.is_some();
        passwords.become_ = if repeats { passwords.connection.clone() } else { Some(answer) };
    } else if let Some(file) = file {
        passwords.become_ = Some(from_file(&file)?);
    }
    Ok(passwords)
}

/// Answers by their questions, where each question is asked once.
static ANSWERS: Mutex<Option<HashMap<String, Secret>>> = Mutex::new(None);

/// From now on each question for a secret is asked once.
pub fn remember_answers() {
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Asks for a secret on the terminal, without echo; without a terminal, reads a line from standard input.
pub fn ask(question: &str) -> Result<Secret, Error> {
    let known = || ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known().as_ref().and_then(|answers| answers.get(question)) {
        return Ok(answer.clone());
    }
    let answer = asked(question)?;
    if let Some(answers) = known().as_mut() {
        answers.insert(question.to_owned(), answer.clone());
    }
    Ok(answer)
}

fn asked(question: &str) -> Result<Secret, Error> {
    let _silent = SilentTerminal::new();
    rpassword::prompt_password(question)
        .or_else(|_| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
        })
        .map(Secret::new)
        .map_err(|err| Error::new(ErrorKind::Usage, format!("cannot ask for a password: {err}")))
}

/// Asks for what may be seen.
pub fn ask_openly(question: &str) -> Result<String, Error> {
    let unanswered = |err| Error::new(ErrorKind::Usage, format!("cannot ask: {err}"));
    let mut stderr = std::io::stderr();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(unanswered)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(unanswered)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The first line of a file, or of what an executable file prints.
fn from_file(path: &Path) -> Result<Secret, Error> {
    use std::os::unix::fs::PermissionsExt;
    let unreadable = |err: std::io::Error| {
        Error::new(ErrorKind::File, format!("Could not read password file {}: {err}", path.display()))
    };
    let is_script = path.metadata().map_err(unreadable)?.permissions().mode() & 0o111 != 0;
    let text = if is_script {
        let output =
            std::process::Command::new(std::path::absolute(path).map_err(unreadable)?).output().map_err(unreadable)?;
        if !output.status.success() {
            return Err(Error::new(
                ErrorKind::File,
                format!("The password script {} failed with {}", path.display(), output.status),
            ));
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    } else {
        std::fs::read_to_string(path).map_err(unreadable)?
    };
    let password = text.trim();
    if password.is_empty() {
        return Err(Error::new(ErrorKind::File, format!("Empty password was provided from file ({})", path.display())));
    }
    Ok(Secret::new(password))
}
