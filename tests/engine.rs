//! How a play goes: strategies, what results change, questions, includes without end, interrupts, output that can't be written.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::project::Project;

fn hosts(count: usize) -> String {
    (1..=count).map(|number| format!("h{number} ansible_connection=local\n")).collect()
}

fn project(count: usize, play: &str) -> Project {
    Project::new().file("hosts", hosts(count)).file("site.yml", play)
}

const RUN: &[&str] = &["-i", "hosts", "site.yml"];

/// Waits until a file is there, which a task makes.
fn wait_for(path: &std::path::Path, child: &mut Child) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_mins(1), "the task does not begin");
        assert!(child.try_wait().expect("a child").is_none(), "the run ended before its task began");
        sleep(Duration::from_millis(20));
    }
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("the process is there");
}

/// The process's exit code; panics when it doesn't end.
fn end_of(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        if start.elapsed() > Duration::from_secs(30) {
            child.kill().expect("the process is there");
            panic!("the process does not end");
        }
        sleep(Duration::from_millis(20));
    }
}

/// `h1` waits for a file that `h2` makes two tasks later: only hosts that do not wait for each other get to the end.
const H1_NEEDS_H2: &str = "
- hosts: all
  gather_facts: false
  strategy: STRATEGY
  tasks:
    - command: timeout 20 sh -c 'until [ -e {{ playbook_dir }}/made ]; do sleep 0.05; done'
      when: inventory_hostname == 'h1'
    - debug: msg=two
    - file: {path: '{{ playbook_dir }}/made', state: touch}
      when: inventory_hostname == 'h2'
    - debug: msg='{{ ansible_play_hosts | length }} left'
";

#[test]
fn free_hosts_do_not_wait() {
    for strategy in ["free", "ansible.builtin.host_pinned"] {
        let ended = project(3, &H1_NEEDS_H2.replace("STRATEGY", strategy)).run(RUN);
        assert_eq!(ended.status, 0, "{strategy}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.stdout.matches("3 left").count(), 3, "{}", ended.stdout);
        // A banner stands above each result whose task is another than the one before.
        let banner = ended.stdout.rfind("TASK [debug]").expect("a banner");
        assert!(ended.stdout.rfind("ok: [h1]").expect("the last result") > banner, "{}", ended.stdout);
    }
}

#[test]
fn pinned_hosts_keep_their_fork() {
    let play = "- hosts: all\n  gather_facts: false\n  strategy: host_pinned\n  tasks:\n    - debug: msg=a\n    - debug: msg=b\n";
    let ended = project(3, play).run(&["-f", "1", "-i", "hosts", "site.yml"]);
    let order: Vec<&str> = ended.stdout.lines().filter_map(|line| line.strip_prefix("ok: [")?.get(..2)).collect();
    assert_eq!(order, ["h1", "h1", "h2", "h2", "h3", "h3"], "{}", ended.stdout);
}

#[test]
fn what_needs_all_hosts_together_is_told_where_they_are_free() {
    let play = "- hosts: all\n  gather_facts: false\n  strategy: free\n  any_errors_fatal: true\n  tasks:\n    - debug: msg=x\n      run_once: true\n    - fail: msg=x\n      when: inventory_hostname == 'h1'\n    - debug: msg=after\n";
    let ended = project(2, play).run(RUN);
    assert_eq!(ended.stdout.matches("\"msg\": \"x\"\n").count(), 2, "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("after").count(), 1, "{}", ended.stdout);
    for word in ["run_once", "any_errors_fatal"] {
        assert!(ended.stderr.contains(&format!("Using {word} with the free strategy")), "{}", ended.stderr);
    }
    let ended = project(2, "- hosts: all\n  gather_facts: false\n  strategy: free\n  tasks:\n    - add_host: name=n\n")
        .run(RUN);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("The 'add_host' module bypasses the host loop"), "{}", ended.stderr);
}

#[test]
fn a_throttled_task_runs_on_so_many_hosts() {
    for strategy in ["linear", "free"] {
        let play = format!(
            "- hosts: all\n  gather_facts: false\n  strategy: {strategy}\n  tasks:\n    - command: sh -c 'mkdir {{{{ playbook_dir }}}}/alone && sleep 0.1 && rmdir {{{{ playbook_dir }}}}/alone'\n      throttle: 1\n"
        );
        let ended = project(4, &play).run(RUN);
        assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn hosts_that_are_gone_are_not_in_the_batch() {
    let play = "
- hosts: all
  gather_facts: false
  serial: 3
  tasks:
    - fail: msg=x
      when: inventory_hostname == 'h1'
    - meta: end_host
      when: inventory_hostname == 'h3'
    - debug: msg='batch {{ ansible_play_batch | join(\"+\") }} of {{ ansible_play_hosts | join(\"+\") }} of {{ ansible_play_hosts_all | length }}'
- hosts: all
  gather_facts: false
  tasks:
    - debug: msg='then {{ ansible_play_batch | join(\"+\") }}'
";
    let ended = project(5, play).run(RUN);
    for text in ["batch h2 of h2+h4+h5 of 5", "batch h4+h5 of h2+h4+h5 of 5", "then h2+h3+h4+h5"] {
        assert!(ended.stdout.contains(text), "{text}\n{}", ended.stdout);
    }
}

#[test]
fn facts_of_a_delegated_loop_belong_to_its_items() {
    let play = "
- hosts: h1,h2
  gather_facts: false
  tasks:
    - set_fact: {c: \"{{ item }}\"}
      delegate_to: \"{{ item }}\"
      delegate_facts: true
      run_once: true
      loop: [h3, h4]
    - debug:
        msg: \"{{ ['h1', 'h2', 'h3', 'h4'] | map('extract', hostvars) | map(attribute='c', default='-') | join(' ') }}\"
      run_once: true
";
    let ended = project(4, play).run(RUN);
    assert!(ended.stdout.contains("- - h3 h4"), "{}", ended.stdout);
}

#[test]
fn a_failed_task_changes_nothing_outside_of_itself() {
    let play = "
- hosts: h1
  gather_facts: false
  tasks:
    - set_fact: {y: '{{ item }}'}
      failed_when: item == 2
      loop: [1, 2]
      ignore_errors: true
    - add_host: name=new
      failed_when: true
      ignore_errors: true
    - debug: msg='{{ y | default(\"unset\") }} {{ \"new\" in hostvars }}'
";
    let ended = project(1, play).run(RUN);
    assert!(ended.stdout.contains("unset False"), "{}", ended.stdout);
}

#[test]
fn items_see_what_items_before_them_set_but_no_new_hosts() {
    let play = "
- hosts: h1
  gather_facts: false
  tasks:
    - set_fact: {acc: '{{ (acc | default([])) + [item] }}'}
      loop: [1, 2, 3]
    - debug: msg='{{ acc | join(\"+\") }}'
    - add_host: {name: '{{ item }}', groups: g, seen: '{{ groups.g | default([]) | length }}'}
      loop: [a, b, a]
      register: added
    - debug: msg='{{ groups.g | map(\"extract\", hostvars, \"seen\") | join(\"+\") }} {{ added.results | map(attribute=\"changed\") | join(\"+\") }}'
";
    let ended = project(1, play).run(RUN);
    assert!(ended.stdout.contains("1+2+3"), "{}", ended.stdout);
    assert!(ended.stdout.contains("0+0 True+True+False"), "{}", ended.stdout);
}

#[test]
fn errors_in_keywords_of_all_hosts_are_not_lost() {
    let with = |keyword: &str| {
        let play = format!("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: 'false'\n      {keyword}\n");
        project(2, &play).run(RUN)
    };
    let ended = with("run_once: '{{ nope }}'");
    assert!(ended.status == 1 && ended.stderr.contains("'nope' is undefined"), "{ended:?}");
    for (value, reason) in
        [("'{{ nope }}'", "'nope' is undefined"), ("abc", "invalid literal for int() with base 10: 'abc'")]
    {
        let ended = with(&format!("throttle: {value}"));
        let message = format!("Failed to convert the throttle value to an integer: {reason}");
        assert!(ended.status == 1 && ended.stderr.contains(&message), "{ended:?}");
    }
    let ended = with("any_errors_fatal: '{{ nope }}'");
    assert!(ended.status == 2 && ended.stdout.contains("'nope' is undefined"), "{ended:?}");
    let ended = with("run_once: abc");
    assert!(ended.status == 2 && ended.stdout.contains("could not be converted to 'bool'"), "{ended:?}");
}

#[test]
fn a_handler_of_a_role_that_is_included_twice_runs_once() {
    let include = "    - include_role: {name: r}\n      vars: {v: V}\n";
    let play = format!(
        "- hosts: h1\n  gather_facts: false\n  tasks:\n{}{}",
        include.replace('V', "1"),
        include.replace('V', "2")
    );
    let ended = project(1, &play)
        .file("roles/r/tasks/main.yml", "- debug: msg=t\n  changed_when: true\n  notify: hh\n")
        .file("roles/r/handlers/main.yml", "- name: hh\n  debug: msg='handler {{ v }}'\n")
        .run(RUN);
    assert_eq!(ended.stdout.matches("RUNNING HANDLER").count(), 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("handler 2"), "{}", ended.stdout);
}

#[test]
fn start_at_task_is_told_only_when_no_play_has_it() {
    let play = "- {hosts: all, gather_facts: false, tasks: [{name: a, debug: {msg: a}}]}\n- {hosts: all, gather_facts: false, tasks: [{name: c, debug: {msg: c}}]}\n";
    let run = |name: &str| project(1, play).run(&["-i", "hosts", "site.yml", "--start-at-task", name]);
    let ended = run("c");
    assert!(!ended.stderr.contains("No matching task") && ended.stdout.contains("\"msg\": \"c\""), "{ended:?}");
    assert!(run("x").stderr.contains("No matching task \"x\" found"));
}

#[test]
fn an_include_without_end_fails_and_names_the_chain() {
    let tasks = "- hosts: h1\n  gather_facts: false\n  tasks:\n    - block:\n        - include_tasks: a.yml\n      rescue:\n        - debug: msg=rescued\n";
    let ended =
        project(1, tasks).file("a.yml", "- include_tasks: b.yml\n").file("b.yml", "- include_tasks: a.yml\n").run(RUN);
    assert!(ended.stderr.contains("includes inside of one another"), "{}", ended.stderr);
    assert!(ended.stderr.contains("b.yml → <cwd>/a.yml"), "{}", ended.stderr);
    assert!(ended.stdout.contains("rescued"), "{}", ended.stdout);
    assert_eq!(ended.status, 0);
    let role = "- hosts: h1\n  gather_facts: false\n  tasks:\n    - include_role: {name: r}\n";
    let ended = project(1, role).file("roles/r/tasks/main.yml", "- include_role: {name: r}\n").run(RUN);
    assert!(ended.status == 2 && ended.stderr.contains("includes inside of one another"), "{}", ended.stderr);
}

/// A rendering that keeps a thread busy for longer than any test waits, after making the file `begun`.
const ENDLESS: &str = "
- hosts: all
  gather_facts: false
  tasks:
    - file: {path: '{{ playbook_dir }}/begun', state: touch}
    - debug:
        msg: '{% for a in range(100000) %}{% for b in range(100000) %}{% if a * b < 0 %}x{% endif %}{% endfor %}{% endfor %}'
";

#[test]
fn an_interrupt_ends_a_rendering_that_does_not_end() {
    let project = project(8, ENDLESS);
    let mut child = project.command(RUN).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_for(&project.path().join("begun"), &mut child);
    sleep(Duration::from_secs(1));
    interrupt(&child);
    assert_eq!(end_of(&mut child), Some(99));
    let mut text = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("its output");
    assert!(text.contains("PLAY RECAP"), "{text}");
}

#[test]
fn a_second_interrupt_ends_the_process_whatever_runs() {
    // Nobody reads the output, so that the run can't end in order.
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg='{{ \"x\" * 200000 }}'\n    - command: sleep 60\n";
    let project = project(1, play);
    let mut child = project.command(RUN).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    sleep(Duration::from_secs(2));
    interrupt(&child);
    sleep(Duration::from_secs(1));
    assert!(child.try_wait().expect("a child").is_none(), "the output is not stuck");
    interrupt(&child);
    assert_eq!(end_of(&mut child), Some(130));
}

#[test]
fn output_that_can_not_be_written_is_an_error() {
    let project = project(1, "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg=x\n");
    for arguments in [RUN, &["-i", "hosts", "site.yml", "--list-tasks"]] {
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let ended = project.ended(project.command(arguments).stdout(full).output().expect("it starts"));
        assert_eq!(ended.status, 1, "{arguments:?}");
        assert!(ended.stderr.contains("the output could not be written: No space left on device"), "{}", ended.stderr);
    }
}

#[test]
fn whoever_stops_reading_the_output_stops_nothing() {
    let project = project(
        1,
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg=x\n    - file: {path: '{{ playbook_dir }}/end', state: touch}\n",
    );
    let mut child = project.command(RUN).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = project.ended(child.wait_with_output().expect("it ends"));
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    assert!(project.path().join("end").exists());
}

/// A terminal, and the program's end of it.
fn terminal() -> (File, OwnedFd) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).expect("granted");
    unlockpt(&ours).expect("unlocked");
    let name = ptsname(&ours, Vec::new()).expect("a name");
    let theirs = File::options().read(true).write(true).open(name.to_str().expect("a path")).expect("the other end");
    (File::from(ours), theirs.into())
}

#[test]
fn questions_come_after_what_was_said_before() {
    let play = "
- hosts: h1
  gather_facts: false
  tasks:
    - debug: msg=before
- hosts: h1
  gather_facts: false
  vars_prompt:
    - {name: color, prompt: Which color, private: false}
  tasks:
    - debug: msg='it is {{ color }}'
    - pause: {prompt: Go on}
      register: paused
    - debug: msg='said {{ paused.user_input }}'
";
    let project = project(1, play);
    let (mut ours, theirs) = terminal();
    let end = |end: &OwnedFd| Stdio::from(end.try_clone().expect("a descriptor"));
    let mut child =
        project.command(RUN).stdin(end(&theirs)).stdout(end(&theirs)).stderr(end(&theirs)).spawn().expect("it starts");
    drop(theirs);
    let mut seen = String::new();
    let mut until = |text: &str, ours: &mut File| {
        let mut buffer = [0; 4096];
        while !seen.contains(text) {
            let count = ours.read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "{text} does not come:\n{seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    until("Which color: ", &mut ours);
    ours.write_all(b"green\n").expect("typed");
    until("Go on:", &mut ours);
    ours.write_all(b"yes\n").expect("typed");
    until("PLAY RECAP", &mut ours);
    until("ok=", &mut ours);
    drop(ours);
    end_of(&mut child);
    let places: Vec<_> =
        ["before", "Which color: ", "it is green", "Go on:", "said yes"].map(|text| seen.find(text)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{seen}");
}
