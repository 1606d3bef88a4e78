//! `yaml.jsonl`: a file's value, or its error with line and column, and the warnings.

use rplay::source::SourceFile;
use rplay::value::Value;
use rplay::yaml::Reader;
use serde_json::{Value as Json, json};

use crate::Verdict;
use crate::expected::encode;

pub fn check(case: &Json) -> Verdict {
    let text = case["yaml"].as_str().unwrap_or_default();
    let expect = &case["expect"];
    let reader = Reader::default();
    let result = reader.read(&SourceFile::new("case.yml", text));
    let actual = match &result {
        Ok(node) => {
            let value = mark_unsafe(&node.to_value());
            json!({"value": value, "type": if node.is_null() { "none" } else { node.type_name() }})
        }
        Err(err) if expect["line"].is_null() => json!({"message": err.message}),
        Err(err) => {
            let place = err.place.as_ref();
            json!({"message": err.message, "line": place.map(|it| it.line), "column": place.map(|it| it.column)})
        }
    };
    let notices: Vec<Json> =
        reader.notices.drain().iter().map(|notice| json!(first_sentence(&notice.message))).collect();
    let wanted = match expect["error"].as_str() {
        // A cyclic value cannot be had here; what counts is that it is refused.
        Some("recursive") => json!({"message": result.as_ref().err().map(|err| err.message.clone())}),
        Some(_) if expect["line"].is_null() => json!({"message": expect["message"]}),
        Some(_) => json!({"message": expect["message"], "line": expect["line"], "column": expect["column"]}),
        None => json!({"value": expect["value"], "type": expect["type"]}),
    };
    let mut expected_notices: Vec<Json> = Vec::new();
    for kind in ["warnings", "deprecations"] {
        let texts = case[kind].as_array().cloned().unwrap_or_default();
        expected_notices.extend(texts.iter().filter_map(Json::as_str).map(|text| json!(first_sentence(text))));
    }
    let with_notices = |answer: &Json, notices: &[Json]| format!("{answer} {}", Json::Array(notices.to_vec()));
    Verdict::compare(&with_notices(&wanted, &expected_notices), &with_notices(&actual, &notices))
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

/// Marks the strings that are data, as the corpus does.
fn mark_unsafe(value: &Value) -> Json {
    match value {
        Value::Str(text) if !text.is_trusted() => json!({"__unsafe__": text.as_str()}),
        Value::List(items) => Json::Array(items.iter().map(mark_unsafe).collect()),
        Value::Dict(dict) if dict.keys().all(|key| key.as_str().is_some()) => {
            Json::Object(dict.iter().map(|(key, value)| (key.to_text(), mark_unsafe(value))).collect())
        }
        other => encode(other),
    }
}
