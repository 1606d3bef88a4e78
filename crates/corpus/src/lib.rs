//! The controller's library and program against recorded answers of ansible-core (`tests/cases`).

mod args;
mod expected;
mod inventory;
mod known;
mod plays;
mod templates;
mod yaml;

use std::path::Path;

use serde_json::Value as Json;

pub use known::Known;

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

/// Cases of one kind: the name they are scored under, the file that holds them, and how one is judged.
pub struct Corpus {
    pub name: &'static str,
    pub file: &'static str,
    check: fn(&Json) -> Verdict,
}

impl Corpus {
    const fn new(name: &'static str, file: &'static str, check: fn(&Json) -> Verdict) -> Self {
        Self { name, file, check }
    }
}

/// Sorted by name.
pub const CORPORA: &[Corpus] = &[
    Corpus::new("args", "args", args::check),
    Corpus::new("conditionals", "conditionals", templates::check_condition),
    Corpus::new("inventory", "inventory", inventory::check),
    Corpus::new("plays", "plays", plays::check),
    Corpus::new("plays-forks", "plays", plays::check_with_forks),
    Corpus::new("precedence", "precedence", plays::check),
    Corpus::new("precedence-forks", "precedence", plays::check_with_forks),
    Corpus::new("templatefiles", "templatefiles", templates::check_file),
    Corpus::new("templates", "templates", templates::check_template),
    Corpus::new("yaml", "yaml", yaml::check),
];

/// Cases rendered, and the seconds that took.
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

/// Judges the cases of a corpus in a folder; none if the folder has no such file. `chosen` says by id which cases count.
pub fn score(folder: &Path, corpus: &Corpus, chosen: &dyn Fn(&str) -> bool) -> Option<Score> {
    let text = std::fs::read_to_string(folder.join(format!("{}.jsonl", corpus.file))).ok()?;
    let mut score = Score { passed: 0, total: 0, failures: Vec::new() };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Json = serde_json::from_str(line).unwrap_or_default();
        let id = case["id"].as_str().unwrap_or("?");
        if !chosen(id) {
            continue;
        }
        let verdict = (corpus.check)(&case);
        score.total += 1;
        if verdict.passed {
            score.passed += 1;
        } else {
            score.failures.push((id.to_owned(), verdict.details));
        }
    }
    Some(score)
}
