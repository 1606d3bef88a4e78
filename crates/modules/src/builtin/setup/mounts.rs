//! Mounted file systems.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use rplay_module_api::{Json, Map, json};

use super::{Facts, Gathering, facts};

pub fn mounts(gathering: &mut Gathering) -> Facts {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let uuids = uuids();
    let mounts: Vec<Json> =
        table.lines().filter_map(|line| describe(line, &uuids, gathering.timeout)).map(Json::Object).collect();
    facts([("mounts", mounts.into())])
}

fn describe(line: &str, uuids: &HashMap<PathBuf, String>, timeout: Duration) -> Option<Map<String, Json>> {
    let fields: Vec<String> = line.split_whitespace().map(unescape).collect();
    let [device, mount, kind, options, ..] = fields.as_slice() else { return None };
    let is_real = (device.starts_with('/') || device.contains(":/")) && kind != "none";
    if !is_real {
        return None;
    }
    let uuid = fs::canonicalize(device).ok().and_then(|path| uuids.get(&path).cloned());
    let mut found = Map::new();
    found.insert("mount".into(), mount.clone().into());
    found.insert("device".into(), device.clone().into());
    found.insert("fstype".into(), kind.clone().into());
    found.insert("options".into(), options.clone().into());
    found.insert("dump".into(), 0.into());
    found.insert("passno".into(), 0.into());
    found.insert("uuid".into(), uuid.unwrap_or_else(|| "N/A".into()).into());
    match statistics(mount.clone(), timeout) {
        Ok(Some(sizes)) => found.extend(sizes),
        Ok(None) => {}
        Err(note) => {
            found.insert("note".into(), note.into());
        }
    }
    Some(found)
}

/// A server that is gone must not hang the run, so the question is asked in a thread that may stay behind.
fn statistics(mount: String, timeout: Duration) -> Result<Option<Map<String, Json>>, String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(rustix::fs::statvfs(mount.as_str()).ok());
    });
    let Ok(statistics) = receiver.recv_timeout(timeout) else {
        return Err("Could not get extra information due to timeout".into());
    };
    Ok(statistics.and_then(|it| {
        json!({
            "size_total": it.f_frsize * it.f_blocks,
            "size_available": it.f_frsize * it.f_bavail,
            "block_size": it.f_bsize,
            "block_total": it.f_blocks,
            "block_available": it.f_bavail,
            "block_used": it.f_blocks.saturating_sub(it.f_bavail),
            "inode_total": it.f_files,
            "inode_available": it.f_favail,
            "inode_used": it.f_files.saturating_sub(it.f_favail),
        })
        .as_object()
        .cloned()
    }))
}

fn uuids() -> HashMap<PathBuf, String> {
    let Ok(entries) = fs::read_dir("/dev/disk/by-uuid") else { return HashMap::new() };
    entries
        .flatten()
        .filter_map(|it| Some((fs::canonicalize(it.path()).ok()?, it.file_name().to_string_lossy().into_owned())))
        .collect()
}

/// The kernel writes blanks and the like as three octal digits.
pub fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'\\'
            && let Some(digits) = tail.get(..3).and_then(|it| std::str::from_utf8(it).ok())
            && let Ok(byte) = u8::from_str_radix(digits, 8)
        {
            out.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            out.push(*first);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
