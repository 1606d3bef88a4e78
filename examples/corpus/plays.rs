//! Whole projects (`plays`, `precedence`): runs the program itself in an empty directory and compares exit code and output.
//! The program is the one in `RPLAY`, else the one that was built beside this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::Value as Json;

use super::Verdict;

pub fn check(case: &Json) -> Verdict {
    match run(case) {
        Ok((code, output)) => judge(case, code, &output),
        Err(err) => Verdict { passed: false, details: format!("  the case cannot be run: {err}") },
    }
}

fn judge(case: &Json, code: i32, output: &str) -> Verdict {
    let expect = &case["expect"];
    let wanted = expect["rc"].as_i64().unwrap_or_default();
    if i64::from(code) != wanted {
        return Verdict { passed: false, details: format!("  expected exit code {wanted}, got {code}\n{output}") };
    }
    match expect["stdout"].as_str() {
        // Free strategies have no fixed order of lines.
        None => Verdict { passed: true, details: String::new() },
        Some(wanted) => Verdict::compare(wanted, output),
    }
}

/// Exit code and standard output, with what differs from run to run replaced as in the recording.
fn run(case: &Json) -> Result<(i32, String), String> {
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
        .env("ANSIBLE_FORKS", "1")
        .stdin(Stdio::null());
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        command.env(name, place(value.as_str().unwrap_or_default()));
    }
    let output = command.output().map_err(explain)?;
    let text = String::from_utf8_lossy(&output.stdout)
        .replace(&*cwd.to_string_lossy(), "<cwd>")
        .replace(&*home.path().to_string_lossy(), "<tmp>");
    Ok((output.status.code().unwrap_or(-1), without_times(&text)))
}

fn without_times(text: &str) -> String {
    let replace = |text: &str, pattern: &str, with: &str| match Regex::new(pattern) {
        Ok(pattern) => pattern.replace_all(text, with).into_owned(),
        Err(_) => text.to_owned(),
    };
    let text = replace(text, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "<time>");
    replace(&text, r"\d:\d\d:\d\d\.\d{6}", "<delta>")
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
