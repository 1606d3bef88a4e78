use rplay_module_api::{Json, Module, Spec, json, run};

use super::{Args, MODULE, names};
use crate::support::dpkg_status::Database;
use crate::support::testing::{Mode, Script, assert_fields, run};

const STATUS: &str = "\
Package: nginx
Status: install ok installed
Architecture: amd64
Version: 1.22.1-9
Provides: httpd, httpd-cgi (= 1)

Package: curl
Status: deinstall ok config-files
Architecture: amd64
Version: 7.88.1-10

Package: libssl3
Status: install ok installed
Architecture: amd64
Version: 3.0.15-1
";

const EXTENDED: &str = "Package: libssl3\nArchitecture: amd64\nAuto-Installed: 1\n";

const APT: &str =
    "apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=60";

/// The part of the module that works by name, on a pretended host.
const BY_NAME: Module = Module { spec: Spec { name: "apt", ..MODULE.spec }, run: run!(by_name) };

fn by_name(args: Args, ctx: &mut rplay_module_api::Ctx) -> rplay_module_api::ModuleResult {
    names::ensure(&args, &args.names(), &Database::parse(STATUS, EXTENDED), ctx)
}

fn check(args: Json, script: &[(&str, i32, &str)], expected: &Json) {
    let script: Vec<_> =
        script.iter().map(|(line, rc, output)| (line.replacen("APT ", &format!("{APT} "), 1), *rc, *output)).collect();
    let script: Vec<_> = script.iter().map(|(line, rc, output)| (line.as_str(), *rc, *output)).collect();
    let mut runner = Script::new(&script);
    let result = run(&BY_NAME, args, Mode::default(), &mut runner);
    assert_fields(&result, expected);
    runner.finish();
}

const INSTALLED: &str = "Reading state information...\nThe following NEW packages will be installed:\n  curl\n0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\nInst\n";

#[test]
fn nothing_is_spawned_when_nothing_changes() {
    for args in [
        json!({"name": "nginx"}),
        json!({"name": "nginx:amd64", "state": "present"}),
        json!({"pkg": ["nginx", "", " nginx "]}),
        json!({"name": "nginx=1.22.1-9"}),
        json!({"name": "nginx=1.22.*"}),
        json!({"name": "curl", "state": "absent"}),
        json!({"name": "nothing", "state": "absent"}),
        json!({"name": "lib*x", "state": "absent"}),
        json!({"name": "curl", "only_upgrade": true}),
    ] {
        check(args, &[], &json!({"changed": false, "failed": null, "stdout": null}));
    }
}

#[test]
fn installs() {
    check(
        json!({"name": "nginx,curl"}),
        &[("APT install curl", 0, INSTALLED)],
        &json!({"changed": true, "stdout": INSTALLED, "stderr": ""}),
    );
    check(
        json!({"name": "nginx=1.24", "install_recommends": false, "allow_downgrade": true, "default_release": "sid"}),
        &[("APT -t sid -o APT::Install-Recommends=no --allow-downgrades install nginx=1.24", 0, INSTALLED)],
        &json!({"changed": true}),
    );
    check(
        json!({"name": "nginx>=1.24"}),
        &[("dpkg --compare-versions 1.22.1-9 ge 1.24", 1, ""), ("APT install nginx", 0, INSTALLED)],
        &json!({"changed": true}),
    );
    check(json!({"name": "libssl3"}), &[("apt-mark manual libssl3", 0, "")], &json!({"changed": false}));
}

#[test]
fn patterns_and_virtual_packages() {
    check(
        json!({"name": "cur*"}),
        &[("apt-cache pkgnames", 0, "nginx\ncurl\ncurlie\n"), ("APT install curl curlie", 0, INSTALLED)],
        &json!({"changed": true}),
    );
    check(
        json!({"name": "zz*"}),
        &[("apt-cache pkgnames", 0, "nginx\n")],
        &json!({"failed": true, "msg": "No package(s) matching 'zz*' available"}),
    );
    check(
        json!({"name": "httpd"}),
        &[("apt-cache policy httpd", 0, "httpd:\n  Installed: (none)\n  Candidate: (none)\n")],
        &json!({"changed": false}),
    );
}

#[test]
fn latest() {
    let policy =
        |candidate: &str| format!("nginx:\n  Installed: 1.22.1-9\n  Candidate: {candidate}\n  Version table:\n");
    check(
        json!({"name": "nginx", "state": "latest"}),
        &[("apt-cache policy nginx", 0, &policy("1.22.1-9"))],
        &json!({"changed": false}),
    );
    check(
        json!({"name": "nginx", "state": "latest"}),
        &[("apt-cache policy nginx", 0, &policy("1.24")), ("APT install nginx", 0, INSTALLED)],
        &json!({"changed": true}),
    );
}

#[test]
fn removes() {
    check(json!({"name": "ng*,curl", "state": "absent"}), &[("APT remove nginx", 0, "")], &json!({"changed": true}));
    check(
        json!({"name": "curl", "state": "absent", "purge": true, "autoremove": true}),
        &[("APT remove --purge --auto-remove curl", 0, "")],
        &json!({"changed": true}),
    );
}

#[test]
fn failures() {
    for (stderr, msg) in [
        ("E: Unable to locate package foo\n", "No package matching 'foo' is available"),
        ("E: Package 'foo' has no installation candidate\n", "No package matching 'foo' is available"),
        ("E: Version '2' for 'foo' was not found\n", "no available installation candidate for foo=2"),
    ] {
        check(
            json!({"name": "foo"}),
            &[("APT install foo", 100, stderr)],
            &json!({"failed": true, "msg": msg, "rc": 100}),
        );
    }
    let msg = format!("'{APT} install foo' failed: E: broken\n");
    check(json!({"name": "foo"}), &[("APT install foo", 100, "E: broken\n")], &json!({"failed": true, "msg": msg}));
    check(
        json!({"deb": "x", "upgrade": "yes"}),
        &[],
        &json!({"msg": "parameters are mutually exclusive: deb|package|upgrade"}),
    );
}

#[test]
fn check_mode_simulates() {
    let line = format!("{APT} --simulate install curl");
    let script = [(line.as_str(), 0, INSTALLED)];
    let mut runner = Script::new(&script);
    let result = run(&BY_NAME, json!({"name": "curl"}), Mode { check: true }, &mut runner);
    assert_fields(&result, &json!({"changed": true}));
    runner.finish();
}
