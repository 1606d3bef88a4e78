//! Whole projects (`plays`, `precedence`): runs the program itself in an empty directory and compares exit code, output,
//! errors, warnings and what became of the files. The program is the one in `RPLAY`, else the one that was built beside this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use crate::Verdict;

/// Ansible tells where it puts modules on a target, and how to be rid of deprecations; neither exists here.
const NOT_OURS: &[&str] =
    &["[WARNING]: Module remote_tmp ", "[WARNING]: Deprecation warnings can be disabled by setting"];

/// One host after the other, as it was recorded: the output is compared as it stands.
pub fn check(case: &Json) -> Verdict {
    verdict(case, Some("1"))
}

/// With as many forks as a user has: hosts report in any order, so what stands below one head is compared in any order.
/// Where that order shows in values (which host made a group first), one of three runs has to agree.
pub fn check_with_forks(case: &Json) -> Verdict {
    let mut verdicts = (0..3).map(|_| verdict(case, None));
    let first = verdicts.next().unwrap_or_else(|| Verdict::compare("a run", "none"));
    if first.passed { first } else { verdicts.find(|verdict| verdict.passed).unwrap_or(first) }
}

fn verdict(case: &Json, forks: Option<&str>) -> Verdict {
    let run = match run(case, forks) {
        Ok(run) => run,
        Err(err) => return Verdict { passed: false, details: format!("  the case cannot be run: {err}") },
    };
    let complaints = judge(case, &run, forks.is_some());
    Verdict { passed: complaints.is_empty(), details: complaints.join("\n") }
}

/// What a run left behind.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
    /// The project's files as they are now; none for what is not text.
    files: BTreeMap<String, Option<String>>,
}

fn judge(case: &Json, run: &Run, in_order: bool) -> Vec<String> {
    let expect = &case["expect"];
    let mut complaints = Vec::new();
    let mut compare = |what: &str, expected: String, actual: String| {
        if expected != actual {
            complaints.push(format!("  {what}: expected {expected}\n  {what}: actual   {actual}"));
        }
    };
    compare("exit code", expect["rc"].to_string(), run.code.to_string());
    // Free strategies have no fixed order of lines: nothing was recorded.
    if let Some(wanted) = expect["stdout"].as_str() {
        if in_order {
            compare("stdout", wanted.to_owned(), run.stdout.clone());
        } else {
            compare("stdout", without_order(wanted), without_order(&run.stdout));
        }
    }
    let (wanted, given) = errors(expect["error"].as_str(), &run.stderr);
    compare("error", wanted, given);
    let wanted = warnings(expect["warnings"].as_array().into_iter().flatten().filter_map(Json::as_str));
    let given = warnings(run.stderr.lines());
    let given: BTreeSet<String> = given.iter().map(|given| without_advice(given, &wanted)).collect();
    compare("warnings", format!("{wanted:#?}"), format!("{given:#?}"));
    let (wanted, given) = changed_files(case, run);
    compare("files", format!("{wanted:#?}"), format!("{given:#?}"));
    complaints
}

/// The recorded error beside the same one among those of the run, or all of those. Only the first line counts: where
/// the mistake stands is drawn differently on purpose.
fn errors(wanted: Option<&str>, stderr: &str) -> (String, String) {
    let given: Vec<&str> =
        stderr.lines().filter_map(|line| line.strip_prefix("error: ").or(line.strip_prefix("[ERROR]: "))).collect();
    match wanted {
        Some(usage) if usage.starts_with("usage: ") => {
            let has_usage = stderr.contains("Usage: ");
            ("usage".to_owned(), if has_usage { "usage".to_owned() } else { given.join("\n") })
        }
        Some(wanted) => {
            let wanted = wanted.trim_start_matches("[ERROR]: ");
            let same = given.iter().find(|given| **given == wanted);
            (wanted.to_owned(), same.map_or_else(|| given.join("\n"), |given| (*given).to_owned()))
        }
        None => (String::new(), given.join("\n")),
    }
}

/// First lines of warnings and deprecations, without in which version of Ansible something goes.
fn warnings<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    lines
        .filter(|line| line.starts_with("[WARNING]") || line.starts_with("[DEPRECATION WARNING]"))
        .filter(|line| !NOT_OURS.iter().any(|prefix| line.starts_with(prefix)))
        .map(|line| line.split(" This feature will be removed ").next().unwrap_or(line).to_owned())
        .collect()
}

/// The recorded warning that this one begins with: advice that Ansible gives in lines of its own stands behind it here.
fn without_advice(given: &str, wanted: &BTreeSet<String>) -> String {
    let same = wanted.iter().find(|wanted| given.strip_prefix(wanted.as_str()).is_some_and(|it| it.starts_with(' ')));
    same.map_or(given, String::as_str).to_owned()
}

/// Files that a run made, changed or removed: as recorded, and as they are. Changes of given files were recorded in some
/// areas only.
fn changed_files(case: &Json, run: &Run) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let expect = &case["expect"];
    let mut wanted = BTreeMap::new();
    for kind in ["created", "modified"] {
        for (name, content) in expect[kind].as_object().into_iter().flatten() {
            wanted.insert(format!("{kind} {name}"), content.to_string());
        }
    }
    for name in expect["removed"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        wanted.insert(format!("removed {name}"), String::new());
    }
    let judged = matches!(case["area"].as_str(), Some("modules" | "checkdiff" | "realistic" | "vault"));
    let mut given = BTreeMap::new();
    let before = case["files"].as_object();
    for (name, content) in &run.files {
        let shown = Json::from(content.clone()).to_string();
        match before.and_then(|files| files.get(name)) {
            None => _ = given.insert(format!("created {name}"), shown),
            Some(old) if judged && old.as_str() != content.as_deref() => {
                given.insert(format!("modified {name}"), shown);
            }
            Some(_) => {}
        }
    }
    for name in before.into_iter().flatten().map(|(name, _)| name).filter(|name| !run.files.contains_key(*name)) {
        given.insert(format!("removed {name}"), String::new());
    }
    (wanted, given)
}

/// The lines below each head sorted; the last item of a list, which has no comma, is any.
fn without_order(output: &str) -> String {
    let mut blocks: Vec<Vec<&str>> = vec![Vec::new()];
    for line in output.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty()) {
        if line.ends_with("***") {
            blocks.push(vec![line]);
        } else if let Some(block) = blocks.last_mut() {
            block.push(line);
        }
    }
    for block in &mut blocks {
        block.get_mut(1..).unwrap_or_default().sort_unstable();
    }
    blocks.concat().join("\n")
}

/// Runs a case; what differs from run to run is replaced as in the recording.
fn run(case: &Json, forks: Option<&str>) -> Result<Run, String> {
    let explain = |err: std::io::Error| err.to_string();
    let home = tempfile::tempdir().map_err(explain)?;
    let cwd = home.path().join("project");
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        write(&cwd.join(name), content.as_str().unwrap_or_default()).map_err(explain)?;
    }
    let place =
        |text: &str| text.replace("<cwd>", &cwd.to_string_lossy()).replace("<tmp>", &home.path().to_string_lossy());
    // A case that hangs is a case that fails.
    let mut command = Command::new("timeout");
    command
        .arg("60")
        .arg(program())
        .args(case["args"].as_array().into_iter().flatten().filter_map(Json::as_str).map(place))
        .current_dir(&cwd)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .env("ANSIBLE_HOME", home.path().join("ah"))
        .stdin(Stdio::null());
    if let Some(forks) = forks {
        command.env("ANSIBLE_FORKS", forks);
    }
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        command.env(name, place(value.as_str().unwrap_or_default()));
    }
    let output = command.output().map_err(explain)?;
    let recorded = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes)
            .replace(&*cwd.to_string_lossy(), "<cwd>")
            .replace(&*home.path().to_string_lossy(), "<tmp>");
        without_chance(&text)
    };
    Ok(Run {
        code: output.status.code().unwrap_or(-1),
        stdout: recorded(&output.stdout),
        stderr: recorded(&output.stderr),
        files: files(&cwd, &|text| recorded(text.as_bytes())),
    })
}

fn files(folder: &Path, recorded: &dyn Fn(&str) -> String) -> BTreeMap<String, Option<String>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| {
            let name = entry.path().strip_prefix(folder).ok()?.to_string_lossy().into_owned();
            let text = fs::read(entry.path()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some((name, text.map(|text| recorded(&text))))
        })
        .collect()
}

/// What no two runs have alike: times, ids of jobs, and how often a job is asked for before it has ended.
fn without_chance(text: &str) -> String {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+").expect("a constant pattern"));
    static DELTA: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d:\d\d:\d\d\.\d{6}").expect("a constant pattern"));
    static JOB: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bj\d+\.\d+\b").expect("a constant pattern"));
    static ASKED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^FAILED - RETRYING: \[\w+\]: async_status \(\d+ retries left\)\.\n")
            .expect("a constant pattern")
    });
    let text = DELTA.replace_all(&TIME.replace_all(text, "<time>"), "<delta>").into_owned();
    ASKED.replace_all(&JOB.replace_all(&text, "j<id>"), "").into_owned()
}

/// A file that begins with `#!` is a program.
fn write(path: &Path, content: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    if content.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn program() -> PathBuf {
    std::env::var_os("RPLAY").map_or_else(
        || {
            let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.parent()?.join("rplay")));
            beside.unwrap_or_else(|| PathBuf::from("target/debug/rplay"))
        },
        PathBuf::from,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_difference_is_told() {
        let case = json!({
            "area": "modules",
            "files": {"given": "a"},
            "expect": {"rc": 0, "stdout": "TASK [x] ***\nok: [a]\nok: [b]\n", "created": {"new": "n"}},
        });
        let files = |given: &str, new: &str| {
            BTreeMap::from([("given".into(), Some(given.to_owned())), ("new".into(), Some(new.to_owned()))])
        };
        let run =
            |stdout: &str, stderr: &str, files| Run { code: 0, stdout: stdout.into(), stderr: stderr.into(), files };
        let good = "TASK [x] ***\nok: [a]\nok: [b]\n";
        assert!(judge(&case, &run(good, "", files("a", "n")), true).is_empty());
        assert!(judge(&case, &run("TASK [x] ***\nok: [b]\nok: [a]\n", "", files("a", "n")), false).is_empty());
        for (wrong, what) in [
            (run("", "", files("a", "n")), "stdout"),
            (run(good, "error: no\n", files("a", "n")), "error"),
            (run(good, "[WARNING]: w\n", files("a", "n")), "warnings"),
            (run(good, "", files("b", "n")), "files"),
            (run(good, "", files("a", "m")), "files"),
            (run(good, "", BTreeMap::new()), "files"),
        ] {
            let told = judge(&case, &wrong, true);
            assert!(told.len() == 1 && told[0].contains(what), "{what}: {told:?}");
        }
    }
}
