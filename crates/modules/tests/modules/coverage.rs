//! Every module of the table has cases recorded from the original, or is listed with the reason why not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

#[test]
fn every_module_has_cases_or_a_reason() {
    let list = fs::read_to_string(cases().join("without-cases.txt")).unwrap();
    let excused: BTreeSet<&str> = list.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    let mut wrong = Vec::new();
    for module in rplay_modules::table::MODULES {
        let name = module.spec.name;
        match (cases().join(format!("{name}.jsonl")).exists(), excused.contains(name)) {
            (false, false) => wrong.push(format!("{name} has no cases and no reason")),
            (true, true) => wrong.push(format!("{name} has cases and stands in without-cases.txt")),
            _ => {}
        }
    }
    for name in excused {
        if rplay_modules::table::find(name).is_none() {
            wrong.push(format!("{name} of without-cases.txt is no module"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
