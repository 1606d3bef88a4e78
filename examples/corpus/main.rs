//! Scores the library against recorded answers: `cargo run --example corpus -- DIR [--failures] [--only NAME]`.
//! Prints one line per file, and with `--failures` each failing case with both answers.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the score is what it is run for")]

mod args;
mod expected;
mod inventory;
mod plays;
mod templates;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value as Json;

/// How a case went.
pub struct Verdict {
    pub passed: bool,
    /// Both answers, for `--failures`.
    pub details: String,
}

impl Verdict {
    pub fn compare(expected: &str, actual: &str) -> Self {
        Self { passed: expected == actual, details: format!("  expected {expected}\n  actual   {actual}") }
    }
}

/// One line per corpus file, sorted.
const CORPORA: &[(&str, fn(&Json) -> Verdict)] = &[
    ("args", args::check),
    ("conditionals", templates::check_condition),
    ("inventory", inventory::check),
    ("plays", plays::check),
    ("precedence", plays::check),
    ("templatefiles", templates::check_file),
    ("templates", templates::check_template),
    ("yaml", yaml::check),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let show_failures = arguments.iter().any(|argument| argument == "--failures");
    let only = arguments.iter().position(|it| it == "--only").and_then(|at| arguments.get(at + 1));
    let Some(folder) = arguments.first().filter(|argument| !argument.starts_with("--")).map(PathBuf::from) else {
        eprintln!("usage: corpus DIR [--failures] [--only NAME]");
        return ExitCode::from(2);
    };
    for (name, check) in CORPORA {
        if only.is_none_or(|only| only == name) {
            score(name, &folder.join(format!("{name}.jsonl")), *check, show_failures);
        }
    }
    ExitCode::SUCCESS
}

fn score(name: &str, path: &Path, check: fn(&Json) -> Verdict, show_failures: bool) {
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let (mut passed, mut total) = (0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Json = match serde_json::from_str(line) {
            Ok(case) => case,
            Err(err) => {
                eprintln!("{name}: a case is not JSON: {err}");
                continue;
            }
        };
        total += 1;
        let verdict = check(&case);
        if verdict.passed {
            passed += 1;
        } else if show_failures {
            println!("{name} {}\n{}", case.get("id").and_then(Json::as_str).unwrap_or("?"), verdict.details);
        }
    }
    println!("{name}: {passed}/{total}");
}
