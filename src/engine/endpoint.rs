//! From variables, keywords and options to an endpoint: where a task connects to and as whom it runs there.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::keyword_values::{KeywordReader, KeywordResult, to_bool, to_int};
use super::options::RunOptions;
use rplay_module_api::privilege::Elevation;

use crate::actions::{ActionResult, FailedIn};
use crate::catalog::{self, BUILTIN, Kind, Missing, Table};
use crate::connection::{Endpoint, SshSettings};
use crate::playbook::keywords::Keyword;
use crate::remote::Become;
use crate::template::Templar;
use crate::value::Value;
use crate::value::secret::Secret;
use crate::vars::{Scope, names};

/// What decides about the connection: the target's variables, the task's keywords, the run's options.
pub struct Deciders<'a> {
    /// Variables of the host that is connected to.
    pub scope: &'a Scope,
    pub templar: &'a Templar,
    pub keywords: KeywordReader<'a>,
    pub options: &'a RunOptions,
}

#[derive(Clone, Copy)]
enum Transport {
    Local,
    Ssh,
}

/// The connections by name. Everything that speaks SSH is done by one implementation.
const TRANSPORTS: &[(&str, Transport)] = &[
    ("ansible.netcommon.libssh", Transport::Ssh),
    ("libssh", Transport::Ssh),
    ("local", Transport::Local),
    ("paramiko", Transport::Ssh),
    ("paramiko_ssh", Transport::Ssh),
    ("smart", Transport::Ssh),
    ("ssh", Transport::Ssh),
];

static CONNECTIONS: LazyLock<Table<Transport>> =
    LazyLock::new(|| Table::new(Kind::Connection, TRANSPORTS.iter().map(|(name, transport)| (*name, transport))));

/// The methods that `module-api` has conversations for.
static BECOME_METHODS: LazyLock<Table<&str>> = LazyLock::new(|| {
    let methods = Elevation::METHODS.iter().map(|method| (catalog::home(Kind::Become, method, BUILTIN), method));
    let methods: Vec<_> = methods.collect();
    Table::new(Kind::Become, methods.iter().map(|(name, method)| (name.as_str(), *method)))
});

/// What implements a name, or the failure of the task that uses it.
fn native<T>(table: &Table<T>, kind: Kind, name: &str) -> KeywordResult<&'static T> {
    let message = match table.resolve(name, &catalog::Scope::default()) {
        Ok(found) => match found.native() {
            Some(row) => return Ok(row),
            None => catalog::not_there(kind, &found.full_name),
        },
        Err(Missing::Removed(removed)) => removed.message().to_owned(),
        Err(Missing::Unknown { near: None }) => format!("the {} '{name}' was not found", kind.title()),
        Err(Missing::Unknown { near: Some(near) }) => {
            format!("the {} '{name}' was not found; did you mean '{near}'?", kind.title())
        }
    };
    Err(Box::new(ActionResult::failed_in(FailedIn::Task, message)))
}

impl Deciders<'_> {
    /// The first of these variables that is set, rendered.
    fn variable(&self, wanted: &[&str]) -> KeywordResult<Option<Value>> {
        for name in wanted {
            // Whoever adds a name here adds it there: a target must not set it.
            debug_assert!(names::is_restricted(name), "facts may set {name}");
            let Some(written) = self.scope.find(name) else { continue };
            match self.templar.render(&written) {
                Ok(Value::Null | Value::Omit) => {}
                Ok(value) => return Ok(Some(value)),
                Err(err) => return Err(Box::new(ActionResult::template_failed(None, &err))),
            }
        }
        Ok(None)
    }

    fn text(&self, names: &[&str]) -> KeywordResult<Option<String>> {
        Ok(self.variable(names)?.map(|value| value.to_text()))
    }

    fn secret(&self, names: &[&str]) -> KeywordResult<Option<Secret>> {
        Ok(self.text(names)?.map(Secret::new))
    }

    pub fn endpoint(&self) -> KeywordResult<Endpoint> {
        let options = &self.options.connection;
        let connection = match self.text(&["ansible_connection"])? {
            Some(connection) => connection,
            None => match self.keywords.text(Keyword::Connection)? {
                Some(connection) => connection,
                None => options.connection.clone().unwrap_or_else(|| "ssh".to_owned()),
            },
        };
        let executable = self.text(&["ansible_shell_executable"])?.unwrap_or_else(|| options.executable.clone());
        match native(&CONNECTIONS, Kind::Connection, &connection)? {
            Transport::Local => {
                let directory = self.text(&["playbook_dir"])?.map_or_else(|| PathBuf::from("."), PathBuf::from);
                Ok(Endpoint::Local { executable, directory })
            }
            Transport::Ssh => Ok(Endpoint::Ssh(Arc::new(self.ssh(executable)?))),
        }
    }

    /// The folder of job files, as it is written.
    pub fn async_directory(&self) -> KeywordResult<String> {
        let directory = self.text(&["ansible_async_dir"])?;
        Ok(directory.unwrap_or_else(|| self.options.async_directory.clone()))
    }

    fn ssh(&self, executable: String) -> KeywordResult<SshSettings> {
        let options = &self.options.connection;
        let host = self.text(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| self.scope.host.to_string());
        let mut settings = SshSettings::new(host);
        settings.executable = executable;
        let port = match self.variable(&["ansible_port", "ansible_ssh_port"])? {
            Some(port) => to_int(&port),
            None => self.keywords.int(Keyword::Port)?.or(options.port.map(i64::from)),
        };
        settings.port = port.and_then(|port| u16::try_from(port).ok());
        settings.user = match self.text(&["ansible_user", "ansible_ssh_user"])? {
            Some(user) => Some(user),
            None => self.keywords.text(Keyword::RemoteUser)?.or_else(|| options.user.clone()),
        };
        settings.password = self
            .secret(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?
            .or_else(|| options.password.clone());
        settings.private_key_file = self
            .text(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?
            .map(|path| crate::template::search::expand_user(&path))
            .or_else(|| options.private_key_file.clone());
        settings.ssh_args = self.text(&["ansible_ssh_args"])?.or_else(|| options.ssh_args.clone());
        settings.common_args =
            self.text(&["ansible_ssh_common_args"])?.or_else(|| options.ssh_common_args.clone()).unwrap_or_default();
        settings.extra_args =
            self.text(&["ansible_ssh_extra_args"])?.or_else(|| options.ssh_extra_args.clone()).unwrap_or_default();
        settings.host_key_checking = self
            .variable(&["ansible_ssh_host_key_checking", "ansible_host_key_checking"])?
            .and_then(|value| to_bool(&value))
            .unwrap_or(options.host_key_checking);
        if let Some(timeout) = self.variable(&["ansible_ssh_timeout", "ansible_timeout"])?.as_ref().and_then(to_int) {
            settings.timeout = Duration::from_secs(timeout.unsigned_abs());
        } else if let Some(timeout) = options.timeout {
            settings.timeout = Duration::from_secs(timeout);
        }
        if let Some(retries) = self.variable(&["ansible_ssh_retries"])?.as_ref().and_then(to_int) {
            settings.retries = u32::try_from(retries).unwrap_or(0);
        } else {
            settings.retries = options.ssh_retries;
        }
        if let Some(program) = self.text(&["ansible_ssh_executable"])?.or_else(|| options.ssh_executable.clone()) {
            settings.ssh_executable = program;
        }
        Ok(settings)
    }

    /// The user to become; none when the task runs as who logs in.
    pub fn become_(&self) -> KeywordResult<Option<Become>> {
        let options = &self.options.become_;
        let enabled = match self.variable(&["ansible_become"])? {
            Some(value) => to_bool(&value).unwrap_or(false),
            None => self.keywords.bool(Keyword::Become)?.unwrap_or(options.enabled),
        };
        if !enabled {
            return Ok(None);
        }
        let method = match self.text(&["ansible_become_method"])? {
            Some(method) => method,
            None => self
                .keywords
                .text(Keyword::BecomeMethod)?
                .or_else(|| options.method.clone())
                .unwrap_or_else(|| "sudo".to_owned()),
        };
        let short = *native(&BECOME_METHODS, Kind::Become, &method)?;
        let of_method = |suffix: &str| format!("ansible_{short}_{suffix}");
        let program = options.program(short);
        let user = match self.text(&["ansible_become_user", &of_method("user")])? {
            Some(user) => user,
            None => self
                .keywords
                .text(Keyword::BecomeUser)?
                .or_else(|| options.user.clone())
                .or_else(|| program?.user.clone())
                .or_else(|| options.default_user.clone())
                .unwrap_or_else(|| "root".to_owned()),
        };
        let exe = match self.text(&["ansible_become_exe", &of_method("exe")])? {
            Some(exe) => Some(exe),
            None => {
                self.keywords.text(Keyword::BecomeExe)?.or_else(|| program?.exe.clone()).or_else(|| options.exe.clone())
            }
        };
        let flags = match self.text(&["ansible_become_flags", &of_method("flags")])? {
            Some(flags) => Some(flags),
            None => self
                .keywords
                .text(Keyword::BecomeFlags)?
                .or_else(|| program?.flags.clone())
                .or_else(|| options.flags.clone()),
        };
        let password = self
            .secret(&["ansible_become_password", "ansible_become_pass", &of_method("pass")])?
            .or_else(|| options.password.clone());
        let allow_same_user = options.allow_same_user;
        Ok(Some(Become { method: short.to_owned(), user, exe, flags, password, allow_same_user }))
    }
}
