//! The library and the program against recorded answers. Compiled into `examples/corpus` and into `tests/corpus.rs`.

mod args;
mod expected;
mod inventory;
mod plays;
mod templates;
mod yaml;

use std::path::Path;

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
pub const CORPORA: &[(&str, fn(&Json) -> Verdict)] = &[
    ("args", args::check),
    ("conditionals", templates::check_condition),
    ("inventory", inventory::check),
    ("plays", plays::check),
    ("precedence", plays::check),
    ("templatefiles", templates::check_file),
    ("templates", templates::check_template),
    ("yaml", yaml::check),
];

/// Cases rendered, and the seconds that took.
#[allow(dead_code, reason = "the test doesn't time")]
pub fn time_templates(path: &Path, times: u32) -> Option<(usize, f64)> {
    let text = std::fs::read_to_string(path).ok()?;
    let cases = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    let spent: Vec<f64> = cases.filter_map(|case: Json| templates::time_template(&case, times)).collect();
    Some((spent.len() * times as usize, spent.iter().sum()))
}

/// How many cases of a file passed, and the ids of the others with both answers.
pub struct Score {
    pub passed: usize,
    pub total: usize,
    pub failures: Vec<(String, String)>,
}

/// Judges every case of a corpus file; none if there is no such file.
pub fn score(path: &Path, check: fn(&Json) -> Verdict) -> Option<Score> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut score = Score { passed: 0, total: 0, failures: Vec::new() };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Json = serde_json::from_str(line).unwrap_or_default();
        let verdict = check(&case);
        score.total += 1;
        if verdict.passed {
            score.passed += 1;
        } else {
            score.failures.push((case["id"].as_str().unwrap_or("?").to_owned(), verdict.details));
        }
    }
    Some(score)
}
