//! `log_path`: what a run shows is appended to a file, whatever else writes there.

use std::fs;
use std::process::Stdio;

use regex::Regex;

use crate::project::Project;

const SITE: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: greet\n      debug: msg=\"{{ 'hello ' * 3 }}\"\n    - fail: msg=no\n      ignore_errors: true\n    - command: \"{{ 'true' }}\"\n      changed_when: true\n";

#[test]
fn runs_at_the_same_time_append_whole_records() {
    let project = Project::new().file("site.yml", SITE).file("ansible.cfg", "[defaults]\nlog_path = logs/run.log\n");
    let project = project.file("logs/run.log", "what was there\n").env("ANSIBLE_FORCE_COLOR", "1").env("LOGNAME", "me");
    let hosts: String = (0..20).map(|number| format!("h{number},")).collect();
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let mut command = project.command(&["-i", &hosts, "-c", "local", "site.yml"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts")
        })
        .collect();
    let mut processes = Vec::new();
    for run in runs {
        processes.push(run.id());
        assert!(run.wait_with_output().expect("rplay ends").status.success());
    }
    let log = fs::read_to_string(project.path().join("logs/run.log")).expect("the log");
    let log = log.strip_prefix("what was there\n").expect("the log is appended to");
    assert!(!log.contains('\x1b'), "{log}");
    let time = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}";
    let head = Regex::new(&format!(r"{time} p=(\d+) u=me n=ansible (INFO|ERROR|WARNING)\| \S")).expect("a pattern");
    for process in processes {
        let mark = format!(" p={process} ");
        let own: Vec<&str> = log.lines().filter(|line| line.contains(&mark)).collect();
        assert!(own.iter().all(|line| head.is_match(line)), "{own:?}");
        let count = |text: &str| own.iter().filter(|line| line.contains(text)).count();
        assert_eq!(count(" INFO| ok: [h"), 20, "{log}");
        assert_eq!(count(" INFO| TASK [greet] ***"), 1, "{log}");
        assert_eq!(count(" INFO| PLAY RECAP ***"), 1, "{log}");
        assert_eq!(count(" ERROR| [ERROR]: Task failed"), 1, "{log}");
        assert_eq!(count(" INFO| fatal: [h"), 20, "{log}");
        assert_eq!(count("   : ok=3    changed=1 "), 20, "{log}");
    }
    // The rest of a message stands below its first line.
    assert_eq!(log.matches("\n    \"msg\": \"hello hello hello \"\n}\n").count(), 60, "{log}");
}

#[test]
fn what_ends_a_run_before_it_begins_is_logged_and_secrets_are_not() {
    let site = "- hosts: all\n  gather_facts: false\n  vars: {p: \"{{ lookup('password', 'pw') }}\"}\n  tasks:\n    - debug: msg={{ p }}\n";
    let project = Project::new().file("site.yml", site).file("wrong.yml", "- hosts: all\n  taskz: []\n");
    let project = project.file("pw", "S3cret-of-the-log\n").env("ANSIBLE_LOG_PATH", "run.log");
    assert_eq!(project.run(&["-i", "localhost,", "-c", "local", "site.yml"]).status, 0);
    assert_eq!(project.run(&["-i", "localhost,", "wrong.yml"]).status, 4);
    assert_eq!(project.run(&["-i", "localhost,", "--list-hosts", "site.yml"]).status, 0);
    let log = fs::read_to_string(project.path().join("run.log")).expect("the log");
    assert!(log.contains("\"msg\": \"********\"") && !log.contains("S3cret"), "{log}");
    assert!(log.contains(" ERROR| error: ") && log.contains("taskz"), "{log}");
    assert!(log.contains(" INFO| playbook: site.yml\n"), "{log}");
}

#[test]
fn a_log_that_can_not_be_written_is_told_and_ends_with_an_error() {
    let project = Project::new().file("site.yml", SITE).env("ANSIBLE_LOG_PATH", "/dev/full");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("PLAY RECAP"), "{}", ended.stdout);
    let why = "error: the log /dev/full is not whole, it could not be written: No space left on device";
    assert_eq!(ended.stderr.matches(why).count(), 1, "{}", ended.stderr);

    for (path, why) in [
        ("site.yml/log", "site.yml/log' is not writeable and we cannot create it, aborting: Not a directory"),
        ("/", "[WARNING]: DEFAULT_LOG_PATH can not be a directory '/', aborting\n"),
    ] {
        let project = Project::new().file("site.yml", SITE).env("ANSIBLE_LOG_PATH", path);
        let ended = project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
        assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.stderr.matches(why).count(), 1, "{}", ended.stderr);
    }
}
