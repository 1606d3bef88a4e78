//! `rplay config` beside recorded answers of ansible-config 2.19.14.

use crate::commands::{linked, run_as};
use crate::project::{Ended, Project};

const CONFIGURATION: &str = "[defaults]\nforks = 7\nfoo = 1\nstdout_callbak=x\ncallbacks_enabled=timer, profile_tasks\n\
[ssh_connection]\npipelinig=True\nssh_args=-o X\n[galaxy]\nserver_list=a,b\n[galaxy_server.a]\nurl=https://x/\ntoken=abc\n";

fn configured() -> Project {
    linked(Project::new().file("x.cfg", CONFIGURATION).env("ANSIBLE_CONFIG", "x.cfg"))
}

fn config(project: &Project, arguments: &[&str]) -> Ended {
    run_as(project, "ansible-config", arguments, "")
}

#[test]
fn changed_settings_have_their_origins() {
    let project = configured();
    let changed = config(&project, &["dump", "--only-changed"]);
    assert_eq!(
        changed.stdout,
        "CALLBACKS_ENABLED(<cwd>/x.cfg) = ['timer', 'profile_tasks']\nCONFIG_FILE() = <cwd>/x.cfg\n\
         DEFAULT_FORKS(<cwd>/x.cfg) = 7\nGALAXY_SERVER_LIST(<cwd>/x.cfg) = ['a', 'b']\n\nGALAXY_SERVERS:\n\n\na\n=\n\
         token(<cwd>/x.cfg) = abc\nurl(<cwd>/x.cfg) = https://x/\n\nb\n=\n"
    );
    let ssh = config(&project, &["dump", "-t", "connection", "ssh", "--only-changed"]);
    assert_eq!(ssh.stdout, "\nssh:\n___\nssh_args(<cwd>/x.cfg) = -o X\n");
    let yaml = config(&project, &["dump", "--only-changed", "-f", "yaml"]).stdout;
    let start = "- name: CALLBACKS_ENABLED\n  origin: <cwd>/x.cfg\n  value:\n  - timer\n  - profile_tasks\n- name: \
                 CONFIG_FILE\n  origin: ''\n  value: <cwd>/x.cfg\n";
    assert!(yaml.starts_with(start), "{yaml}");
    assert!(
        yaml.contains("- GALAXY_SERVERS:\n    a:\n    - name: url\n      origin: <cwd>/x.cfg\n      type: null\n"),
        "{yaml}"
    );
    let json = config(&project, &["dump", "--only-changed", "-f", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json[2],
        serde_json::json!({"name": "DEFAULT_FORKS", "origin": project.path().join("x.cfg").display().to_string().replace(&project.path().display().to_string(), "<cwd>"), "value": 7})
    );
    let servers = &json[4]["GALAXY_SERVERS"];
    assert_eq!(servers["b"][0]["origin"], "REQUIRED");
    assert_eq!(servers["a"][9], serde_json::json!({"name": "timeout", "origin": "default", "type": null, "value": 60}));
}

#[test]
fn what_no_setting_knows_is_told() {
    let project = configured();
    let validated = config(&project, &["validate", "-t", "all"]);
    assert_eq!(validated.status, 1);
    let expected = "[ERROR]: Found unknown key 'foo' in section 'defaults' in '<cwd>/x.cfg.";
    assert!(validated.stderr.contains(expected), "{}", validated.stderr);
    assert!(
        validated.stderr.contains(
            "Found unknown key 'stdout_callbak' in section 'defaults' in '<cwd>/x.cfg. Did you mean 'stdout_callback'?"
        ),
        "{}",
        validated.stderr
    );
    assert!(
        validated.stderr.contains("Found unknown key 'pipelinig' in section 'ssh_connection'"),
        "{}",
        validated.stderr
    );
    let base = config(&project, &["validate"]);
    assert!(base.stderr.contains("Found unknown section 'ssh_connection' in '<cwd>/x.cfg."), "{}", base.stderr);
    let environment = config(&linked(Project::new().env("ANSIBLE_FORX", "1")), &["validate", "-f", "env"]);
    assert_eq!(environment.status, 1);
    assert!(
        environment.stderr.contains("Found unknown environment variable 'ANSIBLE_FORX'."),
        "{}",
        environment.stderr
    );
    let fine = config(&linked(Project::new()), &["validate", "-t", "all"]);
    assert_eq!((fine.status, fine.stdout.as_str()), (0, "All configurations seem valid!\n"));
}

/// A run tells of such keys, too.
#[test]
fn a_run_warns_of_keys_that_mean_nothing() {
    let project = Project::new().file("ansible.cfg", "[defaults]\nstdout_callbak = yaml\n[callback_own]\nx = 1\n");
    let ended = project.run(&["adhoc", "localhost", "-m", "ping"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stderr.contains("no setting is named 'stdout_callbak' in section [defaults]"), "{}", ended.stderr);
    assert!(ended.stderr.contains("Did you mean 'stdout_callback'?"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("callback_own"), "sections of others are theirs: {}", ended.stderr);
}

#[test]
fn settings_that_ask_for_what_is_done_anyway_are_silent() {
    let project = Project::new().file("ansible.cfg", "[defaults]\nretry_files_enabled = False\n");
    let ended = project.run(&["adhoc", "localhost", "-m", "ping"]);
    assert!(!ended.stderr.contains("retry_files_enabled"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("RETRY_FILES_ENABLED"), "{}", ended.stderr);
}

/// Clients read `NAME(origin) = value` and need every name.
#[test]
fn a_dump_has_every_setting() {
    let dumped = config(&linked(Project::new()), &["dump"]);
    let names: Vec<&str> =
        dumped.stdout.lines().filter_map(|line| line.split_once('(').map(|(name, _)| name)).collect();
    assert_eq!(names.len(), 218, "{}", dumped.stdout);
    assert!(names.is_sorted());
    for line in [
        "ANSIBLE_COW_SELECTION(default) = default",
        "CACHE_PLUGIN_TIMEOUT(default) = 86400",
        "COLLECTIONS_PATHS(default) = ['<home>/.ansible/collections', '/usr/share/ansible/collections']",
        "DEFAULT_HOST_LIST(default) = ['/etc/ansible/hosts']",
        "COLOR_DEBUG(default) = dark gray",
        "GALAXY_ROLE_SKELETON_IGNORE(default) = ['^.git$', '^.*/.git_keep$']",
        "INVENTORY_IGNORE_EXTS(default) = ['.pyc', '.pyo', '.swp', '.bak', '~', '.rpm', '.md', '.txt', '.rst', '.orig', '.cfg', '.retry']",
    ] {
        assert!(dumped.stdout.lines().any(|it| it == line), "{line}\n{}", dumped.stdout);
    }
    let of_environment = linked(Project::new().env("ANSIBLE_FORKS", "9"));
    assert!(config(&of_environment, &["dump"]).stdout.contains("\nDEFAULT_FORKS(env: ANSIBLE_FORKS) = 9\n"));
}

#[test]
fn a_first_configuration_is_read_back() {
    let project = linked(Project::new());
    let text = config(&project, &["init", "-t", "all"]).stdout;
    assert!(text.starts_with("[defaults]\n# (boolean) "), "{text}");
    assert!(text.contains("\ncow_selection=default\n"), "{text}");
    let keys: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    let mut once = keys.clone();
    once.dedup();
    assert_eq!(keys, once, "each section is there once");
    let disabled = config(&project, &["init", "--disabled"]).stdout;
    assert!(disabled.contains("\n;forks="), "{disabled}");
    let project = project.file("own.cfg", &text);
    let validated = config(&project, &["validate", "-t", "all", "-c", "own.cfg"]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);
    assert_eq!(config(&project, &["view", "-c", "own.cfg"]).stdout, text);
    let env = config(&project, &["init", "-f", "env"]).stdout;
    assert!(env.contains("\nANSIBLE_NOCOWS=0\n"), "{env}");
    let missing = config(&project, &["view"]);
    assert_eq!(missing.status, 1);
    assert_eq!(missing.stderr, "[ERROR]: Invalid or no config file was supplied\n");
}

#[test]
fn options_of_a_plugin_are_listed() {
    let listed = config(&linked(Project::new()), &["list", "-t", "become", "sudo"]).stdout;
    let expected = "PLUGINS:\n  become:\n    sudo:\n      become_exe:\n        default: sudo\n        env:\n        - name: \
                    ANSIBLE_BECOME_EXE\n        - name: ANSIBLE_SUDO_EXE\n        ini:\n        - key: become_exe\n          \
                    section: privilege_escalation\n";
    assert!(listed.starts_with(expected), "{listed}");
    let unknown = config(&linked(Project::new()), &["dump", "-t", "become", "nosuch"]);
    assert_eq!(unknown.status, 0);
    assert!(
        unknown.stderr.contains("[WARNING]: Skipping nosuch as we could not find matching plugin"),
        "{}",
        unknown.stderr
    );
}
