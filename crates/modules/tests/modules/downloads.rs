//! `get_url` against a small server; what is expected was seen with ansible-core.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rplay_module_api::{Json, Map, json};

use crate::harness::{self, Attachments};

/// A server for one test. Its thread ends with the test's process.
struct Server {
    url: String,
    /// Request lines and headers, as they came.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, own) = (requests.clone(), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, own) = (seen.clone(), own.clone());
                thread::spawn(move || answer(&stream.unwrap(), &seen, &own));
            }
        });
        Self { url, requests }
    }

    fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

fn answer(mut stream: &TcpStream, seen: &Mutex<Vec<String>>, own: &str) {
    let mut request = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        request.push_str(&line);
        request.push('\n');
    }
    seen.lock().unwrap().push(request.clone());
    let path = request.split_whitespace().nth(1).unwrap_or("");
    let lower = request.to_lowercase();
    let (status, headers, body): (&str, String, &[u8]) = match path {
        "/a.txt" | "/c/d.txt" if lower.contains("if-modified-since:") => ("304 Not Modified", String::new(), b""),
        "/a.txt" | "/c/d.txt" => ("200 OK", String::new(), b"hello\n"),
        "/sums" => (
            "200 OK",
            String::new(),
            b"00  b.txt\n5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  a.txt\n",
        ),
        "/moved" => ("302 Found", format!("Location: {own}/a.txt\r\n"), b""),
        "/relative" => ("301 Moved Permanently", "Location: c/d.txt\r\n".to_owned(), b""),
        "/loop" => ("302 Found", "Location: /loop\r\n".to_owned(), b""),
        "/named" => ("200 OK", "Content-Disposition: attachment; filename=\"../x.bin\"\r\n".to_owned(), b"named"),
        "/secret" if lower.contains("authorization: basic dtpw") => ("200 OK", String::new(), b"secret"),
        "/secret" => ("401 Unauthorized", "WWW-Authenticate: Basic realm=x\r\n".to_owned(), b""),
        "/short" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhello");
            return;
        }
        _ => ("404 Not Found", String::new(), b"nothing"),
    };
    let length = body.len();
    let body = if request.starts_with("HEAD") { b"" } else { body };
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

fn get(args: Json) -> Map<String, Json> {
    harness::run("get_url", args, Json::Null, &mut Attachments::default(), false)
}

/// Compares the fields that are named.
fn expect(result: &Map<String, Json>, expected: &Json) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(result.get(name).unwrap_or(&Json::Null), value, "{name} of {result:?}");
    }
}

fn only_file(directory: &Path, name: &str) {
    let names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [name], "no temporary files are left");
}

const HELLO: &str = "f572d396fae9206628714fb2ce00f72e94f2258f";

#[test]
fn downloads_once() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let (dest, url) = (tmp.path().join("a"), format!("{}/a.txt", server.url));
    let args = json!({"url": url, "dest": dest});
    expect(
        &get(args.clone()),
        &json!({"changed": true, "url": url, "dest": dest, "status_code": 200, "msg": "OK (6 bytes)", "elapsed": 0,
            "checksum_src": HELLO, "checksum_dest": null, "md5sum": "b1946ac92492d2347c6235b4d2611184",
            "mode": "0644", "owner": "root", "uid": 0, "size": 6, "state": "file"}),
    );
    expect(
        &get(args.clone()),
        &json!({"changed": false, "status_code": 304, "msg": "HTTP Error 304: Not Modified", "size": 6, "checksum_src": null}),
    );
    let mut forced = args;
    forced["force"] = true.into();
    expect(&get(forced), &json!({"changed": false, "status_code": 200, "checksum_dest": HELLO, "checksum_src": HELLO}));
    only_file(tmp.path(), "a");
}

#[test]
fn replaces_and_keeps_a_copy() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let dest = tmp.path().join("a");
    fs::write(&dest, "old").unwrap();
    let result = get(
        json!({"url": format!("{}/a.txt", server.url), "dest": dest, "force": true, "backup": true, "mode": "0600"}),
    );
    expect(
        &result,
        &json!({"changed": true, "mode": "0600", "checksum_dest": "c00dbbc9dadfbe1e232e93a729dd4752fade0abf"}),
    );
    assert_eq!(fs::read_to_string(result["backup_file"].as_str().unwrap()).unwrap(), "old");
    assert_eq!(fs::read_to_string(dest).unwrap(), "hello\n");
}

#[test]
fn checks_without_writing() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let args = json!({"url": format!("{}/a.txt", server.url), "dest": tmp.path().join("a")});
    let result = harness::run("get_url", args, Json::Null, &mut Attachments::default(), true);
    expect(&result, &json!({"changed": true, "msg": "OK (6 bytes)"}));
    assert!(server.last_request().starts_with("HEAD"));
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
}

#[test]
fn takes_a_directory() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let result = get(json!({"url": format!("{}/a.txt?x=1", server.url), "dest": tmp.path()}));
    expect(&result, &json!({"msg": "Request failed", "status_code": 404}));
    let result = get(json!({"url": format!("{}/a.txt", server.url), "dest": tmp.path()}));
    expect(&result, &json!({"changed": true, "dest": tmp.path().join("a.txt")}));
    let other = tempfile::tempdir().unwrap();
    let result = get(json!({"url": format!("{}/named", server.url), "dest": other.path()}));
    expect(&result, &json!({"changed": true, "dest": other.path().join("x.bin"), "size": 5}));
    only_file(other.path(), "x.bin");
    let other = tempfile::tempdir().unwrap();
    let result = get(json!({"url": format!("{}/moved", server.url), "dest": other.path()}));
    expect(&result, &json!({"changed": true, "dest": other.path().join("a.txt"), "size": 6}));
    only_file(other.path(), "a.txt");
}

#[test]
fn verifies_checksums() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let (dest, url) = (tmp.path().join("a"), format!("{}/a.txt", server.url));
    let sum = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    let with = |checksum: &str| json!({"url": url, "dest": dest, "checksum": checksum});
    let result = get(with("sha256:00"));
    let msg = result["msg"].as_str().unwrap();
    assert!(
        msg.ends_with("did not match 00; it was 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03."),
        "{msg}"
    );
    assert!(!dest.exists());
    expect(&get(with(sum)), &json!({"changed": true, "status_code": 200}));
    expect(&get(with(sum)), &json!({"changed": false, "msg": "file already exists", "checksum_src": null}));
    let mut with_mode = with(sum);
    with_mode["mode"] = "0640".into();
    expect(
        &get(with_mode),
        &json!({"changed": true, "msg": "file already exists but file attributes changed", "mode": "0640"}),
    );
    let by_url = format!("sha256:{}/sums", server.url);
    expect(&get(with(&by_url)), &json!({"changed": false, "msg": "file already exists"}));
    let result = get(json!({"url": format!("{}/named", server.url), "dest": dest, "checksum": by_url}));
    expect(&result, &json!({"msg": format!("Unable to find a checksum for file 'named' in '{}/sums'", server.url)}));
    expect(&get(with("abc")), &json!({"msg": "The checksum parameter has to be in format <algorithm>:<checksum>"}));
    only_file(tmp.path(), "a");
}

#[test]
fn follows_redirects_without_taking_secrets_along() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let result = get(json!({
        "url": format!("{}/moved", server.url), "dest": tmp.path().join("a"), "url_username": "u", "url_password": "p",
        "headers": {"X-Token": "t", "X-Other": 5}, "unredirected_headers": ["x-token"],
    }));
    expect(&result, &json!({"changed": true, "url": format!("{}/a.txt", server.url)}));
    let requests = server.requests.lock().unwrap().clone();
    let lower: Vec<_> = requests.iter().map(|request| request.to_lowercase()).collect();
    assert!(
        lower[0].contains("x-token: t\n")
            && lower[0].contains("authorization: basic dtpw")
            && lower[0].contains("x-other: 5\n")
    );
    assert!(!lower[1].contains("x-token") && !lower[1].contains("authorization") && lower[1].contains("x-other: 5\n"));
    let result = get(json!({"url": format!("{}/relative", server.url), "dest": tmp.path().join("b")}));
    expect(&result, &json!({"changed": true, "url": format!("{}/c/d.txt", server.url)}));
    let result = get(json!({"url": format!("{}/loop", server.url), "dest": tmp.path().join("c")}));
    assert!(result["msg"].as_str().unwrap().contains("redirects"));
}

#[test]
fn authenticates() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let dest = tmp.path().join("a");
    let url = format!("{}/secret", server.url);
    expect(&get(json!({"url": url, "dest": dest})), &json!({"msg": "Request failed", "status_code": 401}));
    let with_credentials = url.replace("http://", "http://u:p@");
    let result = get(json!({"url": with_credentials, "dest": dest}));
    expect(&result, &json!({"changed": true, "url": url}));
    assert!(!format!("{result:?}").contains("u:p"));
}

#[test]
fn tells_what_went_wrong() {
    let (server, tmp) = (Server::start(), tempfile::tempdir().unwrap());
    let dest = tmp.path().join("a");
    for (url, msg) in [
        ("http://127.0.0.1:1/x".to_owned(), "Request failed: <urlopen error [Errno 111] Connection refused>"),
        ("gopher://127.0.0.1/x".to_owned(), "Request failed: <urlopen error unknown url type: gopher>"),
        (
            format!("file://{}/none", tmp.path().display()),
            "Request failed: <urlopen error [Errno 2] No such file or directory",
        ),
        (
            "http://no.such.host.invalid/x".to_owned(),
            "Request failed: <urlopen error [Errno -2] Name or service not known>",
        ),
        (format!("{}/short", server.url), "failed to read from the remote host"),
    ] {
        let result = get(json!({"url": url, "dest": dest}));
        assert!(result["msg"].as_str().unwrap().starts_with(msg), "{result:?}");
    }
    let missing = tmp.path().join("none");
    let result = get(json!({"url": format!("{}/a.txt", server.url), "dest": missing.join("x")}));
    expect(&result, &json!({"msg": format!("Destination {} does not exist", missing.display())}));
    let result = get(json!({"url": format!("{}/a.txt", server.url), "dest": dest, "tmp_dest": missing}));
    expect(&result, &json!({"msg": format!("{} directory does not exist.", missing.display())}));
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
}

#[test]
fn copies_file_urls() {
    let tmp = tempfile::tempdir().unwrap();
    let (source, dest) = (tmp.path().join("a b"), tmp.path().join("c"));
    fs::write(&source, "hello\n").unwrap();
    let url = format!("file://{}/a%20b", tmp.path().display());
    expect(
        &get(json!({"url": url, "dest": dest})),
        &json!({"changed": true, "checksum_src": HELLO, "status_code": null}),
    );
    expect(&get(json!({"url": url, "dest": dest})), &json!({"changed": false, "checksum_src": HELLO}));
    assert_eq!(fs::metadata(dest).unwrap().mode() & 0o777, 0o644);
}
