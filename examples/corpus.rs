//! Scores the library against recorded answers: `cargo run --example corpus -- DIR [--failures] [--only NAME] [--case ID] [--time N]`.
//! Prints one line per corpus, with `--failures` each failing case with both answers (and whether it is known to fail);
//! with `--time`, how many templates were rendered, each N times, and in how many seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the score is what it is run for")]

use std::path::PathBuf;
use std::process::ExitCode;

use rplay_corpus::{CORPORA, Known, score, time_templates};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let show_failures = arguments.iter().any(|argument| argument == "--failures");
    let (only, case) = (option("--only"), option("--case"));
    let Some(folder) = arguments.first().filter(|argument| !argument.starts_with("--")).map(PathBuf::from) else {
        eprintln!("usage: corpus DIR [--failures] [--only NAME] [--case ID] [--time N]");
        return ExitCode::from(2);
    };
    // The cases change the working directory.
    let Ok(folder) = folder.canonicalize() else {
        eprintln!("{} is not there", folder.display());
        return ExitCode::from(2);
    };
    if let Some(times) = option("--time").and_then(|times| times.parse().ok()) {
        let Some((cases, seconds)) = time_templates(&folder.join("templates.jsonl"), times) else {
            return ExitCode::FAILURE;
        };
        println!("{cases} {seconds}");
        return ExitCode::SUCCESS;
    }
    let known = Known::read(&folder).unwrap_or_default();
    for corpus in CORPORA.iter().filter(|corpus| only.is_none_or(|only| only == corpus.name)) {
        let chosen = |id: &str| case.is_none_or(|case| case == id);
        let Some(score) = score(&folder, corpus, &chosen) else { continue };
        for (id, details) in score.failures.iter().filter(|_| show_failures) {
            let reason = known.reason(corpus, id).map(|reason| format!(" (known: {reason})")).unwrap_or_default();
            println!("{} {id}{reason}\n{details}", corpus.name);
        }
        println!("{}: {}/{}", corpus.name, score.passed, score.total);
    }
    ExitCode::SUCCESS
}
