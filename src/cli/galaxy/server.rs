//! A Galaxy server over HTTP: version 3 of its interface for collections, version 1 for roles.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::output::Output;
use crate::error::{Error, ErrorKind};
use crate::value::secret::Secret;

/// Bytes of an answer that is text; archives may have more.
const MOST_TEXT: u64 = 200_000_000;
const MOST_ARCHIVE: u64 = 2_000_000_000;
/// Pages of a list. Servers have a hundred entries on each.
const MOST_PAGES: usize = 1000;
/// How often a server that has no time is asked again.
const ATTEMPTS: u32 = 4;

/// How a server knows who asks.
#[derive(Clone, Debug, Default)]
pub enum Login {
    #[default]
    None,
    Token(Secret),
    Basic {
        username: String,
        password: Secret,
    },
    /// A token that is exchanged for one that lasts a few minutes.
    Exchanged {
        token: Secret,
        url: String,
        client: String,
        secret: Option<Secret>,
    },
}

pub struct Server {
    /// As the configuration calls it.
    pub name: String,
    pub url: String,
    login: Login,
    agent: Agent,
    /// Paths of the interface by version, such as `v3` and `v3/`.
    versions: OnceCell<(String, BTreeMap<String, String>)>,
    exchanged: OnceCell<Secret>,
}

/// A collection's version, as its server tells of it.
#[derive(Clone, Debug)]
pub struct Published {
    pub download_url: String,
    pub sha256: Option<String>,
    pub dependencies: BTreeMap<String, String>,
    pub version_url: String,
    /// Armored signatures of MANIFEST.json.
    pub signatures: Vec<String>,
}

/// Why a server gives no answer.
pub enum Refusal {
    Status { code: u16, message: String },
    Failed(String),
}

impl Server {
    pub fn new(name: &str, url: &str, login: Login, validate: bool, timeout: Duration) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            login,
            agent: agent(validate, timeout),
            versions: OnceCell::new(),
            exchanged: OnceCell::new(),
        }
    }

    fn authorization(&self) -> Result<Option<String>, Error> {
        Ok(match &self.login {
            Login::None => None,
            Login::Token(token) => Some(format!("Token {}", token.expose())),
            Login::Basic { username, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose()))))
            }
            Login::Exchanged { token, url, client, secret } => {
                if self.exchanged.get().is_none() {
                    let mut form = vec![
                        ("grant_type", "refresh_token"),
                        ("client_id", client.as_str()),
                        ("refresh_token", token.expose()),
                    ];
                    if let Some(secret) = secret {
                        form.push(("client_secret", secret.expose()));
                    }
                    let answer =
                        self.agent.post(url).send_form(form).map_err(|err| unreachable(url, &err.to_string()))?;
                    let text = read_text(answer.into_body()).map_err(|err| unreachable(url, &err))?;
                    let answer: Json = serde_json::from_str(&text).unwrap_or_default();
                    let access = answer["access_token"].as_str();
                    let access = access.ok_or_else(|| unreachable(url, "the answer has no access_token"))?;
                    let _ = self.exchanged.set(Secret::new(access));
                }
                self.exchanged.get().map(|token| format!("Bearer {}", token.expose()))
            }
        })
    }

    /// The interface's root and the path of a version of it.
    fn api(&self, version: &str, output: &Output) -> Result<String, Error> {
        if self.versions.get().is_none() {
            let found = self.find_api(output)?;
            let _ = self.versions.set(found);
        }
        let Some((root, versions)) = self.versions.get() else {
            return Err(unreachable(&self.url, "it has no interface"));
        };
        match versions.get(version) {
            Some(path) => Ok(joined(root, path)),
            None => {
                let there: Vec<&str> = versions.keys().map(String::as_str).collect();
                let message = format!(
                    "Galaxy action requires API versions '{version}' but only '{}' are available on {} {}",
                    there.join(", "),
                    self.name,
                    self.url
                );
                Err(Error::new(ErrorKind::File, message))
            }
        }
    }

    fn find_api(&self, output: &Output) -> Result<(String, BTreeMap<String, String>), Error> {
        let mut tried = Vec::new();
        let with_api = joined(&self.url, "api/");
        for root in [self.url.trim_end_matches('/').to_owned() + "/", with_api] {
            let answer = match self.call("GET", &root, None, output) {
                Ok(answer) => answer,
                Err(refusal) => {
                    tried.push(refusal.told(&root));
                    continue;
                }
            };
            if let Some(versions) = answer["available_versions"].as_object() {
                let path = |path: &Json| path.as_str().map(str::to_owned);
                let versions = versions.iter().filter_map(|(name, value)| Some((name.clone(), path(value)?))).collect();
                return Ok((root, versions));
            }
        }
        let message = format!(
            "Tried to find galaxy API root at {} but no 'available_versions' are available on {}/api",
            self.url,
            self.url.trim_end_matches('/')
        );
        let tried = tried.into_iter().fold(Error::new(ErrorKind::File, message), Error::hint);
        Err(tried)
    }

    fn call(&self, method: &str, url: &str, body: Option<(&str, &[u8])>, output: &Output) -> Result<Json, Refusal> {
        output.verbose(4, format!("Calling Galaxy at {url}"));
        let mut wait = Duration::from_secs(1);
        for attempt in 1..=ATTEMPTS {
            match self.attempt(method, url, body) {
                Err(Refusal::Status { code: 429 | 502 | 503 | 504 | 520, .. }) if attempt < ATTEMPTS => {
                    std::thread::sleep(wait);
                    wait *= 2;
                }
                Err(refusal) => return Err(refusal),
                Ok(text) if text.is_empty() => return Ok(Json::Null),
                Ok(text) => {
                    return serde_json::from_str(&text).map_err(|_| {
                        let start: String = text.chars().take(200).collect();
                        Refusal::Failed(format!("Failed to parse Galaxy response from '{url}' as JSON:\n{start}"))
                    });
                }
            }
        }
        Err(Refusal::Failed(format!("{url} has no time to answer")))
    }

    fn attempt(&self, method: &str, url: &str, body: Option<(&str, &[u8])>) -> Result<String, Refusal> {
        let failed = |err: &dyn std::fmt::Display| {
            Refusal::Failed(format!("Unknown error when attempting to call Galaxy at '{url}'. {err}"))
        };
        let mut request = Request::builder().method(method).uri(url).header("accept", "application/json");
        if let Some(value) = self.authorization().map_err(|err| Refusal::Failed(err.message))? {
            request = request.header("authorization", value);
        }
        let (kind, bytes) = body.unwrap_or_default();
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(bytes.to_vec()).map_err(|err| failed(&err))?;
        let response = self.agent.run(request).map_err(|err| failed(&err))?;
        let status = response.status();
        let text = read_text(response.into_body()).map_err(|err| failed(&err))?;
        if status.is_success() {
            return Ok(text);
        }
        let answer: Json = serde_json::from_str(&text).unwrap_or_default();
        let told = answer["errors"][0]["detail"].as_str().or(answer["errors"][0]["title"].as_str());
        let told = told.or(answer["detail"].as_str()).or(answer["message"].as_str()).or(answer["default"].as_str());
        let message = told.map_or_else(|| status.canonical_reason().unwrap_or("").to_owned(), str::to_owned);
        Err(Refusal::Status { code: status.as_u16(), message })
    }

    fn get(&self, url: &str, about: &str, output: &Output) -> Result<Json, Error> {
        self.call("GET", url, None, output).map_err(|refusal| refusal.error(about))
    }

    /// Whether the server can be asked about roles.
    pub fn has_roles(&self, output: &Output) -> bool {
        self.api("v1", output).is_ok()
    }

    /// All versions of a collection; none where the server does not know it.
    pub fn versions(&self, namespace: &str, name: &str, output: &Output) -> Result<Vec<String>, Error> {
        let about = format!(
            "Error when getting available collection versions for {namespace}.{name} from {} ({})",
            self.name, self.url
        );
        let api = self.api("v3", output)?;
        let mut url = joined(&api, &format!("collections/{namespace}/{name}/versions/?limit=100"));
        let mut versions = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = match self.call("GET", &url, None, output) {
                Ok(page) => page,
                Err(Refusal::Status { code: 404, .. }) => return Ok(versions),
                Err(refusal) => return Err(refusal.error(&about)),
            };
            let entries = page["data"].as_array().or(page["results"].as_array());
            let found = entries.into_iter().flatten().filter_map(|entry| entry["version"].as_str());
            versions.extend(found.map(str::to_owned));
            let Some(next) = page["links"]["next"].as_str() else { break };
            url = absolute(&self.url, next);
        }
        Ok(versions)
    }

    pub fn version(&self, namespace: &str, name: &str, version: &str, output: &Output) -> Result<Published, Error> {
        let about = format!(
            "Error when getting collection version metadata for {namespace}.{name}:{version} from {} ({})",
            self.name, self.url
        );
        let url = joined(&self.api("v3", output)?, &format!("collections/{namespace}/{name}/versions/{version}/"));
        let answer = self.get(&url, &about, output)?;
        let missing = || Error::new(ErrorKind::File, format!("{about}: the answer has no download_url"));
        let dependencies = answer["metadata"]["dependencies"].as_object();
        let signatures = answer["signatures"].as_array();
        Ok(Published {
            download_url: absolute(&self.url, answer["download_url"].as_str().ok_or_else(missing)?),
            sha256: answer["artifact"]["sha256"].as_str().map(str::to_owned),
            dependencies: dependencies
                .into_iter()
                .flatten()
                .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
                .collect(),
            version_url: answer["href"].as_str().map_or(url, str::to_owned),
            signatures: signatures
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["signature"].as_str().map(str::to_owned))
                .collect(),
        })
    }

    /// Sends an archive and returns the address of the import.
    pub fn publish(&self, archive: &[u8], file_name: &str, sha256: &str, output: &Output) -> Result<String, Error> {
        if matches!(self.login, Login::None) {
            return Err(Error::new(
                ErrorKind::Usage,
                "No access token or username set. A token can be set with --api-key or at ~/.ansible/galaxy_token.",
            ));
        }
        let url = joined(&self.api("v3", output)?, "artifacts/collections/");
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"sha256\"\r\n\r\n{sha256}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(archive);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let about = format!("Error when publishing collection to {} ({})", self.name, self.url);
        let answer = self.call("POST", &url, Some((&kind, &body)), output).map_err(|it| it.error(&about))?;
        let task = answer["task"].as_str();
        let message = "Publishing the collection did not return valid task info. Cannot wait for task status.";
        task.map(|task| absolute(&self.url, task)).ok_or_else(|| Error::new(ErrorKind::File, message))
    }

    /// Waits for an import's end; `timeout` of zero waits for ever.
    pub fn wait_for_import(&self, task: &str, timeout: Duration, output: &Output) -> Result<(), Error> {
        let id = task.trim_end_matches('/').rsplit('/').next().unwrap_or(task);
        let url = joined(&self.api("v3", output)?, &format!("imports/collections/{id}/"));
        output.line(format!("Waiting until Galaxy import task {url} has completed"));
        let start = Instant::now();
        let mut wait = Duration::from_secs(2);
        let answer = loop {
            match self.call("GET", &url, None, output) {
                Ok(answer) if !answer["finished_at"].is_null() => break answer,
                Ok(_) | Err(Refusal::Status { code: 404, .. }) => {}
                Err(refusal) => return Err(refusal.error(&format!("Error when getting import task results at {url}"))),
            }
            if !timeout.is_zero() && start.elapsed() + wait > timeout {
                let message =
                    format!("Timeout while waiting for the Galaxy import process to finish, check progress at '{url}'");
                return Err(Error::new(ErrorKind::File, message));
            }
            std::thread::sleep(wait);
            wait = (wait * 3 / 2).min(Duration::from_secs(30));
        };
        for message in answer["messages"].as_array().into_iter().flatten() {
            let text = message["message"].as_str().unwrap_or_default();
            match message["level"].as_str().unwrap_or_default().to_lowercase().as_str() {
                "error" => output.error(format!("Galaxy import error message: {text}")),
                "warning" => output.warn(format!("Galaxy import warning message: {text}")),
                level => output.verbose(3, format!("Galaxy import message: {level} - {text}")),
            }
        }
        if answer["state"] == "failed" {
            let code = answer["error"]["code"].as_str().unwrap_or("UNKNOWN");
            let description = answer["error"]["description"]
                .as_str()
                .map_or_else(|| format!("Unknown error, see {url} for more details"), str::to_owned);
            let message = format!("Galaxy import process failed: {description} (Code: {code})");
            return Err(Error::new(ErrorKind::File, message));
        }
        Ok(())
    }

    /// A call of version 1, which is about roles. The path ends with its query.
    pub fn roles(
        &self,
        method: &str,
        path: &str,
        form: Option<&str>,
        output: &Output,
    ) -> Result<Result<Json, Refusal>, Error> {
        let url = joined(&self.api("v1", output)?, path);
        let body = form.map(|form| ("application/x-www-form-urlencoded", form.as_bytes()));
        Ok(self.call(method, &url, body, output))
    }

    /// A role by NAMESPACE.NAME; none where the server does not know it.
    pub fn role(&self, name: &str, output: &Output) -> Result<Option<Json>, Error> {
        let Some((owner, role)) = name.rsplit_once('.') else {
            let message = format!("Invalid role name ({name}). Specify role as format: username.rolename");
            return Err(Error::new(ErrorKind::Usage, message));
        };
        let path = format!("roles/?owner__username={}&name={}", escaped(owner), escaped(role));
        let about = format!("Unable to find info about '{name}'");
        let answer = self.roles("GET", &path, None, output)?.map_err(|it| it.error(&about))?;
        Ok(answer["results"].as_array().and_then(|found| found.first()).cloned())
    }

    /// The versions of a role.
    pub fn role_versions(&self, id: &Json, output: &Output) -> Result<Vec<Json>, Error> {
        let path = format!("roles/{id}/versions/?page_size=50");
        let answer = match self.roles("GET", &path, None, output)? {
            Ok(answer) => answer,
            Err(refusal) => {
                output.warn(format!(
                    "Unable to retrieve role (id={id}) data (versions), but this is not fatal so we continue: {}",
                    refusal.text()
                ));
                return Ok(Vec::new());
            }
        };
        let mut versions: Vec<Json> = answer["results"].as_array().cloned().unwrap_or_default();
        let mut next = answer["next_link"].as_str().map(|link| absolute(&self.url, link));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { break };
            let page = self.get(&url, "Unable to retrieve role versions", output)?;
            versions.extend(page["results"].as_array().cloned().unwrap_or_default());
            next = page["next_link"].as_str().map(|link| absolute(&self.url, link));
        }
        Ok(versions)
    }

    /// Fetches an archive; the server's login goes to the server alone.
    pub fn download(&self, url: &str, to: &Path) -> Result<(), Error> {
        let own = host(url) == host(&self.url);
        let authorization = if own { self.authorization()? } else { None };
        download(&self.agent, url, authorization.as_deref(), to)
    }
}

impl Refusal {
    fn text(&self) -> String {
        match self {
            Refusal::Status { code, message } => format!("HTTP Code: {code}, Message: {message}"),
            Refusal::Failed(text) => text.clone(),
        }
    }

    fn told(&self, url: &str) -> String {
        format!("{url}: {}", self.text())
    }

    pub fn error(&self, about: &str) -> Error {
        Error::new(ErrorKind::File, format!("{about} ({})", self.text()))
    }
}

fn unreachable(url: &str, why: &str) -> Error {
    Error::new(ErrorKind::File, format!("the galaxy server {url} cannot be used: {why}"))
}

pub fn agent(validate: bool, timeout: Duration) -> Agent {
    let tls = TlsConfig::builder().disable_verification(!validate);
    let tls = if validate {
        let found = rustls_native_certs::load_native_certs();
        let roots: Vec<Certificate<'static>> =
            found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
        tls.root_certs(RootCerts::new_with_certs(&roots)).build()
    } else {
        tls.build()
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(10)
        .user_agent("ansible-galaxy/2.19 (rplay)")
        .tls_config(tls)
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout));
    Agent::new_with_config(config.build())
}

pub fn download(agent: &Agent, url: &str, authorization: Option<&str>, to: &Path) -> Result<(), Error> {
    let failed = |why: &dyn std::fmt::Display| Error::new(ErrorKind::File, format!("cannot download {url}: {why}"));
    let mut request = agent.get(url);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = request.call().map_err(|err| failed(&err))?;
    if !response.status().is_success() {
        return Err(failed(&format!("HTTP Error {}", response.status())));
    }
    let mut body = response.into_body().into_reader().take(MOST_ARCHIVE);
    let mut file = std::fs::File::create(to).map_err(|err| failed(&err))?;
    std::io::copy(&mut body, &mut file).map_err(|err| failed(&err))?;
    Ok(())
}

fn read_text(body: ureq::Body) -> Result<String, String> {
    let mut bytes = Vec::new();
    body.into_reader().take(MOST_TEXT).read_to_end(&mut bytes).map_err(|err| err.to_string())?;
    String::from_utf8(bytes).map_err(|_| "the answer is not UTF-8".to_owned())
}

fn joined(root: &str, path: &str) -> String {
    format!("{}/{}", root.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// Scheme, host and port of an address.
fn host(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

/// An address that a server gives, which may be a path of its own.
fn absolute(server: &str, link: &str) -> String {
    if link.contains("://") {
        link.to_owned()
    } else if link.starts_with('/') {
        format!("{}{link}", host(server))
    } else {
        joined(server, link)
    }
}

/// Text in a query.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_belong_to_their_server() {
        assert_eq!(absolute("http://a:1/api/", "/x"), "http://a:1/x");
        assert_eq!(absolute("http://a:1/api/", "x"), "http://a:1/api/x");
        assert_eq!(absolute("http://a:1/api/", "http://b/x"), "http://b/x");
        assert_eq!(host("https://a.b:8/c/d"), "https://a.b:8");
        assert_eq!(host("https://a.b"), "https://a.b");
    }
}
