//! Requests to web services.

mod body;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rplay_module_api::{
    Choice, Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::checksum::{self, Algorithm};
use crate::support::download::{Answer, Download, Received, Redirects, percent_decoded};
use crate::support::file_attributes::{FileAttributes, add_path_info, path_json};
use crate::support::{atomic_write, os_error};
use body::Body;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(uri) };

const EXAMPLE: &str = r#"- name: Wait until the service answers
  uri:
    url: http://127.0.0.1:8080/health
    return_content: true
  register: health
  until: health.status == 200
  retries: 10
  delay: 3

- name: Create a user
  uri:
    url: https://app.example.com/api/users
    method: POST
    body_format: json
    body:
      name: joe
    headers:
      Authorization: "Bearer {{ token | default('none') }}"
    status_code: [201, 409]
"#;

const RETURNS: &[Return] = &[
    Return::new("status", Kind::Int, "always", "Status of the answer; -1 when there was none."),
    Return::new("url", Kind::Str, "always", "The URL that answered in the end."),
    Return::new("redirected", Kind::Bool, "always", "Whether it is another than the one asked for."),
    Return::new("msg", Kind::Str, "always", "Status and length in words."),
    Return::new("elapsed", Kind::Int, "always", "Seconds it took."),
    Return::new("content", Kind::Str, "with return_content, or when the status is wrong", "Content of the answer."),
    Return::new("json", Kind::Raw, "when the content is JSON", "The content as data."),
    Return::new("cookies", Kind::Dict, "always", "Cookies that were set."),
    Return::new("cookies_string", Kind::Str, "always", "The cookies as a header has them."),
    Return::new("path", Kind::Path, "with dest", "Where the content was written."),
];

/// Ask a web service.
#[derive(ModuleArgs)]
#[module(name = "uri", check_mode = false)]
#[module(mutually_exclusive("body", "src"))]
struct Args {
    /// What to ask: an http or https URL.
    url: String,
    /// File or directory for the content of the answer.
    dest: Option<PathBuf>,
    /// User name for authentication.
    #[arg(alias("user"))]
    url_username: Option<String>,
    /// Password for authentication.
    #[arg(alias("password"), no_log)]
    url_password: Option<String>,
    /// What to send: text, or data in the form of body_format.
    body: Option<Json>,
    /// What becomes of data in body.
    #[arg(default = "raw")]
    body_format: Format,
    /// File to send in place of a body.
    src: Option<PathBuf>,
    /// The method, in upper case.
    #[arg(default = "GET")]
    method: String,
    /// Return the content of the answer.
    #[arg(default = "no")]
    return_content: bool,
    /// Send the credentials with the first request, as rplay always does.
    #[arg(name = "force_basic_auth", default = "no")]
    _force_basic_auth: bool,
    /// Which redirects to follow; `safe` are those of GET and HEAD.
    #[arg(default = "safe")]
    follow_redirects: Redirects,
    /// Nothing is done when this path exists.
    creates: Option<PathBuf>,
    /// Nothing is done unless this path exists.
    removes: Option<PathBuf>,
    /// Statuses that are a success.
    #[arg(default = "[200]")]
    status_code: Vec<i64>,
    /// Seconds to wait for the server.
    #[arg(default = "30")]
    timeout: u64,
    /// Headers to send.
    #[arg(default = "{}")]
    headers: Map<String, Json>,
    /// Accept only a server whose certificate is valid.
    #[arg(default = "yes")]
    validate_certs: bool,
    /// PEM file with a client certificate, perhaps with its key.
    client_cert: Option<PathBuf>,
    /// PEM file with the client certificate's key.
    client_key: Option<PathBuf>,
    /// PEM file of the authorities that alone are trusted.
    ca_path: Option<PathBuf>,
    /// The file in src is on the target.
    #[arg(default = "no")]
    remote_src: bool,
    /// Has no effect: an answer is never taken from a cache.
    #[arg(name = "force", default = "no", alias("thirsty"))]
    _force: bool,
    /// Not supported.
    unix_socket: Option<PathBuf>,
    /// Name to give as the program that asks.
    #[arg(default = "ansible-httpget")]
    http_agent: String,
    /// Headers that only the first host gets.
    #[arg(default = "[]")]
    unredirected_headers: Vec<String>,
    /// Use the proxies that the environment names.
    #[arg(default = "yes")]
    use_proxy: bool,
    /// Decompress content that the server compressed for the transfer.
    #[arg(default = "yes")]
    decompress: bool,
    /// Not supported: TLS is as rustls has it.
    ciphers: Option<Vec<String>>,
    /// Not supported.
    #[arg(default = "no")]
    use_gssapi: bool,
    /// Take credentials from ~/.netrc.
    #[arg(default = "yes")]
    use_netrc: bool,
    /// The content to send is attached as `src`.
    #[arg(default = "no", internal)]
    _upload: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum Format {
    #[choice("form-urlencoded")]
    FormUrlencoded,
    Json,
    Raw,
    #[choice("form-multipart")]
    FormMultipart,
}

fn uri(args: Args, ctx: &mut Ctx) -> ModuleResult {
    args.refuse_unsupported()?;
    let skipped = |word: &str, path: &Path| {
        let path = path.display();
        Ok(Outcome::changed(false).with("stdout", format!("skipped, since '{path}' {word}")))
    };
    if let Some(path) = args.creates.as_deref().filter(|path| path.exists()) {
        return skipped("exists", path);
    }
    if let Some(path) = args.removes.as_deref().filter(|path| !path.exists()) {
        return skipped("does not exist", path);
    }
    let started = Instant::now();
    let download = args.request(ctx)?;
    let mut content = Vec::new();
    let received = match download.run(&mut content, ctx) {
        Ok(Answer::Content(received)) => received,
        Ok(Answer::NotModified { .. }) => return Err(Failure::new("the server answered to a question of its own")),
        Err(err) => return Err(args.wrong_status(i64::from(err.status), &err.msg, started).with("url", err.url)),
    };
    let reply = Reply { received, content, elapsed: started.elapsed().as_secs() };
    let status = i64::from(reply.received.status.unwrap_or(200));
    let mut fields = reply.fields(&args);
    let mut changed = false;
    if let Some(dest) = &args.dest {
        let dest = reply.place(dest, &args.url);
        // A directory that the answer has no name for is an error of its own.
        changed = args.write(&dest, &reply.content, ctx)?;
        fields.insert("path".into(), path_json(&dest));
        add_path_info(&mut fields, &dest, ctx);
    }
    if !args.status_code.contains(&status) {
        let mut failure = args.wrong_status(status, &reply.received.msg, started);
        reply.add_content(&mut fields);
        fields.shift_remove("msg");
        failure.fields.extend(fields);
        failure.changed = changed;
        return Err(failure);
    }
    if args.return_content {
        reply.add_content(&mut fields);
    }
    let mut outcome = Outcome::changed(changed);
    outcome.fields = fields;
    Ok(outcome)
}

impl Args {
    fn refuse_unsupported(&self) -> Result<(), Failure> {
        let unsupported = [
            ("use_gssapi", self.use_gssapi),
            ("ciphers", self.ciphers.as_ref().is_some_and(|ciphers| !ciphers.is_empty())),
            ("unix_socket", self.unix_socket.is_some()),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, given)| *given) {
            return Err(Failure::new(format!("uri: {name} is not supported")));
        }
        if self.method.is_empty() || !self.method.chars().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(Failure::new("Parameter 'method' needs to be a single word in uppercase, like GET or POST."));
        }
        Ok(())
    }

    fn request(&self, ctx: &mut Ctx) -> Result<Download, Failure> {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut headers: BTreeMap<String, String> =
            self.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let body = self.sent(ctx)?;
        if let Some(kind) = body.as_ref().and_then(|body| body.content_type.clone())
            && !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"))
        {
            headers.insert("Content-Type".into(), kind);
        }
        Ok(Download {
            headers,
            unredirected_headers: self.unredirected_headers.clone(),
            username: self.url_username.clone(),
            password: self.url_password.clone(),
            user_agent: self.http_agent.clone(),
            timeout: Duration::from_secs(self.timeout.max(1)),
            use_proxy: self.use_proxy,
            use_netrc: self.use_netrc,
            validate_certs: self.validate_certs,
            decompress: self.decompress,
            client_cert: self.client_cert.clone(),
            client_key: self.client_key.clone(),
            ca_path: self.ca_path.clone(),
            method: self.method.to_uppercase(),
            body: body.map(|body| body.bytes),
            redirects: self.follow_redirects,
            any_status: true,
            ..Download::new(&self.url)
        })
    }

    /// What is sent: the file of `src`, or the body in its format.
    fn sent(&self, ctx: &mut Ctx) -> Result<Option<Body>, Failure> {
        if let Some(src) = &self.src {
            let mut bytes = Vec::new();
            if self._upload {
                ctx.port.receive_file("src", &mut bytes).map_err(|err| Failure::new(os_error::numbered(&err)))?;
            } else if self.remote_src {
                bytes = fs::read(src)
                    .map_err(|err| Failure::new(format!("Unable to open source file {}: {err}", src.display())))?;
            }
            return Ok(Some(Body { bytes, content_type: None }));
        }
        match &self.body {
            None => Ok(None),
            Some(value) => Body::new(value, self.body_format).map(Some).map_err(Failure::new),
        }
    }

    fn wrong_status(&self, status: i64, msg: &str, started: Instant) -> Failure {
        let wanted: Vec<_> = self.status_code.iter().map(i64::to_string).collect();
        Failure::new(format!("Status code was {status} and not [{}]: {msg}", wanted.join(", ")))
            .with("status", status)
            .with("redirected", false)
            .with("elapsed", started.elapsed().as_secs())
    }

    /// Writes the content where it differs, and applies the attributes.
    fn write(&self, dest: &Path, content: &[u8], ctx: &mut Ctx) -> Result<bool, Failure> {
        let wanted = checksum::of_bytes(content, Algorithm::Sha1);
        let mut changed = checksum::of_file(dest, Algorithm::Sha1).ok() != Some(wanted);
        if changed {
            atomic_write::replace(dest, content, None, &self.attributes, ctx)?;
        }
        changed |= self.attributes.apply(dest, None, ctx)?;
        Ok(changed)
    }
}

struct Reply {
    received: Received,
    content: Vec<u8>,
    elapsed: u64,
}

impl Reply {
    fn fields(&self, args: &Args) -> Map<String, Json> {
        let mut fields = Map::new();
        for (name, value) in &self.received.headers {
            fields.insert(name.replace('-', "_").to_lowercase(), value.as_str().into());
        }
        let cookies: Map<String, Json> =
            self.received.cookies.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let pairs: Vec<_> = self.received.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.insert("cookies".into(), cookies.into());
        fields.insert("cookies_string".into(), pairs.join("; ").into());
        fields.insert(
            "redirected".into(),
            (self.received.url.trim_end_matches('/') != args.url.trim_end_matches('/')).into(),
        );
        fields.insert("url".into(), self.received.url.as_str().into());
        fields.insert("status".into(), self.received.status.unwrap_or(200).into());
        fields.insert("msg".into(), self.received.msg.as_str().into());
        fields.insert("elapsed".into(), self.elapsed.into());
        // The content of an error, and a redirection that is not followed is one, is told in any case.
        if self.received.status.is_some_and(|status| status >= 300) {
            fields.insert("body".into(), self.text().into());
        }
        if self.is_json()
            && let Ok(value) = serde_json::from_slice::<Json>(&self.content)
        {
            fields.insert("json".into(), value);
        }
        fields
    }

    fn add_content(&self, fields: &mut Map<String, Json>) {
        fields.insert("content".into(), self.text().into());
    }

    fn text(&self) -> String {
        if self.content_type().to_lowercase().contains("charset=iso-8859-1") {
            return self.content.iter().map(|byte| char::from(*byte)).collect();
        }
        String::from_utf8_lossy(&self.content).into_owned()
    }

    fn content_type(&self) -> &str {
        let found = self.received.headers.iter().find(|(name, _)| name == "content-type");
        found.map_or("", |(_, value)| value.as_str())
    }

    fn is_json(&self) -> bool {
        let kind = self.content_type().split(';').next().unwrap_or_default().trim().to_lowercase();
        let (main, sub) = kind.split_once('/').unwrap_or(("", ""));
        matches!(main, "application" | "text") && (sub.contains("json") || sub.contains("javascript"))
    }

    /// The file itself, or in a directory one named by the server or by the URL.
    fn place(&self, dest: &Path, url: &str) -> PathBuf {
        if !dest.is_dir() {
            return dest.to_owned();
        }
        let safe = |name: &String| !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let from_url = || {
            let path = url.split(['?', '#']).next().unwrap_or(url);
            percent_decoded(path.rsplit('/').next().unwrap_or_default())
        };
        let name = self.received.filename.clone().filter(safe).or_else(|| Some(from_url()).filter(safe));
        dest.join(name.unwrap_or_else(|| "index.html".to_owned()))
    }
}
