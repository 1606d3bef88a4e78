//! What a foreign module has printed, as a result.

use rplay_module_api::{Ctx, Failure, Json, Map, ModuleResult};
use rplay_modules::support::job_file;

/// Marks a failure that has an exception in place of a message.
const NO_MESSAGE: &str = "_ansible_no_message";

pub struct Output {
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// The result in a module's output, which may have other lines around it.
pub fn read(output: &Output, interpreter: Option<&str>, ctx: &mut Ctx) -> ModuleResult {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let object = object_in(&stdout);
    let parsed = object.map(|(json, after)| (serde_json::from_str::<Map<String, Json>>(json), after));
    match parsed {
        Some((Ok(mut content), after)) => {
            if !after.is_empty() {
                ctx.warn(format!("Module invocation had junk after the JSON data: {after}"));
            }
            plain_texts(&mut content);
            job_file::to_result(content)
        }
        Some((Err(err), _)) => {
            let json = object.map(|(json, _)| json).unwrap_or_default();
            Err(no_result(output, &stdout, interpreter, &mistake(json, &err)))
        }
        None => Err(no_result(output, &stdout, interpreter, "No start of json char found")),
    }
}

/// From the first line that begins an object to the last that ends one, and what comes after that.
fn object_in(text: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('{') {
            break;
        }
        start += line.len();
    }
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    let mut end = rest.len();
    for line in rest.split_inclusive('\n').rev() {
        if line.trim_end().ends_with('}') {
            break;
        }
        end -= line.len();
    }
    let end = if end == 0 { rest.len() } else { end };
    Some((rest.get(..end)?.trim(), rest.get(end..)?.trim()))
}

/// Warnings, deprecations and exceptions may be objects of Ansible's: they become what is shown of them.
fn plain_texts(content: &mut Map<String, Json>) {
    for (name, text) in [("warnings", warning as fn(&Map<String, Json>) -> String), ("deprecations", deprecation)] {
        for item in content.get_mut(name).and_then(Json::as_array_mut).into_iter().flatten() {
            if let Json::Object(told) = item {
                *item = Json::String(text(told));
            }
        }
    }
    let Some(Json::Object(told)) = content.get("exception") else { return };
    let (message, traceback) = (warning(told), traceback(told.get("event")));
    match traceback {
        Some(traceback) => content.insert("exception".into(), traceback.into()),
        None => content.shift_remove("exception"),
    };
    if !content.contains_key("msg") {
        content.insert("msg".into(), message.into());
        content.insert(NO_MESSAGE.into(), true.into());
    }
}

/// The message of an event, and those of the events that led to it.
fn warning(told: &Map<String, Json>) -> String {
    let mut parts = Vec::new();
    let mut event = told.get("event");
    while let Some(current) = event {
        parts.extend(current.get("msg").and_then(Json::as_str));
        event = current.get("chain").and_then(|chain| chain.get("event"));
    }
    let (last, before) = parts.split_last().unwrap_or((&"", &[]));
    before.iter().map(|part| format!("{}: ", part.trim_end_matches('.'))).chain([(*last).to_owned()]).collect()
}

fn traceback(event: Option<&Json>) -> Option<String> {
    let text = event?.get("formatted_traceback")?.as_str()?.to_owned();
    Some(
        traceback(event?.get("chain").and_then(|chain| chain.get("event")))
            .map_or(text.clone(), |cause| format!("{cause}\n{text}")),
    )
}

/// A deprecation as it is shown. What says when something goes stands in fields of its own.
fn deprecation(told: &Map<String, Json>) -> String {
    let text = |name: &str| told.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let (collection, plugin) = match text("collection_name") {
        Some(name) => (Some(name.to_owned()), None),
        None => deprecator(told.get("deprecator")),
    };
    let when = match (&collection, text("date"), text("version")) {
        (None, ..) => "in the future".to_owned(),
        (Some(_), Some(date), _) => format!("in a release after {date}"),
        (Some(_), None, Some(version)) => format!("version {version}"),
        (Some(_), None, None) => "in a future release".to_owned(),
    };
    let collection = collection.map(|name| match name.as_str() {
        "ansible.builtin" => "ansible-core".to_owned(),
        name => format!("collection '{name}'"),
    });
    let within = if plugin.is_some() && collection.is_some() { Some("in".to_owned()) } else { None };
    let from = if plugin.is_some() || collection.is_some() { Some("from".to_owned()) } else { None };
    let message = text("msg").map_or_else(|| warning(told), str::to_owned);
    let fragments = [Some("This feature will be removed".to_owned()), from, plugin, within, collection, Some(when)];
    let sentence = fragments.into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{}. {sentence}.", message.trim_end_matches('.'))
}

/// The collection of whoever deprecates something, and what it is there.
fn deprecator(by: Option<&Json>) -> (Option<String>, Option<String>) {
    let text = |name: &str| by?.get(name)?.as_str();
    let Some(name) = text("resolved_name") else { return (None, None) };
    let Some(kind) = text("type") else { return (Some(name.to_owned()), None) };
    let title = if kind == "module" { kind.to_owned() } else { format!("{kind} plugin") };
    if name == "ansible.builtin" {
        return (Some(name.to_owned()), Some(format!("the {title} API")));
    }
    let parts: Vec<&str> = name.split('.').collect();
    let collection = parts.get(..2).filter(|_| parts.len() > 2).map(|parts| parts.join("."));
    (collection, Some(format!("{title} '{}'", parts.last().unwrap_or(&""))))
}

/// What is wrong with a text that is no JSON; more than one object in Python's words.
fn mistake(json: &str, err: &serde_json::Error) -> String {
    if !err.to_string().starts_with("trailing characters") {
        return err.to_string();
    }
    let before: usize =
        json.split_inclusive('\n').take(err.line().saturating_sub(1)).map(|line| line.chars().count()).sum();
    let at = before + err.column().saturating_sub(1);
    format!("Extra data: line {} column {} (char {at})", err.line(), err.column())
}

fn no_result(output: &Output, stdout: &str, interpreter: Option<&str>, why: &str) -> Failure {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let not_found = |text: &str| {
        interpreter.is_some_and(|name| {
            [": No such file or directory", ": not found", ": command not found"]
                .iter()
                .any(|end| text.contains(&format!("{name}{end}")))
        })
    };
    let msg = match interpreter {
        Some(name) if not_found(&stderr) || not_found(stdout) => format!(
            "The module interpreter '{name}' was not found. Consider overriding the configured interpreter path for this host. \
             See stdout/stderr for the returned output."
        ),
        _ => format!("Module result deserialization failed: {why}"),
    };
    Failure::new(msg)
        .with("module_stdout", stdout.to_owned())
        .with("module_stderr", stderr.into_owned())
        .with("rc", output.rc)
}

#[cfg(test)]
mod tests {
    use rplay_module_api::json;

    use super::*;

    #[test]
    fn the_object_is_found_among_other_lines() {
        let cases = [
            ("{\"a\": 1}\n", Some(("{\"a\": 1}", ""))),
            ("Welcome\n  {\"a\": 1}\nBye\n", Some(("{\"a\": 1}", "Bye"))),
            ("{\n \"a\": 1\n}\n\n", Some(("{\n \"a\": 1\n}", ""))),
            ("nothing\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(object_in(text), expected, "{text}");
        }
    }

    #[test]
    fn objects_of_ansible_become_texts() {
        let event = |msg: &str| json!({"msg": msg, "__ansible_type": "Event"});
        let by = json!({"resolved_name": "my.own", "type": null});
        let chain = json!({"event": event("inner"), "msg_reason": "<<< caused by >>>"});
        let told = json!({
            "warnings": [{"event": event("careful")}, "plain"],
            "deprecations": [
                {"event": event("old"), "deprecator": by, "version": "3.0"},
                {"msg": "older.", "collection_name": "ansible.builtin", "date": "2030-01-01"},
                {"event": event("oldest"), "deprecator": {"resolved_name": null}},
            ],
            "exception": {"event": {"msg": "outer.", "chain": chain}},
        });
        let Json::Object(mut told) = told else { unreachable!() };
        plain_texts(&mut told);
        let expected = json!({
            "warnings": ["careful", "plain"],
            "deprecations": [
                "old. This feature will be removed from collection 'my.own' version 3.0.",
                "older. This feature will be removed from ansible-core in a release after 2030-01-01.",
                "oldest. This feature will be removed in the future.",
            ],
            "msg": "outer: inner",
            "_ansible_no_message": true,
        });
        assert_eq!(Json::Object(told), expected);
    }
}
