//! Modules that replace a file leave its owner, access list and extended attributes as ansible-core leaves them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rplay_module_api::{Json, json};
use rustix::fs::{XattrFlags, getxattr, setxattr};

use crate::harness::{self, Attachments};

const ACCESS: &str = "system.posix_acl_access";
const NOTE: &str = "user.note";
/// `cap_net_raw+ep`.
const CAPABILITY: (&str, &[u8]) = ("security.capability", b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
const DAEMON: u32 = 1;
const GAMES: u32 = 60;

/// What `setfacl -m u:nobody:rw,g:mail:r,m::MASK` makes of a file; OTHERS as well.
fn access_list(mask: u8, others: u8) -> Vec<u8> {
    let nobody = 65534_u32;
    let mail = 8_u32;
    let entries = [
        (1, 6, u32::MAX),
        (2, 6, nobody),
        (4, 6, u32::MAX),
        (8, 4, mail),
        (0x10, mask, u32::MAX),
        (0x20, others, u32::MAX),
    ];
    let mut list = vec![2, 0, 0, 0];
    for (kind, permissions, id) in entries {
        list.extend([kind, 0, permissions, 0]);
        list.extend(id.to_le_bytes());
    }
    list
}

fn attribute(path: &Path, name: &str) -> Vec<u8> {
    let mut value = vec![0; 4096];
    let length = getxattr(path, name, value.as_mut_slice()).unwrap_or(0);
    value.truncate(length);
    value
}

/// A file with everything that can be lost.
fn decorated(path: &Path) {
    fs::write(path, "old\n").unwrap();
    chown(path, Some(DAEMON), Some(GAMES)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o664)).unwrap();
    for (name, value) in [(ACCESS, access_list(6, 4).as_slice()), (NOTE, b"hello"), CAPABILITY] {
        setxattr(path, name, value, XattrFlags::empty()).unwrap();
    }
}

/// Mode, mask and rights of others as ansible-core 2.19.14 left them, run on the same files.
fn replacements(path: &Path, part: &Path) -> Vec<(&'static str, Json, u32, (u8, u8))> {
    let kept = (0o664, (6, 4));
    [
        ("copy", json!({"src": part, "dest": path, "remote_src": true}), kept),
        ("copy", json!({"src": part, "dest": path, "remote_src": true, "unsafe_writes": true}), kept),
        ("copy", json!({"src": part, "dest": path, "remote_src": true, "mode": "0640"}), (0o640, (4, 0))),
        ("lineinfile", json!({"path": path, "line": "new"}), kept),
        ("lineinfile", json!({"path": path, "line": "new", "mode": "0600"}), (0o600, (0, 0))),
        ("blockinfile", json!({"path": path, "block": "new"}), kept),
        ("replace", json!({"path": path, "regexp": "old", "replace": "new"}), kept),
        ("assemble", json!({"src": part.parent(), "regexp": "^part$", "dest": path, "remote_src": true}), kept),
        ("get_url", json!({"url": format!("file://{}", part.display()), "dest": path, "force": true}), kept),
        ("file", json!({"path": path, "mode": "0600"}), (0o600, (0, 0))),
    ]
    .into_iter()
    .map(|(module, args, (mode, list))| (module, args, mode, list))
    .collect()
}

#[test]
fn survive_as_with_ansible() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The folder of temporary files may be in memory, which knows fewer attributes.
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (path, part) = (work.path().join("file"), work.path().join("part"));
    fs::write(&part, "new\n").unwrap();
    for (module, args, mode, (mask, others)) in replacements(&path, &part) {
        let _ = fs::remove_file(&path);
        decorated(&path);
        let result = harness::run(module, args.clone(), json!({}), &mut Attachments::default(), false);
        assert_eq!(result["changed"], true, "{module} {args}: {result:?}");
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (mode, DAEMON, GAMES), "{module} {args}");
        assert_eq!(attribute(&path, ACCESS), access_list(mask, others), "{module} {args}");
        assert_eq!(attribute(&path, NOTE), b"hello", "{module} {args}");
        assert_eq!(attribute(&path, CAPABILITY.0), CAPABILITY.1, "{module} {args}");
    }
}

#[test]
fn of_a_backup_are_those_of_the_file_but_for_capabilities() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = work.path().join("file");
    decorated(&path);
    let args = json!({"path": path, "line": "new", "backup": true});
    let result = harness::run("lineinfile", args, json!({}), &mut Attachments::default(), false);
    let backup = Path::new(result["backup"].as_str().unwrap());
    let meta = fs::metadata(backup).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (0o664, DAEMON, GAMES));
    assert_eq!(fs::read_to_string(backup).unwrap(), "old\n");
    assert_eq!((attribute(backup, ACCESS), attribute(backup, NOTE)), (access_list(6, 4), b"hello".to_vec()));
    assert_eq!(attribute(backup, CAPABILITY.0), b"");
}
