//! `vars_prompt`: asks before a play begins. Where nobody can answer the defaults hold.

use std::sync::Arc;

use super::event::{Answer, Question};
use super::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::playbook::{Play, VarsPrompt};
use crate::template::SearchPath;
use crate::template::filters::digests::{Crypt, crypt};
use crate::value::{Dict, Str, Value};

pub async fn ask(shared: &Shared, play: &Play) -> Result<Arc<Dict>, Error> {
    let mut answers = Dict::new();
    for prompt in &play.vars_prompt {
        if shared.options.extra_vars.contains_key(prompt.name.as_str()) {
            continue;
        }
        let default = match &prompt.default {
            None => Value::Null,
            Some(default) => render(shared, play, default)?,
        };
        let mut text = match answer(shared, play, prompt, &default).await? {
            Some(answer) if !answer.is_empty() || default.is_null() => Some(answer),
            Some(_) => Some(default.to_text()),
            None => {
                shared.notices.warn("Not prompting as we are not in interactive mode", None);
                (!default.is_null()).then(|| default.to_text())
            }
        };
        if let Some(kind) = &prompt.encrypt {
            text = Some(encrypted(shared, play, prompt, kind, text.as_deref())?);
        }
        // A missing answer is Python's word for it, as in Ansible.
        let text = text.unwrap_or_else(|| "None".to_owned());
        let value = if prompt.is_unsafe { Str::data(text) } else { Str::trusted(text.as_str(), None) };
        answers.insert(Value::str(prompt.name.as_str()), Value::Str(value));
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

/// The hash of an answer, of a kind that the filter `password_hash` has, too.
fn encrypted(
    shared: &Shared,
    play: &Play,
    prompt: &VarsPrompt,
    kind: &str,
    answer: Option<&str>,
) -> Result<String, Error> {
    let failed = |message: String| {
        Error::project(message, Some(&play.span))
            .hint(format!("this is about the variable `{}` of `vars_prompt`", prompt.name))
            .with_exit_code(1)
    };
    let Some(answer) = answer else {
        return Err(failed("secret must be unicode or bytes, not None".to_owned()));
    };
    let salt = match &prompt.salt {
        None => None,
        Some(salt) => Some(render(shared, play, salt)?.to_text()),
    };
    let how = Crypt {
        kind: kind.to_owned(),
        salt,
        salt_size: prompt.salt_size.and_then(|size| usize::try_from(size).ok()),
        ..Crypt::default()
    };
    crypt(answer.as_bytes(), &how).map_err(|err| failed(err.message))
}

/// What the user answers; none when nobody is there.
async fn answer(shared: &Shared, play: &Play, prompt: &VarsPrompt, default: &Value) -> Result<Option<String>, Error> {
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
        return Ok(Some(first));
    }
}

async fn read(shared: &Shared, text: &str, private: bool) -> Result<Option<String>, Error> {
    shared.pass_notices();
    match shared.events.ask(Question { text: text.to_owned(), secret: private, ..Question::default() }).await {
        Answer::Text(text) => Ok(Some(text)),
        Answer::NotInteractive | Answer::Aborted => Ok(None),
        Answer::Lost(reason) => {
            Err(Error::new(ErrorKind::Interrupted, format!("the prompt was not answered: {reason}")))
        }
    }
}
