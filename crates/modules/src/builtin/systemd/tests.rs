use rplay_module_api::{Json, json};

use super::{MODULE, parse_properties};
use crate::support::testing::{self, Mode, Script, assert_fields, run};

type Line<'a> = (&'a str, i32, &'a str);

const RUNNING: &str = "ActiveState=active\nLoadState=loaded\nUnitFileState=enabled\n";
const DEAD: &str = "ActiveState=inactive\nLoadState=loaded\nUnitFileState=disabled\n";
const MASKED: &str = "ActiveState=inactive\nLoadState=masked\nUnitFileState=masked\nLoadError=org.freedesktop.systemd1.UnitMasked \"masked\"\n";
const UNKNOWN: &str = "ActiveState=inactive\nLoadState=not-found\n";

fn check(args: Json, script: &[Line], expected: &Json) {
    testing::check(&MODULE, args, script, expected);
}

#[test]
fn nothing_to_do_takes_one_command() {
    check(
        json!({"name": "nginx", "state": "started", "enabled": true}),
        &[("systemctl show nginx", 0, RUNNING)],
        &json!({"changed": false, "name": "nginx", "state": "started", "enabled": true,
                "status": {"ActiveState": "active", "LoadState": "loaded", "UnitFileState": "enabled"}}),
    );
}

#[test]
fn changes() {
    check(
        json!({"name": "nginx", "state": "started", "enabled": true, "daemon_reload": true}),
        &[
            ("systemctl daemon-reload", 0, ""),
            ("systemctl show nginx", 0, DEAD),
            ("systemctl enable nginx", 0, ""),
            ("systemctl start nginx", 0, ""),
        ],
        &json!({"changed": true, "state": "started", "enabled": true}),
    );
    check(
        json!({"name": "nginx", "state": "reloaded"}),
        &[("systemctl show nginx", 0, RUNNING), ("systemctl reload nginx", 0, "")],
        &json!({"changed": true, "state": "started"}),
    );
    check(
        json!({"name": "nginx", "state": "restarted", "no_block": true}),
        &[("systemctl --no-block show nginx", 0, DEAD), ("systemctl --no-block start nginx", 0, "")],
        &json!({"changed": true, "state": "started"}),
    );
    check(
        json!({"name": "nginx", "masked": false, "state": "started"}),
        &[
            ("systemctl show nginx", 0, MASKED),
            ("systemctl unmask nginx", 0, ""),
            ("systemctl show nginx", 0, DEAD),
            ("systemctl start nginx", 0, ""),
        ],
        &json!({"changed": true}),
    );
}

#[test]
fn failures() {
    check(
        json!({"name": "nope", "state": "started"}),
        &[("systemctl show nope", 0, UNKNOWN)],
        &json!({"failed": true, "msg": "Could not find the requested service nope: host"}),
    );
    check(
        json!({"name": "nginx", "state": "started"}),
        &[("systemctl show nginx", 0, DEAD), ("systemctl start nginx", 1, "Job failed.\n")],
        &json!({"failed": true, "msg": "Unable to start service nginx: Job failed.\n"}),
    );
    check(
        json!({"name": "ng*", "state": "started"}),
        &[],
        &json!({
            "msg": "This module does not currently support using glob patterns, found '*' in service name: ng*"
        }),
    );
    check(json!({"state": "started"}), &[], &json!({"msg": "missing parameter(s) required by 'state': name"}));
}

#[test]
fn check_mode_changes_nothing() {
    let mut runner = Script::new(&[("systemctl show nginx", 0, DEAD)]);
    let args = json!({"name": "nginx", "state": "started", "enabled": true, "daemon_reload": true});
    assert_fields(&run(&MODULE, args, Mode { check: true }, &mut runner), &json!({"changed": true}));
    runner.finish();
}

#[test]
fn properties_over_several_lines() {
    let text = "Id=a.service\nExecStart={ path=/bin/a ; argv[]=a\nb ; }\nDescription={odd\nAfter=b=c\n";
    let properties = Json::Object(parse_properties(text));
    assert_eq!(
        properties,
        json!({"Id": "a.service", "ExecStart": "{ path=/bin/a ; argv[]=a\nb ; }", "Description": "{odd", "After": "b=c"})
    );
}
