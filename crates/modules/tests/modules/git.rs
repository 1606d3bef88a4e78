//! `git` with real repositories; what is expected was seen with ansible-core.

use std::fs;
use std::path::Path;
use std::process::Command;

use rplay_module_api::{Json, Map, json};

use crate::harness::{self, Attachments};

fn git(directory: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"])
        .args(words)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository with a tag, a branch, and two commits on main.
struct Origin {
    directory: tempfile::TempDir,
    first: String,
    second: String,
    side: String,
}

impl Origin {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let origin = directory.path().join("origin");
        fs::create_dir(&origin).unwrap();
        git(&origin, &["init", "-q", "-b", "main"]);
        let commit = |text: &str| {
            fs::write(origin.join("file"), text).unwrap();
            git(&origin, &["add", "."]);
            git(&origin, &["commit", "-q", "-m", text]);
            git(&origin, &["rev-parse", "HEAD"])
        };
        let first = commit("one\n");
        git(&origin, &["tag", "-m", "v1", "v1"]);
        git(&origin, &["checkout", "-q", "-b", "side"]);
        let side = commit("side\n");
        git(&origin, &["checkout", "-q", "main"]);
        let second = commit("two\n");
        Self { directory, first, second, side }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_string_lossy().into_owned()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, more: Json, check: bool) -> Map<String, Json> {
        let mut args = json!({"repo": self.path("origin"), "dest": self.path("work")});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        harness::run("git", args, json!({}), &mut Attachments::default(), check)
    }
}

#[test]
fn a_clone_follows_its_origin() {
    let origin = Origin::new();
    let looked = origin.run(json!({}), true);
    assert_eq!((&looked["changed"], &looked["after"]), (&json!(true), &json!(origin.second)));
    assert!(!Path::new(&origin.path("work")).exists());

    let cloned = origin.run(json!({}), false);
    assert_eq!(cloned["changed"], true, "{cloned:?}");
    assert_eq!((&cloned["before"], &cloned["after"]), (&Json::Null, &json!(origin.second)));
    let again = origin.run(json!({}), false);
    assert_eq!(again["changed"], false, "{again:?}");
    assert_eq!(again["remote_url_changed"], false);

    let tagged = origin.run(json!({"version": "v1"}), false);
    assert_eq!((&tagged["changed"], &tagged["after"]), (&json!(true), &json!(origin.first)), "{tagged:?}");
    assert_eq!(origin.text("work/file"), "one\n");
    let branch = origin.run(json!({"version": "side"}), false);
    assert_eq!((&branch["changed"], &branch["after"]), (&json!(true), &json!(origin.side)), "{branch:?}");
    let commit = origin.run(json!({"version": origin.second.as_str()}), false);
    assert_eq!(commit["after"], json!(origin.second), "{commit:?}");
    let missing = origin.run(json!({"version": "nothing"}), false);
    assert_eq!(missing["msg"], "Failed to checkout nothing");
}

#[test]
fn local_changes_are_kept_unless_force_is_given() {
    let origin = Origin::new();
    origin.run(json!({}), false);
    fs::write(origin.path("work/file"), "mine\n").unwrap();
    fs::write(origin.path("work/unknown"), "mine\n").unwrap();
    let refused = origin.run(json!({"version": "v1"}), false);
    let said = format!("Local modifications exist in the destination: {} (force=no).", origin.path("work"));
    assert_eq!(refused["msg"], said);
    assert_eq!(origin.text("work/file"), "mine\n");
    let forced = origin.run(json!({"force": true}), false);
    assert_eq!((&forced["changed"], &forced["after"]), (&json!(true), &json!(origin.second)), "{forced:?}");
    assert_eq!(origin.text("work/file"), "two\n");
    assert_eq!(origin.text("work/unknown"), "mine\n");
}

#[test]
fn what_is_not_to_be_cloned_or_updated_is_only_looked_at() {
    let origin = Origin::new();
    let looked = origin.run(json!({"clone": false, "update": false}), false);
    assert_eq!((&looked["changed"], &looked["after"]), (&json!(true), &json!(origin.second)), "{looked:?}");
    origin.run(json!({"version": "v1"}), false);
    let left = origin.run(json!({"update": false}), false);
    assert_eq!((&left["changed"], &left["after"]), (&json!(false), &json!(origin.first)), "{left:?}");
    let missing = origin.run(json!({"repo": origin.path("nosuch"), "dest": origin.path("other")}), false);
    assert!(missing["msg"].as_str().unwrap().contains("nosuch"), "{missing:?}");
    let option = origin.run(json!({"version": "--upload-pack=touch x"}), false);
    assert!(option["msg"].as_str().unwrap().contains("must not begin with a dash"), "{option:?}");
}

#[test]
fn bare_shallow_and_archived() {
    let origin = Origin::new();
    let bare = origin.run(json!({"bare": true, "dest": origin.path("bare")}), false);
    assert_eq!(bare["after"], json!(origin.second), "{bare:?}");
    assert!(Path::new(&origin.path("bare/config")).exists());
    let again = origin.run(json!({"bare": true, "dest": origin.path("bare")}), false);
    assert_eq!(again["changed"], false, "{again:?}");

    let url = format!("file://{}", origin.path("origin"));
    let shallow = origin.run(json!({"repo": url, "depth": 1, "version": "side", "dest": origin.path("s")}), false);
    assert_eq!(shallow["after"], json!(origin.side), "{shallow:?}");
    assert_eq!(git(Path::new(&origin.path("s")), &["rev-list", "--count", "HEAD"]), "1");

    let archived = origin.run(json!({"archive": origin.path("a.tar"), "archive_prefix": "p"}), false);
    assert_eq!(archived["archive"]["changed"], true, "{archived:?}");
    assert!(fs::read(origin.path("a.tar")).unwrap().windows(6).any(|part| part == b"p/file"));
    let again = origin.run(json!({"archive": origin.path("a.tar"), "archive_prefix": "p"}), false);
    assert_eq!((&again["changed"], &again["archive"]["changed"]), (&json!(false), &json!(false)), "{again:?}");
}
