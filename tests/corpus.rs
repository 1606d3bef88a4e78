//! The recorded answers of ansible-core: no file's score falls. In a binary of its own, for the cases set the working
//! directory and the environment.

#[path = "../examples/corpus/harness.rs"]
mod harness;

use std::path::Path;

/// Cases that passed so far. These numbers only go up.
const REACHED: &[(&str, usize)] = &[
    ("args", 434),
    ("conditionals", 380),
    ("inventory", 320),
    ("plays", 358),
    ("precedence", 108),
    ("templatefiles", 165),
    ("templates", 2621),
    ("yaml", 365),
];

#[test]
fn no_score_falls() {
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
