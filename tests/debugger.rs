//! `debugger`, `strategy: debug` and `--step`: what the user is asked, and what the answers do. They come from a pipe here.

use std::io::Write;
use std::process::Stdio;

use crate::project::{Ended, Project};

const RUN: &[&str] = &["-i", "localhost,", "-c", "local", "site.yml"];

fn answered(project: &Project, arguments: &[&str], lines: &str) -> Ended {
    let mut command = project.command(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines.as_bytes()).expect("the answers fit into a pipe");
    drop(stdin);
    project.ended(child.wait_with_output().expect("the command ends"))
}

fn project(play: &str) -> Project {
    Project::new().file("site.yml", format!("- hosts: all\n  gather_facts: false\n{play}"))
}

const WRONG: &str = "
  vars: {wanted: right}
  tasks:
    - name: say
      assert: {that: [wanted == 'changed']}
      debugger: on_failed
    - debug: msg={{ wanted }}
";

#[test]
fn a_task_is_changed_and_run_again() {
    let lines = "p task\np task.args\np task_vars['wanted']\np result._result.msg\np nothing\n\
                 task.args['that'] = [\"wanted == 'right'\"]\nredo\n";
    let ended = answered(&project(WRONG), RUN, lines);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    for text in [
        "[localhost] TASK: say (debug)> ",
        "TASK: say\n",
        "{'that': [\"wanted == 'changed'\"]}",
        "'right'",
        "'Assertion failed'",
        "***NameError:NameError(\"name 'nothing' is not defined\")",
        "ok=2    changed=0    unreachable=0    failed=0",
    ] {
        assert!(ended.stdout.contains(text), "{text}: {}", ended.stdout);
    }
}

#[test]
fn a_variable_is_changed_for_the_task() {
    let ended = answered(&project(WRONG), RUN, "task_vars['wanted'] = 'changed'\nupdate_task\nr\n");
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("\"msg\": \"right\""), "the change is the task's alone: {}", ended.stdout);
}

#[test]
fn continue_goes_on_and_quit_ends_the_run() {
    let ended = answered(&project(WRONG), RUN, "c\n");
    assert_eq!(ended.status, 2);
    assert!(ended.stdout.contains("failed=1"), "{}", ended.stdout);
    for lines in ["q\n", ""] {
        let ended = answered(&project(WRONG), RUN, lines);
        assert_eq!(ended.status, 99, "{}", ended.stdout);
        assert!(ended.stderr.contains("User interrupted execution"), "{}", ended.stderr);
    }
}

#[test]
fn which_results_are_debugged() {
    let failing = "  tasks:\n    - fail: {msg: x}\n";
    let ignored = "  tasks:\n    - fail: {msg: x}\n      ignore_errors: true\n";
    let skipped = "  tasks:\n    - debug: msg=x\n      when: false\n      debugger: on_skipped\n";
    let always = "  tasks:\n    - debug: msg=x\n      debugger: always\n";
    let never = "  strategy: debug\n  tasks:\n    - fail: {msg: x}\n      debugger: never\n";
    let on = ("ANSIBLE_ENABLE_TASK_DEBUGGER", "true");
    let also_ignored = ("ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS", "false");
    let nothing = ("UNUSED", "");
    for (play, settings, asks) in [
        (failing, [nothing, nothing], false),
        (failing, [on, nothing], true),
        (&format!("  strategy: debug\n{failing}"), [nothing, nothing], true),
        (ignored, [on, nothing], false),
        (ignored, [on, also_ignored], true),
        (skipped, [nothing, nothing], true),
        (always, [nothing, nothing], true),
        (never, [on, nothing], false),
    ] {
        let project = settings.iter().fold(project(play), |project, (name, value)| project.env(name, value));
        let ended = answered(&project, RUN, "c\n");
        assert_eq!(ended.stdout.contains("(debug)> "), asks, "{play}{}", ended.stdout);
    }
}

#[test]
fn a_value_that_debugger_does_not_have_is_refused() {
    let ended = project("  debugger: sometimes\n  tasks: []\n").run(RUN);
    assert_eq!(ended.status, 4);
    let message = "'sometimes' is not a valid value for debugger. Must be one of always, on_failed";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}

#[test]
fn each_task_is_asked_about() {
    let play = "  tasks:\n    - debug: msg=one\n    - name: second\n      debug: msg=two\n    - debug: msg=three\n    - debug: msg=four\n";
    let arguments = ["-i", "localhost,", "-c", "local", "--step", "site.yml"];
    let ended = answered(&project(play), &arguments, "y\nn\nc\n");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for (text, is_there) in [("one", true), ("two", false), ("three", true), ("four", true)] {
        assert_eq!(ended.stdout.contains(&format!("\"msg\": \"{text}\"")), is_there, "{text}: {}", ended.stdout);
    }
    assert!(ended.stdout.contains("Perform task: TASK: second (N)o/(y)es/(c)ontinue: "), "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("Perform task: TASK: debug (N)o/(y)es/(c)ontinue: ***").count(), 2);
}
