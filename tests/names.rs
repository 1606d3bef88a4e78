//! What names of modules, filters, tests, lookups, connections and become methods mean.

use crate::cases;

#[test]
fn a_name_means_what_it_means_in_ansible() {
    let wrong: Vec<String> = cases::all("names").iter().filter_map(|case| case.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
