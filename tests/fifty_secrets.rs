//! Fifty secrets through every module, every verbosity and every way for a task to end: none of them is shown, and none is in a process
//! list or a file where it has no business.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rplay::actions::table::ACTIONS;
use rplay::modules;
use rplay::vault::{Password, encrypt_with};
use rplay_module_api::{Kind, Spec};

use crate::project::Project;
use crate::secrets::{command_lines, environments, files_with};

const VAULT_PASSWORD: &str = "mArkVaultPassword9";

/// The secret of this name; no other text of the project has it.
fn mark(name: &str) -> String {
    format!("mArk-{name}-Zq7'\"x")
}

/// Kinds of secrets, and how many there are of each.
const KINDS: &[(&str, usize)] =
    &[("vaulted", 20), ("file", 15), ("hidden", 6), ("argument", 4), ("login", 2), ("lookup", 3)];

fn names() -> impl Iterator<Item = String> {
    KINDS.iter().flat_map(|(kind, count)| (0..*count).map(move |number| format!("{kind}{number}")))
}

fn vaulted(text: &str) -> String {
    encrypt_with(&Password::new(VAULT_PASSWORD), text.as_bytes(), None, None)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

fn project() -> Project {
    let mut strings = String::new();
    for number in 0..20 {
        let _ = writeln!(strings, "vaulted{number}: !vault |");
        for line in vaulted(&mark(&format!("vaulted{number}"))).lines() {
            let _ = writeln!(strings, "  {line}");
        }
    }
    let mut plain = String::new();
    for name in
        names().filter(|name| !name.starts_with("vaulted") && !name.starts_with("file") && !name.starts_with("lookup"))
    {
        let _ = writeln!(plain, "{name}: {}", quoted(&mark(&name)));
    }
    let _ = writeln!(plain, "url: http://me:mArk-url-Zq7@127.0.0.1:1/x");
    let file: String =
        (0..15).map(|number| format!("file{number}: {}\n", quoted(&mark(&format!("file{number}"))))).collect();
    let project = Project::new()
        .file("group_vars/all/strings.yml", strings)
        .file("group_vars/all/plain.yml", plain)
        .file("group_vars/all/file.yml", vaulted(&file))
        .file("hosts", "h1 ansible_connection=local ansible_password='{{ login0 }}' ansible_become_password='{{ login1 }}'\n")
        .file("vault-password", VAULT_PASSWORD)
        .file("lookup0", mark("lookup0"))
        .file("lookup1", vaulted(&mark("lookup1")))
        .file("files/vaulted.conf", vaulted(&format!("one\n{}\ntwo\n", mark("lookup2"))))
        .file("ansible.cfg", "[defaults]\nvault_password_file = vault-password\n")
        .file("templates/t.j2", "a\n{{ vaulted0 }}\n{{ file0 }}\n")
        .file("templates/broken.j2", "{{ vaulted1 }}\n{{ vaulted1.nothing.there }}\n")
        .file("files/script.sh", "#!/bin/sh\necho \"$@\"\nexit 3\n")
        .file("more.yml", "- debug: msg=\"{{ item }} {{ passed | default('') }}\"\n- fail: msg=\"{{ passed }}\"\n  when: passed is defined\n  ignore_errors: true\n")
        .file("roles/r/tasks/main.yml", "- name: In a role {{ vaulted2 }}\n  debug: var=vaulted2\n")
        .file("out/keep", "")
        .file("tmp/keep", "")
        .file("home/keep", "")
        .file("site.yml", format!("{SITE}{}", every_module()));
    let folder = |name: &str| project.path().join(name).display().to_string();
    let (tmp, home) = (folder("tmp"), folder("home"));
    project.env("TMPDIR", &tmp).env("HOME", &home)
}

/// Ways to show a secret: success, failure, retry, loop, include, diff and crash.
const SITE: &str = r#"
- name: Play {{ vaulted3 | default('') }}
  hosts: all
  gather_facts: false
  ignore_errors: true
  vars: {out: "{{ playbook_dir }}/out"}
  handlers:
    - name: Handler {{ vaulted4 }}
      debug: msg="handled {{ vaulted4 }}"
      listen: changed something
  tasks:
    - name: A name with {{ vaulted5 }}
      debug: msg="{{ vaulted5 }} in a text"
    - debug: var=vaulted6
    - debug: {msg: "{{ [vaulted6, {'k': file1}] }}"}
    - debug: {msg: "{{ [vaulted6, {'k': file1}] | to_json }}"}
    - debug: {msg: "{{ [vaulted6, {'k': file1}] | string }}"}
    - fail: {msg: "{{ [vaulted6, {'k': file1}] | to_json }}"}
    - fail: {msg: "{{ [vaulted6, {'k': file1}] }}"}
    - debug: msg={{ vaulted6 | urlencode }}
    - name: Labels
      debug: msg=x
      loop: ["{{ vaulted7 }}", {a: "{{ file2 }}", b: [1]}]
    - debug: msg=x
      loop: [1]
      loop_control: {label: "label {{ vaulted7 }}"}
    - copy: {content: "{{ vaulted8 }}\n{{ file3 }}\n", dest: "{{ out }}/copied"}
      notify: changed something
    - meta: flush_handlers
    - copy: {content: "{{ file3 }}\nother\n", dest: "{{ out }}/copied"}
    - copy: {src: vaulted.conf, dest: "{{ out }}/vaulted.conf"}
    - template: {src: t.j2, dest: "{{ out }}/templated"}
    - template: {src: broken.j2, dest: "{{ out }}/broken"}
    - lineinfile: {path: "{{ out }}/lines", line: "x={{ vaulted9 }}", create: true}
    - lineinfile: {path: "{{ out }}/lines", regexp: "^x=", line: "y={{ file4 }}"}
    - blockinfile: {path: "{{ out }}/lines", block: "{{ vaulted10 }}\nb"}
    - replace: {path: "{{ out }}/lines", regexp: "y=.*", replace: "{{ vaulted11 }}"}
    - command: echo {{ vaulted12 | quote }}
      register: said
    - debug: var=said
    - shell: "echo {{ file5 | quote }}; echo {{ file5 | quote }} >&2; exit 4"
    - command: /nonexistent/{{ file5 | quote }}
    - command: {argv: [printf, "%s", "{{ vaulted13 }}"]}
    - script: script.sh {{ vaulted13 | quote }}
    - raw: "echo {{ vaulted13 | quote }}; exit 5"
    - shell: printenv PASSWORD; exit 1
      environment: {PASSWORD: "{{ vaulted14 }}"}
    - shell: echo {{ file6 | quote }}; exit 1
      register: tried
      until: tried is success
      retries: 1
      delay: 0
    - fail: {msg: "failed with {{ vaulted15 }}"}
    - assert: {that: ["vaulted15 == 'x'"], fail_msg: "not {{ file7 }}"}
    - assert: {that: ["vaulted15 == file7"], success_msg: "is {{ file7 }}"}
    - debug: msg=x
      when: vaulted15 == file7
    - file: {path: "{{ out }}/x", state: "{{ vaulted16 }}"}
    - file: {path: "{{ out }}/{{ file8 }}", state: file}
    - file: {path: "{{ out }}/x", unknown: "{{ vaulted16 }}"}
      when: vaulted16 is defined
    - set_fact: {taken: "{{ vaulted17 }}", made: {deep: ["{{ file9 }}"]}}
    - debug: var=taken
    - debug: var=made
    - set_stats: {data: {stat: "{{ vaulted17 }}"}}
    - add_host: {name: other, groups: some, secret: "{{ vaulted17 }}"}
    - group_by: {key: "group-{{ file9 }}"}
    - include_tasks: more.yml
      loop: ["{{ vaulted18 }}", "{{ file10 }}"]
      vars: {passed: "{{ file10 }}"}
    - block:
        - include_tasks: "{{ vaulted18 }}.yml"
      rescue:
        - debug: var=ansible_failed_result
    - include_vars: "{{ vaulted18 }}.yml"
    - include_role: {name: r}
    - block:
        - include_role: {name: "{{ vaulted18 }}"}
      rescue:
        - debug: var=ansible_failed_result
    - block:
        - fail: {msg: "{{ vaulted19 }}"}
      rescue:
        - debug: var=ansible_failed_result
        - debug: var=ansible_failed_task
    - debug: msg={{ vaulted19 | int(base=99) }}
    - debug: msg={{ vaulted19 | from_json }}
    - debug: msg={{ vaulted19 | to_datetime }}
    - debug: msg={{ vaulted19.nothing.there }}
    - debug: msg={{ lookup('file', vaulted19) }}
    - debug: msg={{ lookup(file11) }}
    - debug: msg={{ hostvars[file11] }}
    - debug: msg={{ 1 + file11 }}
    - debug: msg={{ query('pipe', 'echo ' ~ (file11 | quote) ~ '; exit 3') }}
    - debug: msg=x
      loop: "{{ file11 }}"
    - debug: msg=x
      retries: "{{ file12 }}"
    - debug: msg=x
      become: "{{ file12 }}"
    - debug: msg=x
      timeout: "{{ file12 }}"
    - ping: {}
      become: true
      become_user: "{{ file12 }}"
    - ping: {}
      delegate_to: 127.0.0.2
      vars: {ansible_connection: ssh, ansible_port: 1, ansible_user: "{{ file13 }}", ansible_timeout: 1}
    - debug: msg={{ lookup('url', url) }}
    - get_url: {url: "{{ url }}", dest: "{{ out }}/x"}
    - get_url: {url: "http://me:mArk-url-Zq7@127.0.0.1:1/x", dest: "{{ out }}/x"}
    - get_url: {url: "http://127.0.0.1:1/x", dest: "{{ out }}/x", checksum: "sha256:http://me:mArk-url-Zq7@127.0.0.1:1/sums"}
    - debug: msg=http://me:mArk-url-Zq7@127.0.0.1:1/x
    - get_url: {url: "http://127.0.0.1:1/x", dest: "{{ out }}/x", url_username: me, url_password: "{{ argument0 }}"}
    - user: {name: root, password: "{{ argument1 }}"}
      check_mode: true
    - user: {name: "no{{ argument1 }}", password: "{{ argument1 }}"}
      check_mode: true
    - user: {name: root, password: "{{ item }}"}
      check_mode: true
      no_log: true
      loop: ["{{ argument2 }}", "{{ argument3 }}"]
    - debug: msg={{ lookup('password', playbook_dir ~ '/lookup0') }}
    - debug: msg={{ lookup('file', 'lookup1') }} {{ lookup('unvault', 'lookup1') }}
    - debug: msg="{{ file14 }} {{ file14 | length }}"

- hosts: h1
  gather_facts: false
  ignore_errors: true
  no_log: true
  vars: {out: "{{ playbook_dir }}/out"}
  tasks:
    - debug: msg={{ hidden0 }}
    - debug: var=hidden0
    - copy: {content: "{{ hidden1 }}\n", dest: "{{ out }}/hidden"}
    - shell: echo {{ hidden2 | quote }}; exit 1
    - shell: test -n "$PASSWORD" && sleep 0.3
      environment: {PASSWORD: "{{ hidden0 }}"}
    - command: {cmd: cat, stdin: "{{ hidden3 }}"}
    - fail: {msg: "{{ item }}"}
      loop: ["{{ hidden3 }}", "{{ hidden4 }}"]
    - include_tasks: more.yml
      loop: ["{{ hidden4 }}"]
    - debug: msg={{ hidden5 | from_json }}
    - debug: msg={{ lookup('file', hidden5) }}
    - assert: {that: ["hidden5 == 'x'"], fail_msg: "{{ hidden5 }}"}
    - file: {path: "{{ out }}/x", state: "{{ hidden5 }}"}
    - shell: "echo {{ hidden5 | quote }}; exit 1"
      register: tried
      until: tried is success
      retries: 1
      delay: 0
"#;

/// A task for each module and action with the secret in every argument that takes text.
fn every_module() -> String {
    let mut tasks = String::from(
        "\n- hosts: h1\n  gather_facts: false\n  check_mode: true\n  ignore_errors: true\n  ignore_unreachable: true\n  timeout: 10\n  tasks:\n",
    );
    let actions = ACTIONS.iter().map(|action| (format!("ansible.builtin.{}", action.name), action.spec));
    let modules = modules::all().into_iter().map(|(name, module)| (name, module.spec()));
    let mut count = 0;
    for (name, spec) in modules.chain(actions).collect::<BTreeMap<_, _>>() {
        if SKIPPED.contains(&spec.name) || name.starts_with("amazon.aws.") {
            continue;
        }
        let arguments = arguments(spec);
        if arguments.is_empty() {
            continue;
        }
        count += 1;
        let _ = writeln!(tasks, "    - {name}: {{{arguments}}}\n      when: vaulted0 is defined");
    }
    assert!(count > 30, "{count} modules");
    tasks
}

/// Those that wait, and those that are in the play above with what they need.
const SKIPPED: &[&str] = &[
    "add_host",
    "group_by",
    "include_role",
    "include_tasks",
    "meta",
    "pause",
    "reboot",
    "set_fact",
    "setup",
    "gather_facts",
    "wait_for",
    "wait_for_connection",
    "set_stats",
];

fn arguments(spec: &Spec) -> String {
    let takes_text = |kind: Kind| matches!(kind, Kind::Str | Kind::Path | Kind::Raw | Kind::Json);
    spec.args
        .iter()
        .filter(|arg| !arg.internal && takes_text(arg.kind))
        .enumerate()
        .map(|(number, arg)| format!("{}: 'in {{{{ vaulted{} }}}}'", arg.name, number % 20))
        .collect::<Vec<_>>()
        .join(", ")
}

struct Seen {
    output: String,
    processes: BTreeSet<String>,
}

fn watch(project: &Project, command: &mut Command) -> Seen {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts");
    let (stdout, stderr) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let read = |stream: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut stream = stream;
            let _ = stream.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
    // Commands that are given a secret have it in their arguments; these are never given to one.
    let never: Vec<String> = names()
        .filter(|name| {
            ["argument", "login", "lookup"].iter().any(|kind| name.starts_with(kind))
                || ["hidden0", "hidden1", "hidden3"].contains(&name.as_str())
        })
        .map(|name| mark(&name))
        .chain([VAULT_PASSWORD.to_owned(), "mArk-url-Zq7".to_owned()])
        .collect();
    let mut processes = BTreeSet::new();
    while child.try_wait().expect("a state").is_none() {
        let lines = command_lines().into_iter().chain(environments(&["PASSWORD="]));
        processes.extend(lines.filter(|line| never.iter().any(|secret| line.contains(secret))));
        for folder in ["tmp", "home"] {
            processes.extend(files_with(&project.path().join(folder), &|text| text.contains("mArk-")));
        }
        sleep(Duration::from_millis(10));
    }
    let output = format!("{}{}", stdout.join().expect("it ends"), stderr.join().expect("it ends"));
    Seen { output, processes }
}

/// The lines that show a mark, in whatever way it is escaped: its ends are letters only.
fn leaks(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.contains("mArk") || line.contains("Zq7")).collect()
}

#[test]
fn fifty_secrets_are_nowhere_to_be_seen() {
    assert_eq!(names().count(), 50);
    for arguments in
        [&[][..], &["-D"], &["-v"], &["-vv"], &["-vvv", "-D"], &["-vvvv", "-D"], &["--check", "-D", "-vvv"]]
    {
        let project = project();
        let seen = watch(&project, &mut project.command(&[&["-i", "hosts", "site.yml"], arguments].concat()));
        let found = leaks(&seen.output);
        assert!(found.is_empty(), "{arguments:?} shows\n{}", found.join("\n"));
        assert_eq!(seen.processes, BTreeSet::new(), "{arguments:?}");
        assert!(seen.output.contains("PLAY RECAP") && seen.output.matches("********").count() > 20, "{}", seen.output);
        let left: Vec<String> = ["tmp", "home"]
            .iter()
            .flat_map(|folder| files_with(&project.path().join(folder), &|text| text.contains("mArk-")))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "{arguments:?}");
        assert_written(&project, arguments.contains(&"--check"));
    }
}

/// Masks are for people: what was to be written is.
fn assert_written(project: &Project, check: bool) {
    if check {
        return;
    }
    let read = |name: &str| fs::read_to_string(Path::new(project.path()).join("out").join(name)).expect(name);
    assert_eq!(read("templated"), format!("a\n{}\n{}\n", mark("vaulted0"), mark("file0")));
    assert_eq!(read("vaulted.conf"), format!("one\n{}\ntwo\n", mark("lookup2")));
}

#[test]
fn ad_hoc_commands_hide_secrets_too() {
    let project = project();
    for more in [
        &["-m", "debug", "-a", "msg={{ vaulted0 }}"][..],
        &["-m", "command", "-a", "echo {{ file0 | quote }}"],
        &["-m", "shell", "-a", "echo {{ file0 | quote }}; exit 1", "-o"],
        &["-m", "copy", "-a", "content={{ vaulted0 | quote }} dest=out/x", "-D", "-vvv"],
    ] {
        let seen = watch(&project, &mut project.command(&[&["adhoc", "-i", "hosts", "all"], more].concat()));
        assert_eq!(leaks(&seen.output), Vec::<&str>::new(), "{more:?}\n{}", seen.output);
        assert!(seen.output.contains("********"), "{more:?}: {}", seen.output);
    }
}
