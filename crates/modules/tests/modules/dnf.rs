//! `dnf` on a system in a folder, with packages and a repository that are made here. What is expected is what the original answered.

use std::fs;
use std::path::Path;
use std::process::Command;

use rplay_module_api::{Json, json};

use crate::harness::{self, Attachments};

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|err| panic!("{command:?}: {err}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn package(folder: &Path, name: &str, version: &str, more: &str) {
    let spec = folder.join(format!("{name}.spec"));
    let text = format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: A test\nLicense: MIT\nBuildArch: noarch\n{more}\n\
         %description\nA test.\n%install\nmkdir -p %{{buildroot}}/usr/share/rt\necho {version} > %{{buildroot}}/usr/share/rt/{name}\n\
         %files\n/usr/share/rt/{name}\n"
    );
    fs::write(&spec, text).unwrap();
    let define = |name: &str, value: &Path| format!("{name} {}", value.display());
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.args(["-bb", "--define", &define("_topdir", &folder.join("build"))]);
    succeed(rpmbuild.args(["--define", &define("_rpmdir", &folder.join("repo"))]).arg(&spec));
}

#[test]
#[ignore = "needs root and Debian's packages dnf, rpm and createrepo-c"]
fn packages_come_and_go() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    for (name, version, more) in
        [("tfoo", "1.0", ""), ("tfoo", "2.0", ""), ("tbar", "1.0", "Requires: tfoo"), ("tbaz", "1.0", "")]
    {
        package(folder, name, version, more);
    }
    succeed(Command::new("createrepo_c").arg("-q").arg(folder.join("repo")));
    let repo = folder.join("repo");
    let conf = format!(
        "[main]\nreposdir=/nosuch\npluginpath=/nosuch\n[t]\nname=t\nbaseurl=file://{}\ngpgcheck=0\n",
        repo.display()
    );
    fs::write(folder.join("dnf.conf"), conf).unwrap();
    let file = repo.join("noarch/tbaz-1.0-1.noarch.rpm").to_string_lossy().into_owned();
    let run = |args: &Json, check: bool| {
        let mut all =
            json!({"installroot": folder.join("root"), "conf_file": folder.join("dnf.conf"), "releasever": "1"});
        all.as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        harness::run("dnf", all, json!({}), &mut Attachments::default(), check)
    };
    let nothing = json!({"changed": false, "msg": "Nothing to do", "results": [], "rc": 0});
    let results = |changed: bool, results: &[&str]| json!({"changed": changed, "results": results});
    let cases = [
        (json!({"name": "nosuch", "state": "absent"}), results(false, &["No match for argument: nosuch"])),
        (json!({"name": "tfoo-1.0"}), results(true, &["Installed: tfoo-1.0-1.noarch"])),
        (json!({"name": "tfoo"}), nothing.clone()),
        (json!({"name": "tfoo >= 1.0"}), nothing.clone()),
        (
            json!({"list": "updates"}),
            json!({"changed": false, "results": [{
                "name": "tfoo", "arch": "noarch", "epoch": "0", "release": "1", "version": "2.0", "repo": "t",
                "envra": "0:tfoo-2.0-1.noarch", "nevra": "0:tfoo-2.0-1.noarch", "yumstate": "available",
            }]}),
        ),
        (
            json!({"name": "tfoo", "state": "latest"}),
            results(true, &["Installed: tfoo-2.0-1.noarch", "Removed: tfoo-1.0-1.noarch"]),
        ),
        (json!({"name": "tfoo-1.0"}), nothing.clone()),
        (
            json!({"name": "tfoo-1.0", "allow_downgrade": true}),
            results(true, &["Installed: tfoo-1.0-1.noarch", "Removed: tfoo-2.0-1.noarch"]),
        ),
        (
            json!({"name": ["nosuch", "tbaz"]}),
            json!({"changed": false, "msg": "Failed to install some of the specified packages", "failures": ["No package nosuch available."], "results": [], "rc": 1}),
        ),
        (json!({"list": "repos"}), json!({"changed": false, "results": [{"repoid": "t", "state": "enabled"}]})),
        (
            json!({"name": ["nosuch", "tbaz"], "skip_broken": true}),
            results(true, &["No package nosuch available.", "Installed: tbaz-1.0-1.noarch"]),
        ),
        (
            json!({"name": "tbar", "update_only": true}),
            results(false, &["Packages providing tbar not installed due to update_only specified"]),
        ),
        (json!({"name": "@nosuch"}), json!({"changed": false, "msg": "No group nosuch available."})),
        (
            json!({"name": "*", "state": "latest"}),
            results(true, &["Installed: tfoo-2.0-1.noarch", "Removed: tfoo-1.0-1.noarch"]),
        ),
        (json!({"update_cache": true}), json!({"changed": false, "msg": "Cache updated", "results": [], "rc": 0})),
        (
            json!({"name": "tfoo", "state": "latest", "autoremove": true}),
            json!({"changed": false, "msg": "Autoremove should be used alone or with state=absent"}),
        ),
        (json!({"name": "/usr/share/rt/tbar"}), results(true, &["Installed: tbar-1.0-1.noarch"])),
        (
            json!({"name": file}),
            json!({"changed": false, "msg": "Nothing to do", "results": [format!("Installed {file}")]}),
        ),
        (
            json!({"name": "/nosuch.rpm"}),
            json!({"changed": false, "rc": 1, "msg": "Error occurred attempting remote rpm operation: Could not open: /nosuch.rpm"}),
        ),
        (
            json!({"name": file, "state": "absent"}),
            json!({"changed": false, "msg": "Cannot remove paths -- please specify package name."}),
        ),
        (
            json!({"name": "tb*", "state": "absent"}),
            results(true, &["Removed: tbar-1.0-1.noarch", "Removed: tbaz-1.0-1.noarch"]),
        ),
        (
            json!({"name": "tbar", "download_only": true, "download_dir": folder.join("dl")}),
            results(true, &["Downloaded: tbar-1.0-1.noarch"]),
        ),
    ];
    let planned = run(&json!({"name": "tbar"}), true);
    assert_eq!(
        planned["results"],
        json!(["Installed: tbar-1.0-1.noarch", "Installed: tfoo-2.0-1.noarch"]),
        "{planned:?}"
    );
    assert_eq!(planned["msg"], "Check mode: No changes made, but would have if not in check mode");
    for (args, wanted) in cases {
        let found = run(&args, false);
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(found.get(name), Some(value), "{name} of {args}: {found:?}");
        }
    }
}
