//! `awx_display`: what ansible-runner reads of a run.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::project::Project;

const PLAY: &str = "- name: One\n  hosts: all\n  gather_facts: false\n  tasks:\n    - name: Say\n      debug: msg=hello\n    - name: Many\n      \
                    command: 'true'\n      loop: [1, 2]\n    - name: Fail\n      command: 'false'\n      ignore_errors: true\n    - set_stats: \
                    {data: {a: 1}}\n";

/// The signs of an output, as the runner finds them: JSON of each, and the text behind it.
fn signs(output: &str) -> Vec<(Json, String)> {
    let mut out: Vec<(Json, String)> = Vec::new();
    let mut rest = output;
    while let Some((text, sign)) = rest.split_once("\x1b[K") {
        if let Some((_, before)) = out.last_mut() {
            before.push_str(text);
        }
        let (pieces, after) = sign.split_once("\x1b[K").expect("a sign ends");
        // Behind each escape stands the way back, `[78D`; the letters themselves may have a D.
        let after_way_back = |piece: &str| {
            piece.strip_prefix('[').and_then(|rest| rest.split_once('D')).map_or(piece.to_owned(), |it| it.1.to_owned())
        };
        let letters = pieces.split('\x1b').map(after_way_back);
        let decoded = STANDARD.decode(letters.collect::<String>()).expect("base64");
        out.push((serde_json::from_slice(&decoded).expect("JSON"), String::new()));
        rest = after;
    }
    out
}

#[test]
fn events_of_a_run_are_found_by_their_signs() {
    let project = Project::new()
        .file("site.yml", PLAY)
        .env("ANSIBLE_STDOUT_CALLBACK", "awx_display")
        .env("ANSIBLE_CALLBACK_PLUGINS", "/somewhere/callback")
        .env("AWX_ISOLATED_DATA_DIR", "artifacts")
        .env("JOB_ID", "42");
    let ended = project.run(&["-i", "h1,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("ANSIBLE_CALLBACK_PLUGINS"), "{}", ended.stderr);
    let signs = signs(&ended.stdout);
    let folder = project.path().join("artifacts/job_events");
    let mut names = Vec::new();
    for pair in signs.chunks(2) {
        let [(begin, text), (end, _)] = pair else { panic!("a begin without an end: {pair:?}") };
        assert_eq!(*end, serde_json::json!({}));
        let uuid = begin["uuid"].as_str().expect("a uuid");
        let bytes = fs::read(folder.join(format!("{uuid}-partial.json"))).expect("each event has its file");
        let event: Json = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(event["uuid"], uuid);
        assert_eq!(event["job_id"], 42);
        assert!(event["created"].as_str().is_some_and(|text| text.ends_with("+00:00")));
        let name = event["event"].as_str().expect("a name").to_owned();
        let data = &event["event_data"];
        if name == "playbook_on_task_start" && data["task"] == "Say" {
            assert!(text.contains("TASK [Say]"), "{text}");
            assert!(data["task_path"].as_str().is_some_and(|path| path.ends_with("site.yml:5")), "{data}");
            assert_eq!(data["resolved_action"], "ansible.builtin.debug");
            assert_eq!(event["parent_uuid"], data["play_uuid"]);
        }
        if name == "runner_on_ok" && data["task"] == "Say" {
            assert_eq!(data["res"]["msg"], "hello");
            assert!(text.contains("ok: [h1]"), "{text}");
        }
        if name == "runner_on_failed" {
            assert_eq!(data["ignore_errors"], true);
        }
        if name == "playbook_on_stats" {
            assert_eq!(data["failures"], serde_json::json!({}));
            assert_eq!(data["ignored"], serde_json::json!({"h1": 1}));
            assert_eq!(data["artifact_data"], serde_json::json!({"a": 1}));
            assert!(text.contains("PLAY RECAP"), "{text}");
        }
        names.push(name);
    }
    for (name, times) in [
        ("playbook_on_start", 1),
        ("playbook_on_play_start", 1),
        ("playbook_on_task_start", 4),
        ("runner_on_start", 4),
        ("runner_item_on_ok", 2),
        ("runner_on_ok", 3),
        ("runner_on_failed", 1),
        ("playbook_on_stats", 1),
    ] {
        assert_eq!(names.iter().filter(|it| *it == name).count(), times, "{name}: {names:?}");
    }
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), names.len(), "no file is left over");
}

#[test]
fn no_secret_is_in_an_event() {
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo hidden-word-1\n      no_log: true\n";
    let project = Project::new()
        .file("site.yml", play)
        .env("ANSIBLE_STDOUT_CALLBACK", "awx_display")
        .env("AWX_ISOLATED_DATA_DIR", "artifacts");
    assert_eq!(project.run(&["-i", "h1,", "-c", "local", "site.yml"]).status, 0);
    for entry in fs::read_dir(project.path().join("artifacts/job_events")).expect("the folder").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a text");
        assert!(!text.contains("hidden-word-1"), "{text}");
    }
}
