//! `url`: what a web server answers, as lines or as one text.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::netrc;
use rplay_module_api::safe_url::without_url_passwords;
use ureq::Agent;
use ureq::config::{Config, RedirectAuthHeaders};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use super::Request;
use crate::template::engine::methods::text::split_lines;
use crate::template::engine::number::{Number, parse_float};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Fault, Res, raised};
use crate::template::search::expand_user;

pub const OPTIONS: &[&str] = &[
    "ca_path",
    "follow_redirects",
    "force",
    "force_basic_auth",
    "headers",
    "http_agent",
    "password",
    "split_lines",
    "timeout",
    "use_netrc",
    "use_proxy",
    "username",
    "validate_certs",
];

const REFUSED: &[&str] = &["ciphers", "unix_socket", "unredirected_headers", "use_gssapi"];
const MOST_BYTES: u64 = 200_000_000;
const MOST_REDIRECTS: u32 = 10;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let options = Options::new(scope, request)?;
    let urls = options.request.texts()?;
    if urls.is_empty() {
        return Ok(Vec::new());
    }
    let agent = Agent::new_with_config(options.config()?);
    let mut out = Vec::new();
    for url in urls {
        let text = options.fetch(&agent, &url)?;
        if options.request.flag("split_lines", true)? {
            out.extend(split_lines(&text, false).into_iter().map(Val::str));
        } else {
            out.push(Val::str(text));
        }
    }
    Ok(out)
}

struct Options {
    request: Request,
}

impl Options {
    /// Options that the call does not have may come from variables and the environment.
    fn new(scope: &Scope, mut request: Request) -> Res<Self> {
        if let Some(name) = REFUSED.iter().find(|name| request.option(name).is_some()) {
            return Err(raised(format!("the option `{name}` of the lookup `url` is not supported")));
        }
        for (option, variable, environment) in [
            ("ca_path", "ca_path", "CA_PATH"),
            ("follow_redirects", "follow_redirects", "FOLLOW_REDIRECTS"),
            ("force", "force", "FORCE"),
            ("force_basic_auth", "force_basic_auth", "FORCE_BASIC_AUTH"),
            ("http_agent", "agent", "AGENT"),
            ("timeout", "timeout", "TIMEOUT"),
        ] {
            if request.option(option).is_some() {
                continue;
            }
            let from_environment = std::env::var(format!("ANSIBLE_LOOKUP_URL_{environment}")).ok().map(Val::str);
            let found = scope.context.variable(&format!("ansible_lookup_url_{variable}")).or(from_environment);
            if let Some(value) = found {
                request.options.push((option.into(), value.used()?));
            }
        }
        Ok(Self { request })
    }

    fn config(&self) -> Res<Config> {
        let timeout = match self.request.option("timeout").filter(|it| !matches!(it, Val::Null)) {
            None => 10.0,
            Some(Val::Str(text)) => parse_float(text).unwrap_or(-1.0),
            Some(other) => Number::of(other).map_or(-1.0, |number| number.float()),
        };
        let timeout =
            Duration::try_from_secs_f64(timeout).map_err(|_| raised("`timeout` is not a number of seconds"))?;
        let redirects = match self.request.text("follow_redirects")?.as_deref() {
            None | Some("all" | "yes" | "safe" | "urllib2") => MOST_REDIRECTS,
            Some("none" | "no") => 0,
            Some(other) => return Err(raised(format!("Invalid value '{other}' for config 'follow_redirects'."))),
        };
        let agent = self.request.text("http_agent")?.unwrap_or_else(|| "ansible-httpget".to_owned());
        let mut builder = Config::builder()
            .http_status_as_error(false)
            .max_redirects(redirects)
            .max_redirects_will_error(true)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .user_agent(agent)
            .tls_config(self.tls()?)
            .timeout_connect(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout));
        if !self.request.flag("use_proxy", true)? {
            builder = builder.proxy(None);
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Res<TlsConfig> {
        let validate = self.request.flag("validate_certs", true)?;
        let builder = TlsConfig::builder().disable_verification(!validate);
        if !validate {
            return Ok(builder.build());
        }
        let roots: Vec<Certificate<'static>> = match self.request.text("ca_path")? {
            Some(path) => {
                let pem = std::fs::read(&path).map_err(|error| raised(format!("cannot read {path}: {error}")))?;
                let items = ureq::tls::parse_pem(&pem).filter_map(Result::ok);
                items.filter_map(|item| if let PemItem::Certificate(it) = item { Some(it) } else { None }).collect()
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
            }
        };
        Ok(builder.root_certs(RootCerts::new_with_certs(&roots)).build())
    }

    /// Of the call, else of ~/.netrc unless the address has some of its own.
    fn credentials(&self, url: &str) -> Res<Option<(String, String)>> {
        if let Some(name) = self.request.text("username")? {
            return Ok(Some((name, self.request.text("password")?.unwrap_or_default())));
        }
        let looks = !url.contains('@') && self.request.flag("use_netrc", true)?;
        Ok(if looks { of_netrc(url) } else { None })
    }

    fn fetch(&self, agent: &Agent, url: &str) -> Res<String> {
        if !url.contains(':') {
            return Err(raised(format!("unknown url type: {}", crate::value::python::str_repr(url))));
        }
        if let Some(path) = url.strip_prefix("file://") {
            let bytes = std::fs::read(path).map_err(|error| failed(url, &format!("<urlopen error {error}>")))?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let mut request = agent.get(url);
        let credentials = self.credentials(url)?;
        if let Some(Val::Dict(headers)) = self.request.option("headers") {
            for (name, value) in headers.to_map() {
                let name = name.to_text();
                if credentials.is_none() || !name.eq_ignore_ascii_case("authorization") {
                    request = request.header(name, print::text(&value)?);
                }
            }
        }
        if self.request.flag("force", false)? {
            request = request.header("cache-control", "no-cache");
        }
        // Sent with the first request (`force_basic_auth`), so that a server need not refuse one to ask for them.
        if let Some((name, password)) = credentials {
            request =
                request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))));
        }
        let mut response = request.call().map_err(|error| failed(url, &reason(&error)))?;
        let status = response.status();
        if !status.is_success() {
            let text = format!("HTTP Error {}: {}", status.as_u16(), status.canonical_reason().unwrap_or(""));
            let url = without_url_passwords(url);
            return Err(raised(format!("Received HTTP error for {url} : {text}")));
        }
        let read = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
        let bytes = read.map_err(|error| failed(url, &reason(&error)))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Those that ~/.netrc, or the file that NETRC names, has for the host of an address.
fn of_netrc(url: &str) -> Option<(String, String)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let path = std::env::var_os("NETRC").map_or_else(|| expand_user("~/.netrc"), PathBuf::from);
    netrc::find(&std::fs::read_to_string(path).ok()?, host)
}

fn failed(url: &str, reason: &str) -> Fault {
    raised(without_url_passwords(&format!("Failed lookup url for {url}: {reason}")))
}

/// An error in the words that Ansible's users know.
fn reason(error: &ureq::Error) -> String {
    if let Some(text) = not_trusted(&error.to_string()) {
        return text;
    }
    match error {
        ureq::Error::HostNotFound => "<urlopen error [Errno -2] Name or service not known>".to_owned(),
        ureq::Error::Io(error) => match error.raw_os_error() {
            Some(number) => {
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                format!("<urlopen error [Errno {number}] {text}>")
            }
            None => format!("<urlopen error {error}>"),
        },
        ureq::Error::Timeout(_) => "<urlopen error timed out>".to_owned(),
        other => format!("<urlopen error {other}>"),
    }
}

/// A server that does not prove who it is, in OpenSSL's words; other mistakes of TLS are none of these.
fn not_trusted(error: &str) -> Option<String> {
    let why = error
        .strip_prefix("invalid peer certificate: ")
        .or_else(|| error.split(": invalid peer certificate: ").nth(1))?;
    let name = why.split_once("not valid for name \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    let said = match (name, why) {
        (Some(name), _) => format!("Hostname mismatch, certificate is not valid for '{name}'."),
        (None, "UnknownIssuer") => "unable to get local issuer certificate".to_owned(),
        (None, why) if why.contains("expired") || why == "Expired" => "certificate has expired".to_owned(),
        (None, why) => why.to_owned(),
    };
    Some(format!("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {said}>"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use crate::template::{Engine, SearchPath, Settings};
    use crate::value::{Dict, Value};

    /// Answers one request with a status and a body; gives the address, and the request when it has come.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/file", listener.local_addr().expect("it is bound"));
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(answer.as_bytes()).expect("the client waits");
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        (address, thread)
    }

    fn ask(url: &str, options: &[(&str, Value)]) -> Result<Vec<Value>, String> {
        let templar = Engine::new(Settings::default()).templar(Arc::new(Dict::new()), Arc::new(SearchPath::default()));
        let options = options.iter().map(|(name, value)| (Value::str(*name), value.clone())).collect();
        templar.lookup("url", &[Value::str(url)], &options, None).map_err(|error| error.message)
    }

    #[test]
    fn gives_lines_and_sends_what_it_is_told() {
        let (url, seen) = server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na\nb\n");
        let headers = Dict::from_iter([(Value::str("x-own"), Value::Int(5))]);
        let options = [
            ("username", Value::str("bob")),
            ("password", Value::str("hunter2")),
            ("headers", Value::dict(headers)),
            ("force", Value::Bool(true)),
            ("http_agent", Value::str("me")),
        ];
        assert_eq!(ask(&url, &options), Ok(vec![Value::str("a"), Value::str("b")]));
        let request = seen.join().expect("the server ends");
        for line in ["authorization: basic ym9iomh1bnrlcji=", "x-own: 5", "cache-control: no-cache", "user-agent: me"] {
            assert!(request.contains(line), "{line} is missing in {request}");
        }
    }

    #[test]
    fn says_what_went_wrong() {
        let (url, _) = server("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        let message = ask(&url, &[]).expect_err("there is no such file");
        assert!(message.contains(&format!("Received HTTP error for {url} : HTTP Error 404: Not Found")), "{message}");
        let message = ask("http://127.0.0.1:1/", &[]).expect_err("nobody listens");
        assert!(message.contains("[Errno 111] Connection refused"), "{message}");
        let message = ask("nope", &[]).expect_err("that is no URL");
        assert!(message.contains("unknown url type: 'nope'"), "{message}");
        let refused = ask(&url, &[("ciphers", Value::str("x"))]).expect_err("it is not known");
        assert!(refused.contains("`ciphers`"), "{refused}");
    }

    #[test]
    fn one_text_when_lines_are_not_wanted() {
        let (url, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na\nb\n");
        assert_eq!(ask(&url, &[("split_lines", Value::Bool(false))]), Ok(vec![Value::str("a\nb\n")]));
    }
}
