//! Waits: what they are measured with, and what is told while they last.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::Project;

/// Builds the library that sets the clock all the time.
fn jumping_clock(folder: &Path) -> PathBuf {
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/clock.c");
    let built = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.is_ok_and(|status| status.success()), "the clock can be built");
    library
}

#[test]
fn a_clock_that_jumps_by_days_lengthens_and_shortens_no_wait() {
    let tasks = "    - setup: {gather_subset: min}\n\
                 \x20   - pause: {seconds: 1}\n      register: paused\n\
                 \x20   - wait_for_connection: {timeout: 20}\n\
                 \x20   - wait_for: {port: 1, timeout: 1, connect_timeout: 1}\n      register: waited\n      ignore_errors: true\n\
                 \x20   - command: sleep 1\n      timeout: 30\n      register: slept\n\
                 \x20   - command: sleep 60\n      timeout: 1\n      register: ended\n      ignore_errors: true\n\
                 \x20   - command: \"false\"\n      register: tried\n      retries: 2\n      delay: 1\n      until: tried is success\n      ignore_errors: true\n\
                 \x20   - copy: {content: x, dest: out}\n\
                 \x20   - assert:\n        that:\n\
                 \x20         - paused.delta in [1, 2, 3, 4, 5]\n\
                 \x20         - waited.elapsed | int in [1, 2, 3, 4, 5]\n\
                 \x20         - slept.rc == 0\n\
                 \x20         - \"[now().day, now().day, now().day, now().day, now().day, now().day, now().day, now().day, now().day, now().day, now().day, now().day] | unique | length > 1\"\n\
                 \x20         - \"'Timed out' in ended.msg or 'timed out' in ended.msg\"\n\
                 \x20         - tried.attempts == 2\n";
    let project = Project::new().file("site.yml", format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
    let library = jumping_clock(project.path());
    let rplay = project.command(&["-i", "localhost,", "-c", "local", "site.yml"]);
    // A wait that does not end is ended.
    let mut command = Command::new("timeout");
    command.arg("120").arg("env").arg(format!("LD_PRELOAD={}", library.display()));
    command.arg(rplay.get_program()).args(rplay.get_args()).current_dir(project.path());
    for (name, value) in rplay.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let ended = project.ended(command.output().expect("it starts"));
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("ignored=3"), "{}{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "takes a minute: tests/run"]
fn a_tasks_silence_is_told_with_what_it_waits_for() {
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 62\n";
    let project = Project::new().file("site.yml", site);
    let ended = project.run(&["-i", "localhost,", "-c", "local", "-v", "site.yml"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    let told = "localhost: waiting for the module command on localhost, which has said nothing for 1 min\n";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
}
