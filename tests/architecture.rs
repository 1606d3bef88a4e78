//! The rules that the structure of the code rests on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Layers of the controller, the highest first. A part imports only from lower layers, or from itself.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["callback"],
    &["engine"],
    &["actions"],
    &["vars", "remote", "modules"],
    &["inventory", "connection", "playbook"],
    &["template", "config"],
    &["python"],
    &["catalog"],
    &["yaml", "split_args"],
    &["vault"],
    &["error"],
    &["value"],
    &["source", "blocking", "account"],
];

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src")) {
        let part = part_of(&file);
        if part == "main" || part == "lib" {
            continue;
        }
        let layer = layer_of(&part)
            .unwrap_or_else(|| panic!("{}: `{part}` has no layer in tests/architecture.rs", file.display()));
        for imported in imports(&fs::read_to_string(&file).expect("a file of the project")) {
            let below = layer_of(&imported).is_some_and(|other| other > layer);
            if imported != part && !below {
                wrong.push(format!("{} imports `{imported}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that do not go down:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_callback_writes_to_the_terminal() {
    let mut wrong = Vec::new();
    for folder in [
        "src/engine",
        "src/actions",
        "src/vars",
        "src/remote",
        "src/template",
        "src/playbook",
        "src/inventory",
        "crates",
    ] {
        for file in rust_files(Path::new(folder)) {
            let path = file.to_string_lossy();
            if path.contains("/tests") || path.contains("build.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a file of the project");
            for (index, line) in text.lines().enumerate() {
                let code = line.trim_start();
                let prints =
                    ["println!(", "print!(", "eprintln!(", "eprint!("].iter().any(|name| code.starts_with(name));
                if prints && !text[..text.find(line).unwrap_or(0)].contains("#[cfg(test)]") {
                    wrong.push(format!("{path}:{}", index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "prints outside cli and callback:\n{}", wrong.join("\n"));
}

/// Whoever runs, reads or connects asks and tells by events: a word to the terminal would come at the wrong time.
#[test]
fn only_the_callback_touches_the_terminal() {
    // What happens before a run's first event, or is another program's word.
    const EXCEPT: &[&str] =
        &["src/vault/password.rs", "src/template/lookups/commands.rs", "src/connection/ssh/driver.rs"];
    const WORDS: &[&str] =
        &["stdin()", "stdout()", "stderr()", "Stdio::inherit", "rpassword", "/dev/tty", "is_terminal"];
    let mut wrong = Vec::new();
    for (index, part) in
        LAYERS.iter().enumerate().flat_map(|(index, parts)| parts.iter().map(move |part| (index, part)))
    {
        if index < 2 {
            continue;
        }
        for file in rust_files(Path::new("src")).into_iter().filter(|file| part_of(file) == *part) {
            let text = fs::read_to_string(&file).expect("a file of the project");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let path = file.to_string_lossy();
            let tests = path.contains("/tests");
            if let Some(word) = WORDS.iter().find(|word| code.contains(**word))
                && !tests
                && !EXCEPT.contains(&&*path)
            {
                wrong.push(format!("{path}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "touch the terminal outside of cli and callback:\n{}", wrong.join("\n"));
}

#[test]
fn the_agent_links_nothing_of_the_controller() {
    let names = linked("rplay-agent");
    assert!(names.contains("rplay-modules"), "the dependency tree was not read: {names:?}");
    for forbidden in
        ["tokio", "clap", "minijinja", "ssh2", "openssl-sys", "rplay-aws", "aws-config", "rplay", "serde_yaml"]
    {
        assert!(!names.contains(forbidden), "the agent links {forbidden}");
    }
}

#[test]
fn the_controller_links_no_sdk_of_a_cloud() {
    let names = linked("rplay");
    assert!(names.contains("rplay-aws-specs"), "the dependency tree was not read: {names:?}");
    let sdk: Vec<_> = names.iter().filter(|name| name.starts_with("aws-") || *name == "rplay-aws").collect();
    assert!(sdk.is_empty(), "the controller links {sdk:?}");
}

/// The crates that are linked into a package's programs.
fn linked(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}", "--offline", "--locked"])
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

fn layer_of(part: &str) -> Option<usize> {
    LAYERS.iter().position(|parts| parts.contains(&part))
}

/// `src/engine/play_iterator.rs` belongs to `engine`, `src/value.rs` to `value`.
fn part_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").expect("a file below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The parts named in `crate::part`, in `use` lines and in paths; code of tests is free.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut parts = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let preceded =
            code[..start].chars().next_back().is_some_and(|char| char.is_alphanumeric() || char == '_' || char == '$');
        let rest = &code[start + "crate::".len()..];
        if preceded {
            continue;
        }
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split(';').next().unwrap_or_default();
            let mut depth = 0;
            let mut word = String::new();
            for char in group.chars() {
                match char {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        parts.insert(first_word(&word));
                        word.clear();
                        continue;
                    }
                    _ => {}
                }
                word.push(char);
            }
            parts.insert(first_word(&word));
        } else {
            parts.insert(first_word(rest));
        }
    }
    parts.retain(|part| layer_of(part).is_some());
    parts
}

fn first_word(text: &str) -> String {
    text.trim().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| path.file_name().is_some_and(|name| name != "tests.rs"))
        .collect();
    files.sort();
    files
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::value::Value;\nuse crate::{error::Error, yaml::{Node, Reader}};\nfn f() -> crate::engine::Run {}\n#[cfg(test)]\nuse crate::cli;";
    assert_eq!(imports(text), BTreeSet::from(["value", "error", "yaml", "engine"].map(str::to_owned)));
}
