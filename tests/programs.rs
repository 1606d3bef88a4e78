//! Programs of modules: a project's own in `library/`, and rplay's own for AWS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::hosts::Hosts;
use crate::project::Project;

/// The program of a package of this workspace, beside the tested command; built where nothing has built it yet.
fn program(package: &str, name: &str) -> PathBuf {
    let rplay = Path::new(env!("CARGO_BIN_EXE_rplay"));
    let path = rplay.with_file_name(name);
    if !path.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", package]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if rplay.parent().is_some_and(|folder| folder.ends_with("release")) {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "{package} is built");
    }
    path
}

fn project(folder: &str) -> Project {
    let project = Project::new();
    fs::create_dir_all(project.path().join(folder)).expect("a folder");
    fs::copy(program("own-module", "ini_value"), project.path().join(folder).join("ini_value")).expect("a copy");
    project
}

const TASKS: &str = "
- hosts: localhost
  gather_facts: false
  tasks:
    - ini_value:
        dest: app.conf
        key: port
        value: 8080
      register: result
    - debug:
        msg: \"{{ result.key }} is {{ result.value }}\"
";

#[test]
fn a_program_in_library_is_a_module() {
    let project = project("library").file("site.yml", TASKS);
    let first = project.run(&["site.yml"]);
    assert_eq!(first.status, 0, "{first:?}");
    assert!(first.stdout.contains("changed: [localhost]") && first.stdout.contains("port is 8080"), "{}", first.stdout);
    assert_eq!(fs::read_to_string(project.path().join("app.conf")).expect("made"), "port = 8080\n");
    let second = project.run(&["site.yml"]);
    assert!(second.stdout.contains("changed=0"), "{}", second.stdout);
}

#[test]
fn it_knows_check_mode_and_diff() {
    let project = project("library").file("site.yml", TASKS).file("app.conf", "port = 1\nname = x\n");
    let run = project.run(&["site.yml", "--check", "--diff"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("-port = 1\n+port = 8080\n name = x\n"), "{}", run.stdout);
    assert_eq!(fs::read_to_string(project.path().join("app.conf")).expect("there"), "port = 1\nname = x\n");
}

#[test]
fn its_arguments_are_checked_before_the_run() {
    let text = "- hosts: localhost\n  tasks:\n    - ini_value:\n        path: x\n        kye: port\n        value: 1\n";
    let run = project("library").file("site.yml", text).run(&["site.yml"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("kye") && run.stderr.contains("site.yml:5"), "{}", run.stderr);
    assert!(!run.stdout.contains("TASK"), "{}", run.stdout);
}

#[test]
fn a_role_and_the_setting_have_libraries_too() {
    let play = "- hosts: localhost\n  gather_facts: false\n  roles: [conf]\n";
    let in_role = project("roles/conf/library")
        .file("roles/conf/tasks/main.yml", "- ini_value: {path: a.conf, key: a, value: b}\n")
        .file("site.yml", play);
    let run = in_role.run(&["site.yml"]);
    assert!(run.status == 0 && run.stdout.contains("changed=1"), "{run:?}");
    let by_setting = project("shared").file("site.yml", TASKS).file("ansible.cfg", "[defaults]\nlibrary = shared\n");
    let run = by_setting.run(&["site.yml"]);
    assert!(run.status == 0 && run.stdout.contains("changed=1"), "{run:?}");
}

#[test]
fn a_program_that_tells_no_specifications_is_a_binary_module() {
    let project = Project::new()
        .env("RPLAY_PYTHON", "/nonexistent/python")
        .file("site.yml", "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - other: {a: b}\n");
    fs::create_dir(project.path().join("library")).expect("a folder");
    fs::copy("/bin/true", project.path().join("library/other")).expect("a copy");
    let run = project.run(&["site.yml"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stdout.contains("'ansible.legacy.other'") && run.stdout.contains("RPLAY_PYTHON"), "{}", run.stdout);
}

#[test]
#[ignore = "boots real hosts"]
fn programs_run_on_the_host_that_a_task_names() {
    let hosts = Hosts::boot(1, "512m");
    let text = "
- hosts: h1
  gather_facts: false
  tasks:
    - ini_value: {path: /etc/own.conf, key: a, value: b}
      become: true
    - ini_value: {path: ~/own.conf, key: a, value: b}
    - command: stat -c '%U %n' /etc/own.conf /home/ubuntu/own.conf
      register: owners
    - debug: {var: owners.stdout_lines}
    - amazon.aws.ec2_key:
        name: k
        region: us-east-1
        access_key: a
        secret_key: b
        endpoint_url: http://127.0.0.1:1
        aws_config: {retries: {max_attempts: 0}}
      register: aws
      ignore_errors: true
    - debug: {var: aws.msg}
";
    let project = project("library").file("site.yml", text).file("hosts", hosts.inventory());
    let aws = program("rplay-aws", "rplay-aws");
    let project = project.env("RPLAY_AWS", aws.to_str().expect("UTF-8"));
    for changed in ["changed=3", "changed=1"] {
        let run = hosts.run(&project, &["-i", "hosts", "site.yml"]);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stdout.contains("root /etc/own.conf"), "{}", run.stdout);
        assert!(run.stdout.contains("ubuntu /home/ubuntu/own.conf"), "{}", run.stdout);
        assert!(run.stdout.contains("got no answer"), "{}", run.stdout);
        assert!(run.stdout.contains(changed), "{}", run.stdout);
    }
    // The agent, and both programs.
    assert_eq!(hosts.ssh("h1", "ls .cache/rplay | wc -l").trim(), "3");
}

#[test]
fn a_missing_program_is_named() {
    let text = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ec2_key: {name: k, region: us-east-1}\n";
    let run = Project::new().env("RPLAY_AWS", "/nowhere/rplay-aws").file("site.yml", text).run(&["site.yml"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stdout.contains("RPLAY_AWS names /nowhere/rplay-aws, which is no file"), "{}", run.stdout);
}
