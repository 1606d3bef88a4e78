//! Block devices, as /sys has them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Json, Map, json};

use super::{Facts, Gathering, facts, line_of};

/// Device name to the names that lead to it.
type Links = HashMap<String, Vec<String>>;

pub fn devices(_: &mut Gathering) -> Facts {
    let (ids, labels, uuids) = (links("by-id"), links("by-label"), links("by-uuid"));
    let mut found = Map::new();
    let mut names: Vec<PathBuf> =
        fs::read_dir("/sys/block").into_iter().flatten().flatten().map(|it| it.path()).collect();
    names.sort();
    for path in names {
        let Some(name) = path.file_name().map(|it| it.to_string_lossy().into_owned()) else { continue };
        let links = |name: &str| device_links(name, &ids, &labels, &uuids);
        found.insert(name.clone(), describe(&name, &path, &links));
    }
    let all = |links: &Links| Json::Object(links.iter().map(|(name, it)| (name.clone(), it.clone().into())).collect());
    facts([
        ("devices", found.into()),
        ("device_links", json!({"ids": all(&ids), "labels": all(&labels), "masters": {}, "uuids": all(&uuids)})),
    ])
}

fn links(kind: &str) -> Links {
    let mut found = Links::new();
    for entry in fs::read_dir(format!("/dev/disk/{kind}")).into_iter().flatten().flatten() {
        if let Some(target) = fs::canonicalize(entry.path()).ok().as_deref().and_then(Path::file_name) {
            let names = found.entry(target.to_string_lossy().into_owned()).or_default();
            names.push(entry.file_name().to_string_lossy().into_owned());
            names.sort();
        }
    }
    found
}

fn device_links(name: &str, ids: &Links, labels: &Links, uuids: &Links) -> Json {
    let of = |links: &Links| links.get(name).cloned().unwrap_or_default();
    json!({"ids": of(ids), "labels": of(labels), "masters": [], "uuids": of(uuids)})
}

fn describe(name: &str, path: &Path, links: &dyn Fn(&str) -> Json) -> Json {
    let text = |file: &str| {
        let value = line_of(path.join(file));
        if value.is_empty() { Json::Null } else { value.into() }
    };
    let sectors = line_of(path.join("size")).parse::<u64>().unwrap_or(0);
    let sector_size = line_of(path.join("queue/hw_sector_size"));
    let scheduler = line_of(path.join("queue/scheduler"));
    let current =
        scheduler.split_once('[').and_then(|(_, it)| it.split_once(']')).map_or(scheduler.as_str(), |it| it.0);
    let is_virtual = fs::canonicalize(path).is_ok_and(|it| it.starts_with("/sys/devices/virtual"));
    let mut partitions = Map::new();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let part = entry.file_name().to_string_lossy().into_owned();
        if part.starts_with(name) && entry.path().join("partition").exists() {
            let sectors = line_of(entry.path().join("size")).parse::<u64>().unwrap_or(0);
            let description = json!({
                "links": links(&part),
                "start": line_of(entry.path().join("start")),
                "sectors": sectors,
                "sectorsize": sector_size.parse::<u64>().unwrap_or(512),
                "size": human_size(sectors * 512),
                "uuid": links(&part).pointer("/uuids/0").cloned().unwrap_or(Json::Null),
                "holders": holders(&entry.path()),
            });
            partitions.insert(part, description);
        }
    }
    json!({
        "virtual": i32::from(is_virtual),
        "links": links(name),
        "vendor": text("device/vendor"),
        "model": text("device/model"),
        "sas_address": Json::Null,
        "sas_device_handle": Json::Null,
        "removable": line_of(path.join("removable")),
        "support_discard": line_of(path.join("queue/discard_granularity")),
        "rotational": line_of(path.join("queue/rotational")),
        "scheduler_mode": current,
        "sectors": sectors,
        "sectorsize": sector_size,
        "size": human_size(sectors * 512),
        "host": "",
        "holders": holders(path),
        "partitions": partitions,
    })
}

fn holders(path: &Path) -> Vec<String> {
    fs::read_dir(path.join("holders"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect()
}

/// `10.00 GB`
#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
pub fn human_size(bytes: u64) -> String {
    let units = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", units.get(unit).copied().unwrap_or_default())
}
