//! The recorded answers of ansible-core: no file's score falls. In a binary of its own, for the cases set the working
//! directory and the environment.

#[path = "../examples/corpus/harness.rs"]
mod harness;

use std::path::Path;
use std::sync::Mutex;

/// There is one working directory.
static ALONE: Mutex<()> = Mutex::new(());

/// Cases that passed so far. These numbers only go up.
const REACHED: &[(&str, usize)] = &[
    ("args", 434),
    ("conditionals", 380),
    ("inventory", 320),
    ("plays", 361),
    ("precedence", 108),
    ("templatefiles", 165),
    ("templates", 2621),
    ("yaml", 366),
];

/// Cases of the corpora changed at random, and filters composed at random, that once had other answers than ansible-core's.
#[test]
fn mutated_cases_are_answered_alike() {
    let _alone = ALONE.lock();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/mutated");
    let mut wrong = Vec::new();
    let mut files = 0;
    for (name, check) in harness::CORPORA {
        let Some(score) = harness::score(&folder.join(format!("{name}.jsonl")), *check) else { continue };
        files += 1;
        wrong.extend(score.failures.iter().map(|(id, details)| format!("{id}\n{details}")));
    }
    assert!(files == 5 && wrong.is_empty(), "{files} files\n{}", wrong.join("\n"));
}

#[test]
fn no_score_falls() {
    let _alone = ALONE.lock();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/corpus");
    let mut fallen = Vec::new();
    for (name, check) in harness::CORPORA {
        let (_, reached) = REACHED.iter().find(|(file, _)| file == name).expect("every file has a number");
        let score = harness::score(&folder.join(format!("{name}.jsonl")), *check).expect("the file is there");
        if score.passed < *reached {
            let failures: Vec<String> = score.failures.iter().map(|(id, details)| format!("{id}\n{details}")).collect();
            fallen.push(format!(
                "{name}: {} of {}, {reached} before\n{}",
                score.passed,
                score.total,
                failures.join("\n")
            ));
        }
    }
    assert!(fallen.is_empty(), "{}", fallen.join("\n\n"));
}
