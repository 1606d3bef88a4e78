//! Runs real commands. The expectations are ansible-core's answers to the same arguments.

use rplay_module_api::{Json, json};

use crate::builtin::{command, shell};
use crate::support::process::Processes;
use crate::support::testing::{Mode, assert_fields, run};

fn check_command(args: Json, expected: &Json) {
    assert_fields(&run(&command::MODULE, args, Mode::default(), &mut Processes::default()), expected);
}

fn check_shell(args: Json, expected: &Json) {
    assert_fields(&run(&shell::MODULE, args, Mode::default(), &mut Processes::default()), expected);
}

#[test]
fn words() {
    check_command(
        json!({"_raw_params": "echo a   b \"c d\" $NOT_SET ~root/x"}),
        &json!({
            "changed": true, "stdout": "a b c d $NOT_SET /root/x", "stderr": "", "rc": 0, "msg": "",
            "cmd": ["echo", "a", "b", "c d", "$NOT_SET", "~root/x"],
        }),
    );
    check_command(json!({"cmd": "echo ~root", "expand_argument_vars": false}), &json!({"stdout": "~root"}));
    check_command(
        json!({"argv": ["echo", 5, null, "a b"]}),
        &json!({"stdout": "5  a b", "cmd": ["echo", "5", "", "a b"]}),
    );
    check_command(json!({"cmd": "echo 'a"}), &json!({"failed": true, "msg": "No closing quotation"}));
    check_command(
        json!({"argv": ["echo"], "cmd": "echo x"}),
        &json!({"failed": true, "msg": "parameters are mutually exclusive: _raw_params|cmd|argv"}),
    );
    let missing = json!({"failed": true, "msg": "one of the following is required: _raw_params, cmd, argv"});
    check_command(json!({}), &missing);
    check_command(json!({"_raw_params": ""}), &missing);
    let empty = json!({"msg": "Argument 'args' to run_command must be list or string", "rc": 257, "cmd": null});
    check_command(json!({"cmd": " "}), &empty);
    check_shell(json!({"argv": ["echo", "$HOME"]}), &json!({"stdout": "$HOME", "cmd": ["echo", "$HOME"]}));
}

#[test]
fn failures() {
    check_command(
        json!({"_raw_params": "false"}),
        &json!({"failed": true, "changed": true, "rc": 1, "msg": "non-zero return code", "cmd": ["false"]}),
    );
    check_command(
        json!({"_raw_params": "nonexistentfoo bar"}),
        &json!({"failed": true, "changed": false, "rc": 2, "msg": "Error executing command.", "cmd": "nonexistentfoo bar", "stdout": ""}),
    );
    check_command(json!({"_raw_params": "/etc/passwd"}), &json!({"rc": 13, "msg": "Error executing command."}));
    check_command(
        json!({"cmd": "echo hi", "chdir": "/nonexist"}),
        &json!({"failed": true, "changed": false, "msg": "Unable to change directory before execution.", "rc": null, "cmd": ["echo", "hi"], "delta": null}),
    );
    check_shell(json!({"_raw_params": "kill -9 $$"}), &json!({"failed": true, "rc": -9}));
    check_shell(json!({"cmd": "exit 3", "executable": "/bin/bash"}), &json!({"rc": 3, "cmd": "exit 3"}));
}

#[test]
fn creates_and_removes() {
    check_command(
        json!({"cmd": "echo hi", "creates": "/etc/pass*"}),
        &json!({
            "changed": false, "stdout": "skipped, since /etc/pass* exists", "rc": 0, "start": null,
            "msg": "Did not run command since '/etc/pass*' exists",
        }),
    );
    check_command(json!({"cmd": "echo hi", "creates": "passwd", "chdir": "/etc"}), &json!({"changed": false}));
    check_command(
        json!({"cmd": "echo hi", "removes": "/nonexist"}),
        &json!({"changed": false, "msg": "Did not run command since '/nonexist' does not exist"}),
    );
    check_command(
        json!({"cmd": "echo hi", "creates": "/nonexist", "removes": "/etc/passwd"}),
        &json!({"stdout": "hi"}),
    );
}

#[test]
fn check_mode() {
    let check = |args, expected: Json| {
        assert_fields(&run(&command::MODULE, args, Mode { check: true }, &mut Processes::default()), &expected);
    };
    check(
        json!({"cmd": "touch /nonexist/x"}),
        json!({"changed": false, "skipped": true, "rc": 0, "msg": "Command would have run if not in check mode", "start": null}),
    );
    check(json!({"cmd": "touch /nonexist/x", "creates": "/nonexist/x"}), json!({"changed": true, "skipped": null}));
    check(
        json!({"cmd": "touch /nonexist/x", "creates": "/etc/passwd"}),
        json!({"changed": false, "msg": "Would not run command since '/etc/passwd' exists"}),
    );
}

#[test]
fn input_and_output() {
    check_command(json!({"cmd": "cat", "stdin": "abc"}), &json!({"stdout": "abc"}));
    check_command(json!({"cmd": "wc -c", "stdin": "abc"}), &json!({"stdout": "4"}));
    check_command(json!({"cmd": "wc -c", "stdin": "abc", "stdin_add_newline": false}), &json!({"stdout": "3"}));
    check_shell(json!({"cmd": "printf 'a\\n\\n\\n'"}), &json!({"stdout": "a"}));
    check_shell(json!({"cmd": "printf 'a\\n\\n\\n'", "strip_empty_ends": false}), &json!({"stdout": "a\n\n\n"}));
    check_shell(json!({"cmd": "printf '\\377a\\r\\n'; echo x >&2"}), &json!({"stdout": "\u{fffd}a", "stderr": "x"}));
}

#[test]
fn times() {
    let result = run(&command::MODULE, json!({"cmd": "sleep 0.1"}), Mode::default(), &mut Processes::default());
    let text = |name: &str| result.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    assert!(text("delta").starts_with("0:00:00.1"), "{result}");
    assert_eq!(text("start").len(), "2026-11-22 21:32:22.158552".len());
    assert!(text("start") < text("end"));
}
