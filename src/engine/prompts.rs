//! `vars_prompt`: asks before a play begins. Without a terminal nothing is asked and the defaults hold.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use super::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::playbook::{Play, VarsPrompt};
use crate::template::SearchPath;
use crate::value::{Dict, Str, Value};

pub fn ask(shared: &Shared, play: &Play) -> Result<Arc<Dict>, Error> {
    let mut answers = Dict::new();
    for prompt in &play.vars_prompt {
        if shared.options.extra_vars.contains_key(prompt.name.as_str()) {
            continue;
        }
        if prompt.encrypt.is_some() {
            return Err(Error::project("vars_prompt with `encrypt` is not supported", Some(&play.span)));
        }
        let value = match &prompt.default {
            None => Value::Null,
            Some(default) => render(shared, play, default)?,
        };
        let value = if std::io::stdin().is_terminal() {
            answer(shared, play, prompt, value)?
        } else {
            shared.notices.warn("Not prompting as we are not in interactive mode", None);
            value
        };
        answers.insert(Value::str(prompt.name.as_str()), value);
    }
    Ok(Arc::new(answers))
}

fn render(shared: &Shared, play: &Play, value: &Value) -> Result<Value, Error> {
    let mut variables = (*play.vars).clone();
    variables.extend(shared.options.extra_vars.iter().map(|(name, value)| (name.clone(), value.clone())));
    let dir = play.playbook_dir.to_path_buf();
    let search = Arc::new(SearchPath { dirs: vec![dir.clone()], basedir: dir });
    Ok(shared.templates.templar(Arc::new(variables), search).render(value)?)
}

fn answer(shared: &Shared, play: &Play, prompt: &VarsPrompt, default: Value) -> Result<Value, Error> {
    let text = match &prompt.prompt {
        Some(text) => render(shared, play, text)?.to_text(),
        None => prompt.name.clone(),
    };
    let text = if default.is_null() { format!("{text}: ") } else { format!("{text} [{}]: ", default.to_text()) };
    loop {
        let first = read(&text, prompt.private)?;
        if prompt.confirm && first != read(&format!("confirm {text}"), prompt.private)? {
            tell("***** VALUES ENTERED DO NOT MATCH ****\n")?;
            continue;
        }
        return Ok(if first.is_empty() && !default.is_null() { default } else { Value::Str(Str::data(first)) });
    }
}

fn read(text: &str, private: bool) -> Result<String, Error> {
    let failed =
        |err: std::io::Error| Error::new(ErrorKind::Interrupted, format!("the prompt was not answered: {err}"));
    if private {
        return rpassword::prompt_password(text).map_err(failed);
    }
    tell(text)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Prompts belong to the terminal's conversation, before any event of the play.
fn tell(text: &str) -> Result<(), Error> {
    let mut out = std::io::stderr();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|err| Error::new(ErrorKind::Internal, err.to_string()))
}
