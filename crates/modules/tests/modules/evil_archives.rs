//! Archives in every combination of links, folders, hard links and names: what they unpack stays below the destination.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rplay_module_api::{Json, json};

use crate::harness::{self, Attachments};

#[derive(Clone, Copy, Debug)]
enum Item {
    Directory(&'static str),
    File(&'static str),
    Link(&'static str, &'static str),
    Hard(&'static str, &'static str),
}
use Item::{Directory, File, Hard, Link};

/// Names that come upon each other, as what an archive can make of them.
const ITEMS: &[Item] = &[
    Directory("a"),
    Directory("a/b"),
    File("a"),
    File("a/b"),
    File("a/victim"),
    Link("a", "../outside"),
    Link("a", "../outside/victim"),
    Link("a", "/proc/self/cwd"),
    Link("a", "."),
    Link("a/b", "../../outside"),
    Link("a/b", ".."),
    Link("b", "a"),
    Directory("b"),
    File("b/victim"),
    File("b/b/victim"),
    Hard("a", "b"),
    Hard("b", "a/victim"),
    Hard("b", "../outside/victim"),
];

fn tar(items: &[Item]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for item in items {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o6777);
        header.set_mtime(1_700_000_000);
        header.set_uid(4711);
        header.set_gid(4711);
        let (name, kind, target, content) = match *item {
            Directory(name) => (name, tar::EntryType::Directory, "", ""),
            File(name) => (name, tar::EntryType::Regular, "", "evil"),
            Link(name, target) => (name, tar::EntryType::Symlink, target, ""),
            Hard(name, target) => (name, tar::EntryType::Link, target, ""),
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// None for what a zip cannot hold: hard links, and the same name twice, which this writer refuses.
fn zip(items: &[Item]) -> Option<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o6777);
    for item in items {
        match *item {
            Directory(name) => zip.add_directory(format!("{name}/"), options).ok()?,
            File(name) => {
                zip.start_file(name, options).ok()?;
                zip.write_all(b"evil").ok()?;
            }
            Link(name, target) => zip.add_symlink(name, target, options).ok()?,
            Hard(..) => return None,
        }
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Everything that an archive could have changed outside: names, content, owners, modes, times, and how many names a file has.
fn state(outside: &Path) -> String {
    let mut state = String::new();
    for path in [outside, &outside.join("victim")] {
        let meta = fs::symlink_metadata(path).unwrap();
        let content = fs::read(path).map(|content| String::from_utf8_lossy(&content).into_owned());
        state += &format!(
            "{:o} {}:{} {} {} {:?}\n",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.nlink(),
            content.ok()
        );
    }
    let mut names: Vec<_> = fs::read_dir(outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    state + &format!("{names:?}")
}

/// On a file system in memory: there are thousands of them.
fn unpack(archive: &[u8], args: &Json) -> Option<String> {
    let work = tempfile::tempdir_in("/dev/shm").unwrap();
    let outside = work.path().join("outside");
    for folder in ["outside", "dest"] {
        fs::create_dir(work.path().join(folder)).unwrap();
    }
    fs::write(outside.join("victim"), "untouched").unwrap();
    fs::set_permissions(outside.join("victim"), fs::Permissions::from_mode(0o600)).unwrap();
    let before = state(&outside);
    let src = work.path().join("archive");
    fs::write(&src, archive).unwrap();
    let mut all = json!({"src": src, "dest": work.path().join("dest"), "remote_src": true});
    all.as_object_mut().unwrap().extend(args.as_object().cloned().unwrap_or_default());
    let mut left = vec![before == state(&outside)];
    // The second time finds what the first has made.
    for _ in 0..2 {
        harness::run("unarchive", all.clone(), Json::Null, &mut Attachments::default(), false);
        left.push(before == state(&outside));
    }
    left.contains(&false).then(|| format!("{before}\nis now\n{}", state(&outside)))
}

fn holds(items: &[Item], args: &Json) {
    for archive in [Some(tar(items)), zip(items)].into_iter().flatten() {
        if let Some(harm) = unpack(&archive, args) {
            panic!("{items:?} reached outside: {harm}");
        }
    }
}

#[test]
fn no_three_entries_reach_outside() {
    for one in ITEMS {
        for two in ITEMS {
            for three in ITEMS {
                holds(&[*one, *two, *three], &json!({}));
            }
        }
    }
}

#[test]
fn nor_do_the_attributes_of_the_task() {
    let args = json!({"owner": "4712", "group": "4712", "mode": "0777"});
    for one in ITEMS {
        for two in ITEMS {
            holds(&[*one, *two], &args);
            holds(&[*one, *two, File("a/b")], &args);
        }
    }
}
