//! Mistakes in a project: each is shown with its place, before any host is touched.

use crate::cases;

#[test]
fn each_is_shown_with_its_place_and_touches_no_host() {
    let mut wrong = Vec::new();
    for case in cases::all("mistakes") {
        match case.check() {
            Ok(ended) => {
                if ended.stdout.contains("TASK [") {
                    wrong.push(format!("{}: a task was begun:\n{}", case.name(), ended.stdout));
                }
                if !ended.stderr.contains("--> ") || !ended.stderr.contains('^') {
                    wrong.push(format!("{}: no place is shown:\n{}", case.name(), ended.stderr));
                }
            }
            Err(difference) => wrong.push(difference),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_shows_at_run_time_names_its_place_too() {
    let wrong: Vec<String> = cases::all("mistakes-at-run-time").iter().filter_map(|case| case.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
