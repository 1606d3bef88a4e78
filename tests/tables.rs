//! Every row of every table is run by a test: these look for the names in what the tests run, and name those that are not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::bytes::Regex;
use rplay::actions::table::ACTIONS;
use rplay::callback::table::CALLBACKS;
use rplay::config::{SETTINGS, Support};
use rplay::modules;
use rplay::playbook::keywords::KEYWORDS;
use rplay::template::{filters, lookups, tests};

use crate::cases;

#[test]
fn cases_of_rows_that_nothing_else_runs() {
    let cases = ["tables", "settings", "callbacks"].into_iter().flat_map(cases::all);
    let wrong: Vec<String> = cases.filter_map(|case| case.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of lists, in which a name is no run.
const LISTS: [&str; 3] = ["tables.rs", "without-cases.txt", "specs.txt"];

/// What tests run: recorded cases, playbooks of cases and of the project, modules' cases, and the texts in tests themselves.
fn what_tests_run() -> String {
    let mut all = String::new();
    for folder in ["tests", "crates/modules/tests", "crates/aws/tests", "playbooks", "roles"] {
        let files = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).into_iter().flatten();
        for file in files.filter(|file| file.file_type().is_file()) {
            let name = file.file_name().to_string_lossy();
            if !LISTS.contains(&&*name) {
                all.push_str(&String::from_utf8_lossy(&fs::read(file.path()).unwrap_or_default()));
            }
        }
    }
    assert!(all.len() > 1_000_000, "the cases are not read any more");
    all
}

/// The names for which nothing in the text fits `pattern`, where NAME stands for the name.
fn not_run<'a>(names: impl IntoIterator<Item = &'a str>, text: &str, pattern: &str) -> BTreeSet<&'a str> {
    let fits = |name: &str| {
        let pattern = format!("(?-u){}", pattern.replace("NAME", &regex::escape(name)));
        Regex::new(&pattern).expect("a pattern of this file").is_match(text.as_bytes())
    };
    names.into_iter().filter(|name| !fits(name)).collect()
}

#[test]
fn every_row_is_run() {
    let text = what_tests_run();
    let nothing = BTreeSet::new();
    let filters = filters::table::FILTERS.iter().chain(filters::table::REMOVED).map(|filter| filter.name);
    assert_eq!(not_run(filters, &text, r#"\|\s*(ansible\.\w+\.)?NAME\b|(map|filter)\(?[\\'" ]+NAME\b"#), nothing);
    let words = tests::table::TESTS.iter().map(|test| test.name).filter(|name| name.starts_with(char::is_alphabetic));
    assert_eq!(
        not_run(words, &text, r"is\s+(not\s+)?(ansible\.\w+\.)?NAME\b|(select|reject)(attr)?\([^)]*NAME"),
        nothing
    );
    let names = lookups::table::LOOKUPS.iter().map(|lookup| lookup.name);
    assert_eq!(
        not_run(names, &text, r#"with_([a-z.]+\.)?NAME\b|(lookup|query|q)\(\s*[\\'"]+([a-z.]+\.)?NAME[\\'"]"#),
        nothing
    );
    let names = ACTIONS.iter().map(|action| action.name).chain(modules::specs().map(|spec| spec.name));
    // dnf5 is in no Debian that the tests can have, and seboolean needs a kernel with SELinux: unit tests have recorded outputs.
    // modprobe needs modules of the kernel, which the hosts of tests do not have.
    let not_here = BTreeSet::from(["dnf5", "modprobe", "seboolean"]);
    assert_eq!(not_run(names, &text, r#"\bNAME\\?['"]?\s*:|[\\'"]NAME[\\'"]"#), not_here);
    assert_eq!(not_run(KEYWORDS.iter().map(|row| row.name), &text, r#"\bNAME\\?['"]?\s*:"#), nothing);
}

#[test]
fn every_callback_is_run() {
    let text = what_tests_run();
    let short =
        CALLBACKS.iter().filter(|row| row.name != "default").map(|row| row.name.rsplit('.').next().unwrap_or(row.name));
    let pattern = r"(stdout_callback|callbacks_enabled|STDOUT_CALLBACK|CALLBACKS_ENABLED)\W[^\n]*\bNAME\b";
    assert_eq!(not_run(short, &text, pattern), BTreeSet::new());
}

#[test]
fn every_setting_is_set_by_a_case() {
    let text = what_tests_run();
    let is_set = |name: &str| not_run([name], &text, r"\bNAME\b").is_empty();
    let unset: BTreeSet<&str> = SETTINGS
        .iter()
        .filter(|setting| setting.support == Support::Used)
        .filter(|setting| {
            !setting.env.iter().any(|name| is_set(name)) && !setting.ini.iter().any(|(_, key)| is_set(key))
        })
        .map(|setting| setting.name)
        .collect();
    assert_eq!(unset, BTreeSet::new());
}
