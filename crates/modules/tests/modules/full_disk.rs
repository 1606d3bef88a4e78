//! A disk without room: a clear failure, the old file as it was, and no temporary file. Needs root, for the mount.

use std::fs;
use std::path::Path;
use std::process::Command;

use rplay_module_api::json;
use rplay_modules::support::checksum::{self, Algorithm};

use crate::harness::{self, Attachments};

/// A file system of 64 KiB, gone when the test ends.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(directory.path()).status();
        assert!(status.unwrap().success(), "the test may mount a file system");
        Self(directory)
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn leaves_the_old_file_and_nothing_else() {
    let disk = SmallDisk::new();
    let dest = disk.path().join("a");
    fs::write(&dest, "old").unwrap();
    let content = vec![b'x'; 200_000];
    let mut port = Attachments::default();
    let internal = json!({"_upload": true, "_checksum": checksum::of_bytes(&content, Algorithm::Sha1)});
    port.0.insert("src".into(), content.clone());
    let outside = tempfile::tempdir().unwrap();
    let big = outside.path().join("big");
    fs::write(&big, &content).unwrap();
    let lines = format!("{}\n", "y".repeat(200_000));
    for (module, args, internal) in [
        ("copy", json!({"dest": dest, "content": "unused"}), internal),
        ("copy", json!({"dest": dest, "src": big, "remote_src": true}), json!({})),
        ("lineinfile", json!({"path": dest, "line": lines}), json!({})),
        ("get_url", json!({"dest": dest, "url": format!("file://{}", big.display()), "force": true}), json!({})),
    ] {
        let result = harness::run(module, args, internal, &mut port, false);
        let msg = result["msg"].as_str().unwrap_or_default();
        assert!(msg.contains("[Errno 28] No space left on device"), "{module}: {result:?}");
        assert_eq!(fs::read_to_string(&dest).unwrap(), "old", "{module}");
        assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 1, "{module} leaves no temporary file");
    }
}
