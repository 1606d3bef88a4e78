//! What the language does where ansible-core's own targets look: each case asserts its results itself.

use crate::cases;

#[test]
fn a_playbook_means_what_it_means_in_ansible() {
    let wrong: Vec<String> = cases::all("language").iter().filter_map(|case| case.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
