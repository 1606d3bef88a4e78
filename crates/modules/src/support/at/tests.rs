use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use tempfile::TempDir;

use super::*;

const USER: u32 = 4711;
const OTHER: u32 = 4712;

/// A folder of the user's, one of root's, and one of another user's, each with a file `f`.
fn folders() -> TempDir {
    let work = TempDir::new().expect("a folder");
    for (name, owner) in [("user", USER), ("root", 0), ("other", OTHER)] {
        let folder = work.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("f"), name).expect("a file");
        for path in [folder.join("f"), folder] {
            chown(path, Some(owner), Some(owner)).expect("an owner");
        }
    }
    work
}

fn link(work: &TempDir, owner: u32, name: &str, target: &str) {
    let path = work.path().join(name);
    symlink(target, &path).expect("a link");
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).expect("an owner");
}

fn refused(result: io::Result<impl Sized>) -> bool {
    result.is_err_and(|err| is_refusal(&err))
}

/// Only root has other users' links to fear.
fn is_root() -> bool {
    is_privileged()
}

#[test]
fn a_users_link_leads_to_files_of_the_user_only() {
    if !is_root() {
        return;
    }
    let work = folders();
    let path = |name: &str| work.path().join(name);
    for (name, target) in [("f", "f"), ("d", ".")] {
        link(&work, USER, &format!("user/own-{name}"), &format!("../user/{target}"));
        link(&work, USER, &format!("user/root-{name}"), &format!("../root/{target}"));
        link(&work, USER, &format!("user/other-{name}"), &format!("../other/{target}"));
        link(&work, 0, &format!("user/by-root-{name}"), &format!("../root/{target}"));
    }
    assert_eq!(read(&path("user/own-f")).expect("the user's own"), b"user");
    assert_eq!(read(&path("user/own-d/f")).expect("the user's own"), b"user");
    assert_eq!(read(&path("user/by-root-f")).expect("root's link"), b"root");
    assert_eq!(read(&path("user/by-root-d/f")).expect("root's link"), b"root");
    for name in ["user/root-f", "user/root-d/f", "user/other-f", "user/other-d/f"] {
        assert!(refused(open(&path(name))), "{name}");
        assert!(refused(real_path(&path(name))), "{name}");
    }
    // A link itself is the user's.
    assert!(object(&path("user/root-f")).expect("the link").metadata().expect("its metadata").is_symlink());
    // A new name is the business of the folder's owner.
    assert!(refused(locate(&path("user/root-d/new"), Last::Itself).expect("located").create_dir(0o700)));
    assert!(refused(locate(&path("user/other-d/new"), Last::Itself).expect("located").create_dir(0o700)));
    locate(&path("user/own-d/new"), Last::Itself).expect("located").create_dir(0o700).expect("the user's own folder");
    assert!(!path("root/new").exists() && !path("other/new").exists() && path("user/new").exists());
    // Everybody may write there.
    fs::set_permissions(path("root"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    locate(&path("user/root-d/new"), Last::Itself).expect("located").create_dir(0o700).expect("anybody's folder");
    // A chain counts by its user's part, and two users are one too many.
    link(&work, 0, "first", "user/root-f");
    assert!(refused(open(&path("first"))));
    link(&work, OTHER, "other/to-user", "../user/own-f");
    assert!(refused(open(&path("other/to-user"))));
}

#[test]
fn paths_are_resolved_as_the_system_does() {
    let work = TempDir::new().expect("a folder");
    let base = fs::canonicalize(work.path()).expect("a folder");
    fs::create_dir_all(base.join("a/b")).expect("folders");
    fs::write(base.join("a/f"), "f").expect("a file");
    for (name, target) in
        [("l", "a/b"), ("a/up", ".."), ("abs", "/"), ("file", "a/f"), ("loop", "loop"), ("gone", "a/gone")]
    {
        symlink(target, base.join(name)).expect("a link");
    }
    for name in ["a", "a/b", "l", "l/..", "l/../f", "a/up/a", "a/./b/../f", "file", "abs", "a/up/a/up/l", "."] {
        let path = base.join(name);
        assert_eq!(real_path(&path).expect(name), fs::canonicalize(&path).expect(name), "{name}");
    }
    assert_eq!(real_path(&base.join("gone")).expect("its place"), base.join("a/gone"));
    assert_eq!(real_path(Path::new("/")).expect("the root"), Path::new("/"));
    assert_eq!(real_path(&base.join("loop")).map_err(|err| err.raw_os_error()), Err(Some(libc::ELOOP)));
    assert_eq!(real_path(&base.join("file/x")).map_err(|err| err.kind()), Err(io::ErrorKind::NotADirectory));
    assert_eq!(real_path(&base.join("no/x")).map_err(|err| err.kind()), Err(io::ErrorKind::NotFound));
}

#[test]
fn nothing_leads_out_from_beneath() {
    let work = TempDir::new().expect("a folder");
    let base = fs::canonicalize(work.path()).expect("a folder");
    fs::create_dir_all(base.join("in/d")).expect("folders");
    fs::write(base.join("out"), "out").expect("a file");
    fs::write(base.join("in/f"), "in").expect("a file");
    let real = base.join("in");
    let absolute = real.join("f");
    for (name, target) in [
        ("in/ok", "d"),
        ("in/d/up", "../f"),
        ("in/abs", absolute.to_str().expect("text")),
        ("in/out", ".."),
        ("in/root", "/"),
        ("in/d/far", "../../out"),
    ] {
        symlink(target, base.join(name)).expect("a link");
    }
    let folder = object(&real).expect("the folder");
    let found = |path: &str| folder.beneath(Path::new(path), &real, Last::Followed).map(|located| located.real);
    for (path, expected) in
        [("f", "f"), ("ok/up", "f"), ("abs", "f"), ("d/../f", "f"), ("new", "new"), ("ok/new", "d/new")]
    {
        assert_eq!(found(path).expect(path), real.join(expected), "{path}");
    }
    for path in ["..", "../out", "out/out", "root/etc", "d/far", "ok/../../out", "/etc/passwd", "out"] {
        assert!(refused(found(path)), "{path}");
    }
}

#[test]
fn an_object_stays_what_it_was() {
    let work = TempDir::new().expect("a folder");
    let path = work.path().join("f");
    fs::write(&path, "first").expect("a file");
    let opened = object(&path).expect("the file");
    fs::rename(&path, work.path().join("g")).expect("renamed");
    fs::write(&path, "second").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    opened.set_mode(0o600).expect("a mode");
    let mode = |name: &str| fs::metadata(work.path().join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("g"), mode("f")), (0o600, 0o644));
    let mut content = String::new();
    io::Read::read_to_string(&mut opened.open(OFlags::RDONLY).expect("opened"), &mut content).expect("read");
    assert_eq!(content, "first");
}

#[test]
fn a_tree_goes_and_what_its_links_lead_to_stays() {
    let work = TempDir::new().expect("a folder");
    fs::create_dir_all(work.path().join("t/a/b")).expect("folders");
    fs::create_dir(work.path().join("kept")).expect("a folder");
    fs::write(work.path().join("kept/f"), "f").expect("a file");
    symlink("../../kept", work.path().join("t/a/l")).expect("a link");
    locate(&work.path().join("t"), Last::Itself).expect("located").remove_all().expect("removed");
    assert!(!work.path().join("t").exists() && work.path().join("kept/f").exists());
}
