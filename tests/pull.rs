//! `rplay pull` with a repository of this machine.

use std::process::Command;

use crate::commands::{linked, run_as};
use crate::project::Project;

fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]);
    let output = command.args(arguments).current_dir(project.path().join("repo")).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn repository() -> Project {
    let play = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: msg='MAGIC {{ who | default(1) }}'\n";
    let project = linked(
        Project::new()
            .file("repo/local.yml", play)
            .file("repo/other.yml", "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: msg=OTHER\n"),
    );
    git(&project, &["init", "--quiet", "."]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "-m", "first"]);
    project
}

#[test]
fn a_repository_is_fetched_and_its_playbook_run() {
    let project = repository();
    let pull = |more: &[&str]| {
        let url = format!("file://{}", project.path().join("repo").display());
        run_as(&project, "ansible-pull", &[&["-d", "checkout", "-U", &url][..], more].concat(), "")
    };
    let first = pull(&["-e", "{\"who\": [1, 2]}"]);
    assert_eq!(first.status, 0, "{}{}", first.stdout, first.stderr);
    assert!(first.stdout.starts_with("Starting Ansible Pull at "), "{}", first.stdout);
    assert!(
        first.stdout.contains("localhost | CHANGED => {") && first.stdout.contains("MAGIC [1, 2]"),
        "{}",
        first.stdout
    );
    assert!(first.stdout.contains("localhost                  : ok=1 "), "{}", first.stdout);
    let unchanged = pull(&["-o"]);
    assert_eq!(unchanged.status, 0, "{}", unchanged.stderr);
    assert!(!unchanged.stdout.contains("MAGIC"), "{}", unchanged.stdout);
    assert!(unchanged.stdout.contains("Repository has not changed, quitting: b'"), "{}", unchanged.stdout);
    std::fs::write(project.path().join("repo/new"), "x").expect("a file");
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "-m", "second"]);
    assert!(pull(&["-o"]).stdout.contains("MAGIC"));
    let both = pull(&["local.yml", "other.yml"]);
    assert!(both.stdout.contains("MAGIC") && both.stdout.contains("OTHER"), "{}", both.stdout);
    let missing = pull(&["nothing.yml"]);
    assert_eq!(missing.status, 5);
    assert!(missing.stderr.contains("checkout/nothing.yml: File does not exist"), "{}", missing.stderr);
    assert!(missing.stderr.contains("[ERROR]: Could not find a playbook to run."), "{}", missing.stderr);
    assert_eq!(pull(&["--purge"]).status, 0);
    assert!(!project.path().join("checkout").exists());
}

#[test]
fn wrong_options_are_told() {
    let project = linked(Project::new());
    let without = run_as(&project, "ansible-pull", &[], "");
    assert_eq!(without.status, 5);
    assert_eq!(without.stderr, "[ERROR]: URL for repository not specified, use -h for help\n");
    let module = run_as(&project, "ansible-pull", &["-U", "x", "-m", "cvs"], "");
    assert_eq!(module.stderr, "[ERROR]: Unsupported repo module cvs, choices are git,subversion,hg,bzr\n");
    let gone = run_as(&project, "ansible-pull", &["-U", "file:///nowhere", "-d", "there"], "");
    assert_eq!(gone.status, 2, "{}{}", gone.stdout, gone.stderr);
}
