//! `unarchive` on archives that are made here, good and evil.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rplay_module_api::{Json, Map, json};

use crate::harness::{self, Attachments};

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(1_700_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn add_file(tar: &mut tar::Builder<Vec<u8>>, name: &str, mode: u32, content: &str) {
    let mut header = header(tar::EntryType::Regular, mode, content.len() as u64);
    // Not `append_data`, which refuses the names that an evil archive has.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    tar.append(&header, content.as_bytes()).unwrap();
}

fn sample_tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header(tar::EntryType::Directory, 0o750, 0), "top/", &b""[..]).unwrap();
    add_file(&mut tar, "top/x", 0o755, "one\n");
    tar.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), "top/l", "x").unwrap();
    tar.append_link(&mut header(tar::EntryType::Link, 0o755, 0), "top/h", "top/x").unwrap();
    add_file(&mut tar, "top/sub/y", 0o644, "two\n");
    tar.into_inner().unwrap()
}

fn sample_zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.add_directory("top/", options.unix_permissions(0o750)).unwrap();
    zip.start_file("top/x", options.unix_permissions(0o755)).unwrap();
    zip.write_all(b"one\n").unwrap();
    zip.add_symlink("top/l", "x", options).unwrap();
    zip.start_file("top/sub/y", options.unix_permissions(0o644)).unwrap();
    zip.write_all(b"two\n").unwrap();
    zip.finish().unwrap().into_inner()
}

fn compressed(kind: &str, bytes: &[u8]) -> Vec<u8> {
    match kind {
        "gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zst" => {
            // Two frames, as `cat a.zst b.zst` makes them.
            let (first, second) = bytes.split_at(700);
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            let mut frames = ruzstd::encoding::compress_to_vec(first, level);
            frames.extend(ruzstd::encoding::compress_to_vec(second, level));
            frames
        }
        _ => bytes.to_vec(),
    }
}

fn run(args: Json, check: bool) -> Map<String, Json> {
    harness::run("unarchive", args, Json::Null, &mut Attachments::default(), check)
}

fn unpacked(dest: &Path) {
    assert_eq!(fs::read_to_string(dest.join("top/x")).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(dest.join("top/sub/y")).unwrap(), "two\n");
    assert_eq!(fs::read_link(dest.join("top/l")).unwrap(), Path::new("x"));
    assert_eq!(fs::metadata(dest.join("top/x")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(fs::metadata(dest.join("top")).unwrap().mode() & 0o7777, 0o750);
}

#[test]
fn unpacks_every_format_by_its_content() {
    for (kind, handler) in [
        ("", "TarArchive"),
        ("gz", "TgzArchive"),
        ("bz2", "TarArchive"),
        ("xz", "TarArchive"),
        ("zst", "TarArchive"),
        ("zip", "ZipArchive"),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        // The name says nothing.
        let (src, dest) = (tmp.path().join("archive"), tmp.path().join("dest"));
        fs::create_dir(&dest).unwrap();
        fs::write(&src, if kind == "zip" { sample_zip() } else { compressed(kind, &sample_tar()) }).unwrap();
        let args = json!({"src": src, "dest": dest, "remote_src": true, "list_files": true});

        let checked = run(args.clone(), true);
        assert_eq!(checked["changed"], true, "{kind}: {checked:?}");
        assert_eq!(fs::read_dir(&dest).unwrap().count(), 0, "{kind}: check mode writes nothing");

        let result = run(args.clone(), false);
        assert_eq!(result["changed"], true, "{kind}: {result:?}");
        assert_eq!(result["handler"], handler);
        assert_eq!(result["dest"], json!(dest));
        assert_eq!(result["src"], json!(src));
        assert_eq!(result["state"], "directory");
        assert_eq!(result["files"][1], "top/x");
        unpacked(&dest);
        if kind != "zip" {
            assert_eq!(
                fs::metadata(dest.join("top/x")).unwrap().ino(),
                fs::metadata(dest.join("top/h")).unwrap().ino()
            );
            assert_eq!(fs::metadata(dest.join("top/x")).unwrap().mtime(), 1_700_000_000);
        }

        assert_eq!(run(args.clone(), false)["changed"], false, "{kind}: nothing to do");
        let text = fs::metadata(dest.join("top/sub/y")).unwrap();
        fs::write(dest.join("top/sub/y"), "2wo\n").unwrap();
        let file = fs::File::open(dest.join("top/sub/y")).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(text.modified().unwrap())).unwrap();
        assert_eq!(run(args, false)["changed"], true, "{kind}: other content of the same size and time");
        unpacked(&dest);
    }
}

fn archive(tmp: &Path, bytes: &[u8]) -> Json {
    let (src, dest) = (tmp.join("archive"), tmp.join("dest"));
    fs::create_dir_all(&dest).unwrap();
    fs::write(&src, bytes).unwrap();
    json!({"src": src, "dest": dest, "copy": false})
}

fn with(mut args: Json, more: Json) -> Json {
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

#[test]
fn selects_and_strips() {
    let tmp = tempfile::tempdir().unwrap();
    let args = archive(tmp.path(), &sample_tar());
    let result = run(with(args.clone(), json!({"exclude": ["top/x", "top/h"], "list_files": true})), false);
    assert_eq!(result["files"], json!(["top/", "top/l", "top/sub/y"]));
    assert!(!tmp.path().join("dest/top/x").exists());
    let result = run(with(args.clone(), json!({"include": ["top/x"], "list_files": true})), false);
    assert_eq!(result["files"], json!(["top/x"]));
    let strip = json!({"extra_opts": ["--strip-components=1"], "list_files": true});
    let result = run(with(args.clone(), strip.clone()), false);
    assert_eq!(result["changed"], true);
    assert_eq!(fs::read_to_string(tmp.path().join("dest/sub/y")).unwrap(), "two\n");
    assert_eq!(run(with(args.clone(), strip), false)["changed"], false);
    let result = run(with(args, json!({"extra_opts": ["--transform=s/a/b/"]})), false);
    assert!(result["msg"].as_str().unwrap().contains("`--transform=s/a/b/` is not supported"), "{result:?}");
}

#[test]
fn gives_owner_and_mode() {
    let tmp = tempfile::tempdir().unwrap();
    let args = with(archive(tmp.path(), &sample_tar()), json!({"owner": "nobody", "mode": "u=rwX,g=rX,o="}));
    assert_eq!(run(args.clone(), false)["changed"], true);
    for (path, mode) in [("top", 0o750), ("top/x", 0o750), ("top/sub/y", 0o640)] {
        let meta = fs::metadata(tmp.path().join("dest").join(path)).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (65534, mode), "{path}");
    }
    assert_eq!(run(args, false)["changed"], false);
}

#[test]
fn keeps_what_is_newer() {
    let tmp = tempfile::tempdir().unwrap();
    let args = with(archive(tmp.path(), &sample_tar()), json!({"keep_newer": true}));
    fs::create_dir_all(tmp.path().join("dest/top")).unwrap();
    fs::write(tmp.path().join("dest/top/x"), "mine").unwrap();
    run(args, false);
    assert_eq!(fs::read_to_string(tmp.path().join("dest/top/x")).unwrap(), "mine");
}

#[test]
fn receives_an_upload_unless_it_exists() {
    let tmp = tempfile::tempdir().unwrap();
    let mut args = archive(tmp.path(), &sample_tar());
    args.as_object_mut().unwrap().remove("copy");
    let mut port = Attachments::default();
    let skipped = harness::run(
        "unarchive",
        with(args.clone(), json!({"creates": tmp.path()})),
        json!({"_upload": true}),
        &mut port,
        false,
    );
    assert_eq!(skipped["msg"], json!(format!("skipped, since {} exists", tmp.path().display())));
    assert_eq!(skipped["skipped"], true);
    port.0.insert("src".into(), sample_tar());
    fs::remove_file(tmp.path().join("archive")).unwrap();
    let result = harness::run("unarchive", args, json!({"_upload": true}), &mut port, false);
    assert_eq!(result["changed"], true, "{result:?}");
    unpacked(&tmp.path().join("dest"));
}

#[test]
fn stays_below_the_destination() {
    let refused = |bytes: &[u8], why: &str| {
        let tmp = tempfile::tempdir().unwrap();
        let args = archive(tmp.path(), bytes);
        fs::create_dir(tmp.path().join("outside")).unwrap();
        symlink(tmp.path().join("outside"), tmp.path().join("dest/out")).unwrap();
        let result = run(args, false);
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains(why)), "{result:?}");
        assert_eq!(fs::read_dir(tmp.path().join("outside")).unwrap().count(), 0);
        assert!(!tmp.path().join("evil").exists());
    };
    let file = |name: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        add_file(&mut tar, name, 0o644, "evil");
        tar.into_inner().unwrap()
    };
    refused(&file("../evil"), "leads out of the destination");
    refused(&file("a/../../evil"), "leads out of the destination");
    refused(&file("out/evil"), "leads out of the destination through a link");
    refused(&file("out/new/evil"), "leads out of the destination through a link");
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), "link", "../outside").unwrap();
    add_file(&mut tar, "link/evil", 0o644, "evil");
    refused(&tar.into_inner().unwrap(), "through a link");
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_link(&mut header(tar::EntryType::Link, 0o644, 0), "passwd", "out/../../../../../etc/passwd").unwrap();
    refused(&tar.into_inner().unwrap(), "leads out of the destination");

    let tmp = tempfile::tempdir().unwrap();
    let args = archive(tmp.path(), &file("/etc/evil"));
    assert_eq!(run(args, false)["changed"], true, "a leading slash is taken off");
    assert!(tmp.path().join("dest/etc/evil").exists());
}

#[test]
fn tells_what_went_wrong() {
    let tmp = tempfile::tempdir().unwrap();
    let args = archive(tmp.path(), b"no archive at all\n");
    let src = tmp.path().join("archive");
    assert!(
        run(args.clone(), false)["msg"]
            .as_str()
            .unwrap()
            .starts_with(&format!("Failed to find handler for \"{}\"", src.display()))
    );
    let cut = compressed("gz", &sample_tar());
    fs::write(&src, &cut[..cut.len() / 2]).unwrap();
    assert!(run(args.clone(), false)["msg"].as_str().unwrap().contains("the archive is damaged"));
    fs::write(&src, b"").unwrap();
    assert_eq!(
        run(args.clone(), false)["msg"],
        json!(format!("Invalid archive '{}', the file is 0 bytes", src.display()))
    );
    fs::remove_file(&src).unwrap();
    assert_eq!(run(args.clone(), false)["msg"], json!(format!("Source '{}' does not exist", src.display())));
    let result = run(with(args, json!({"dest": tmp.path().join("none")})), false);
    assert_eq!(result["msg"], json!(format!("dest '{}' must be an existing dir", tmp.path().join("none").display())));
}

/// As with ansible-core, which reads the whole archive before it unpacks anything.
#[test]
fn of_a_damaged_archive_nothing_is_unpacked() {
    let mut wrong = Vec::new();
    for kind in ["", "gz", "bz2", "xz", "zst", "zip"] {
        let whole = if kind == "zip" { sample_zip() } else { compressed(kind, &sample_tar()) };
        let length = whole.len();
        let mut damaged: Vec<(String, Vec<u8>)> = [length / 4, length / 2, length * 3 / 4]
            .map(|kept| (format!("{kept} of {length} bytes"), whole[..kept].to_vec()))
            .into();
        // A plain tar says nothing of what is in its files, only of its heads, and a zip of what its list says of them.
        let places = match kind {
            "" => vec![5, 520, 1540],
            "zip" => vec![],
            _ => vec![length / 3, length / 2, length * 3 / 4, length - 6],
        };
        damaged.extend(places.into_iter().map(|place| {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x55;
            (format!("byte {place} of {length} changed"), bytes)
        }));
        for (what, bytes) in damaged {
            let tmp = tempfile::tempdir().unwrap();
            let result = run(archive(tmp.path(), &bytes), false);
            let left = fs::read_dir(tmp.path().join("dest")).unwrap().count();
            let msg = result.get("msg").and_then(Json::as_str).unwrap_or_default();
            if left > 0 || !(msg.contains("damaged") || msg.starts_with("Failed to find handler")) {
                wrong.push(format!("{kind}, {what}: {left} left, {result:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fetch_sends_only_what_differs() {
    let tmp = tempfile::tempdir().unwrap();
    let src = tmp.path().join("a");
    fs::write(&src, "hello\n").unwrap();
    fs::set_permissions(&src, fs::Permissions::from_mode(0o600)).unwrap();
    let args = json!({"src": src, "dest": "/unused"});
    let sum = "f572d396fae9206628714fb2ce00f72e94f2258f";
    let mut port = Attachments::default();
    let result = harness::run("fetch", args.clone(), json!({"_checksum": "00"}), &mut port, false);
    assert_eq!((&result["changed"], &result["checksum"], &result["size"]), (&json!(true), &json!(sum), &json!(6)));
    assert_eq!(port.0.remove("src").as_deref(), Some(&b"hello\n"[..]));
    let result = harness::run("fetch", args, json!({"_checksum": sum}), &mut port, false);
    assert_eq!(result["changed"], false);
    assert!(port.0.is_empty());
    for (path, missing, msg) in [
        (tmp.path().join("none"), true, "the remote file does not exist"),
        (tmp.path().to_owned(), true, "remote file is a directory, fetch cannot work on directories"),
        (tmp.path().join("none"), false, "the remote file does not exist, not transferring, ignored"),
    ] {
        let args = json!({"src": path, "dest": "/unused", "fail_on_missing": missing});
        assert_eq!(harness::run("fetch", args, Json::Null, &mut port, false)["msg"], msg);
    }
}
