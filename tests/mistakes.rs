//! Mistakes in a project: each is shown with its place, before any host is touched.

use crate::cases;
use crate::project::Project;

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

#[test]
fn a_file_in_another_encoding_is_drawn() {
    let site = b"- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg=\"caf\xe9\"\n";
    let ended = Project::new().file("site.yml", site).run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains(" --> <cwd>/site.yml:4:22\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("4 |     - debug: msg=\"caf\u{fffd}\"\n"), "{}", ended.stderr);
}

#[test]
fn wrong_options_end_with_ansibles_code() {
    let site = "- hosts: all\n  tasks: []\n";
    let project = Project::new().file("site.yml", site).file("ansible.cfg", "[defaults]\nforks = many\n");
    let ended = project.run(&["-i", "localhost,", "site.yml"]);
    assert_eq!(ended.status, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("ansible.cfg:2:"), "{}", ended.stderr);
}

#[test]
fn a_vault_with_wrong_or_truncated_content_says_where_and_why() {
    use rplay::vault::{Password, encrypt_with};
    let vault = encrypt_with(&Password::new("right"), b"a: b\n", None, None);
    let cut = vault.get(..vault.len() / 2).unwrap_or_default().to_owned();
    let latin = encrypt_with(&Password::new("right"), b"a: sEcret\xe9\n", None, None);
    let sealed =
        |text: &str| format!("v: !vault |\n{}", text.lines().map(|line| format!("  {line}\n")).collect::<String>());
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg={{ v }}\n";
    for (name, content, password, wanted) in [
        ("group_vars/all.yml", vault.clone(), "wrong", "Decryption failed"),
        ("group_vars/all.yml", cut.clone(), "right", "Vault format error"),
        ("group_vars/all.yml", latin, "right", "is not UTF-8 text"),
        ("group_vars/all.yml", sealed(&vault), "wrong", "Decryption failed"),
        ("group_vars/all.yml", sealed(&cut), "right", "Vault format error"),
        ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n".to_owned(), "right", "Vault format error"),
    ] {
        let project = Project::new().file("site.yml", site).file("inventory", "localhost ansible_connection=local\n");
        let project = project.file(name, &content).file("password", password);
        let ended = project.run(&["-i", "inventory", "--vault-password-file", "password", "site.yml"]);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        assert!(matches!(ended.status, 2 | 4), "{wanted}: {}\n{text}", ended.status);
        assert!(text.contains(wanted) && text.contains("<cwd>/group_vars/all.yml"), "{wanted}: {text}");
        assert!(!text.contains("sEcret"), "{text}");
    }
}

#[test]
fn an_included_file_that_is_missing_names_the_include() {
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - include_tasks: nope.yml\n    - include_role: {name: gone}\n";
    let ended = Project::new().file("site.yml", site).run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(" --> <cwd>/site.yml:4:7\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("4 |     - include_tasks: nope.yml\n"), "{}", ended.stderr);
}
