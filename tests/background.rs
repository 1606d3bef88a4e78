//! `async` and `poll`: tasks that go on by themselves, where they leave what came of them, and what is refused.

use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::project::{Ended, Project};

const RUN: &[&str] = &["-i", "localhost,", "-c", "local", "site.yml"];

fn project(tasks: &str) -> Project {
    let project = Project::new().file("site.yml", format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
    let jobs = project.path().join("jobs").to_string_lossy().into_owned();
    project.env("ANSIBLE_ASYNC_DIR", &jobs)
}

#[track_caller]
fn run(project: &Project) -> Ended {
    let ended = project.run(RUN);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    ended
}

/// The files of jobs that have ended or not.
fn jobs(project: &Project) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(project.path().join("jobs")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// The content of the only job's file, once it has ended.
fn result(project: &Project) -> serde_json::Value {
    let start = Instant::now();
    loop {
        let files = jobs(project);
        let content = files.first().map(|file| fs::read(file).expect("a job's file"));
        let json: serde_json::Value = content.map(|it| serde_json::from_slice(&it).expect("JSON")).unwrap_or_default();
        if json.is_object() && json.get("started").is_none() {
            return json;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "the job does not end: {json}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_task_is_waited_for() {
    let project = project(
        "    - command: sh -c 'sleep 0.3; echo done'
      async: 20
      poll: 1
      register: it
    - assert: {that: [it.finished, it.started, it.stdout == 'done', it is changed, it.ansible_job_id is defined]}
",
    )
    .env("ANSIBLE_POLL_INTERVAL", "1");
    let ended = run(&project);
    assert!(ended.stdout.contains("ASYNC OK on localhost: jid=j"), "{}", ended.stdout);
    assert!(jobs(&project).is_empty(), "who was waited for leaves nothing");
}

#[test]
fn a_job_outlives_its_run_and_its_file_is_private() {
    let project = project(
        "    - shell: sleep 1; echo out; echo err >&2; exit 3
      async: 30
      poll: 0
      register: it
    - assert: {that: [it.started, not it.finished, it is changed, it.results_file.endswith(it.ansible_job_id)]}
",
    );
    run(&project);
    let file = jobs(&project).pop().expect("a job");
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with('j') && name.contains('.'), "{name}");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
    let result = result(&project);
    for (name, value) in [("rc", json!(3)), ("failed", json!(true)), ("changed", json!(true)), ("stdout", json!("out"))]
    {
        assert_eq!(result[name], value, "{name}: {result}");
    }
}

#[test]
fn a_job_ends_with_its_time() {
    let project = project(
        "    - shell: sleep 60 & echo $$ > {{ playbook_dir }}/shell; wait
      async: 1
      poll: 0
",
    );
    run(&project);
    let result = result(&project);
    assert_eq!((&result["msg"], &result["failed"]), (&"Timeout exceeded".into(), &true.into()));
    let shell = fs::read_to_string(project.path().join("shell")).expect("the job has begun");
    let start = Instant::now();
    // One that nobody has reaped yet has ended, too.
    let runs = || fs::read_to_string(format!("/proc/{}/stat", shell.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(start.elapsed() < Duration::from_secs(20), "the command goes on");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn status_and_cleanup_in_loops() {
    let project = project(
        "    - command: echo {{ item }}
      async: 20
      poll: 0
      loop: [1, 2]
      register: jobs
    - async_status: jid={{ job.ansible_job_id }}
      loop: \"{{ jobs.results }}\"
      loop_control: {loop_var: job, label: \"{{ job.item }}\"}
      register: it
      until: it is finished
      retries: 100
      delay: 0.1
    - assert: {that: [\"it.results | map(attribute='stdout') | list == ['1', '2']\"]}
    - async_status: {jid: \"{{ jobs.results[0].ansible_job_id }}\", mode: cleanup}
      register: cleaned
    - assert: {that: [\"cleaned.erased == jobs.results[0].results_file\", not cleaned.finished]}
    - async_status: {jid: '1.1'}
      register: missing
      failed_when: missing.msg != 'could not find job' or not missing.finished
    - async_status: {jid: '../site.yml', mode: cleanup}
      register: missing
      failed_when: missing.msg != 'could not find job'
",
    );
    run(&project);
    assert_eq!(jobs(&project).len(), 1);
    assert!(project.path().join("site.yml").exists());
}

#[test]
fn what_does_not_run_in_the_background_is_refused() {
    let project = project(
        "    - debug: msg=x
      async: 5
      ignore_errors: true
    - command: 'false'
      async: 5
      poll: 1
      ignore_errors: true
    - command: sleep 10
      async: 1
      poll: 1
      register: late
      ignore_errors: true
    - assert: {that: [late is failed, late.async_result.started, not late.async_result.finished]}
",
    );
    let ended = run(&project);
    for text in [
        "This action (debug) does not support async.",
        "ASYNC FAILED on localhost: jid=j",
        "ASYNC POLL on localhost: jid=j",
        "started=True finished=False",
        "async task did not complete within the requested time - 1s",
    ] {
        assert!(ended.stdout.contains(text), "{text}: {}", ended.stdout);
    }
}

#[test]
fn secrets_are_in_no_job_file() {
    let project = project(
        "    - user: {name: nobody-of-that-name, state: absent, password: marked-Secret-7}
      check_mode: true
      async: 20
      poll: 0
",
    );
    run(&project);
    assert!(!result(&project).to_string().contains("marked-Secret-7"));
}
