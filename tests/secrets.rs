//! Secrets: in no process list, log, temporary file or output.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::hosts::Hosts;
use crate::project::Project;

const SECRET: &str = "corrèct-horse-battery";
/// For the test that runs beside the other.
const OTHER_SECRET: &str = "stàple-of-another-run";

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
    - name: As the item of a loop, and failing
      fail: {msg: \"no {{ item }}\"}
      loop: [\"{{ password }}\"]
      no_log: true
      ignore_errors: true
    - name: Until it works, which it never does
      shell: cat /home/ubuntu/secret.conf; exit 1
      register: shown
      until: shown is success
      retries: 1
      delay: 0
      no_log: true
      ignore_errors: true
    - name: As a message
      debug: {msg: \"{{ password }}\"}
      no_log: true
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
        .file("home/empty", "")
        .file("site.yml", SITE);
    let home = project.path().join("home");
    let project = project.env("HOME", &home.to_string_lossy()).env("TMPDIR", &home.to_string_lossy());
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
            seen.extend(files_with(&home, &|text| text.contains(SECRET)));
            sleep(Duration::from_millis(20));
        }
        let status = child.wait().expect("a status");
        let text = reader.join().expect("the reader ends");
        assert!(status.success(), "{text}");
        text
    };
    assert_eq!(seen, Vec::<String>::new(), "a process list or a file shows the secret");
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

/// Not those of `script` either, which no module carries.
#[test]
fn an_environment_is_in_no_argument() {
    let values = [OTHER_SECRET.to_owned(), format!("{OTHER_SECRET} it's\n$HOME `x` \\ \"two\"\n"), String::new()];
    let site = format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - script: show.sh 'an argument'\n      environment: {}\n      register: shown\n    \
         - copy: {{content: \"{{{{ shown.stdout }}}}\", dest: \"{{{{ playbook_dir }}}}/shown\"}}\n      no_log: true\n",
        serde_json::json!({"ONE": values[0], "TWO": values[1], "NONE": values[2]})
    );
    let project = Project::new()
        .file("site.yml", site)
        .file("show.sh", "#!/bin/sh\nsleep 1\nprintf '%s|%s|%s|%s|%s' \"$ONE\" \"$TWO\" \"${NONE-unset}\" \"$1\" \"${n-unset}${environment-unset}\"\n");
    let mut command = project.command(&["-i", "localhost,", "-c", "local", "site.yml"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    let mut seen = Vec::new();
    while child.try_wait().expect("a state").is_none() {
        seen.extend(command_lines().into_iter().filter(|line| line.contains(OTHER_SECRET)));
        sleep(Duration::from_millis(20));
    }
    let ended = project.ended(child.wait_with_output().expect("rplay ends"));
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(seen, Vec::<String>::new(), "a process list shows the secret");
    let shown = fs::read_to_string(project.path().join("shown")).expect("the output");
    assert_eq!(shown, format!("{}|{}|{}|an argument|unsetunset", values[0], values[1], values[2]));
}

/// Files below a folder whose text is of a kind, even if they exist only for a moment.
pub fn files_with(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match fs::read(&path) {
            Ok(content) => {
                Vec::from_iter(wanted(&String::from_utf8_lossy(&content)).then(|| path.display().to_string()))
            }
            Err(_) if path.is_dir() => files_with(&path, wanted),
            Err(_) => Vec::new(),
        })
        .collect()
}

/// The arguments of all processes.
pub fn command_lines() -> Vec<String> {
    of_processes("cmdline").into_iter().map(|text| text.replace('\0', " ")).collect()
}

/// The variables of all processes, without those that begin like this.
pub fn environments(without: &[&str]) -> Vec<String> {
    let kept = |variable: &&str| !without.iter().any(|prefix| variable.starts_with(prefix));
    of_processes("environ").iter().map(|text| text.split('\0').filter(kept).collect::<Vec<_>>().join(" ")).collect()
}

fn of_processes(file: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        })
        .filter_map(|path| fs::read(path.join(file)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}
