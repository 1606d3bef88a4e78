//! Nobody is created: `root` and `daemon` are on every host, and the commands are pretended.

use rplay_module_api::{Json, json};

use super::MODULE;
use crate::support::testing;

fn check(args: Json, script: &[(&str, i32, &str)], expected: &Json) {
    testing::check(&MODULE, args, script, expected);
}

#[test]
fn creates() {
    check(
        json!({"name": "nob0dy", "comment": "No Body", "groups": ["adm", "daemon"], "shell": "/bin/sh"}),
        &[("useradd -G adm,daemon -c No Body -s /bin/sh -m nob0dy", 0, "")],
        &json!({"changed": true, "create_home": true, "system": false, "groups": "adm,daemon", "name": "nob0dy"}),
    );
    check(
        json!({"name": "nob0dy", "uid": 7, "non_unique": true, "system": true, "create_home": false, "expires": 1_422_403_387}),
        &[("useradd -u 7 -e 2015-01-28 -M -r -o nob0dy", 0, "")],
        &json!({"changed": true}),
    );
    check(
        json!({"name": "nob0dy", "umask": "0027", "skeleton": "/s", "uid_min": 500, "password_expire_max": 9}),
        &[("useradd -k /s -K UMASK=0027 -K UID_MIN=500 -m nob0dy", 0, ""), ("chage -M 9 nob0dy", 0, "")],
        &json!({"changed": true}),
    );
}

#[test]
fn a_password_is_in_no_argument() {
    check(
        json!({"name": "nob0dy", "password": "$6$abc$def"}),
        &[("useradd -m nob0dy", 0, ""), ("chpasswd -e", 0, "")],
        &json!({
            "changed": true, "password": "NOT_LOGGING_PASSWORD",
            "warnings": ["The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly."],
        }),
    );
}

#[test]
fn modifies() {
    check(
        json!({"name": "root", "create_home": false}),
        &[],
        &json!({"changed": false, "append": false, "move_home": false, "uid": 0, "group": 0, "home": "/root", "comment": "root"}),
    );
    check(
        json!({"name": "daemon", "groups": "adm", "append": true, "comment": "x", "create_home": false}),
        &[("usermod -a -G adm -c x daemon", 0, "")],
        &json!({"changed": true, "append": true, "groups": "adm"}),
    );
    check(
        json!({"name": "daemon", "group": "adm", "home": "/d", "move_home": true, "uid": 77, "create_home": false}),
        &[("usermod -u 77 -g adm -d /d -m daemon", 0, "")],
        &json!({"changed": true, "move_home": true}),
    );
}

#[test]
fn failures() {
    check(
        json!({"name": "root", "groups": "nosuch"}),
        &[],
        &json!({"failed": true, "msg": "Group nosuch does not exist"}),
    );
    check(
        json!({"name": "nob0dy", "uid": 0}),
        &[("useradd -u 0 -m nob0dy", 4, "useradd: UID 0 is not unique\n")],
        &json!({"failed": true, "name": "nob0dy", "rc": 4, "msg": "useradd: UID 0 is not unique\n"}),
    );
}

#[test]
fn deletes() {
    check(
        json!({"name": "daemon", "state": "absent", "remove": true, "force": true}),
        &[("userdel -f -r daemon", 0, "")],
        &json!({"changed": true, "force": true, "remove": true, "state": "absent", "name": "daemon"}),
    );
    check(json!({"name": "nob0dy", "state": "absent"}), &[], &json!({"changed": false, "force": null}));
}
