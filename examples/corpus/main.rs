//! Scores the library against recorded answers: `cargo run --example corpus -- DIR [--failures] [--only NAME] [--time N]`.
//! Prints one line per file, and with `--failures` each failing case with both answers; with `--time`, how many templates were
//! rendered, each N times, and in how many seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the score is what it is run for")]

#[path = "harness.rs"]
mod harness;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let show_failures = arguments.iter().any(|argument| argument == "--failures");
    let only = arguments.iter().position(|it| it == "--only").and_then(|at| arguments.get(at + 1));
    let Some(folder) = arguments.first().filter(|argument| !argument.starts_with("--")).map(PathBuf::from) else {
        eprintln!("usage: corpus DIR [--failures] [--only NAME] [--time N]");
        return ExitCode::from(2);
    };
    if let Some(times) =
        arguments.iter().position(|it| it == "--time").and_then(|at| arguments.get(at + 1)?.parse().ok())
    {
        let Some((cases, seconds)) = harness::time_templates(&folder.join("templates.jsonl"), times) else {
            return ExitCode::FAILURE;
        };
        println!("{cases} {seconds}");
        return ExitCode::SUCCESS;
    }
    for (name, check) in harness::CORPORA {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let Some(score) = harness::score(&folder.join(format!("{name}.jsonl")), *check) else { continue };
        for (id, details) in score.failures.iter().filter(|_| show_failures) {
            println!("{name} {id}\n{details}");
        }
        println!("{name}: {}/{}", score.passed, score.total);
    }
    ExitCode::SUCCESS
}
