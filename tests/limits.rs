//! What this machine has too little of is told as that.

use std::process::Command;

use crate::project::Project;

/// Runs the project with so many descriptors, soft and hard.
fn with_descriptors(project: &Project, soft: u32, hard: u32, arguments: &[&str]) -> crate::project::Ended {
    let command = project.command(arguments);
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--nofile={soft}:{hard}")).arg(command.get_program()).args(command.get_args());
    limited.current_dir(project.path()).stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    project.ended(limited.output().expect("prlimit starts"))
}

fn hosts(count: usize) -> String {
    (0..count)
        .map(|number| format!("h{number} ansible_connection=local ansible_shell_executable=/bin/sh{number}\n"))
        .collect()
}

const SITE: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: /bin/true\n";

#[test]
fn the_soft_limit_of_descriptors_is_raised_and_commands_get_it_back() {
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: ulimit -Sn\n      register: limit\n    - assert: {that: limit.stdout == '40'}\n";
    let project = Project::new().file("hosts", hosts(30)).file("site.yml", site);
    let ended = with_descriptors(&project, 40, 2000, &["-i", "hosts", "site.yml"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn too_few_descriptors_are_told_with_the_limit_and_its_place() {
    let project = Project::new().file("hosts", hosts(30)).file("site.yml", SITE);
    let ended = with_descriptors(&project, 40, 40, &["-i", "hosts", "site.yml"]);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("too many open files: this process may have 40 (hard limit of open files"),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(ended.stdout.contains("/etc/security/limits.conf"), "{}", ended.stdout);
}
