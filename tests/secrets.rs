//! Secrets: in no process list, log, temporary file or output.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::hosts::Hosts;
use crate::project::Project;

const SECRET: &str = "corrèct-horse-battery";

/// Uses the secret as a module argument, in a template, in the environment and on standard input.
const SITE: &str = "- hosts: all
  gather_facts: false
  vars_files: [secret.yml]
  tasks:
    - name: In a file
      copy: {content: \"password={{ password }}\\n\", dest: /home/ubuntu/secret.conf, mode: '0600'}
      no_log: true
    - name: From a template
      template: {src: secret.j2, dest: /home/ubuntu/templated.conf, mode: '0600'}
      no_log: true
      register: templated
    - name: In the environment, for a while
      shell: test -n \"$PASSWORD\" && sleep 2
      environment: {PASSWORD: \"{{ password }}\"}
      no_log: true
    - name: On standard input, and failing
      command: {cmd: grep -q nothing, stdin: \"{{ password }}\"}
      no_log: true
      ignore_errors: true
    - name: An argument that the module keeps secret
      user: {name: ubuntu, password: \"{{ password }}\"}
      become: true
      check_mode: true
    - debug: var=templated
";

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_secret_is_nowhere_to_be_seen() {
    let hosts = Hosts::boot(1, "1g");
    let project = Project::new()
        .file("hosts", hosts.inventory())
        .file("secret.yml", format!("password: {SECRET}\n"))
        .file("templates/secret.j2", "password={{ password }}\n")
        .file("site.yml", SITE);
    let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "-vvvv", "--diff", "site.yml"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    let mut seen = Vec::new();
    let output = {
        let reader = std::thread::spawn({
            let stdout = child.stdout.take().expect("a pipe");
            move || std::io::read_to_string(stdout).expect("text")
        });
        while child.try_wait().expect("a state").is_none() {
            // The hosts' processes are visible here as well: they share this machine's kernel.
            seen.extend(command_lines().into_iter().filter(|line| line.contains(SECRET)));
            sleep(Duration::from_millis(20));
        }
        let status = child.wait().expect("a status");
        let text = reader.join().expect("the reader ends");
        assert!(status.success(), "{text}");
        text
    };
    assert_eq!(seen, Vec::<String>::new(), "a process list shows the secret");
    assert!(!output.contains(SECRET), "the output shows the secret:\n{output}");
    assert!(output.contains("censored") || output.contains("no_log"), "nothing was censored:\n{output}");
    // The pattern comes on standard input: sudo writes command lines to the journal.
    let search = "sudo grep -rlF -f - / --exclude-dir=proc --exclude-dir=sys 2>/dev/null";
    let found = hosts.ssh("h1", &format!("echo '{SECRET}' | {search}"));
    let mut found: Vec<&str> = found.lines().filter(|path| !path.contains("/proc/")).collect();
    found.sort_unstable();
    assert_eq!(found, ["/home/ubuntu/secret.conf", "/home/ubuntu/templated.conf"]);
    assert_eq!(hosts.ssh("h1", "stat -c %a /home/ubuntu/secret.conf /home/ubuntu/templated.conf"), "600\n600\n");
}

fn command_lines() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())))
        .filter_map(|path| fs::read(Path::new(&path).join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .collect()
}
