//! Fetches a URL into a writer: http, https and file. Redirects are followed here and not in the HTTP library, because credentials
//! and `unredirected_headers` belong to the first host alone, and because names are resolved through the host's own means.

mod netrc;
mod resolve;
mod secure;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::{Choice, Ctx};
use ureq::config::Config;
use ureq::http::header::{HeaderName, HeaderValue};
use ureq::http::{Method, Request, Response, Uri};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use secure::not_trusted;

use crate::support::os_error;

const MOST_REDIRECTS: usize = 10;

/// How a URL is asked for.
pub struct Download {
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// Names of headers that only the first host gets.
    pub unredirected_headers: Vec<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub user_agent: String,
    pub timeout: Duration,
    pub use_proxy: bool,
    pub use_netrc: bool,
    pub validate_certs: bool,
    pub decompress: bool,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub if_modified_since: Option<SystemTime>,
    /// Asks whether the content is there, without receiving it.
    pub only_headers: bool,
    pub method: String,
    pub body: Option<Vec<u8>>,
    pub redirects: Redirects,
    /// Any answer is content, whatever its status.
    pub any_status: bool,
    /// PEM file of the authorities that alone are trusted.
    pub ca_path: Option<PathBuf>,
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, Choice, PartialEq, Eq)]
pub enum Redirects {
    All,
    No,
    None,
    /// Those of requests that change nothing.
    Safe,
    #[choice("urllib2")]
    Urllib2,
    Yes,
}

impl Redirects {
    fn follow(self, method: &str) -> bool {
        match self {
            Self::All | Self::Yes | Self::Urllib2 => true,
            Self::No | Self::None => false,
            Self::Safe => matches!(method, "GET" | "HEAD"),
        }
    }
}

impl Download {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            headers: BTreeMap::new(),
            unredirected_headers: Vec::new(),
            username: None,
            password: None,
            user_agent: "ansible-httpget".to_owned(),
            timeout: Duration::from_secs(10),
            use_proxy: true,
            use_netrc: true,
            validate_certs: true,
            decompress: true,
            client_cert: None,
            client_key: None,
            if_modified_since: None,
            only_headers: false,
            method: "GET".to_owned(),
            body: None,
            redirects: Redirects::All,
            any_status: false,
            ca_path: None,
        }
    }
}

/// Fetches a URL into a file, for modules that take a URL where they also take a file.
pub fn to_file(url: &str, into: &Path, validate_certs: bool, ctx: &mut Ctx) -> Result<(), String> {
    let mut file = File::create(into).map_err(|err| os_error::with_path(&err, into))?;
    let download = Download { validate_certs, ..Download::new(url) };
    download.run(&mut file, ctx).map(|_| ()).map_err(|err| err.msg)
}

/// Fetches something small, such as a key.
pub fn bytes(url: &str, validate_certs: bool, ctx: &mut Ctx) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let download = Download { validate_certs, ..Download::new(url) };
    download.run(&mut bytes, ctx).map(|_| ()).map_err(|err| err.msg)?;
    Ok(bytes)
}

/// What came of it.
pub enum Answer {
    /// The content has been written.
    Content(Received),
    /// It has not been modified since the time that was given.
    NotModified { status: u16, url: String },
}

pub struct Received {
    /// None for a file.
    pub status: Option<u16>,
    /// Where the content came from in the end.
    pub url: String,
    /// `OK (6 bytes)`
    pub msg: String,
    /// Name that the server gives the file.
    pub filename: Option<String>,
    /// Headers of the answer, names in lower case; one that comes several times is joined.
    pub headers: Vec<(String, String)>,
    /// Name and value of each cookie that was set, also on the way.
    pub cookies: Vec<(String, String)>,
}

/// Why there is no content.
#[derive(Debug)]
pub struct NotReceived {
    pub msg: String,
    /// -1 when there was no answer at all.
    pub status: i32,
    pub url: String,
}

impl Download {
    /// Fetches the URL into `into`. Content is written only when the answer is a success.
    pub fn run(&self, into: &mut dyn Write, ctx: &mut Ctx) -> Result<Answer, NotReceived> {
        if let Some(path) = self.url.strip_prefix("file://") {
            return self.copy_file(path, into);
        }
        let mut uri = self.parse(&self.url)?;
        let mut sent = Sent {
            method: if self.only_headers { "HEAD".to_owned() } else { self.method.clone() },
            body: self.body.as_deref(),
            cookies: Vec::new(),
        };
        for hop in 0..=MOST_REDIRECTS {
            let mut response = self.ask(&uri, &sent, hop == 0, ctx)?;
            sent.remember_cookies(&response);
            let status = response.status().as_u16();
            match status {
                301 | 302 | 303 | 307 | 308 if self.redirects.follow(&sent.method) => {
                    let target = self.redirected(&uri, &response)?;
                    // Cookies are for the host that set them.
                    if target.authority() != uri.authority() {
                        sent.cookies.clear();
                    }
                    uri = target;
                    sent.redirect(status);
                }
                304 if self.if_modified_since.is_some() => {
                    return Ok(Answer::NotModified { status, url: uri.to_string() });
                }
                200..=299 => return self.receive(&uri, &mut response, into, sent.cookies).map(Answer::Content),
                _ if self.any_status => {
                    return self.receive(&uri, &mut response, into, sent.cookies).map(Answer::Content);
                }
                _ => {
                    let reason = response.status().canonical_reason().unwrap_or("").to_owned();
                    return Err(self.failed(format!("HTTP Error {status}: {reason}"), i32::from(status)));
                }
            }
        }
        Err(self.failed(format!("more than {MOST_REDIRECTS} redirects"), -1))
    }

    fn failed(&self, msg: impl Into<String>, status: i32) -> NotReceived {
        NotReceived { msg: msg.into(), status, url: without_credentials(&self.url) }
    }

    fn copy_file(&self, path: &str, into: &mut dyn Write) -> Result<Answer, NotReceived> {
        let path = percent_decoded(path.strip_prefix("localhost").unwrap_or(path));
        let failed = |err: io::Error| {
            self.failed(format!("Request failed: <urlopen error {}>", os_error::with_path(&err, Path::new(&path))), -1)
        };
        let mut file = File::open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(self.failed(format!("Request failed: {path} is a directory"), -1));
        }
        let length = file.metadata().map_err(failed)?.len();
        if !self.only_headers {
            io::copy(&mut file, into).map_err(failed)?;
        }
        Ok(Answer::Content(Received {
            status: None,
            url: self.url.clone(),
            msg: format!("OK ({length} bytes)"),
            filename: None,
            headers: Vec::new(),
            cookies: Vec::new(),
        }))
    }

    fn parse(&self, url: &str) -> Result<Uri, NotReceived> {
        // What people write unescaped into URLs.
        let escaped = url.replace(' ', "%20");
        let escaped = escaped.split('#').next().unwrap_or(&escaped);
        let uri: Uri = escaped
            .parse()
            .map_err(|err| self.failed(format!("invalid URL {}: {err}", without_credentials(url)), -1))?;
        match uri.scheme_str() {
            Some("http" | "https") if uri.host().is_some() => Ok(uri),
            Some(scheme) => Err(self.failed(format!("Request failed: <urlopen error unknown url type: {scheme}>"), -1)),
            None => Err(self.failed(format!("unknown url type: '{}'", without_credentials(url)), -1)),
        }
    }

    fn redirected(&self, from: &Uri, response: &Response<Body>) -> Result<Uri, NotReceived> {
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location
            .ok_or_else(|| self.failed("redirect without a location", i32::from(response.status().as_u16())))?;
        let authority = from.authority().map_or("", |authority| authority.as_str());
        let scheme = from.scheme_str().unwrap_or("http");
        let absolute = if location.contains("://") {
            location.to_owned()
        } else if let Some(rest) = location.strip_prefix("//") {
            format!("{scheme}://{rest}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{scheme}://{authority}{folder}/{location}")
        };
        self.parse(&absolute)
    }

    /// One request to one host.
    fn ask(&self, uri: &Uri, sent: &Sent<'_>, first: bool, ctx: &mut Ctx) -> Result<Response<Body>, NotReceived> {
        let host = uri.host().unwrap_or_default().to_owned();
        let proxy = if self.use_proxy { self.proxy(uri, ctx)? } else { None };
        let mut addresses = resolve::Addresses::default();
        match &proxy {
            Some(proxy) => addresses.add(proxy.host(), ctx),
            None => addresses.add(&host, ctx),
        }
        let config = Config::builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .user_agent(&self.user_agent)
            .accept_encoding(if self.decompress { "gzip" } else { "identity" })
            .proxy(proxy)
            .tls_config(self.tls(uri)?)
            .timeout_resolve(Some(self.timeout))
            .timeout_connect(Some(self.timeout))
            .timeout_send_request(Some(self.timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(self.timeout))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::new(), addresses);
        let (bare, credentials) = split_credentials(uri);
        let method = Method::from_bytes(sent.method.as_bytes())
            .map_err(|_| self.failed(format!("invalid method `{}`", sent.method), -1))?;
        let mut request =
            Request::builder().method(method).uri(bare).body(()).map_err(|err| self.failed(err.to_string(), -1))?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            if !first && self.unredirected_headers.iter().any(|kept| kept.eq_ignore_ascii_case(name)) {
                continue;
            }
            let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
                return Err(self.failed(format!("invalid header `{name}`"), -1));
            };
            headers.insert(name, value);
        }
        let credentials = match (&self.username, credentials) {
            (Some(username), _) if first => Some((username.clone(), self.password.clone().unwrap_or_default())),
            (_, Some(credentials)) => Some(credentials),
            _ if self.use_netrc => netrc::credentials(&host, ctx),
            _ => None,
        };
        if let (Some((username, password)), false) = (credentials, headers.contains_key("authorization")) {
            let value = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
            if let Ok(mut value) = HeaderValue::from_str(&value) {
                value.set_sensitive(true);
                headers.insert("authorization", value);
            }
        }
        if let Some(time) = self.if_modified_since
            && let Ok(value) = HeaderValue::from_str(&httpdate::fmt_http_date(time))
        {
            headers.insert("if-modified-since", value);
        }
        if let Some(value) = sent.cookie_header()
            && !headers.contains_key("cookie")
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.insert("cookie", value);
        }
        send(&agent, request, sent.body).map_err(|err| self.failed(Self::explain(&err, &host), -1))
    }

    /// An error in the words that Ansible has for it.
    fn explain(err: &ureq::Error, host: &str) -> String {
        match err {
            ureq::Error::HostNotFound => {
                format!("Request failed: <urlopen error [Errno -2] Name or service not known> ({host})")
            }
            ureq::Error::Io(err)
                if err.get_ref().is_some_and(
                    <dyn std::error::Error + std::marker::Send + std::marker::Sync + 'static>::is::<rustls::Error>,
                ) =>
            {
                not_trusted(host, err)
            }
            ureq::Error::Io(err) if err.kind() == io::ErrorKind::TimedOut => "Connection failure: timed out".to_owned(),
            ureq::Error::Io(err) => format!("Request failed: <urlopen error {}>", os_error::numbered(err)),
            ureq::Error::Timeout(_) => "Connection failure: timed out".to_owned(),
            ureq::Error::Rustls(err) => not_trusted(host, err),
            other => format!("Request failed: {other}"),
        }
    }

    fn receive(
        &self,
        uri: &Uri,
        response: &mut Response<Body>,
        into: &mut dyn Write,
        cookies: Vec<(String, String)>,
    ) -> Result<Received, NotReceived> {
        let status = response.status().as_u16();
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let filename = text("content-disposition").and_then(|value| attachment_name(&value));
        let announced = text("content-length");
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(err) => {
                    return Err(
                        self.failed(format!("failed to read from the remote host: {}", os_error::numbered(&err)), -1)
                    );
                }
            };
            into.write_all(buffer.get(..count).unwrap_or_default()).map_err(|err| {
                self.failed(format!("failed to create temporary content file: {}", os_error::numbered(&err)), -1)
            })?;
        }
        let length = announced.unwrap_or_else(|| "unknown".to_owned());
        let url = split_credentials(uri).0.to_string();
        let msg = match status {
            200..=299 => format!("OK ({length} bytes)"),
            _ => format!("HTTP Error {status}: {}", response.status().canonical_reason().unwrap_or("")),
        };
        Ok(Received { status: Some(status), url, msg, filename, headers: joined_headers(response), cookies })
    }
}

/// What is sent besides the headers; redirects change it.
struct Sent<'a> {
    method: String,
    body: Option<&'a [u8]>,
    cookies: Vec<(String, String)>,
}

impl Sent<'_> {
    /// Only 307 and 308 say that the same request is to be made again.
    fn redirect(&mut self, status: u16) {
        if !matches!(status, 307 | 308) && self.method != "HEAD" {
            self.method = "GET".to_owned();
            self.body = None;
        }
    }

    fn remember_cookies(&mut self, response: &Response<Body>) {
        for header in response.headers().get_all("set-cookie") {
            let text = String::from_utf8_lossy(header.as_bytes());
            let pair = text.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
                self.cookies.retain(|(known, _)| *known != name);
                self.cookies.push((name, value));
            }
        }
    }

    fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn send(agent: &Agent, request: Request<()>, body: Option<&[u8]>) -> Result<Response<Body>, ureq::Error> {
    let Some(body) = body else { return agent.run(request) };
    let (parts, ()) = request.into_parts();
    // Methods that have no body as a rule.
    let builder = match parts.method.as_str() {
        "GET" => agent.get(&parts.uri),
        "HEAD" => agent.head(&parts.uri),
        "DELETE" => agent.delete(&parts.uri),
        "OPTIONS" => agent.options(&parts.uri),
        "TRACE" => agent.trace(&parts.uri),
        _ => return agent.run(Request::from_parts(parts, body)),
    };
    let mut builder = builder;
    for (name, value) in &parts.headers {
        builder = builder.header(name, value);
    }
    builder.force_send_body().send(body)
}

fn joined_headers(response: &Response<Body>) -> Vec<(String, String)> {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        match joined.iter_mut().find(|(known, _)| known == name.as_str()) {
            Some((_, all)) => {
                all.push_str(", ");
                all.push_str(&value);
            }
            None => joined.push((name.as_str().to_owned(), value.into_owned())),
        }
    }
    joined
}

/// The URL without `user:password@`, and these two.
fn split_credentials(uri: &Uri) -> (Uri, Option<(String, String)>) {
    let Some((credentials, host)) = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else {
        return (uri.clone(), None);
    };
    let (username, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let credentials = (percent_decoded(username), percent_decoded(password));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let bare = format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http"));
    (bare.parse().unwrap_or_else(|_| uri.clone()), Some(credentials))
}

/// A URL as it may be shown.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => url.to_owned(),
    }
}

pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The name in `attachment; filename="x"`, without any directory.
fn attachment_name(header: &str) -> Option<String> {
    let (_, value) = header.split_once("filename=")?;
    let value = value.split(';').next()?.trim().trim_matches('"');
    let name = value.rsplit('/').next()?;
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}
