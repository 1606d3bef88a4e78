//! `inventory.jsonl`: what `ansible-inventory` shows, and the hosts of patterns.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use regex::Regex;
use rplay::config::Config;
use rplay::error::{Error, ErrorKind, NoticeKind, Notices};
use rplay::inventory::Inventory;
use rplay::inventory::export::{self, GraphVars, Shown};
use rplay::value::Dict;
use rplay::yaml::Reader;
use serde_json::{Value as Json, json};

use crate::Verdict;

pub fn check(case: &Json) -> Verdict {
    let Ok(folder) = tempfile::tempdir() else { return Verdict::compare("a folder", "none") };
    write_files(folder.path(), case);
    let notices = Notices::default();
    let expect = &case["expect"];
    let is_pattern = case.get("pattern").is_some();
    let result =
        if is_pattern { pattern(case, folder.path(), &notices) } else { command(case, folder.path(), &notices) };
    let cwd = folder.path().to_string_lossy().into_owned();
    let actual = match result {
        Ok(answer) => answer,
        Err(err) if is_pattern => json!({"error": "error", "message": err.message}),
        Err(err) => json!({"rc": err.code(), "error": format!("[ERROR]: {}", err.message)}),
    };
    let mut wanted = expect.clone();
    let mut warnings = json!(null);
    if let Some(wanted) = wanted.as_object_mut() {
        warnings = wanted.remove("warnings").unwrap_or_default();
        if wanted.get("error").is_some() {
            wanted.remove("stdout");
        }
    }
    if is_pattern {
        warnings = case["warnings"].clone();
    }
    let clean = |text: String| plain_types(&text.replace(&cwd, "<cwd>"));
    let mut wanted_warnings: Vec<String> =
        warnings.as_array().into_iter().flatten().filter_map(expected_warning).collect();
    let mut given: Vec<String> = notices
        .drain()
        .iter()
        .map(|notice| {
            let prefix = if notice.kind == NoticeKind::Deprecation { "(deprecated) " } else { "" };
            clean(format!("{prefix}{}", notice.message.lines().next().unwrap_or("")))
        })
        .collect();
    wanted_warnings.sort();
    given.sort();
    let mut verdict = Verdict::compare(&sorted(&clean(wanted.to_string())), &sorted(&clean(actual.to_string())));
    if std::env::var_os("CORPUS_WARNINGS").is_some() && verdict.passed {
        verdict = Verdict::compare(&format!("{wanted_warnings:#?}"), &format!("{given:#?}"));
    }
    verdict
}

/// JSON with sorted keys, so that the order of keys does not count.
fn sorted(text: &str) -> String {
    fn sort(json: Json) -> Json {
        match json {
            Json::Object(map) => {
                let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sort(value))).collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                Json::Object(entries.into_iter().collect())
            }
            Json::Array(items) => items.into_iter().map(sort).collect(),
            other => other,
        }
    }
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |json| sort(json).to_string())
}

/// Ansible's own classes by the names of the types they stand for.
fn plain_types(text: &str) -> String {
    let Ok(tagged) = Regex::new(r"(?:ansible\.module_utils\._internal\._datatag\.)?_AnsibleTagged(\w+)") else {
        return text.to_owned();
    };
    tagged.replace_all(text, |parts: &regex::Captures<'_>| parts[1].to_lowercase()).into_owned()
}

fn expected_warning(text: &Json) -> Option<String> {
    let text = text.as_str()?;
    if text.contains("Deprecation warnings can be disabled") {
        return None;
    }
    let text = text.trim_start_matches("[WARNING]: ").replace("[DEPRECATION WARNING]: ", "(deprecated) ");
    let text = text.split(" This feature will be removed").next().unwrap_or(&text).to_owned();
    Some(plain_types(&text))
}

fn write_files(folder: &Path, case: &Json) {
    for (name, text) in case["files"].as_object().into_iter().flatten() {
        let path = folder.join(name);
        let text = text.as_str().unwrap_or_default().replace("<cwd>", &folder.to_string_lossy());
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(&path, &text);
        if text.starts_with("#!") {
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o755));
        }
    }
}

fn load(case: &Json, sources: &[String], folder: &Path, notices: &Notices) -> Result<Inventory, Error> {
    let mut environment: HashMap<String, String> = case["env"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    environment.insert("HOME".to_owned(), "/home/tester".to_owned());
    let config = Config::load(environment, folder, notices)?;
    let reader = Reader { notices: notices.clone(), vault: None, duplicate_keys: config.duplicate_keys() };
    let mut inventory = Inventory::load(sources, &reader, &config, notices)?;
    inventory.set_playbook_dir(Some(folder.to_owned()));
    Ok(inventory)
}

fn pattern(case: &Json, folder: &Path, notices: &Notices) -> Result<Json, Error> {
    let sources: Vec<String> =
        case["sources"].as_array().into_iter().flatten().filter_map(|it| Some(it.as_str()?.to_owned())).collect();
    let mut inventory = load(case, &sources, folder, notices)?;
    let patterns: Vec<&str> = match &case["pattern"] {
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
        Json::String(text) => vec![text],
        _ => Vec::new(),
    };
    let limit = case["limit"].as_str().map(|limit| limit.replace('@', &format!("@{}/", folder.display())));
    let hosts = inventory.hosts_of(&patterns, limit.as_deref())?;
    Ok(json!({"hosts": hosts.iter().map(|host| &**host).collect::<Vec<_>>()}))
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message).with_exit_code(5)
}

/// What `ansible-inventory` does with these arguments.
fn command(case: &Json, folder: &Path, notices: &Notices) -> Result<Json, Error> {
    let arguments: Vec<&str> = case["args"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let after = |flag: &str| arguments.iter().position(|it| *it == flag).and_then(|at| arguments.get(at + 1)).copied();
    let has = |flag: &str| arguments.contains(&flag);
    let sources: Vec<String> =
        arguments.windows(2).filter(|pair| pair[0] == "-i").map(|pair| pair[1].to_owned()).collect();
    if !has("--list") && !has("--host") && !has("--graph") {
        return Err(usage("No action selected, at least one of --host, --graph or --list needs to be specified."));
    }
    let mut inventory = load(case, &sources, folder, notices)?;
    if has("--graph") {
        let root = arguments.last().filter(|it| !it.starts_with('-') && arguments.len() > 3).copied().unwrap_or("all");
        let shown = if has("--vars") { GraphVars::All } else { GraphVars::None };
        return Ok(json!({"rc": 0, "stdout": export::graph(&inventory, root, shown)?}));
    }
    let json = if let Some(host) = after("--host") {
        let hosts = inventory.hosts(host, None)?;
        let [host] = hosts.as_slice() else {
            return Err(usage("You must pass a single valid host to --host parameter"));
        };
        export::host(&inventory, host, &Dict::new())?
    } else {
        let hosts = inventory.hosts("all", after("--limit").or(after("-l")))?;
        export::list(&inventory, &hosts, Shown { export: has("--export"), extra_vars: &Dict::new() })?
    };
    if let Some(name) = after("--output") {
        return Ok(json!({"rc": 0, "stdout": "", "created": {name: export::to_text(&json)}}));
    }
    Ok(json!({"rc": 0, "json": json}))
}
