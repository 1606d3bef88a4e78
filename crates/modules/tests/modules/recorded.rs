//! Runs the modules against `../cases/*.jsonl`, whose results `record` took from ansible-core.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rplay_module_api::{Json, Map, json, validate};
use rplay_modules::support::checksum::{self, Algorithm};

use crate::harness::{self, Attachments};

fn object(value: &Json) -> &Map<String, Json> {
    value.as_object().expect("a mapping in the case")
}

fn text<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Json::as_str)
}

/// Puts `to` in the place of `from` in every text.
fn replaced(value: &Json, from: &str, to: &str) -> Json {
    match value {
        Json::String(text) => Json::String(text.replace(from, to)),
        Json::Array(items) => items.iter().map(|item| replaced(item, from, to)).collect(),
        Json::Object(items) => {
            items.iter().map(|(name, item)| (name.clone(), replaced(item, from, to))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn make(root: &Path, setup: &Map<String, Json>) {
    for (path, what) in setup {
        let full = root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        let what = match what {
            Json::Null => json!({"dir": true}),
            Json::String(content) => json!({"content": content}),
            other => replaced(other, "{tmp}", root.to_str().unwrap()),
        };
        if let Some(target) = text(&what, "link") {
            symlink(target, &full).unwrap();
        } else if let Some(source) = text(&what, "hard") {
            fs::hard_link(root.join(source), &full).unwrap();
        } else if let Some(content) = text(&what, "content") {
            let times = what.get("times").and_then(Json::as_u64).unwrap_or(1);
            fs::write(&full, content.repeat(usize::try_from(times).unwrap())).unwrap();
        } else {
            fs::create_dir_all(&full).unwrap();
        }
        let id = |name: &str| what.get(name).and_then(Json::as_u64).map(|id| u32::try_from(id).unwrap());
        if what.get("owner").is_some() || what.get("group").is_some() {
            std::os::unix::fs::lchown(&full, id("owner"), id("group")).unwrap();
        }
        if let Some(mode) = text(&what, "mode") {
            fs::set_permissions(&full, fs::Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap())).unwrap();
        }
    }
}

fn snapshot(root: &Path) -> Map<String, Json> {
    fn visit(root: &Path, directory: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let head = format!("{:04o} {}:{} ", meta.mode() & 0o7777, meta.uid(), meta.gid());
            let tmp = root.to_str().unwrap();
            let line = if meta.is_symlink() {
                format!("link {}", fs::read_link(&path).unwrap().display()).replace(tmp, "{tmp}")
            } else if meta.is_dir() {
                visit(root, &path, found);
                format!("{head}dir")
            } else if meta.len() < 5000 {
                format!("{head}file {}", String::from_utf8_lossy(&fs::read(&path).unwrap()).replace(tmp, "{tmp}"))
            } else {
                format!("{head}file {} bytes", meta.len())
            };
            found.insert(without_backup_stamp(path.strip_prefix(root).unwrap().to_str().unwrap()), line);
        }
    }
    let mut found = BTreeMap::new();
    visit(root, root, &mut found);
    found.into_iter().map(|(path, line)| (path, line.into())).collect()
}

/// `a.123.2026-01-31@12:00:00~` differs from run to run.
fn without_backup_stamp(name: &str) -> String {
    match (name.ends_with('~'), name.split_once('.')) {
        (true, Some((stem, _))) => format!("{stem}.BACKUP~"),
        _ => name.to_owned(),
    }
}

/// What the controller's action makes of the arguments of `copy`.
fn as_copy_action(args: &mut Map<String, Json>, port: &mut Attachments) {
    if args.get("remote_src") == Some(&json!(true)) {
        return;
    }
    let hash = |bytes: &[u8]| checksum::of_bytes(bytes, Algorithm::Sha1);
    if let Some(content) = args.remove("content") {
        let bytes = content.as_str().unwrap().as_bytes().to_vec();
        args.insert("_checksum".into(), hash(&bytes).into());
        args.insert("_upload".into(), true.into());
        port.0.insert("src".into(), bytes);
        return;
    }
    let written = args["src"].as_str().unwrap().to_owned();
    let src = PathBuf::from(&written);
    if src.is_dir() {
        let base = if written.ends_with('/') { src.clone() } else { src.parent().unwrap().to_owned() };
        let (mut entries, follow) = (Vec::new(), args.get("local_follow") != Some(&json!(false)));
        collect(&src, &base, follow, &mut entries, port);
        if !written.ends_with('/') {
            entries.insert(0, json!({"path": src.file_name().unwrap().to_str(), "kind": "dir"}));
            renumber(port);
        }
        args.insert("_tree".into(), entries.into());
        return;
    }
    let bytes = fs::read(&src).unwrap();
    let mode = fs::metadata(&src).unwrap().mode();
    args.insert("_checksum".into(), hash(&bytes).into());
    args.insert("_upload".into(), true.into());
    args.insert("_original_basename".into(), src.file_name().unwrap().to_str().into());
    args.insert("_source_mode".into(), format!("0{:o}", mode & 0o7777).into());
    args.insert("_source_label".into(), written.into());
    port.0.insert("src".into(), bytes);
}

fn renumber(port: &mut Attachments) {
    port.0 = std::mem::take(&mut port.0)
        .into_iter()
        .map(|(name, bytes)| {
            let index: usize = name.strip_prefix("src/").unwrap().parse().unwrap();
            (format!("src/{}", index + 1), bytes)
        })
        .collect();
}

fn collect(directory: &Path, base: &Path, follow: bool, entries: &mut Vec<Json>, port: &mut Attachments) {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(base).unwrap().to_str().unwrap();
        if path.is_symlink() && !follow {
            entries.push(json!({"path": name, "kind": "link", "target": fs::read_link(&path).unwrap()}));
        } else if path.is_dir() {
            entries.push(json!({"path": name, "kind": "dir"}));
            collect(&path, base, follow, entries, port);
        } else {
            let bytes = fs::read(&path).unwrap();
            let mode = fs::metadata(&path).unwrap().mode();
            port.0.insert(format!("src/{}", entries.len()), bytes.clone());
            entries.push(json!({
                "path": name, "kind": "file", "mode": format!("0{:o}", mode & 0o7777), "size": bytes.len(),
                "sha1": checksum::of_bytes(&bytes, Algorithm::Sha1), "label": path,
            }));
        }
    }
}

/// A name without its collection.
fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Runs a case's task as a playbook would, and returns the result in the form that a playbook registers.
fn run(case: &Json, root: &Path) -> Map<String, Json> {
    let module = rplay_modules::table::find(short_name(text(case, "module").unwrap())).expect("a module of the table");
    let args = replaced(&case["args"], "{tmp}", root.to_str().unwrap());
    let mut port = Attachments::default();
    let mut args = match validate::validate(&module.spec, object(&args).clone()) {
        Ok(args) => args,
        Err(problem) => return harness::refused(&problem),
    };
    if module.spec.name == "copy" {
        as_copy_action(&mut args, &mut port);
    }
    harness::run_validated(module, args, &mut port, case.get("check") == Some(&json!(true)))
}

/// Leaves out what cannot be equal: names of temporary files, sizes that depend on the file system, and the diff of a
/// failure, which has no place in ours.
fn comparable(result: &Map<String, Json>, failed: bool) -> Json {
    let mut result = result.clone();
    for name in ["stdout_lines", "stderr_lines", "_ansible_verbose_always", "failed"] {
        result.remove(name);
    }
    if let Some(Json::Object(stat)) = result.get_mut("stat") {
        for name in ["atime", "mtime", "ctime", "inode", "dev", "device_type", "version", "block_size", "blocks"] {
            stat.remove(name);
        }
        if stat.get("isdir") == Some(&json!(true)) {
            stat.remove("size");
        }
        // Another file system has other flags.
        stat.remove("attributes");
        stat.remove("attr_flags");
        if stat.get("islnk") == Some(&json!(true)) {
            stat.remove("size");
        }
    }
    if matches!(text(&Json::Object(result.clone()), "state"), Some("link" | "directory")) {
        result.remove("size");
    }
    if let Some(Json::String(src)) = result.get_mut("src")
        && let Some(start) = src.find("/.source")
    {
        *src = src.split_off(start);
    }
    for name in ["backup_file", "backup"] {
        if let Some(Json::String(backup)) = result.get_mut(name) {
            *backup = without_backup_stamp(backup);
            // cron keeps its copies under names that differ from run to run.
            if backup.starts_with("/tmp/crontab") {
                backup.truncate("/tmp/crontab".len());
            }
        }
    }
    if failed || result.get("failed") == Some(&json!(true)) {
        result.remove("diff");
    }
    let diffs = match result.remove("diff") {
        Some(Json::Array(diffs)) => diffs,
        Some(diff) => vec![diff],
        None => vec![],
    };
    let diffs: Vec<Json> = diffs.iter().map(comparable_diff).filter(|diff| !diff.is_null()).collect();
    if !diffs.is_empty() {
        result.insert("diff".into(), diffs.into());
    }
    Json::Object(result)
}

fn comparable_diff(diff: &Json) -> Json {
    let mut diff = object(diff).clone();
    let mut skipped = Vec::new();
    for (key, line) in [
        ("dst_binary", "diff skipped: destination file appears to be binary\n"),
        ("src_binary", "diff skipped: source file appears to be binary\n"),
        ("dst_larger", "diff skipped: destination file size is greater than 104448\n"),
        ("src_larger", "diff skipped: source file size is greater than 104448\n"),
    ] {
        if diff.contains_key(key) {
            skipped.push(line);
        }
    }
    if !skipped.is_empty() {
        return json!({"prepared": skipped.concat()});
    }
    for side in ["before", "after"] {
        if let Some(Json::Object(side)) = diff.get_mut(side) {
            side.remove("mtime");
            side.remove("atime");
        }
    }
    diff.retain(|name, value| !(name.ends_with("_header") && value == ""));
    if diff.is_empty() {
        Json::Null
    } else {
        serde_json::to_value(diff.into_iter().collect::<BTreeMap<_, _>>()).unwrap()
    }
}

/// Cases in which we mean to differ: `module/case: reason` in tests/cases/differences.txt.
fn differences(module: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/differences.txt");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix(module)?.strip_prefix('/')?.split_once(": "));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let mut known = differences(file.trim_end_matches(".jsonl"));
    let only = std::env::var("CASE").ok();
    let mut failures = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let name = text(&case, "name").unwrap();
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).map(|path| (path, root)).unwrap();
        let (root, _guard) = (root.0, root.1);
        make(&root, case.get("setup").map_or(&Map::new(), object));
        let tmp = root.to_str().unwrap();
        let before = failures.len();
        let failed = case["result"].get("failed") == Some(&json!(true))
            || (case["result"].get("msg").is_some() && case["result"]["changed"] == json!(false));
        let result = replaced(&Json::Object(run(&case, &root)), tmp, "{tmp}");
        let (found, wanted) = (comparable(object(&result), failed), comparable(object(&case["result"]), failed));
        if found != wanted {
            failures.push(format!("{name}:\n  found  {found}\n  wanted {wanted}"));
        }
        let after = Json::Object(snapshot(&root));
        let wanted: Map<String, Json> =
            object(&case["after"]).iter().map(|(name, line)| (without_backup_stamp(name), line.clone())).collect();
        if after != Json::Object(wanted.clone()) {
            failures.push(format!("{name}:\n  left   {after}\n  wanted {}", Json::Object(wanted)));
        }
        if let Some(again) = case.get("again") {
            let changed = run(&case, &root)["changed"].clone();
            if changed != *again {
                failures.push(format!("{name}: run again: changed={changed}"));
            }
        }
        if let Some(index) = known.iter().position(|it| it == name) {
            known.remove(index);
            if failures.len() == before {
                failures.push(format!("{name}: is the same now; take it out of differences.txt"));
            } else {
                failures.truncate(before);
            }
        }
    }
    if only.is_none() {
        failures.extend(known.iter().map(|name| format!("{name}: stands in differences.txt and is no case")));
    }
    assert!(failures.is_empty(), "{} cases differ\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn blockinfile() {
    check("blockinfile.jsonl");
}

#[test]
fn copy() {
    check("copy.jsonl");
}

#[test]
fn file() {
    check("file.jsonl");
}

#[test]
fn lineinfile() {
    check("lineinfile.jsonl");
}

#[test]
fn replace() {
    check("replace.jsonl");
}

#[test]
fn stat() {
    check("stat.jsonl");
}

#[test]
fn assemble() {
    check("assemble.jsonl");
}

#[test]
fn cron() {
    check("cron.jsonl");
}

#[test]
fn known_hosts() {
    check("known_hosts.jsonl");
}

#[test]
fn ini_file() {
    check("ini_file.jsonl");
}

#[test]
fn sysctl() {
    check("sysctl.jsonl");
}

#[test]
fn pam_limits() {
    check("pam_limits.jsonl");
}

#[test]
fn mount() {
    check("mount.jsonl");
}
