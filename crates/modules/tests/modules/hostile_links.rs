//! Modules as root in a folder of a user who has made links to what is root's: none of it changes, and none of it is given away.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use rplay_module_api::{Json, json};

use crate::harness::{self, Attachments};

const USER: u32 = 4711;

/// `user/` with links of the user's: `f` to root's file `root/victim`, `d` to the folder `root`.
fn trapped() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name);
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["user", "root", "root/empty"] {
        fs::create_dir(path(name)).unwrap();
    }
    fs::write(path("root/victim"), "# untouched\ndeb http://a.b/c d e\n").unwrap();
    fs::set_permissions(path("root/victim"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path("part"), "evil\n").unwrap();
    symlink("../root/victim", path("user/f")).unwrap();
    symlink("../root", path("user/d")).unwrap();
    for name in ["user", "user/f", "user/d"] {
        lchown(path(name), Some(USER), Some(USER)).unwrap();
    }
    work
}

/// What root's folder is like.
fn state(folder: &Path) -> Vec<(String, u32, u32, String)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), meta.mode(), meta.uid(), content)
        })
        .collect();
    all.sort();
    all
}

/// Files of the user's that hold what only root may read.
fn given_away(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.file_type().unwrap().is_file());
    let shows = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains("untouched"));
    files.filter(|entry| shows(&entry.path())).map(|entry| entry.path().display().to_string()).collect()
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl m";

/// Each module that writes where it is told to, on the link to the file and through the link to the folder.
fn attacks(user: &Path, part: &Path, repository: &Path) -> Vec<(&'static str, Json)> {
    let (file, folder, inside) = (user.join("f"), user.join("d"), user.join("d/victim"));
    let url = format!("file://{}", part.display());
    vec![
        (
            "apt_repository",
            json!({"repo": "deb http://a.b/c new main", "filename": folder.join("more"), "update_cache": false}),
        ),
        ("assemble", json!({"src": part.parent().unwrap(), "regexp": "^part$", "dest": inside, "remote_src": true})),
        ("authorized_key", json!({"user": "root", "path": file, "key": KEY, "manage_dir": false})),
        ("authorized_key", json!({"user": "root", "path": folder.join("keys"), "key": KEY})),
        ("blockinfile", json!({"path": inside, "block": "evil"})),
        ("copy", json!({"src": part, "dest": inside, "remote_src": true})),
        ("cron", json!({"name": "n", "job": "evil", "user": "root", "cron_file": file})),
        ("cron", json!({"name": "n", "job": "evil", "user": "root", "cron_file": inside})),
        ("cron", json!({"name": "n", "state": "absent", "cron_file": inside})),
        ("file", json!({"path": inside, "mode": "0666"})),
        ("file", json!({"path": folder.join("empty"), "state": "absent"})),
        ("get_url", json!({"url": url, "dest": inside, "force": true})),
        ("git", json!({"repo": repository, "dest": folder.join("app")})),
        ("git", json!({"repo": repository, "dest": user.join("own"), "separate_git_dir": folder.join("app.git")})),
        ("git", json!({"repo": repository, "dest": user.join("own2"), "archive": folder.join("app.tar")})),
        ("ini_file", json!({"path": inside, "section": "s", "option": "o", "value": "evil"})),
        ("ini_file", json!({"path": file, "section": "s", "option": "o", "value": "evil", "follow": true})),
        ("known_hosts", json!({"path": inside, "name": "h", "key": format!("h {KEY}")})),
        ("lineinfile", json!({"path": file, "line": "evil"})),
        (
            "mount",
            json!({"path": "/nonexistent/m", "src": "/dev/null", "fstype": "ext4", "state": "present", "fstab": file}),
        ),
        ("mount", json!({"path": folder.join("m"), "src": "tmpfs", "fstype": "tmpfs", "state": "ephemeral"})),
        ("mount", json!({"path": folder.join("empty"), "state": "absent", "fstab": user.join("fstab")})),
        (
            "pam_limits",
            json!({"domain": "m", "limit_type": "hard", "limit_item": "nofile", "value": "1", "dest": inside}),
        ),
        ("pip", json!({"name": "nothing", "virtualenv": folder.join("venv"), "virtualenv_command": "python3 -m venv"})),
        ("replace", json!({"path": inside, "regexp": "untouched", "replace": "evil"})),
        ("sysctl", json!({"name": "kernel.evil", "value": "1", "reload": false, "sysctl_file": inside})),
        ("tempfile", json!({"path": folder})),
        ("unarchive", json!({"src": part.with_file_name("a.tar"), "dest": folder, "remote_src": true})),
    ]
}

#[test]
fn lead_root_to_nothing_of_roots() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let others = tempfile::tempdir().unwrap();
    let repository = others.path().join("repository");
    let script = "git init -q r && cd r && git -c user.name=n -c user.email=e commit -q --allow-empty -m m; mv ../r ../repository; \
                  cd ..; echo evil > victim; tar -cf a.tar victim";
    let made = Command::new("sh").args(["-c", script]).current_dir(others.path()).status().unwrap();
    assert!(made.success());
    let mut wrong = Vec::new();
    let count = attacks(Path::new("/"), Path::new("/p/part"), &repository).len();
    for index in 0..count {
        let work = trapped();
        fs::copy(others.path().join("a.tar"), work.path().join("a.tar")).unwrap();
        let (user, root) = (work.path().join("user"), work.path().join("root"));
        fs::write(user.join("fstab"), format!("tmpfs {} tmpfs defaults 0 0\n", user.join("d/empty").display()))
            .unwrap();
        chown(user.join("fstab"), Some(USER), Some(USER)).unwrap();
        let before = state(&root);
        let (name, args) = attacks(&user, &work.path().join("part"), &repository).swap_remove(index);
        let result = harness::run(name, args.clone(), json!({}), &mut Attachments::default(), false);
        let msg = result.get("msg").and_then(Json::as_str).unwrap_or_default();
        if state(&root) != before {
            wrong.push(format!("{name} {args}: root's folder changed: {:?}\n{result:?}", state(&root)));
        }
        if !given_away(&user).is_empty() {
            wrong.push(format!("{name} {args}: {:?} has what was root's", given_away(&user)));
        }
        if !msg.contains(&format!("belongs to user {USER}")) {
            wrong.push(format!("{name} {args}: the link is not named: {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
