//! `pause` on a terminal: what is typed, and Ctrl+C.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::project::Project;

const CTRL_C: &str = "\u{3}";
const HOW: &str = "'C' = continue early";
const WHETHER: &str = "Press 'C' to continue";

/// Runs tasks on a terminal: whenever the next text has appeared, its keys are pressed. Gives everything that was shown.
fn typed(tasks: &str, keys: &[(&str, &str)]) -> String {
    let project = Project::new().file("site.yml", format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
    let run = project.command(&["-i", "localhost,", "-c", "local", "site.yml"]);
    let words = std::iter::once(run.get_program()).chain(run.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let mut terminal = Command::new("script");
    terminal.args(["-qfec", &line.join(" "), "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    terminal.current_dir(run.get_current_dir().expect("the project's folder"));
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let mut child = terminal.spawn().expect("script, of bsdutils");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let (mut shown, mut seen, mut keys) = (String::new(), 0, keys.iter().peekable());
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stdout.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        while let Some((_, press)) = keys.next_if(|(text, _)| shown[seen..].contains(text)) {
            seen = shown.len();
            stdin.write_all(press.as_bytes()).expect("a terminal that reads");
        }
    }
    child.wait().expect("it ends");
    shown
}

const AFTER: &str = "\n    - debug: msg={{ answer.user_input }}!\n";

#[test]
fn text_can_be_edited_and_hidden() {
    let shown = typed(
        &format!("    - pause: prompt=Say\n      register: answer{AFTER}"),
        &[("Say:", "hello\u{e4}\u{7f}\u{7f} there\r")],
    );
    assert!(shown.contains("\"msg\": \"hell there!\""), "{shown}");
    let shown = typed(
        &format!("    - pause: prompt=Say echo=no\n      register: answer{AFTER}"),
        &[("Say (output is hidden):", "pancakes\r")],
    );
    assert_eq!(shown.matches("pancakes").count(), 1, "shown by debug alone: {shown}");
}

#[test]
fn an_interrupt_asks_whether_to_go_on() {
    let for_ever = format!("    - pause: seconds=100000\n      register: answer{AFTER}");
    let shown = typed(&for_ever, &[(HOW, "\r x"), ("", CTRL_C), (WHETHER, "xc")]);
    assert!(shown.contains("\"msg\": \"!\"") && shown.contains("failed=0"), "{shown}");
    let shown = typed(&for_ever, &[(HOW, CTRL_C), (WHETHER, "A")]);
    assert!(shown.contains("user requested abort!") && shown.contains("failed=1"), "{shown}");
    let shown = typed(
        &format!("    - pause:\n      register: answer{AFTER}"),
        &[("Press enter to continue", CTRL_C), (WHETHER, "C")],
    );
    assert!(shown.contains("\"msg\": \"!\""), "{shown}");
}
