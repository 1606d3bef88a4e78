//! `args.jsonl`: free-form arguments, their words, and what a task's mapping does.

use rplay::actions::table::full_name;
use rplay::catalog::Scope;
use rplay::error::{Error, Notices};
use rplay::playbook::task_action::{TaskAction, TaskNames, resolve};
use rplay::source::SourceFile;
use rplay::split_args::{FreeForm, parse_kv, split};
use rplay::value::{Dict, Str, Value};
use rplay::yaml::Reader;
use serde_json::{Value as Json, json};

use crate::Verdict;
use crate::expected::encode;

const KEYWORDS: &[&str] = &["delegate_to", "name", "tags", "when"];

pub fn check(case: &Json) -> Verdict {
    let expect = &case["expect"];
    let wanted = match expect["error"].as_str() {
        Some(_) => json!({"message": expect["message"]}),
        None => expect["value"].clone(),
    };
    let kv = |kind| {
        let (args, raw) = parse_kv(&Str::trusted(case["text"].as_str().unwrap_or_default(), None), kind)?;
        Ok(with_raw(args, raw))
    };
    let actual = match case["area"].as_str() {
        Some("kv") => kv(FreeForm::Plain),
        Some("kv_raw") => kv(FreeForm::Raw),
        Some("split") => split(case["split"].as_str().unwrap_or_default())
            .map(|tokens| tokens.into_iter().map(|token| json!(token.text)).collect()),
        _ => task(&case["task"]),
    };
    let actual = actual.unwrap_or_else(|err: Error| json!({"message": err.message}));
    Verdict::compare(&wanted.to_string(), &actual.to_string())
}

fn with_raw(mut args: Dict, raw: Option<Str>) -> Json {
    if let Some(raw) = raw {
        args.insert(Value::str("_raw_params"), Value::Str(raw));
    }
    encode(&Value::dict(args))
}

fn task(task: &Json) -> Result<Json, Error> {
    let node = Reader::default().read(&SourceFile::new("task.yml", task.to_string()))?;
    let find = |name: &str| full_name(name, &Scope::default());
    let notices = Notices::default();
    let names = TaskNames { keywords: KEYWORDS, find: &find, collections_path: &[], notices: &notices };
    let TaskAction { name, args, raw_params, variable_args, is_local, .. } = resolve(&node, &names)?;
    let mut all = Dict::new();
    if let Some(variable) = variable_args {
        all.insert(Value::str("_variable_params"), variable);
    }
    all.extend(args);
    let mut answer = json!({"action": name, "args": with_raw(all, raw_params)});
    let delegate_to =
        if is_local { Some(json!("localhost")) } else { node.get("delegate_to").map(|it| encode(&it.to_value())) };
    if let (Some(host), Some(answer)) = (delegate_to, answer.as_object_mut()) {
        answer.insert("delegate_to".to_owned(), host);
    }
    Ok(answer)
}
