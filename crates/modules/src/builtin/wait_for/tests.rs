use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use rplay_module_api::{Json, json};

use super::{MODULE, connections};
use crate::support::testing::{Mode, Script, assert_fields, run};

fn check(args: Json, expected: &Json) {
    assert_fields(&run(&MODULE, args, Mode::default(), &mut Script::new(&[])), expected);
}

#[test]
fn ports() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    check(
        json!({"port": port}),
        &json!({"changed": false, "state": "started", "port": port, "elapsed": 0, "path": null, "search_regex": null,
                "match_groups": [], "match_groupdict": {}}),
    );
    check(
        json!({"port": port, "state": "stopped", "timeout": 1}),
        &json!({"failed": true, "msg": format!("Timeout when waiting for 127.0.0.1:{port} to stop."), "elapsed": 1}),
    );
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(3) {
            let _ = stream.expect("somebody connects").write_all(b"x\nSSH-2.0-abc\n");
        }
    });
    check(
        json!({"port": port, "search_regex": "^SSH-(?P<version>[0-9.]+)-(z)?"}),
        &json!({"match_groups": ["2.0", null], "match_groupdict": {"version": "2.0"}}),
    );
    let _ = thread;
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port is free").port();
    check(json!({"port": closed, "state": "stopped"}), &json!({"changed": false, "state": "stopped"}));
    check(
        json!({"port": closed, "timeout": 1, "msg": "no luck"}),
        &json!({"failed": true, "msg": "no luck", "elapsed": 1}),
    );
}

#[test]
fn names_are_resolved_by_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let mut runner = Script::new(&[("getent ahosts web.example", 0, "127.0.0.1  STREAM web\n127.0.0.1  DGRAM\n")]);
    let result = run(&MODULE, json!({"host": "web.example", "port": port}), Mode::default(), &mut runner);
    assert_fields(&result, &json!({"state": "started"}));
    runner.finish();
}

#[test]
fn files() {
    check(json!({"path": "/etc/passwd"}), &json!({"path": "/etc/passwd", "port": null}));
    check(json!({"path": "/etc/passwd", "search_regex": "^(root):"}), &json!({"match_groups": ["root"]}));
    check(json!({"path": "/nonexist", "state": "absent"}), &json!({"state": "absent"}));
    for (args, msg) in [
        (json!({"path": "/nonexist", "timeout": 1}), "Timeout when waiting for file /nonexist"),
        (
            json!({"path": "/etc/passwd", "search_regex": "^nob0dy", "timeout": 1}),
            "Timeout when waiting for search string ^nob0dy in /etc/passwd",
        ),
        (json!({"path": "/etc", "state": "absent", "timeout": 1}), "Timeout when waiting for /etc to be absent."),
        (json!({"path": "/etc", "port": 1}), "port and path parameter can not both be passed to wait_for"),
        (
            json!({"path": "/etc", "state": "stopped"}),
            "state=stopped should only be used for checking a port in the wait_for module",
        ),
    ] {
        check(args, &json!({"failed": true, "msg": msg}));
    }
}

#[test]
fn only_time() {
    check(json!({"timeout": 1}), &json!({"changed": false, "elapsed": 1}));
}

#[test]
fn drained() {
    let table = "  sl  local_address rem_address   st\n   0: 0100007F:1F90 0200A8C0:D431 01 0:0\n   1: 0100007F:0016 00000000:0000 0A 0:0\n";
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let peer = [IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2))];
    let states = ["ESTABLISHED".to_owned()];
    assert!(connections::any_in(table, &own, 8080, &states, &[]));
    assert!(!connections::any_in(table, &own, 8080, &states, &peer));
    assert!(!connections::any_in(table, &own, 22, &states, &[]));
    assert!(!connections::any_in(table, &peer, 8080, &states, &[]));
}
