//! Commands under their own names and under those of Ansible's programs.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::project::{Ended, Project};

/// A project in which `bin` has rplay under every name that it answers to.
pub fn linked(project: Project) -> Project {
    let made = project.run(&["install-links", "bin"]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    project
}

/// Runs a program of the project's `bin`, with this on its standard input.
pub fn run_as(project: &Project, program: &str, arguments: &[&str], stdin: &str) -> Ended {
    use std::io::Write;
    let environment = project.command(&[]);
    let mut as_program = Command::new(project.path().join("bin").join(program));
    as_program.args(arguments).current_dir(project.path());
    for (name, value) in environment.get_envs() {
        match value {
            Some(value) => as_program.env(name, value),
            None => as_program.env_remove(name),
        };
    }
    as_program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut started = as_program.spawn().expect("the program starts");
    started.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).expect("it reads");
    project.ended(started.wait_with_output().expect("it ends"))
}

#[test]
fn links_have_ansibles_names_and_leave_others_alone() {
    let project = Project::new().file("bin/ansible-vault", "another program");
    let made = project.run(&["install-links", "bin"]);
    assert_eq!(made.status, 1, "{}", made.stderr);
    assert!(made.stderr.contains("left as they are, since they are not rplay: bin/ansible-vault"), "{}", made.stderr);
    let kept = std::fs::read_to_string(project.path().join("bin/ansible-vault")).expect("it is still there");
    assert_eq!(kept, "another program");
    let version = run_as(&project, "ansible-playbook", &["--version"], "");
    assert!(version.stdout.starts_with("ansible-playbook [core 2."), "{}", version.stdout);
    assert!(version.stdout.contains("\n  config file = None\n"), "{}", version.stdout);
    std::fs::remove_file(project.path().join("bin/ansible-vault")).expect("it is removed");
    assert_eq!(project.run(&["install-links", "bin"]).status, 0);
    assert_eq!(project.run(&["install-links", "bin"]).stdout, "", "what is linked is not linked again");
}

#[test]
fn the_version_is_that_of_the_ansible_core_beside_it() {
    let project = Project::new()
        .file("venv/bin/python3", "#!/bin/sh\n")
        .file("venv/lib/python3.11/site-packages/ansible/release.py", "x = 1\n__version__ = '2.19.99'\n");
    let path = format!("{}:/usr/bin:/bin", project.path().join("venv/bin").display());
    let project = linked(project.env("PATH", &path));
    let version = run_as(&project, "ansible", &["--version"], "");
    assert!(version.stdout.starts_with("ansible [core 2.19.99]\n"), "{}", version.stdout);
}

#[test]
fn errors_have_ansibles_form_under_its_names() {
    let bad = "- hosts: localhost\n  tasks:\n    - nosuch: x\n";
    let project = linked(Project::new().file("bad.yml", bad));
    let ended = run_as(&project, "ansible-playbook", &["bad.yml", "--syntax-check"], "");
    assert_eq!(ended.status, 4);
    assert!(ended.stderr.contains("[ERROR]: couldn't resolve module/action 'nosuch'."), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nOrigin: <cwd>/bad.yml:3:7\n"), "{}", ended.stderr);
    let ended = run_as(&project, "ansible-playbook", &["nope.yml"], "");
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("[ERROR]: the playbook: nope.yml could not be found\n"), "{}", ended.stderr);
    let ended = run_as(&project, "ansible-playbook", &["--foo"], "");
    assert_eq!(ended.status, 2);
    assert!(ended.stderr.starts_with("usage: ansible-playbook "), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("\nansible-playbook: error: unexpected argument '--foo' found\n"),
        "{}",
        ended.stderr
    );
    let ended = run_as(&project, "ansible-inventory", &[], "");
    assert_eq!(ended.status, 5);
    let expected = "[ERROR]: No action selected, at least one of --host, --graph or --list needs to be specified.\n";
    assert_eq!(ended.stderr, expected);
    let ended = run_as(&project, "ansible", &["localhost"], "");
    assert_eq!(ended.status, 5);
    assert!(ended.stderr.ends_with("[ERROR]: No argument passed to command module\n"), "{}", ended.stderr);
}

/// Words of commands have underscores, words of options hyphens.
#[test]
fn commands_of_vault_have_ansibles_options() {
    let project = linked(Project::new());
    let help = |action: &str| options(&run_as(&project, "ansible-vault", &[action, "--help"], "").stdout);
    let (strings, rekey) = (help("encrypt_string"), help("rekey"));
    for option in ["--show-input", "--stdin-name", "--encrypt-vault-id", "--ask-vault-pass", "--verbose"] {
        assert!(strings.contains(option), "{option}");
    }
    assert!(rekey.contains("--new-vault-id") && rekey.contains("--new-vault-password-file"), "{rekey:?}");
}

#[test]
fn a_console_runs_tasks_one_after_the_other() {
    let project = linked(Project::new().file("hosts", "[web]\nh1\nh2\n[all:vars]\nansible_connection=local\n"));
    let typed = "list\ncd h1\nlist groups\nforks\nping\necho hi\ncheck\ncheck yes\ncd nosuch\nhelp forks\nnonsense-command-1\n# no\nexit\n";
    let ended = run_as(&project, "ansible-console", &["-i", "hosts", "web", "-u", "me"], typed);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let shown = &ended.stdout;
    assert!(
        shown.starts_with("Welcome to the ansible console. Type help or ? to list commands.\n\nme@web (2)[f:"),
        "{shown}"
    );
    for part in [
        "$ h1\nh2\nme@web",
        "me@h1 (1)[f:",
        "all\nungrouped\nweb\n",
        "Usage: forks <number>\n",
        "h1 | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}\n",
        "h1 | CHANGED | rc=0 >>\nhi\n",
        "Please specify check mode value, e.g. `check yes`\n",
        "check mode changed to True\n",
        "no host matched\n",
        "Usage: forks NUMBER\n",
        "\nAnsible-console was exited.\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
}

/// The options that a program's help lists.
fn options(help: &str) -> BTreeSet<String> {
    let starts = |line: &&str| line.trim_start().starts_with('-');
    let words = help
        .lines()
        .filter(starts)
        .flat_map(|line| line.split([' ', ',', '[', ']', '=', '.']).map(str::to_owned).collect::<Vec<_>>());
    let further = help.lines().filter_map(|line| line.split_once("[alias").map(|(_, names)| names));
    words
        .chain(further.flat_map(|names| names.split([' ', ',', ']', ':']).map(str::to_owned).collect::<Vec<_>>()))
        .filter(|word| word.len() > 1 && word.starts_with('-') && !word.trim_start_matches('-').is_empty())
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
        .collect()
}

/// `options.txt` has the options of ansible-core's programs, as `record-options` found them in its help.
#[test]
fn no_option_of_ansible_core_is_missing() {
    let project = linked(Project::new());
    let recorded = include_str!("cases/options.txt");
    let mut missing = Vec::new();
    for line in recorded.lines() {
        let (command, theirs) = line.split_once(": ").expect("a command and its options");
        let mut words: Vec<&str> = command.split(' ').collect();
        let program = words.remove(0);
        words.push("--help");
        let ours = run_as(&project, program, &words, "");
        assert_eq!(ours.status, 0, "{command}: {}", ours.stderr);
        let ours = options(&ours.stdout);
        // `--api-version` and the like are known, and no help lists them.
        missing.extend(theirs.split(' ').filter(|it| !ours.contains(*it)).map(|it| format!("{command}: {it}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

const INVENTORY: &str = "[web]\nw1 http_port=80 x='{\"a\":[1,2]}'\nw2 text=\"hello world\"\n[db]\nd1\n\
[prod:children]\nweb\ndb\n[prod:vars]\nenv=prod\n[empty]\n";

fn inventory() -> Project {
    linked(
        Project::new().file("inv.ini", INVENTORY).file("group_vars/web.yml", "lst: [{a: 1}, {b: [x]}]\nml: |\n  a\n"),
    )
}

fn shown(project: &Project, arguments: &[&str]) -> String {
    let ended = run_as(project, "ansible-inventory", &[&["-i", "inv.ini"], arguments].concat(), "");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{arguments:?}");
    ended.stdout
}

#[test]
fn an_inventory_is_shown_as_ansible_shows_it() {
    let project = inventory();
    assert_eq!(
        shown(&project, &["--graph", "--vars", "db"]),
        "@db:\n  |--d1\n  |  |--{env = prod}\n",
        "a group's tree, with variables"
    );
    assert_eq!(shown(&project, &["--graph", "--vars", "--export", "db"]), "@db:\n  |--d1\n", "a host's own variables");
    assert_eq!(
        shown(&project, &["--list", "--yaml", "--export", "--limit", "web"]),
        "all:\n  children:\n    prod:\n      children:\n        web:\n          hosts:\n            w1:\n              \
         http_port: 80\n              x:\n                a:\n                - 1\n                - 2\n            \
         w2:\n              text: hello world\n          vars:\n            lst:\n            - a: 1\n            - b:\n\
         \x20             - x\n            ml: 'a\n\n              '\n      vars:\n        env: prod\n"
    );
    assert_eq!(
        shown(&project, &["--list", "--toml", "--export"]),
        "[prod]\nchildren = [\n    \"web\",\n    \"db\",\n]\n\n[prod.vars]\nenv = \"prod\"\n\n[web.hosts.w1]\n\
         http_port = 80\n\n[web.hosts.w1.x]\na = [\n    1,\n    2,\n]\n\n[web.hosts.w2]\ntext = \"hello world\"\n\n\
         [web.vars]\nml = \"a\\n\"\n\n[[web.vars.lst]]\na = 1\n\n[[web.vars.lst]]\nb = [\n    \"x\",\n]\n\n[db.hosts.d1]\n"
    );
    assert_eq!(shown(&project, &["--host", "d1", "-e", "n=1"]), "{\n    \"env\": \"prod\",\n    \"n\": \"1\"\n}\n");
    assert_eq!(shown(&project, &["--list", "--output", "out.json"]), "");
    assert!(project.path().join("out.json").is_file());
}

#[test]
fn a_vault_is_made_opened_and_given_another_password() {
    let project = linked(Project::new().file("old", "one\n").file("new", "two\n").file("secret.yml", "a: 1\n"));
    let vault = |arguments: &[&str], stdin: &str| run_as(&project, "ansible-vault", arguments, stdin);
    let text = || std::fs::read_to_string(project.path().join("secret.yml")).expect("the file is there");
    assert_eq!(vault(&["encrypt", "secret.yml", "--vault-id", "dev@old"], "").status, 0);
    assert!(text().starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"), "{}", text());
    let mode = std::os::unix::fs::MetadataExt::mode(&project.path().join("secret.yml").metadata().expect("a file"));
    assert_eq!(mode & 0o77, 0, "readable for its user alone");
    assert_eq!(vault(&["view", "secret.yml", "--vault-password-file", "old"], "").stdout, "a: 1\n");
    let refused = vault(&["view", "secret.yml", "--vault-password-file", "new"], "");
    assert_eq!(refused.status, 1);
    assert!(
        refused
            .stderr
            .contains("[ERROR]: Decryption failed (no vault secrets were found that could decrypt). for secret.yml\n")
    );
    let rekeyed = &["rekey", "secret.yml", "--vault-password-file", "old", "--new-vault-password-file", "new"];
    assert_eq!(vault(rekeyed, "").stderr, "Rekey successful\n");
    let decrypted = vault(&["decrypt", "secret.yml", "--output", "-", "--vault-password-file", "new"], "");
    assert_eq!(decrypted.stdout, "a: 1\n");
    let string = vault(&["encrypt_string", "--stdin-name", "pass", "--vault-password-file", "new"], "tiger");
    assert!(string.stdout.starts_with("pass: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n"), "{}", string.stdout);
    std::fs::write(project.path().join("vars.yml"), &string.stdout).expect("it is written");
    let arguments = ["localhost", "-m", "debug", "-a", "msg={{ pass | length }}", "-e", "@vars.yml"];
    let ended = run_as(&project, "ansible", &[&arguments[..], &["--vault-password-file", "new"]].concat(), "");
    assert!(ended.stdout.contains("\"msg\": 5") || ended.stdout.contains("\"msg\": \"5\""), "{}", ended.stdout);
}

#[test]
fn settings_of_vault_count() {
    let project = linked(
        Project::new()
            .file("one", "one\n")
            .file("two", "two\n")
            .file("plain.yml", "a: 1\n")
            .env("ANSIBLE_VAULT_ENCRYPT_SALT", "a salt of one's own")
            .env("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "second")
            .env("ANSIBLE_PAGER", "sed s/^/paged:/")
            .env("ANSIBLE_LOCAL_TEMP", "scratch")
            .file("editor", "echo \"$1\" > edited\necho 'b: 2' > \"$1\"\n")
            .env("EDITOR", "sh editor"),
    );
    let ids = ["--vault-id", "first@one", "--vault-id", "second@two"];
    let encrypt = || run_as(&project, "ansible-vault", &[&["encrypt_string", "tiger"][..], &ids].concat(), "").stdout;
    let encrypted = encrypt();
    assert!(encrypted.contains("$ANSIBLE_VAULT;1.2;AES256;second\n"), "{encrypted}");
    assert_eq!(encrypted, encrypt(), "the salt is the same");
    assert_eq!(run_as(&project, "ansible-vault", &[&["encrypt", "plain.yml"][..], &ids].concat(), "").status, 0);
    // Only on a terminal a pager shows what is viewed.
    let view = ["view", "plain.yml", "--vault-id", "second@two"];
    assert_eq!(run_as(&project, "ansible-vault", &view, "").stdout, "a: 1\n");
    let mut on_terminal = Command::new("script");
    on_terminal.args(["-qec", &format!("bin/ansible-vault {}", view.join(" ")), "/dev/null"]);
    on_terminal.current_dir(project.path()).env("ANSIBLE_PAGER", "sed s/^/paged:/").stdin(Stdio::null());
    let shown = on_terminal.output().expect("script is part of every Debian");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("paged:a: 1"), "{shown:?}");
    let ended = run_as(&project, "ansible-vault", &["edit", "plain.yml", "--vault-id", "second@two"], "");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let edited = std::fs::read_to_string(project.path().join("edited")).expect("the editor ran");
    assert!(edited.contains("scratch/") && !std::path::Path::new(edited.trim()).exists(), "{edited}");
    assert_eq!(run_as(&project, "ansible-vault", &view, "").stdout, "b: 2\n");
}

#[test]
fn one_value_of_a_file_is_set_in_place() {
    let text = "# first\nuser: me  # kept\npass: !vault |\n  old\n\n# last\nnested:\n  token: x\n  other: y\n";
    let project = linked(Project::new().file("pw", "one\n").file("vars.yml", text).file("whole.yml", "a: 1\nb: 2\n"));
    let vault = |arguments: &[&str], stdin: &str| {
        run_as(&project, "ansible-vault", &[arguments, &["--vault-password-file", "pw"]].concat(), stdin)
    };
    let read = |name: &str| std::fs::read_to_string(project.path().join(name)).expect("the file is there");
    assert_eq!(vault(&["set", "vars.yml", "pass"], "tiger\n").status, 0);
    assert_eq!(vault(&["set", "vars.yml", "nested.token"], "lion").status, 0);
    let made = read("vars.yml");
    assert!(
        made.starts_with("# first\nuser: me  # kept\npass: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n"),
        "{made}"
    );
    assert!(made.contains("\n\n# last\nnested:\n  token: !vault |\n            $ANSIBLE_VAULT;"), "{made}");
    assert!(made.ends_with("\n  other: y\n"), "{made}");
    let arguments =
        ["localhost", "-m", "debug", "-a", "msg={{ [pass | length, nested.token | length] }}", "-e", "@vars.yml"];
    let ended = run_as(&project, "ansible", &[&arguments[..], &["--vault-password-file", "pw"]].concat(), "");
    assert!(ended.stdout.replace(char::is_whitespace, "").contains("[5,4]"), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(vault(&["encrypt", "whole.yml"], "").status, 0);
    let set = vault(&["set", "whole.yml", "b"], "it's: new");
    assert_eq!(set.status, 0, "{}", set.stderr);
    assert_eq!(vault(&["view", "whole.yml"], "").stdout, "a: 1\nb: 'it''s: new'\n");
    let wrong = vault(&["set", "vars.yml", "nested.nothing"], "x");
    assert_eq!(wrong.status, 4);
    assert!(wrong.stderr.contains("there is no key nested.nothing"), "{}", wrong.stderr);
}

#[test]
fn results_of_ad_hoc_commands_are_files_of_a_tree() {
    let project = linked(Project::new());
    let ended = run_as(&project, "ansible", &["localhost", "-m", "ping", "-t", "tree"], "");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("The '-t' argument is deprecated."), "{}", ended.stderr);
    let written = std::fs::read_to_string(project.path().join("tree/localhost")).expect("a file for the host");
    assert_eq!(written, "{\"changed\": false, \"ping\": \"pong\"}");
}

#[test]
fn a_task_of_the_command_line_has_its_own_timeout() {
    let arguments = ["adhoc", "localhost", "--task-timeout", "1", "-m", "command", "-a", "sleep 30"];
    let ended = Project::new().run(&arguments);
    assert_eq!(ended.status, 2, "{}", ended.stderr);
    assert!(ended.stdout.contains("Timed out after 1 second(s)."), "{}", ended.stdout);
}

/// The usual place of the inventory need not be there, whoever names it.
#[test]
fn a_missing_usual_inventory_is_not_warned_about() {
    if std::path::Path::new("/etc/ansible/hosts").exists() {
        return;
    }
    let play = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n";
    for (name, value) in [("ANSIBLE_INVENTORY", "/etc/ansible/hosts"), ("ANSIBLE_NOCOWS", "1")] {
        let ended = Project::new().file("site.yml", play).env(name, value).run(&["site.yml"]);
        assert!(!ended.stderr.contains("Unable to parse"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("No inventory was parsed, only implicit localhost is available"),
            "{}",
            ended.stderr
        );
    }
}
