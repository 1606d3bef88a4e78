use rplay_module_api::{CommandOutput, json};

use super::list::rows;
use super::run::{Fate, failure, table};

const TABLE: &str = "\
Dependencies resolved.
================================================================================
 Package           Architecture        Version             Repository      Size
================================================================================
Installing:
 tbar              noarch              1:1.0-1             t              5.9 k
     replacing  told.noarch 1.0-1
 a-package-with-a-name-that-is-very-long
                   noarch              2.0-1               t              5.9 k
Installing dependencies:
 tfoo              noarch              2.0-1               t              5.9 k
Upgrading:
 tup               x86_64              3.0-2.el9           t              1.0 M
Removing unused dependencies:
 tgone             noarch              1.0-1               @t                4

Transaction Summary
================================================================================
Install  3 Packages
";

#[test]
fn the_table_of_a_transaction_is_read() {
    let read: Vec<_> = table(TABLE).into_iter().map(|(fate, package)| (fate, package.nevra())).collect();
    let wanted = [
        (Fate::Installed, "tbar-1:1.0-1.noarch"),
        (Fate::Installed, "a-package-with-a-name-that-is-very-long-2.0-1.noarch"),
        (Fate::Installed, "tfoo-2.0-1.noarch"),
        (Fate::Replacing, "tup-3.0-2.el9.x86_64"),
        (Fate::Removed, "tgone-1.0-1.noarch"),
    ];
    assert_eq!(read, wanted.map(|(fate, name)| (fate, name.to_owned())));
}

#[test]
fn lists_are_read() {
    let text = "Available Packages\ntfoo.noarch    1.0-1    t \na-long-name.noarch\n       2.0-1   t\n";
    assert_eq!(
        rows(text),
        [["tfoo.noarch", "1.0-1", "t"], ["a-long-name.noarch", "2.0-1", "t"]].map(|row| row.map(str::to_owned))
    );
}

fn check(stderr: &str, msg: &str) {
    let output = CommandOutput { rc: 1, stdout: Vec::new(), stderr: stderr.into() };
    assert_eq!(failure(&output).msg, msg);
}

#[test]
fn failures_are_named() {
    check(
        "No match for argument: nosuch\nError: Unable to find a match: nosuch\n",
        "Failed to install some of the specified packages",
    );
    check("Module or Group 'g' is not available.\nError: Nothing to do.\n", "No group g available.");
    check(
        "Error: \n Problem: conflicting requests\n  - nothing provides x needed by y\n",
        "Depsolve Error occurred: Problem: conflicting requests\n  - nothing provides x needed by y",
    );
    check("Error: Failed to download metadata for repo 't': no\n", "Failed to download metadata for repo 't': no");
    let output = CommandOutput { rc: 1, stdout: b"No match for argument: a\n".to_vec(), stderr: Vec::new() };
    assert_eq!(failure(&output).fields["failures"], json!(["No package a available."]));
}
