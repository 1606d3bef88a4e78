//! As much of HTTP/1.1 as nginx and curl need: one request per connection, a thread each.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

const LARGEST_BODY: u64 = 64 * 1024;
const LARGEST_HEAD: u64 = 64 * 1024;

pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
    headers: HashMap<String, String>,
    peer: String,
}

pub struct Response {
    pub status: &'static str,
    pub content_type: &'static str,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Behind a proxy the connection's other end is the proxy.
    pub fn visitor(&self) -> &str {
        self.header("x-real-ip").unwrap_or(&self.peer)
    }
}

pub fn serve(address: &str, answer: impl Fn(&Request) -> Response + Sync) -> io::Result<()> {
    let listener = TcpListener::bind(address)
        .map_err(|err| io::Error::new(err.kind(), format!("can't listen on {address}: {err}")))?;
    thread::scope(|scope| {
        for connection in listener.incoming().flatten() {
            let answer = &answer;
            scope.spawn(move || {
                if let Err(err) = handle(connection, answer) {
                    eprintln!("connection: {err}");
                }
            });
        }
    });
    Ok(())
}

fn handle(mut connection: TcpStream, answer: impl Fn(&Request) -> Response) -> io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = read(&connection)?;
    let response = answer(&request);
    eprintln!("{} {} {} {}", request.visitor(), request.method, request.path, response.status);
    let body = if request.method == "HEAD" { "" } else { &response.body };
    write!(
        connection,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        response.status,
        response.content_type,
        response.body.len(),
    )
}

fn read(connection: &TcpStream) -> io::Result<Request> {
    let peer = connection.peer_addr()?.ip().to_string();
    let mut reader = BufReader::new(connection);
    let mut head = reader.by_ref().take(LARGEST_HEAD);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a request"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        head.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.take(LARGEST_BODY.min(length)).read_to_end(&mut body)?;
    Ok(Request { method, path, query, body, headers, peer })
}
