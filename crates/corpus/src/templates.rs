//! `templates.jsonl`, `templatefiles.jsonl`, `conditionals.jsonl`: what templates, template files and conditions give.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rplay::config::Config;
use rplay::error::Notices;
use rplay::source::SourceFile;
use rplay::template::{
    Engine, FileOptions, SearchPath, Settings, Templar, TemplateError, TemplateErrorKind, encode as encode_text,
};
use rplay::value::{Dict, Str, Value};
use rplay::yaml::Reader;
use serde_json::{Map, Value as Json, json};

use crate::Verdict;
use crate::expected::encode;

pub fn check_template(case: &Json) -> Verdict {
    let sandbox = Sandbox::new(case);
    let templar = sandbox.templar(case, false);
    let template = Value::Str(Str::trusted(text_of(&case["template"]), None));
    sandbox.judge(case, templar.render(&template).map(|value| answer(&value)))
}

/// What these take is the rounds of a hash.
const SLOW_ON_PURPOSE: &[&str] = &["filter.password_hash", "filter.vault", "filter.unvault"];

/// Seconds of rendering a case so many times; none for a case that needs files, starts programs or gives no value, as
/// `benches/templates` has it.
pub fn time_template(case: &Json, times: u32) -> Option<f64> {
    let needs_more = !case["files"].is_null()
        || !case["vars_yaml"].is_null()
        || case["area"].as_str().is_some_and(|area| area.starts_with("lookup") || SLOW_ON_PURPOSE.contains(&area));
    if needs_more || case["expect"]["value"].is_null() && case["expect"]["type"].is_null() {
        return None;
    }
    let sandbox = Sandbox::new(case);
    let templar = sandbox.templar(case, false);
    let template = Value::Str(Str::trusted(text_of(&case["template"]), None));
    let start = Instant::now();
    for _ in 0..times {
        templar.render(&template).ok()?;
    }
    Some(start.elapsed().as_secs_f64())
}

pub fn check_file(case: &Json) -> Verdict {
    let sandbox = Sandbox::new(case);
    let templar = sandbox.templar(case, true);
    let path = sandbox.root.join("templates/main.j2");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Verdict { passed: false, details: "  the template is not text".into() };
    };
    let source = SourceFile::new(path, text);
    let result = templar.render_file(&source, &file_options(&case["options"]), &extra_variables());
    let encoding = case["options"]["output_encoding"].as_str().unwrap_or("utf-8");
    match result {
        Ok(text) if encoding != "utf-8" => {
            let wanted = &case["expect"];
            let bytes = encode_text(&text, encoding).map(|bytes| answer(&Value::Bytes(bytes.into())));
            let actual = bytes.unwrap_or_else(|message| json!({"error": "UnicodeEncodeError", "message": message}));
            Verdict::compare(&wanted.to_string(), &actual.to_string())
        }
        result => sandbox.judge(case, result.map(|text| answer(&Value::str(text)))),
    }
}

pub fn check_condition(case: &Json) -> Verdict {
    let sandbox = Sandbox::new(case);
    let templar = sandbox.templar(case, false);
    let condition = trusted(&case["when"]);
    let result = templar.condition(&condition).map(|condition| {
        let mut answer = json!({"value": condition.result, "type": "bool"});
        if let Some(item) = &condition.false_condition {
            answer["false_condition"] = encode(item);
        }
        answer
    });
    sandbox.judge(case, result)
}

/// The template action's own variables.
fn extra_variables() -> Dict {
    Dict::from_iter([(Value::str("ansible_managed"), Value::str("Ansible managed"))])
}

/// A folder with the case's files, which is the working directory meanwhile.
struct Sandbox {
    root: PathBuf,
    env: Vec<String>,
    _folder: Option<tempfile::TempDir>,
}

impl Sandbox {
    fn new(case: &Json) -> Self {
        let folder = tempfile::tempdir().ok();
        let root = folder.as_ref().map_or_else(|| PathBuf::from("/nonexistent"), |it| it.path().to_owned());
        let root = root.canonicalize().unwrap_or(root);
        for (name, text) in case["files"].as_object().into_iter().flatten() {
            write(&root.join(name), text.as_str().unwrap_or_default());
        }
        let _ = std::env::set_current_dir(&root);
        let mut env = vec![("HOME".to_owned(), "/home/tester".to_owned()), ("TZ".to_owned(), "UTC".to_owned())];
        env.extend(case["env"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text_of(value))));
        for (name, value) in &env {
            // SAFETY: the harness has one thread.
            unsafe { std::env::set_var(name, value) };
        }
        let env = env.into_iter().map(|(name, _)| name).filter(|name| name != "HOME" && name != "TZ").collect();
        Self { root, env, _folder: folder }
    }

    fn templar(&self, case: &Json, for_file: bool) -> Templar {
        let mut variables = match trusted(&case["vars"]) {
            Value::Dict(dict) => (*dict).clone(),
            _ => Dict::new(),
        };
        if let Some(text) = case["vars_yaml"].as_str()
            && let Ok(node) = Reader::default().read(&SourceFile::new("vars.yml", text))
            && let Value::Dict(more) = node.to_value()
        {
            variables.extend((*more).clone());
        }
        let settings = Settings {
            allow_broken_conditionals: case["config"]["ALLOW_BROKEN_CONDITIONALS"] == json!(true),
            accept_removed: false,
            suggest: false,
            config: Some(default_settings(&self.root)),
            ..Settings::default()
        };
        let dirs =
            if for_file { vec![self.root.join("templates"), self.root.clone()] } else { vec![self.root.clone()] };
        let search = Arc::new(SearchPath { dirs, basedir: self.root.clone() });
        Engine::new(settings).templar(Arc::new(variables), search)
    }

    fn judge(&self, case: &Json, result: Result<Json, TemplateError>) -> Verdict {
        let expect = &case["expect"];
        let root = self.root.display().to_string();
        let wanted = match expect["error"].as_str() {
            Some(kind) => format!("error {kind}"),
            None => expect.to_string(),
        };
        match result {
            Ok(value) => {
                let actual = value.to_string().replace(&root, "<cwd>");
                // Read once more, so that both sides lose the same precision.
                let actual = serde_json::from_str::<Json>(&actual).map_or(actual, |json| json.to_string());
                let same = actual == wanted
                    || (case["unordered"] == json!(true) && sorted(&actual) == sorted(&wanted))
                    || matches_pattern(&wanted, &actual);
                Verdict { passed: same, details: details(case, &wanted, &actual) }
            }
            Err(error) => {
                let actual = format!("error {}", kind_name(error.kind));
                let message = error.message.replace(&root, "<cwd>");
                Verdict {
                    passed: actual == wanted,
                    details: details(
                        case,
                        &format!("{wanted} {}", expect["message"]),
                        &format!("{actual} {message:?}"),
                    ),
                }
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for name in &self.env {
            // SAFETY: the harness has one thread.
            unsafe { std::env::remove_var(name) };
        }
        let _ = std::env::set_current_dir("/");
    }
}

/// What the lookup `config` finds without any configuration.
fn default_settings(root: &Path) -> Arc<dyn Fn(&str) -> Option<Value> + Send + Sync> {
    let home = HashMap::from([("HOME".to_owned(), "/home/tester".to_owned())]);
    let config = Config::load(home, root, &Notices::default()).unwrap_or_default();
    Arc::new(move |name| config.value(name))
}

fn details(case: &Json, wanted: &str, actual: &str) -> String {
    let asked = if case["when"].is_null() { &case["template"] } else { &case["when"] };
    let file = &case["files"]["templates/main.j2"];
    let asked = if file.is_null() { asked } else { file };
    format!("  asked    {asked} with {}\n  expected {wanted}\n  actual   {actual}", case["vars"])
}

fn write(path: &Path, text: &str) {
    if let Some(parent) = path.parent() {
        let _ = std::fs::create_dir_all(parent);
    }
    let _ = std::fs::write(path, text);
    if text.starts_with("#!") {
        use std::os::unix::fs::PermissionsExt;
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755));
    }
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars
}

/// Marks of run-dependent text in the expectation stand for anything.
fn matches_pattern(wanted: &str, actual: &str) -> bool {
    let marks = ["<tmp>", "<delta>", "<time>", "<rand>", "<stamp>", "<id>", "<py>", "<bin>", "<python>"];
    if !marks.iter().any(|mark| wanted.contains(mark)) {
        return false;
    }
    let mut pattern = wanted.to_owned();
    for mark in marks {
        pattern = pattern.replace(mark, "\0");
    }
    let mut rest = actual;
    for (index, piece) in pattern.split('\0').enumerate() {
        match rest.find(piece) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + piece.len()..],
            _ => return false,
        }
    }
    true
}

fn kind_name(kind: TemplateErrorKind) -> &'static str {
    match kind {
        TemplateErrorKind::Undefined => "undefined",
        TemplateErrorKind::Syntax => "template-syntax",
        TemplateErrorKind::Template | TemplateErrorKind::Raised => "template",
        TemplateErrorKind::Plugin => "plugin-failed",
        TemplateErrorKind::PluginMissing => "plugin-missing",
        TemplateErrorKind::BrokenConditional => "broken-conditional",
        TemplateErrorKind::Untrusted => "untrusted",
        TemplateErrorKind::Omit => "omit",
        TemplateErrorKind::Other => "error",
    }
}

fn answer(value: &Value) -> Json {
    let kind = match value {
        Value::Null => "none",
        Value::Omit => "omit",
        Value::Sealed(_) => "vault",
        other => other.type_name(),
    };
    json!({"value": encode(value), "type": kind})
}

fn text_of(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// JSON of a person: its strings may be templates.
fn trusted(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Str(Str::trusted(text.as_str(), None)),
        Json::Array(items) => Value::list(items.iter().map(trusted).collect()),
        Json::Object(map) => {
            Value::dict(map.iter().map(|(key, item)| (Value::str(key.as_str()), trusted(item))).collect())
        }
        other => Value::from_json(other.clone()),
    }
}

fn file_options(options: &Json) -> FileOptions {
    let mut out = FileOptions::default();
    let empty = Map::new();
    for (name, value) in options.as_object().unwrap_or(&empty) {
        let text = text_of(value);
        match name.as_str() {
            "newline_sequence" => out.newline_sequence = text,
            "trim_blocks" => out.trim_blocks = flag(value),
            "lstrip_blocks" => out.lstrip_blocks = flag(value),
            "variable_start_string" => out.variable_start_string = text,
            "variable_end_string" => out.variable_end_string = text,
            "block_start_string" => out.block_start_string = text,
            "block_end_string" => out.block_end_string = text,
            "comment_start_string" => out.comment_start_string = text,
            "comment_end_string" => out.comment_end_string = text,
            _ => {}
        }
    }
    out
}

fn flag(json: &Json) -> bool {
    json == &json!(true) || matches!(json.as_str(), Some("yes" | "true" | "True" | "on" | "1"))
}
