//! What a target says is data: it decides nothing on the controller, and the terminal shows it as text.

use serde_json::{Value, json};

use crate::hostile_agent::HostileAgent;
use crate::project::Project;

/// Facts that would make the controller run programs of the target's choice.
fn facts(project: &Project) -> Value {
    let proof = |name: &str| project.path().join(name).display().to_string();
    json!({
        "ansible_connection": "local",
        "ansible_ssh_common_args": format!("-o ProxyCommand='touch {}'", proof("proxied")),
        "ansible_ssh_extra_args": format!("-o ProxyCommand='touch {}'", proof("proxied")),
        "ansible_ssh_args": format!("-o ProxyCommand='touch {}'", proof("proxied")),
        "ansible_ssh_executable": proof("trap"),
        "ansible_shell_executable": proof("trap"),
        "ansible_python_interpreter": proof("trap"),
        "ansible_host": "198.18.0.99",
        "ansible_become": true,
        "ansible_become_exe": proof("trap"),
        "ansible_sudo_exe": proof("trap"),
        "ansible_become_method": "su",
        "ansible_user": "somebody",
        "ansible_delegated_vars": {"localhost": {"ansible_connection": "local"}},
        "playbook_dir": "/nonexistent",
        "inventory_hostname": "localhost",
        "ansible_facts": {"connection": "local"},
        "discovered_interpreter_python": proof("trap"),
        "ansible_os_family": "Evil",
        "own_fact": "kept",
    })
}

const TRAP: &str = "#!/bin/sh\ntouch \"$(dirname \"$0\")/trapped\"\nexit 1\n";

/// Runs the tasks against an agent that answers every module with those facts.
fn run_with_facts(tasks: &str) -> (Project, HostileAgent, crate::project::Ended) {
    let project = Project::new()
        .file("trap", TRAP)
        .file("site.yml", format!("- hosts: evil\n  gather_facts: false\n  tasks:\n{tasks}"));
    let facts = facts(&project);
    let agent = HostileAgent::start(
        move |_| json!({"Ok": {"changed": false, "fields": {"ansible_facts": facts, "rc": 0, "stdout": "", "stderr": ""}}}),
    );
    let project = agent.host_of(project);
    let ended = project.run(&["-i", "hosts", "site.yml"]);
    (project, agent, ended)
}

/// Everything after the facts came ran on the target, and the controller ran nothing for it.
fn nothing_was_decided(project: &Project, agent: &HostileAgent, ended: &crate::project::Ended, modules: &[&str]) {
    for proof in ["proxied", "trapped", "ran-here"] {
        assert!(!project.path().join(proof).exists(), "{proof}: {}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(agent.asked(), modules, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn facts_decide_nothing_about_connections() {
    for module in ["setup", "stat: {path: /}", "getent: {database: passwd}", "command: id"] {
        let module = module.replace("setup", "setup: {}");
        let (project, agent, ended) = run_with_facts(&format!(
            "    - {module}\n    - command: touch ran-here\n    - raw: touch ran-here\n      when: false\n    - command: id\n      become: \"{{{{ ansible_become | default(false) }}}}\"\n"
        ));
        let first = module.split(':').next().unwrap_or_default();
        nothing_was_decided(&project, &agent, &ended, &[first, "command", "command"]);
        let warning = "[WARNING]: Removed restricted key from module data: ansible_connection\n";
        assert_eq!(ended.stderr.matches(warning).count(), 1, "{}", ended.stderr);
        assert!(!ended.stderr.contains("discovered_interpreter"), "{}", ended.stderr);
    }
}

#[test]
fn gathered_delegated_and_looped_facts_decide_nothing() {
    let (project, agent, ended) = run_with_facts(
        "    - setup: {}\n      loop: [1, 2]\n    - setup: {}\n      delegate_to: other\n      delegate_facts: true\n      vars: {ansible_ssh_executable: '{{ playbook_dir }}/false-ssh'}\n    - setup: {}\n      run_once: true\n    - gather_facts: {}\n    - command: touch ran-here\n",
    );
    nothing_was_decided(&project, &agent, &ended, &["setup", "setup", "setup", "setup", "setup", "command"]);
}

#[test]
fn other_facts_stay_and_registered_results_are_data() {
    let (_, _, ended) = run_with_facts(
        "    - setup: {}\n      register: answer\n    - assert:\n        that:\n          - ansible_os_family == 'Evil'\n          - own_fact == 'kept'\n          - ansible_facts.own_fact == 'kept'\n          - ansible_facts.connection == 'local'\n          - answer.ansible_facts.ansible_connection == 'local'\n          - \"'discovered_interpreter_python' not in answer.ansible_facts\"\n          - ansible_connection is not defined\n          - inventory_hostname == 'evil'\n",
    );
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
}

/// Sequences that clear the screen, write to the clipboard, change the title or let a line overwrite itself.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]52;c;cm0gLXJm\u{7}\u{9b}31m\u{1b}]0;title\u{7}ok: [evil]\rgone\u{8}\u{202e}";

#[test]
fn what_targets_say_is_text() {
    let agent = HostileAgent::start(|module| match module {
        "stat" => {
            json!({"Err": {"msg": ESCAPES, "changed": false, "fields": {"stdout": ESCAPES}, "warnings": [ESCAPES]}})
        }
        "file" => json!({"Ok": {
            "changed": true,
            "fields": {"path": ESCAPES},
            "diff": [{"before": "a\n", "after": format!("{ESCAPES}\n"), "after_header": ESCAPES}, {"prepared": ESCAPES}],
            "warnings": [ESCAPES],
            "deprecations": [ESCAPES],
        }}),
        _ => json!({"Ok": {"changed": false, "fields": {"rc": 0, "stdout": ESCAPES, "stderr": ESCAPES, ESCAPES: 1,
            "ansible_facts": {"ansible_evil": ESCAPES, ESCAPES: 1, "ansible_connection": ESCAPES}}}}),
    });
    let site = "- hosts: evil\n  gather_facts: false\n  tasks:\n    - setup: {}\n    - command: id\n      register: said\n    \
                - name: \"{{ ansible_evil }}\"\n      debug: msg={{ ansible_evil }}\n    - stat: {path: /}\n      ignore_errors: true\n    \
                - file: {path: /x}\n      loop: [\"{{ ansible_evil }}\"]\n    - fail: msg={{ said.stdout }}\n      ignore_errors: true\n    \
                - include_tasks: more.yml\n      loop: [\"{{ ansible_evil }}\"]\n    - assert: {that: false, fail_msg: \"{{ ansible_evil }}\"}\n      ignore_errors: true\n    \
                - debug: msg=\"{{ lookup('file', ansible_evil) }}\"\n      ignore_errors: true\n";
    let project = agent.host_of(Project::new().file("site.yml", site).file("more.yml", "- debug: var=said\n"));
    let allowed = |text: &str| {
        text.chars().all(|char| char == '\n' || char == '\t' || !(char.is_control() || char == '\u{202e}'))
    };
    for arguments in [&["-D"][..], &["-v"], &["-vvvv", "-D"]] {
        let ended = project.run(&[&["-i", "hosts", "site.yml"], arguments].concat());
        assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
        assert!(allowed(&ended.stdout), "{:?}", ended.stdout);
        assert!(allowed(&ended.stderr), "{:?}", ended.stderr);
        assert!(ended.stdout.contains("\\u001b[2J\\u001b]52"), "{}", ended.stdout);
    }
    for more in
        [&["-m", "command", "-a", "id"][..], &["-m", "command", "-a", "id", "-o"], &["-m", "stat", "-a", "path=/"]]
    {
        let ended = project.run(&[&["adhoc", "-i", "hosts", "evil"], more].concat());
        assert!(allowed(&ended.stdout), "{:?}", ended.stdout);
        assert!(allowed(&ended.stderr), "{:?}", ended.stderr);
    }
    let colored = project
        .command(&["-i", "hosts", "-D", "site.yml"])
        .env("ANSIBLE_FORCE_COLOR", "1")
        .output()
        .expect("it starts");
    let colored = String::from_utf8_lossy(&colored.stdout).into_owned();
    assert!(colored.contains("\u{1b}[0;32m"), "our own colors stay: {colored}");
    assert!(!colored.contains("\u{1b}[2J"), "{colored:?}");
}

/// A host's name may have been made of what another one said.
#[test]
fn a_name_that_is_a_path_leads_out_of_no_folder() {
    let site = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - add_host: {name: '{{ item }}', groups: new, ansible_connection: local}\n      \
                loop: [../../../escaped, '{{ playbook_dir }}/absolute', -oProxyCommand=touch]\n- hosts: new\n  gather_facts: false\n  tasks:\n    \
                - fetch: {src: '{{ playbook_dir }}/in', dest: a/b/got/}\n";
    let project = Project::new().file("site.yml", site).file("in", "content");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    for name in ["escaped", "absolute", "a/escaped", "a/b/escaped"] {
        assert!(!project.path().join(name).exists(), "{name}: {}", ended.stdout);
    }
    let below = project.path().strip_prefix("/").expect("an absolute path");
    for host in [std::path::Path::new("escaped"), &below.join("absolute"), "-oProxyCommand=touch".as_ref()] {
        let fetched = project.path().join("a/b/got").join(host).join(below).join("in");
        assert_eq!(std::fs::read_to_string(&fetched).ok().as_deref(), Some("content"), "{}", fetched.display());
    }
}
