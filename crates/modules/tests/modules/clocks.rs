//! A target whose clock is set all the time: waits and times of modules stay what they are.

use std::path::Path;
use std::process::Command;

use rplay_module_api::{Json, json};

use crate::harness::{self, Attachments};

/// Runs this very test once more, under the jumping clock.
const INSIDE: &str = "RPLAY_TEST_CLOCK";

#[test]
fn that_jump_lengthen_and_shorten_no_wait() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let work = tempfile::tempdir().unwrap();
    let library = work.path().join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/attacks/clock.c");
    let built = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.unwrap().success());
    let test = std::env::current_exe().unwrap();
    let output = Command::new("timeout")
        .arg("60")
        .arg(test)
        .args(["--exact", "clocks::that_jump_lengthen_and_shorten_no_wait", "--nocapture"])
        .env("LD_PRELOAD", library)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn inside() {
    let looks: Vec<_> = (0..8).map(|_| std::time::SystemTime::now()).collect();
    let day = std::time::Duration::from_hours(24);
    let spread = looks.iter().max().unwrap().duration_since(*looks.iter().min().unwrap());
    assert!(spread.unwrap() > day, "the clock does not jump");
    let run = |name: &str, args: Json| harness::run(name, args, json!({}), &mut Attachments::default(), false);
    let waited = run("wait_for", json!({"port": 1, "timeout": 1, "connect_timeout": 1}));
    let elapsed = waited["elapsed"].as_u64().unwrap();
    assert!((1..=5).contains(&elapsed), "{waited:?}");
    let slept = run("command", json!({"_raw_params": "sleep 1"}));
    assert_eq!(slept["rc"], 0, "{slept:?}");
    // Two looks at the time of day, three days before and after: never less than nothing.
    assert!(!slept["delta"].as_str().unwrap().starts_with('-'), "{slept:?}");
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("file");
    for _ in 0..4 {
        let touched = run("file", json!({"path": file, "state": "touch"}));
        assert_eq!(touched["changed"], true, "{touched:?}");
        let backed = run("lineinfile", json!({"path": file, "regexp": "x", "line": "x", "backup": true}));
        assert!(matches!(backed["msg"].as_str(), Some("" | "line added")), "{backed:?}");
    }
}
