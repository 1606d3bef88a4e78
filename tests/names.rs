//! What names of modules, filters, tests, lookups, connections and become methods mean.

use crate::cases;
use crate::project::Project;

#[test]
fn a_name_means_what_it_means_in_ansible() {
    let wrong: Vec<String> = cases::all("names").iter().filter_map(|case| case.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// ansible-core's own answer: a role's folder is where links lead.
#[test]
fn a_role_behind_a_link_is_where_the_link_leads() {
    let tasks = "- debug: msg={{ role_path }}\n- include_tasks: more.yml\n";
    let project = Project::new()
        .file("real/one/tasks/main.yml", tasks)
        .file("real/one/tasks/more.yml", "[]\n")
        .file("site.yml", "- hosts: localhost\n  gather_facts: false\n  roles: [one]\n");
    std::os::unix::fs::symlink("real", project.path().join("roles")).expect("a link");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("\"msg\": \"<cwd>/real/one\""), "{}", ended.stdout);
    assert!(ended.stdout.contains("included: <cwd>/real/one/tasks/more.yml for localhost"), "{}", ended.stdout);
}
