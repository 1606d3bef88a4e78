//! `rplay galaxy`: collections and roles, as `ansible-galaxy` installs and makes them.

mod archive;
mod artifact;
mod collection;
mod directives;
mod init;
mod installed;
mod lock;
mod options;
mod output;
mod requirements;
mod resolve;
mod role;
mod role_server;
mod scm;
mod server;
mod signatures;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;
use ureq::Agent;

use super::config::{Values, galaxy_servers};
use super::session;
use crate::callback::{ColorChoice, Palette, Terminal};
use crate::config::reference::REFERENCE;
use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind, Notices};
use crate::value::Value;
use crate::value::secret::Secret;
pub use options::GalaxyOptions;
use options::{CacheOptions, CollectionAction, Github, RoleAction, ServerOptions, Subject};
use output::Output;
use server::{Login, Server};

/// What is about neither is about roles, as it was before there were collections. Says whether that is so.
pub fn with_subject(arguments: &mut Vec<OsString>) -> bool {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let named = words.iter().any(|word| ["role", "collection"].contains(word));
    let asks = words.first().is_none_or(|word| ["-h", "--help", "--version"].contains(word));
    if named || asks {
        return false;
    }
    arguments.insert(1, "role".into());
    true
}

/// What every action works with.
pub struct Galaxy {
    config: Config,
    output: Output,
    servers: Vec<Server>,
    ignore_certificates: bool,
    timeout: Duration,
}

/// What goes wrong ends with 1, wherever it stands.
pub fn run(options: &GalaxyOptions, implicit_role: bool) -> Result<u8, Error> {
    act(options, implicit_role).map_err(|err| Error { exit_code: err.exit_code.or(Some(1)), ..err })
}

fn act(options: &GalaxyOptions, implicit_role: bool) -> Result<u8, Error> {
    let notices = Notices::default();
    let config = Config::from_process(&notices)?;
    let mut terminal = session::terminal(&config);
    session::say_notices(&config, &notices, &mut terminal);
    let galaxy = |server: &ServerOptions| Galaxy::new(config.clone(), session::terminal(&config), server);
    match &options.subject {
        Subject::Collection(action) => match action {
            CollectionAction::Download(it) => {
                let galaxy = galaxy(&it.server)?;
                galaxy.forget(&it.cache);
                collection::download_all(it, &galaxy)
            }
            CollectionAction::Init(it) => init::collection(it, &galaxy(&it.server)?),
            CollectionAction::Build(it) => collection::build(it, &galaxy(&it.server)?),
            CollectionAction::Publish(it) => collection::publish(it, &galaxy(&it.server)?),
            CollectionAction::Install(it) => {
                let galaxy = galaxy(&it.server)?;
                galaxy.forget(&it.cache);
                collection::install(it, &galaxy)
            }
            CollectionAction::List(it) => installed::list(it, &galaxy(&it.server)?),
            CollectionAction::Verify(it) => verify::verify(it, &galaxy(&it.server)?),
        },
        Subject::Role(action) => match action {
            RoleAction::Init(it) => init::role(it, &galaxy(&it.server)?),
            RoleAction::Remove(it) => role::remove(it, &galaxy(&it.server)?),
            RoleAction::Delete(it @ Github { server, .. }) => role_server::delete(it, &galaxy(server)?),
            RoleAction::List(it) => role::list(it, &galaxy(&it.server)?),
            RoleAction::Search(it) => role_server::search(it, &galaxy(&it.server)?),
            RoleAction::Import(it) => role_server::import(it, &galaxy(&it.github.server)?),
            RoleAction::Setup(it) => role_server::setup(it, &galaxy(&it.server)?),
            RoleAction::Info(it) => role_server::info(it, &galaxy(&it.server)?),
            RoleAction::Install(it) => role::install(it, &galaxy(&it.server)?, implicit_role),
        },
    }
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::File, message)
}

fn wrong_options(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message).with_exit_code(5)
}

fn absolute(path: &Path) -> PathBuf {
    crate::config::normalize(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// JSON on one line as Python writes it.
fn python_json(json: &Json) -> String {
    match json {
        Json::Object(map) => {
            let entries =
                map.iter().map(|(key, value)| format!("{}: {}", Json::from(key.as_str()), python_json(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

impl Galaxy {
    fn new(config: Config, terminal: Terminal, options: &ServerOptions) -> Result<Self, Error> {
        let verbosity = options.verbose.max(config.get(setting::DEFAULT_VERBOSITY));
        let mut galaxy = Self {
            output: Output::new(terminal, verbosity),
            servers: Vec::new(),
            ignore_certificates: options.ignore_certs,
            timeout: Duration::from_mins(1),
            config,
        };
        if galaxy.setting("GALAXY_IGNORE_CERTS").is_some_and(|value| value.is_truthy()) {
            galaxy.ignore_certificates = true;
        }
        let configured = galaxy.setting("GALAXY_SERVER_TIMEOUT").and_then(|value| value.as_int());
        let seconds = options.timeout.or(configured.and_then(|seconds| u64::try_from(seconds).ok()));
        galaxy.timeout = Duration::from_secs(seconds.unwrap_or(60));
        galaxy.servers = galaxy.find_servers(options)?;
        Ok(galaxy)
    }

    /// A setting that only galaxy knows.
    fn setting(&self, name: &str) -> Option<Value> {
        let values = Values::new(&self.config);
        let found = values.of(name, REFERENCE.base.get(name)?).ok()?;
        Some(found.value).filter(|value| !value.is_null())
    }

    fn find_servers(&self, options: &ServerOptions) -> Result<Vec<Server>, Error> {
        let values = Values::new(&self.config);
        let mut servers = Vec::new();
        for (name, definitions) in galaxy_servers(&values)? {
            let value = |key: &str| -> Result<Option<Value>, Error> {
                let found = values.of(key, &definitions[key])?;
                Ok(Some(found.value).filter(|value| !value.is_null()))
            };
            let text = |key: &str| -> Result<Option<String>, Error> { Ok(value(key)?.map(|value| value.to_text())) };
            let Some(url) = text("url")? else {
                let message = format!(
                    "No setting was provided for required configuration setting: plugin_type: galaxy_server plugin: {name} setting: url"
                );
                return Err(wrong_options(&message));
            };
            let token = text("token")?.map(Secret::new);
            let login = match (text("username")?, text("auth_url")?, token) {
                (Some(username), _, _) => {
                    Login::Basic { username, password: Secret::new(text("password")?.unwrap_or_default()) }
                }
                (None, Some(auth_url), Some(token)) => Login::Exchanged {
                    token,
                    url: auth_url,
                    client: text("client_id")?.unwrap_or_else(|| "cloud-services".to_owned()),
                    secret: text("client_secret")?.map(Secret::new),
                },
                (None, _, Some(token)) => Login::Token(token),
                (None, _, None) => Login::None,
            };
            let validate = value("validate_certs")?.map_or(!self.ignore_certificates, |value| value.is_truthy());
            let seconds =
                options.timeout.or(value("timeout")?.and_then(|it| it.as_int()).and_then(|it| u64::try_from(it).ok()));
            let timeout = seconds.map_or(self.timeout, Duration::from_secs);
            servers.push(Server::new(&name, &url, login, validate && !options.ignore_certs, timeout));
        }
        let token = options.token.clone().map(Secret::new).or_else(|| self.kept_token());
        let login = || token.clone().map_or(Login::None, Login::Token);
        let own = |name: &str, url: &str| Server::new(name, url, login(), !self.ignore_certificates, self.timeout);
        if let Some(wanted) = &options.server {
            let known = servers.iter().position(|server| server.name == *wanted);
            return Ok(vec![match known {
                Some(index) => servers.swap_remove(index),
                None => own("cmd_arg", wanted),
            }]);
        }
        if servers.is_empty() {
            let url = self
                .setting("GALAXY_SERVER")
                .map_or_else(|| "https://galaxy.ansible.com".to_owned(), |it| it.to_text());
            servers.push(own("default", &url));
        }
        Ok(servers)
    }

    /// The token of the file that `ansible-galaxy` keeps one in.
    fn kept_token(&self) -> Option<Secret> {
        let file = self.setting("GALAXY_TOKEN_PATH")?;
        let json = artifact::reader().read_file(Path::new(file.as_str()?)).ok()?.to_value().to_json();
        json["token"].as_str().map(Secret::new)
    }

    fn first_server(&self) -> Result<&Server, Error> {
        self.servers.first().ok_or_else(|| failed("there is no galaxy server".to_owned()))
    }

    /// The first server that knows roles, or else the first.
    fn role_server(&self) -> Result<&Server, Error> {
        let knows = |server: &&Server| self.servers.len() == 1 || server.has_roles(&self.output);
        self.servers.iter().find(knows).map_or_else(|| self.first_server(), Ok)
    }

    /// A server by its name in the configuration or its address.
    fn server_index(&self, wanted: &str) -> Result<usize, Error> {
        let same =
            |server: &Server| server.name == wanted || server.url.trim_end_matches('/') == wanted.trim_end_matches('/');
        self.servers.iter().position(same).ok_or_else(|| {
            let names: Vec<&str> = self.servers.iter().map(|server| server.name.as_str()).collect();
            failed(format!("the requirements name the galaxy server '{wanted}', which is not configured"))
                .hint(format!("there are {}; server_list of [galaxy] in ansible.cfg names more", names.join(", ")))
        })
    }

    fn default_collections_path(&self) -> Result<PathBuf, Error> {
        let configured = self.config.get(setting::COLLECTIONS_PATHS);
        configured.into_iter().next().ok_or_else(|| failed("no folder of collections is configured".to_owned()))
    }

    /// For addresses that belong to no server.
    fn agent(&self) -> Agent {
        server::agent(!self.ignore_certificates, self.timeout)
    }

    /// Says nothing.
    fn quiet(&self) -> Result<Output, Error> {
        self.output.finish()?;
        Ok(Output::silent(Terminal::new(ColorChoice::Never, Palette::default())))
    }

    /// Nothing that servers answered is kept, so that there is nothing to forget but what ansible-galaxy keeps.
    fn forget(&self, options: &CacheOptions) {
        if options.clear_response_cache
            && let Some(folder) = self.setting("GALAXY_CACHE_DIR")
        {
            let _ = std::fs::remove_file(self.config.path(&folder.to_text(), false).join("api.json"));
        }
        if options.no_cache {
            self.output.verbose(4, "Answers of servers are never kept.");
        }
    }
}
