//! `uri` against a small server; what is expected was seen with ansible-core.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use rplay_module_api::{Json, Map, json};

use crate::harness::{self, Attachments};

fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(&stream.unwrap()));
        }
    });
    url
}

/// Answers by the path; `/echo` says what came.
fn answer(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let header = |name: &str| {
        let found = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        found.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
    };
    let json = "Content-Type: application/json\r\n";
    let (status, headers, body) = match path {
        "/echo" => {
            let echo = json!({"method": method, "type": header("content-type"), "sent": String::from_utf8_lossy(&body),
                "cookie": header("cookie"), "authorization": header("authorization")});
            ("200 OK", json.to_owned(), echo.to_string())
        }
        "/login" => ("302 Found", "Set-Cookie: id=7; Path=/\r\nLocation: /echo\r\n".to_owned(), String::new()),
        "/missing" => ("404 Not Found", String::new(), "no such thing\n".to_owned()),
        "/text" => ("200 OK", "X-Made-By: me\r\nContent-Type: text/plain\r\n".to_owned(), "hello\n".to_owned()),
        _ => ("204 No Content", String::new(), String::new()),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn ask(args: Json) -> Map<String, Json> {
    harness::run("uri", args, json!({}), &mut Attachments::default(), false)
}

#[test]
fn bodies_have_their_formats() {
    let url = format!("{}/echo", start());
    let cases = [
        (json!({"body": {"a": [1, null]}, "body_format": "json"}), "POST", "application/json", "{\"a\": [1, null]}"),
        (
            json!({"body": {"a": "x y"}, "body_format": "form-urlencoded"}),
            "PUT",
            "application/x-www-form-urlencoded",
            "a=x+y",
        ),
        (json!({"body": "plain", "headers": {"Content-Type": "text/x"}}), "DELETE", "text/x", "plain"),
    ];
    for (mut args, method, kind, sent) in cases {
        args["url"] = url.as_str().into();
        args["method"] = method.into();
        let result = ask(args);
        assert_eq!((&result["status"], &result["changed"]), (&json!(200), &json!(false)), "{result:?}");
        assert_eq!(result["json"]["method"], method);
        assert_eq!(result["json"]["type"], kind);
        assert_eq!(result["json"]["sent"].as_str().unwrap(), sent);
        assert!(!result.contains_key("content"));
    }
}

#[test]
fn redirects_are_followed_as_asked_and_cookies_come_along() {
    let url = format!("{}/login", start());
    let followed = ask(json!({"url": url}));
    assert_eq!((&followed["status"], &followed["redirected"]), (&json!(200), &json!(true)), "{followed:?}");
    assert_eq!(followed["json"]["cookie"], "id=7");
    assert_eq!(followed["cookies"], json!({"id": "7"}));
    assert_eq!(followed["cookies_string"], "id=7");
    for how in ["none", "no"] {
        let stayed = ask(json!({"url": url, "follow_redirects": how, "status_code": 302}));
        assert_eq!((&stayed["status"], &stayed["location"]), (&json!(302), &json!("/echo")), "{stayed:?}");
    }
    let safe = ask(json!({"url": url, "method": "POST", "status_code": [302]}));
    assert_eq!(safe["status"], 302, "{safe:?}");
    let all = ask(json!({"url": url, "method": "POST", "follow_redirects": "all"}));
    assert_eq!(all["json"]["method"], "GET", "{all:?}");
}

#[test]
fn a_wrong_status_fails_with_the_content() {
    let url = start();
    let missing = ask(json!({"url": format!("{url}/missing")}));
    assert_eq!(missing["msg"], "Status code was 404 and not [200]: HTTP Error 404: Not Found");
    assert_eq!((&missing["status"], &missing["content"]), (&json!(404), &json!("no such thing\n")));
    let fine = ask(json!({"url": format!("{url}/missing"), "status_code": [200, 404], "return_content": true}));
    assert_eq!((&fine["status"], &fine["content"]), (&json!(404), &json!("no such thing\n")));
    let nobody = ask(json!({"url": "http://127.0.0.1:9/"}));
    assert_eq!(nobody["status"], -1);
    assert!(nobody["msg"].as_str().unwrap().starts_with("Status code was -1 and not [200]: "), "{nobody:?}");
    for (name, value) in [("unix_socket", json!("/x")), ("use_gssapi", json!(true)), ("ciphers", json!(["A"]))] {
        let refused = ask(json!({"url": url, name: value}));
        assert_eq!(refused["msg"], format!("uri: {name} is not supported"));
    }
}

#[test]
fn content_goes_into_a_file_once() {
    let (url, directory) = (start(), tempfile::tempdir().unwrap());
    let dest = directory.path().join("got");
    let args = json!({"url": format!("{url}/text"), "dest": dest, "mode": "0640"});
    let first = ask(args.clone());
    assert_eq!((&first["changed"], &first["mode"]), (&json!(true), &json!("0640")), "{first:?}");
    assert_eq!(first["x_made_by"], "me");
    assert_eq!(std::fs::read_to_string(&dest).unwrap(), "hello\n");
    assert_eq!(ask(args)["changed"], false);
    let inside = ask(json!({"url": format!("{url}/text"), "dest": directory.path()}));
    assert_eq!(inside["path"], json!(directory.path().join("text")), "{inside:?}");
    let skipped = ask(json!({"url": url, "creates": dest}));
    assert_eq!(skipped["stdout"], format!("skipped, since '{}' exists", dest.display()));
}
