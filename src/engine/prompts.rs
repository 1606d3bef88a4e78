//! `vars_prompt`: asks before a play begins. Where nobody can answer the defaults hold.

use std::sync::Arc;

use super::event::{Answer, Question};
use super::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::playbook::{Play, VarsPrompt};
use crate::template::SearchPath;
use crate::value::{Dict, Str, Value};

pub async fn ask(shared: &Shared, play: &Play) -> Result<Arc<Dict>, Error> {
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
        let value = match answer(shared, play, prompt, &value).await? {
            Some(answer) => answer,
            None => {
                shared.notices.warn("Not prompting as we are not in interactive mode", None);
                Value::Str(Str::data(value.to_text()))
            }
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

/// What the user answers; none when nobody is there.
async fn answer(shared: &Shared, play: &Play, prompt: &VarsPrompt, default: &Value) -> Result<Option<Value>, Error> {
    let text = match &prompt.prompt {
        Some(text) => render(shared, play, text)?.to_text(),
        None => prompt.name.clone(),
    };
    let text = if default.is_null() { format!("{text}: ") } else { format!("{text} [{}]: ", default.to_text()) };
    let mut asked = text.clone();
    loop {
        let Some(first) = read(shared, &asked, prompt.private).await? else { return Ok(None) };
        if prompt.confirm && read(shared, &format!("confirm {text}"), prompt.private).await?.as_ref() != Some(&first) {
            asked = format!("***** VALUES ENTERED DO NOT MATCH ****\n{text}");
            continue;
        }
        let answer =
            if first.is_empty() && !default.is_null() { default.clone() } else { Value::Str(Str::data(first)) };
        return Ok(Some(answer));
    }
}

async fn read(shared: &Shared, text: &str, private: bool) -> Result<Option<String>, Error> {
    shared.pass_notices();
    match shared.events.ask(Question { text: text.to_owned(), secret: private }).await {
        Answer::Text(text) => Ok(Some(text)),
        Answer::NotInteractive => Ok(None),
        Answer::Lost(reason) => {
            Err(Error::new(ErrorKind::Interrupted, format!("the prompt was not answered: {reason}")))
        }
    }
}
