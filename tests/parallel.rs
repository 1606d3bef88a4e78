//! Many hosts that write the same things on the controller: nothing is lost, nothing is half written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::project::{Ended, Project};

const HOSTS: usize = 50;

/// Fifty hosts that are all this machine.
fn project(tasks: &str) -> Project {
    let hosts: String = (1..=HOSTS).map(|number| format!("h{number:02} ansible_connection=local\n")).collect();
    Project::new()
        .file("hosts", hosts)
        .file("site.yml", format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"))
}

fn run(project: &Project) -> Ended {
    let ended = project.run(&["-i", "hosts", "-f", "50", "site.yml"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    ended
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).expect("a folder").flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn one_password_for_all_hosts() {
    let tasks = "    - copy:\n        content: \"{{ lookup('password', 'pw/' ~ item) }}\"\n        dest: \"{{ playbook_dir }}/out/{{ item }}-{{ inventory_hostname }}\"\n      loop: [a, b, c, d, e, f, g, h, i, j]\n";
    for _ in 0..3 {
        let project = project(tasks).file("out/keep", "");
        run(&project);
        let mut passwords = BTreeSet::new();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            let stored = fs::read_to_string(project.path().join("pw").join(name)).expect("a password file");
            let stored = stored.trim_end();
            assert_eq!(stored.len(), 20, "{name}: {stored:?}");
            for host in 1..=HOSTS {
                let used =
                    fs::read_to_string(project.path().join(format!("out/{name}-h{host:02}"))).expect("an output");
                assert_eq!(used, stored, "{name} on h{host:02}");
            }
            passwords.insert(stored.to_owned());
        }
        assert_eq!(passwords.len(), 10);
        assert_eq!(names(&project.path().join("pw")).len(), 10, "temporary files are left");
    }
}

#[test]
fn a_password_that_cannot_be_read_is_not_replaced() {
    let lookup = "    - debug: msg={{ lookup('password', 'pw encrypt=sha512_crypt') }}\n";
    let project = project(lookup).file("pw", b"\xff\xfe\n").file("hosts", "h1 ansible_connection=local\n");
    let ended = project.run(&["-i", "hosts", "site.yml"]);
    assert_eq!(ended.status, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("pw: it is not UTF-8 text"), "{}", ended.stdout);
    assert_eq!(fs::read(project.path().join("pw")).expect("a file"), b"\xff\xfe\n");

    let project = project_with_folder(lookup);
    let ended = project.run(&["-i", "hosts", "site.yml"]);
    assert_eq!(ended.status, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("cannot read the password file"), "{}", ended.stdout);
    assert!(project.path().join("pw/inside").exists());
}

fn project_with_folder(lookup: &str) -> Project {
    project(lookup).file("pw/inside", "").file("hosts", "h1 ansible_connection=local\n")
}

#[test]
fn files_that_all_hosts_write_are_whole() {
    let tasks = "    - fetch: {src: \"{{ playbook_dir }}/in/{{ inventory_hostname }}\", dest: fetched, flat: true}\n    \
                 - local_action: {module: copy, content: \"{{ lookup('file', 'in/' ~ inventory_hostname) }}\", dest: \"{{ playbook_dir }}/copied\"}\n    \
                 - template: {src: t.j2, dest: \"{{ playbook_dir }}/rendered\"}\n      delegate_to: localhost\n";
    let mut project = project(tasks).file("t.j2", "{{ lookup('file', 'in/' ~ inventory_hostname) }}");
    let content = |host: usize| format!("h{host:02} ").repeat(20_000);
    for host in 1..=HOSTS {
        project = project.file(&format!("in/h{host:02}"), content(host));
    }
    let before = names(project.path());
    run(&project);
    for name in ["fetched", "copied", "rendered"] {
        let found = fs::read_to_string(project.path().join(name)).expect(name);
        let host = found.get(1..3).and_then(|number| number.parse().ok()).unwrap_or_default();
        // Values of lookups lose their last spaces.
        assert_eq!(found.trim_end(), content(host).trim_end(), "{name} is a mixture or a part");
    }
    let mut expected = before;
    expected.extend(["fetched", "copied", "rendered"].map(str::to_owned));
    assert_eq!(names(project.path()), expected, "temporary files are left");
}
