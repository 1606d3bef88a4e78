//! Trouble on the way to real hosts and on them: the other hosts go on, the recap says what happened, nothing is left behind.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::hosts::Hosts;
use crate::project::{Ended, Project};

fn project(hosts: &Hosts, tasks: &str) -> Project {
    let site = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    Project::new().file("hosts", hosts.inventory()).file("site.yml", site)
}

fn run(hosts: &Hosts, project: &Project, more: &[&str]) -> Ended {
    hosts.run(project, &[&["-i", "hosts", "site.yml"], more].concat())
}

/// The counters of a host in the recap, such as `unreachable=1`.
fn recap(ended: &Ended, host: &str, counters: &[&str]) {
    let recap = ended
        .stdout
        .split("PLAY RECAP")
        .nth(1)
        .unwrap_or_else(|| panic!("no recap:\n{}\n{}", ended.stdout, ended.stderr));
    let line =
        recap.lines().find(|line| line.starts_with(host)).unwrap_or_else(|| panic!("no line for {host}: {recap}"));
    for counter in counters {
        assert!(
            line.split_whitespace().any(|word| word == *counter),
            "{counter} is not in {line:?}\n{}\n{}",
            ended.stdout,
            ended.stderr
        );
    }
}

/// Nothing of a run is on the host any more but the agent's file.
fn nothing_left(hosts: &Hosts, host: &str) {
    let processes = hosts.ssh(host, "ps -eo args | grep -v grep | grep -E 'rplay|sleep 6[0-9][0-9]' || true");
    assert_eq!(processes.trim(), "", "processes are left on {host}");
    // The lab's own certificates have names of this kind, too.
    let find = "sudo find / -xdev \\( -name '*rplay*' -o -path '*rplay*/*' \\) -not -name 'rplay-lab*' 2>/dev/null";
    let files = hosts.ssh(host, find);
    let files: Vec<&str> = files
        .lines()
        .filter(|path| !path.ends_with("/.cache/rplay") && !path.contains("/.cache/rplay/agent-"))
        .collect();
    assert!(files.is_empty(), "files are left on {host}: {files:?}");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn no_host_has_python() {
    let hosts = Hosts::boot(1, "1g");
    assert_eq!(hosts.ssh("h1", "ls /usr/bin /usr/local/bin /bin | grep -i python; echo looked"), "looked\n");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_wrong_key_makes_one_host_unreachable() {
    let hosts = Hosts::boot(2, "1g");
    let project = project(&hosts, "    - command: hostname\n").file(
        "host_vars/h1",
        "ansible_ssh_private_key_file: other_key\nansible_ssh_common_args: -o IdentityAgent=none\n",
    );
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(project.path().join("other_key"))
        .status()
        .expect("ssh-keygen starts");
    assert!(made.success());
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("Permission denied"), "{}", ended.stdout);
    recap(&ended, "h1", &["ok=0", "unreachable=1", "failed=0"]);
    recap(&ended, "h2", &["ok=1", "changed=1", "unreachable=0", "failed=0"]);
    nothing_left(&hosts, "h2");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn options_for_ssh_in_the_configuration_count() {
    let hosts = Hosts::boot(1, "1g");
    let tasks = "    - command: hostname\n";
    let common = "[ssh_connection]\nssh_args = -C -o ControlMaster=auto -o ControlPersist=60s\n";
    let ended = run(&hosts, &project(&hosts, tasks).file("ansible.cfg", common), &[]);
    recap(&ended, "h1", &["ok=1", "unreachable=0"]);
    for name in ["ssh_args", "ssh_common_args", "ssh_extra_args"] {
        let project = project(&hosts, tasks).file("ansible.cfg", format!("[ssh_connection]\n{name} = -o Port=23\n"));
        let ended = run(&hosts, &project, &[]);
        recap(&ended, "h1", &["ok=0", "unreachable=1"]);
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn settings_about_the_connection_count() {
    let hosts = Hosts::boot(1, "1g");
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: hostname\n";
    let inventory: String = hosts
        .inventory()
        .lines()
        .filter(|line| !line.contains("private_key"))
        .fold(String::new(), |all, line| all + line + "\n");
    let reached = |settings: &str| {
        let settings = format!(
            "[ssh_connection]\nssh_args = -o IdentityAgent=none -o UserKnownHostsFile=known -o GlobalKnownHostsFile=none\n{settings}"
        );
        let project = Project::new().file("hosts", &inventory).file("site.yml", site).file("ansible.cfg", settings);
        hosts.run(&project, &["-i", "hosts", "site.yml"]).status == 0
    };
    let key = format!("private_key_file = {}\n", hosts.key());
    let trust = "host_key_checking = false\n";
    assert!(reached(&format!("[defaults]\n{key}{trust}")));
    assert!(!reached(&format!("[defaults]\n{trust}")), "the key is found without the setting");
    assert!(!reached(&format!("[defaults]\n{key}")), "unknown hosts are trusted without the setting");
    assert!(!reached(&format!("[defaults]\n{key}{trust}remote_port = 23\n")));
    // Connections that only OpenSSH's own program can make are made with the one that is configured.
    let through_program = "ssh_extra_args = -o ForwardAgent=yes\n";
    assert!(reached(&format!("{through_program}[defaults]\n{key}{trust}")));
    assert!(!reached(&format!("{through_program}ssh_executable = /bin/false\n[defaults]\n{key}{trust}")));
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_refused_port_makes_one_host_unreachable() {
    let hosts = Hosts::boot(2, "1g");
    let project = project(&hosts, "    - command: hostname\n").file("host_vars/h2", "ansible_port: 23\n");
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("Connection refused"), "{}", ended.stdout);
    recap(&ended, "h1", &["ok=1", "unreachable=0"]);
    recap(&ended, "h2", &["ok=0", "unreachable=1"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_changed_host_key_is_refused() {
    let mut hosts = Hosts::boot(2, "1g");
    hosts.order("rekey h1");
    let project = project(&hosts, "    - command: hostname\n");
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.to_lowercase().contains("host key"), "{}", ended.stdout);
    recap(&ended, "h1", &["unreachable=1"]);
    recap(&ended, "h2", &["ok=1"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_host_that_dies_in_the_middle_is_unreachable() {
    let mut hosts = Hosts::boot(2, "1g");
    let project = project(
        &hosts,
        "    - command: sleep {{ 600 if inventory_hostname == 'h1' else 0 }}\n    - command: hostname\n",
    );
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "site.yml"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    wait_for(|| hosts.ssh("h1", "pgrep -x sleep || true").trim().parse::<u32>().is_ok());
    hosts.order("kill h1");
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    recap(&ended, "h1", &["ok=0", "unreachable=1"]);
    recap(&ended, "h2", &["ok=2", "unreachable=0"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_host_that_falls_silent_is_unreachable() {
    let hosts = Hosts::boot(2, "1g");
    let project = project(
        &hosts,
        "    - command: sleep {{ 600 if inventory_hostname == 'h1' else 0 }}\n    - command: hostname\n",
    )
    .file("host_vars/h1", "ansible_ssh_common_args: -o ServerAliveInterval=1 -o ServerAliveCountMax=2\n");
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "site.yml"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    wait_for(|| hosts.ssh("h1", "pgrep -x sleep || true").trim().parse::<u32>().is_ok());
    let begin = Instant::now();
    hosts.unplug("h1");
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert!(begin.elapsed() < Duration::from_secs(20), "it took {:?}", begin.elapsed());
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    recap(&ended, "h1", &["ok=0", "unreachable=1"]);
    recap(&ended, "h2", &["ok=2", "unreachable=0"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn sudo_that_wants_a_password_gets_it_or_the_task_fails() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, "    - command: id -un\n      become: true\n")
        .file("host_vars/h1", "ansible_user: operator\n")
        .file("password", format!("{}\n", hosts.sudo_password()))
        .file("wrong", "not-the-password\n");

    let without = run(&hosts, &project, &[]);
    assert_eq!(without.status, 2, "{}{}", without.stdout, without.stderr);
    assert!(without.stdout.contains("\"msg\": \"Task failed: Missing sudo password\""), "{}", without.stdout);

    let wrong = run(&hosts, &project, &["--become-password-file", "wrong"]);
    assert_eq!(wrong.status, 2, "{}{}", wrong.stdout, wrong.stderr);
    assert!(wrong.stdout.contains("\"msg\": \"Task failed: Incorrect sudo password\""), "{}", wrong.stdout);

    let right = run(&hosts, &project, &["--become-password-file", "password", "-v"]);
    assert_eq!(right.status, 0, "{}{}", right.stdout, right.stderr);
    assert!(right.stdout.contains("\"stdout\": \"root\""), "{}", right.stdout);
    nothing_left(&hosts, "h1");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_full_disk_is_said_and_leaves_no_half_written_file() {
    let hosts = Hosts::boot(1, "64m");
    let project = project(&hosts, "    - copy: src=big dest=/home/ubuntu/big\n").file("big", vec![b'x'; 100 << 20]);
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("No space left on device"), "{}", ended.stdout);
    recap(&ended, "h1", &["failed=1"]);
    assert_eq!(hosts.ssh("h1", "ls /home/ubuntu; find / -xdev -size +20M -newer /proc/1 2>/dev/null"), "");
    nothing_left(&hosts, "h1");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn output_of_200_megabytes_arrives_whole() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(
        &hosts,
        "    - shell: head -c 200000000 /dev/zero | tr '\\0' x\n      register: result\n    - assert: {that: result.stdout | length == 200000000}\n",
    );
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 0, "{}{}", tail(&ended.stdout), ended.stderr);
    recap(&ended, "h1", &["ok=2", "failed=0"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn output_that_is_not_utf8_is_shown() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, "    - shell: printf 'caf\\351 \\377\\n'\n");
    let ended = run(&hosts, &project, &["-v"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("caf\u{fffd} \u{fffd}"), "{}", ended.stdout);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn an_interrupt_prints_the_recap_and_ends_the_children() {
    let hosts = Hosts::boot(2, "1g");
    let project = project(&hosts, "    - command: hostname\n    - shell: sleep 601; true\n");
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "site.yml"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    for host in ["h1", "h2"] {
        wait_for(|| !hosts.ssh(host, "pgrep -f 'sleep 60[1]' || true").trim().is_empty());
    }
    interrupt(child.id());
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert_eq!(ended.status, 99, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("User interrupted execution"), "{}", ended.stderr);
    recap(&ended, "h1", &["ok=1"]);
    for host in ["h1", "h2"] {
        wait_for(|| hosts.ssh(host, "pgrep -f 'sleep 60[1]' || true").trim().is_empty());
        nothing_left(&hosts, host);
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn after_a_kill_a_new_run_completes() {
    let hosts = Hosts::boot(1, "1g");
    let tasks = "    - copy: content=one dest=/home/ubuntu/one\n    - shell: test -e /home/ubuntu/go || sleep 602\n    - copy: content=two dest=/home/ubuntu/two\n";
    let project = project(&hosts, tasks);
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "site.yml"]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("rplay starts");
    wait_for(|| !hosts.ssh("h1", "pgrep -f 'sleep 60[2]' || true").trim().is_empty());
    child.kill().expect("rplay can be killed");
    child.wait().expect("rplay ends");
    wait_for(|| hosts.ssh("h1", "pgrep -f 'sleep 60[2]' || true").trim().is_empty());
    nothing_left(&hosts, "h1");

    hosts.ssh("h1", "touch /home/ubuntu/go");
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    recap(&ended, "h1", &["ok=3", "changed=2"]);
    assert_eq!(hosts.ssh("h1", "cat /home/ubuntu/one /home/ubuntu/two"), "onetwo");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn large_files_travel_both_ways_unharmed() {
    let hosts = Hosts::boot(2, "1g");
    // Longer than every window and piece, and of no round length.
    let content: Vec<u8> =
        (0..60_000_001_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let tasks = "    - copy: src=big dest=/home/ubuntu/big mode=0640\n    - fetch: src=/home/ubuntu/big dest=back/\n    - copy: src=/home/ubuntu/big dest=/root/big remote_src=true\n      become: true\n";
    let project = project(&hosts, tasks).file("big", &content);
    let ended = run(&hosts, &project, &[]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    for host in ["h1", "h2"] {
        recap(&ended, host, &["ok=3", "changed=3", "failed=0"]);
        let back =
            std::fs::read(project.path().join("back").join(host).join("home/ubuntu/big")).expect("the fetched file");
        assert!(back == content, "the file came back another one");
        assert_eq!(
            hosts.ssh(host, "stat -c '%a %U %s' /home/ubuntu/big; sudo cmp /root/big /home/ubuntu/big"),
            "640 ubuntu 60000001\n"
        );
        nothing_left(&hosts, host);
    }
    let again = run(&hosts, &project, &[]);
    recap(&again, "h1", &["ok=3", "changed=0", "failed=0"]);
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn after_a_failure_a_new_run_does_the_rest() {
    let mut hosts = Hosts::boot(2, "1g");
    let tasks = "    - copy: content=one dest=/home/ubuntu/one\n    - command: test -e /home/ubuntu/ready\n      changed_when: false\n    - copy: content=two dest=/home/ubuntu/two\n";
    let project = project(&hosts, tasks);
    hosts.ssh("h1", "touch /home/ubuntu/ready");
    let first = run(&hosts, &project, &[]);
    assert_eq!(first.status, 2, "{}{}", first.stdout, first.stderr);
    recap(&first, "h1", &["ok=3", "changed=2", "failed=0"]);
    recap(&first, "h2", &["ok=1", "changed=1", "failed=1"]);

    // Its power fails, too, before the second run.
    hosts.order("kill h2");
    hosts.order("start h2");
    hosts.ssh("h2", "touch /home/ubuntu/ready");
    let second = run(&hosts, &project, &[]);
    assert_eq!(second.status, 0, "{}{}", second.stdout, second.stderr);
    recap(&second, "h1", &["ok=3", "changed=0", "failed=0"]);
    recap(&second, "h2", &["ok=3", "changed=1", "failed=0"]);
    let third = run(&hosts, &project, &[]);
    recap(&third, "h2", &["ok=3", "changed=0", "failed=0"]);
    nothing_left(&hosts, "h2");
}

/// Kills the agent that runs as this user. Its guard has the same arguments, and a higher number.
fn kill_agent(hosts: &Hosts, host: &str, user: &str) {
    let find = format!("pgrep -u {user} -f '^[^ ]+ serve [0-9a-f]{{64}}' | sort -n | head -n 1");
    let found = hosts.ssh(host, &format!("p=$({find}); sudo kill -KILL $p && echo killed"));
    assert_eq!(found.trim(), "killed");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn an_agent_that_is_killed_takes_its_commands_along() {
    let hosts = Hosts::boot(2, "1g");
    let tasks = "    - shell: sleep {{ 603 if inventory_hostname == 'h1' else 0 }}; true\n    - command: hostname\n";
    let project = project(&hosts, tasks);
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "site.yml"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    wait_for(|| !hosts.ssh("h1", "pgrep -f 'sleep 60[3]' || true").trim().is_empty());
    kill_agent(&hosts, "h1", "ubuntu");
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("signal 9") || ended.stdout.contains("killed"), "{}", ended.stdout);
    recap(&ended, "h1", &["ok=0", "unreachable=1"]);
    recap(&ended, "h2", &["ok=2", "unreachable=0"]);
    wait_for(|| hosts.ssh("h1", "pgrep -f 'sleep 60[3]|serve [0-9a-f]{64}' || true").trim().is_empty());
    nothing_left(&hosts, "h1");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn another_users_agent_that_is_killed_fails_the_task() {
    let hosts = Hosts::boot(1, "1g");
    let tasks = "    - shell: sleep 604; true\n      become: true\n      ignore_errors: true\n    - command: hostname\n    \
                 - command: id -un\n      become: true\n";
    let project = project(&hosts, tasks);
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "-v", "site.yml"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    wait_for(|| !hosts.ssh("h1", "pgrep -f 'sleep 60[4]' || true").trim().is_empty());
    kill_agent(&hosts, "h1", "root");
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("the agent of user root died"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\"stdout\": \"root\""), "{}", ended.stdout);
    recap(&ended, "h1", &["ok=3", "ignored=1"]);
    wait_for(|| hosts.ssh("h1", "pgrep -f 'sleep 60[4]|serve [0-9a-f]{64}' || true").trim().is_empty());
    nothing_left(&hosts, "h1");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_run_that_is_quit_leaves_nothing() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, "    - shell: sleep 605; true\n");
    // What runs in the background of a shell is deaf to this signal, and so is what it starts.
    let rplay = project.command(&["-i", "hosts", "site.yml"]);
    let mut listening = std::process::Command::new("env");
    listening.arg("--default-signal=QUIT").arg(rplay.get_program()).args(rplay.get_args());
    for (name, value) in rplay.get_envs() {
        match value {
            Some(value) => listening.env(name, value),
            None => listening.env_remove(name),
        };
    }
    let mut command = hosts.enter(project.path(), &listening);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    wait_for(|| !hosts.ssh("h1", "pgrep -f 'sleep 60[5]' || true").trim().is_empty());
    let sent = std::process::Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
    assert!(sent.expect("kill starts").success());
    let ended = child.wait_with_output().expect("rplay ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(3));
    wait_for(|| hosts.ssh("h1", "pgrep -f 'sleep 60[5]|serve [0-9a-f]{64}' || true").trim().is_empty());
    nothing_left(&hosts, "h1");
}

/// Waits until something is so; gives up after a minute.
fn wait_for(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_mins(1), "it did not come");
        sleep(Duration::from_millis(200));
    }
}

fn interrupt(pid: u32) {
    let sent = std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(2000);
    text.get(start..).unwrap_or_default()
}
