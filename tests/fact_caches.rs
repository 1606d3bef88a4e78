//! Facts that one run keeps for the next.

use std::fs;

use crate::project::Project;

const RUN: &[&str] = &["-i", "localhost,", "-c", "local", "site.yml"];

fn project(kind: &str) -> Project {
    let project = Project::new()
        .file(
            "set.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - set_fact: {a: [1, x], cacheable: true}\n    - set_fact: {b: 1}\n",
        )
        .file(
            "site.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg={{ a | default('none') }}/{{ ansible_facts.a | default('none') }}/{{ b | default('none') }}\n",
        )
        .file("clear.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - meta: clear_facts\n")
        .file(
            "smart.yml",
            "- hosts: all\n  gather_subset: ['!all', '!min']\n  tasks:\n    - debug: msg={{ ansible_facts.module_setup }}\n",
        );
    let directory = project.path().join("kept").to_string_lossy().into_owned();
    project
        .env("ANSIBLE_CACHE_PLUGIN", kind)
        .env("ANSIBLE_CACHE_PLUGIN_CONNECTION", &directory)
        .env("ANSIBLE_CACHE_PLUGIN_PREFIX", "p_")
        .env("ANSIBLE_GATHERING", "smart")
}

fn say(project: &Project, playbook: &str) -> String {
    let ended = project.run(&["-i", "localhost,", "-c", "local", playbook]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

#[test]
fn cacheable_facts_are_there_in_the_next_run() {
    for kind in ["jsonfile", "community.general.yaml"] {
        let project = project(kind);
        assert!(say(&project, "site.yml").contains("none/none/none"));
        say(&project, "set.yml");
        assert!(say(&project, "site.yml").contains("[1, 'x']/[1, 'x']/none"), "{kind}");
        let file = project.path().join("kept/p_s1_localhost");
        assert!(fs::read_to_string(&file).expect("the facts are kept").starts_with("{\"__payload__\":"));
        say(&project, "clear.yml");
        assert!(say(&project, "site.yml").contains("none/none/none"));
    }
}

#[test]
fn facts_are_gathered_once() {
    let project = project("jsonfile");
    assert!(say(&project, "smart.yml").contains("TASK [Gathering Facts]"));
    assert!(!say(&project, "smart.yml").contains("ok: [localhost]\n"), "the second run has the first one's facts");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "--flush-cache", "smart.yml"]);
    assert!(ended.stdout.contains("ok: [localhost]\n"), "{}", ended.stdout);
}

#[test]
fn old_facts_and_those_that_cannot_be_read_are_not_used() {
    let project = project("jsonfile").env("ANSIBLE_CACHE_PLUGIN_TIMEOUT", "1");
    say(&project, "set.yml");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(say(&project, "site.yml").contains("none/none/none"));
    let file = project.path().join("kept/p_s1_localhost");
    fs::write(&file, "{").expect("a file can be written");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "set.yml"]);
    assert!(ended.stderr.contains("is not used and left as it is"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "{");
}

#[test]
fn a_cache_that_is_not_there_is_a_warning() {
    let ended = project("redis").run(RUN);
    assert_eq!(ended.status, 0);
    assert!(ended.stderr.contains("the fact cache 'redis' is not supported"), "{}", ended.stderr);
}
