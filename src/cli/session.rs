//! What every command that works on hosts needs: configuration, passwords, variables, inventory, the loader.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::extra_vars;
use super::options::{CommonOptions, ConnectionOptions, SourceOptions, VaultOptions};
use super::password::{self, Passwords};
use crate::actions;
use crate::callback::{self, Callback, ColorChoice, Display, OnTerminal, Terminal};
use crate::config::Config;
use crate::connection;
use crate::engine::{self, BecomeOptions, BecomeProgram, Gathering, Run, RunOptions, RunSummary};
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::Inventory;
use crate::playbook::{Loader, Playbook};
use crate::template;
use crate::value::{Dict, Value, mask};
use crate::vault;
use crate::yaml::Reader;

pub struct Session {
    pub config: Config,
    pub notices: Notices,
    pub reader: Reader,
    pub templates: Arc<template::Engine>,
    pub extra_vars: Arc<Dict>,
    pub inventory_sources: Vec<String>,
    pub verbosity: u8,
    /// Folders of modules that go before the configured ones.
    module_path: Vec<PathBuf>,
    passwords: Passwords,
}

impl Session {
    /// Reads configuration and passwords; asks for those that are to be asked for.
    pub fn open(options: &CommonOptions) -> Result<Self, Error> {
        if options.connection.connection.as_deref() == Some("local") {
            connection::expect_agent();
        }
        let mut session =
            Self::start(&options.sources, |config| password::read(config, &options.connection, &options.become_))?;
        session.module_path = options.module_path.iter().flat_map(std::env::split_paths).collect();
        let ConnectionOptions { scp_extra_args, sftp_extra_args, .. } = &options.connection;
        for (option, given) in [("--scp-extra-args", scp_extra_args), ("--sftp-extra-args", sftp_extra_args)] {
            if given.is_some() && session.verbosity > 0 {
                session
                    .notices
                    .warn(format!("{option} has no meaning here: files go over the host's one channel"), None);
            }
        }
        Ok(session)
    }

    /// For a command that connects to no host.
    pub fn of_sources(options: &SourceOptions) -> Result<Self, Error> {
        Self::start(options, |_| Ok(Passwords::default()))
    }

    fn start(
        options: &SourceOptions,
        passwords: impl FnOnce(&Config) -> Result<Passwords, Error>,
    ) -> Result<Self, Error> {
        let notices = Notices::default();
        let config = Config::from_process(&notices)?;
        if let Some(path) = config.path("DEFAULT_LOG_PATH")
            && let Err(reason) = callback::log::open(&path)
        {
            notices.warn(reason, None);
        }
        let passwords = passwords(&config)?;
        let secrets = vault_secrets(&vault_sources(&config, &options.vault), &notices)?;
        let reader = Reader {
            notices: notices.clone(),
            vault: Some(Arc::new(secrets)),
            duplicate_keys: config.duplicate_keys(),
        };
        let extra_vars = Arc::new(extra_vars::read(&options.extra_vars, &reader)?);
        let templates = template::Engine::new(template_settings(&config, &notices, &reader));
        let inventory_sources = if options.inventory.is_empty() {
            config.inventory_sources().iter().map(|path| path.to_string_lossy().into_owned()).collect()
        } else {
            options.inventory.clone()
        };
        let verbosity = options.verbose.max(u8::try_from(config.int("DEFAULT_VERBOSITY")).unwrap_or(0));
        let module_path = Vec::new();
        Ok(Self {
            config,
            notices,
            reader,
            templates,
            extra_vars,
            inventory_sources,
            verbosity,
            module_path,
            passwords,
        })
    }

    pub fn inventory(&self, playbook_dir: Option<PathBuf>) -> Result<Inventory, Error> {
        let mut inventory = Inventory::load(&self.inventory_sources, &self.reader, &self.config, &self.notices)?;
        inventory.set_playbook_dir(playbook_dir);
        Ok(inventory)
    }

    /// Where a command without playbooks looks for what lies beside one: the folder that it is told, or the current one.
    pub fn base_directory(&self, given: Option<&Path>) -> Result<PathBuf, Error> {
        match given.map(Path::to_path_buf).or_else(|| self.config.path("PLAYBOOK_DIR")) {
            Some(directory) => Ok(directory),
            None => std::env::current_dir()
                .map_err(|err| Error::new(ErrorKind::File, format!("cannot tell the current directory: {err}"))),
        }
    }

    pub fn loader(&self) -> Loader {
        let mut loader = Loader::new(
            self.reader.clone(),
            Arc::clone(&self.templates),
            Arc::clone(&self.extra_vars),
            actions::table::full_name,
            self.notices.clone(),
        );
        loader.roles_path = self.config.roles_path();
        let configured = self.config.paths("DEFAULT_MODULE_PATH");
        crate::modules::library::set_configured(self.module_path.iter().cloned().chain(configured).collect());
        loader.on_library = crate::modules::library::add;
        loader.collections_path = self.config.paths("COLLECTIONS_PATHS");
        loader
    }

    pub fn run_options(&self, options: &CommonOptions) -> RunOptions {
        let config = &self.config;
        let text = |name: &str| config.text(name).map(str::to_owned);
        let connection = &options.connection;
        RunOptions {
            limit: options.sources.limit(),
            forks: options.forks.unwrap_or_else(|| config.forks()),
            check: options.check,
            diff: options.diff || config.bool("DIFF_ALWAYS"),
            verbosity: self.verbosity,
            extra_vars: Arc::clone(&self.extra_vars),
            force_handlers: config.bool("DEFAULT_FORCE_HANDLERS"),
            flush_cache: options.sources.flush_cache,
            gathering: match config.text("DEFAULT_GATHERING") {
                Some("explicit") => Gathering::Explicit,
                Some("smart") => Gathering::Smart,
                _ => Gathering::Implicit,
            },
            inject_facts: config.bool("INJECT_FACTS_AS_VARS"),
            merge_hashes: config.merges_hashes(),
            any_errors_fatal: config.bool("ANY_ERRORS_FATAL"),
            error_on_missing_handler: config.bool("ERROR_ON_MISSING_HANDLER"),
            connection: engine::ConnectionOptions {
                connection: connection.connection.clone().or_else(|| text("DEFAULT_TRANSPORT")),
                user: connection.remote_user.clone().or_else(|| text("DEFAULT_REMOTE_USER")),
                port: u16::try_from(config.int("DEFAULT_REMOTE_PORT")).ok().filter(|port| *port > 0),
                timeout: connection.timeout.or_else(|| u64::try_from(config.int("DEFAULT_TIMEOUT")).ok()),
                private_key_file: connection.private_key.clone().or_else(|| config.path("DEFAULT_PRIVATE_KEY_FILE")),
                executable: text("DEFAULT_EXECUTABLE").unwrap_or_else(|| "/bin/sh".to_owned()),
                ssh_executable: text("SSH_EXECUTABLE"),
                ssh_args: config.given_text("SSH_ARGS").map(str::to_owned),
                ssh_common_args: connection.ssh_common_args.clone().or_else(|| text("SSH_COMMON_ARGS")),
                ssh_extra_args: connection.ssh_extra_args.clone().or_else(|| text("SSH_EXTRA_ARGS")),
                ssh_retries: u32::try_from(config.int("SSH_RETRIES")).unwrap_or(0),
                host_key_checking: config.bool("HOST_KEY_CHECKING"),
                password: self.passwords.connection.clone(),
            },
            no_log: config.bool("DEFAULT_NO_LOG"),
            strategy: text("DEFAULT_STRATEGY"),
            task_timeout: Some(config.int("TASK_TIMEOUT")).filter(|seconds| *seconds > 0),
            become_: BecomeOptions {
                enabled: options.become_.become_ || config.bool("DEFAULT_BECOME"),
                method: options.become_.become_method.clone().or_else(|| text("DEFAULT_BECOME_METHOD")),
                user: options.become_.become_user.clone(),
                default_user: text("DEFAULT_BECOME_USER"),
                exe: text("DEFAULT_BECOME_EXE"),
                flags: text("DEFAULT_BECOME_FLAGS"),
                sudo: BecomeProgram { user: text("SUDO_USER"), exe: text("SUDO_EXE"), flags: text("SUDO_FLAGS") },
                su: BecomeProgram { user: text("SU_USER"), exe: text("SU_EXE"), flags: text("SU_FLAGS") },
                password: self.passwords.become_.clone(),
                allow_same_user: config.bool("BECOME_ALLOW_SAME_USER"),
            },
            ..RunOptions::default()
        }
    }

    pub fn display(&self) -> Display {
        let config = &self.config;
        Display {
            verbosity: self.verbosity,
            skipped_hosts: config.bool("DISPLAY_SKIPPED_HOSTS"),
            ok_hosts: config.bool("CALLBACK_DISPLAY_OK_HOSTS"),
            failed_to_stderr: config.bool("CALLBACK_DISPLAY_FAILED_STDERR"),
            custom_stats: config.bool("SHOW_CUSTOM_STATS"),
            per_host_start: config.bool("CALLBACK_SHOW_PER_HOST_START"),
            check_mode_markers: config.bool("CALLBACK_CHECK_MODE_MARKERS"),
            path_on_failure: config.bool("CALLBACK_SHOW_TASK_PATH_ON_FAILURE"),
            diff_context: usize::try_from(config.int("DIFF_CONTEXT")).unwrap_or(0),
        }
    }

    pub fn terminal(&self) -> Terminal {
        terminal(&self.config)
    }

    /// Says what has been noticed so far.
    pub fn say_notices(&self, terminal: &mut Terminal) {
        say_notices(&self.config, &self.notices, terminal);
    }

    /// Runs playbooks and shows what happens with this callback.
    pub async fn run(
        self,
        playbooks: Vec<Playbook>,
        inventory: Inventory,
        loader: Loader,
        options: RunOptions,
        callback: Box<dyn Callback>,
    ) -> Result<RunSummary, Error> {
        // Names of the inventory stand in every line; a secret of the same text is none.
        mask::keep_open(inventory.host_names().map(|name| &**name).chain(inventory.groups().map(|group| &*group.name)));
        let (events, messages) = engine::event::channel();
        let reports = callback::report(messages, vec![Box::new(OnTerminal { callback, terminal: self.terminal() })]);
        let magic = self.magic();
        let session = Arc::new(self);
        let playbook_dir = playbooks.first().and_then(|playbook| playbook.path.parent()).map(Path::to_path_buf);
        let run = Run {
            playbooks,
            inventory,
            reload_inventory: Arc::new({
                let session = Arc::clone(&session);
                move || session.inventory(playbook_dir.clone())
            }),
            loader: Arc::new(loader),
            templates: Arc::clone(&session.templates),
            options,
            magic,
            events: events.clone(),
            notices: session.notices.clone(),
        };
        let result = engine::run(run).await;
        events.end();
        let reported = callback::join(reports);
        // The run's own trouble goes before the output's.
        let summary = result?;
        match reported {
            Err(err) if summary.exit_code != 0 => Err(err.with_exit_code(summary.exit_code)),
            reported => reported.map(|()| summary),
        }
    }

    fn magic(&self) -> Dict {
        let mut magic = Dict::new();
        let sources = self.inventory_sources.iter().map(|source| {
            let is_list = source.contains(',');
            let path = std::path::absolute(source).ok().filter(|_| !is_list);
            Value::str(path.map_or_else(|| source.clone(), |path| path.to_string_lossy().into_owned()))
        });
        magic.insert(Value::str("ansible_inventory_sources"), Value::list(sources.collect()));
        let file = self.config.file.as_ref().map_or(Value::Null, |file| Value::str(file.to_string_lossy()));
        magic.insert(Value::str("ansible_config_file"), file);
        magic.insert(Value::str("ansible_playbook_python"), Value::str(python().to_string_lossy()));
        magic
    }
}

/// The Python that playbooks name as this machine's: the one that a shell would find.
fn python() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("/usr/bin/python3"))
}

pub fn terminal(config: &Config) -> Terminal {
    Terminal::new(if config.bool("ANSIBLE_NOCOLOR") {
        ColorChoice::Never
    } else if config.bool("ANSIBLE_FORCE_COLOR") {
        ColorChoice::Always
    } else {
        ColorChoice::Auto
    })
}

/// Says what has been noticed so far.
pub fn say_notices(config: &Config, notices: &Notices, terminal: &mut Terminal) {
    let shown = config.bool("DEPRECATION_WARNINGS");
    for notice in notices.drain() {
        callback::show_notice(&notice, shown, terminal);
    }
    terminal.flush();
}

/// The passwords of the command line beside those of the configuration.
pub fn vault_sources(config: &Config, options: &VaultOptions) -> vault::PasswordSources {
    let configured = config.vault_passwords();
    let files = options.vault_password_file.iter().map(|file| file.to_string_lossy().into_owned());
    vault::PasswordSources {
        ids: configured.ids.into_iter().chain(options.vault_id.iter().cloned()).collect(),
        files: files.chain(configured.files).collect(),
        ask: configured.ask || options.ask_vault_password,
        ..configured
    }
}

pub fn vault_secrets(sources: &vault::PasswordSources, notices: &Notices) -> Result<vault::Secrets, Error> {
    let mut ask = |question: &str| password::ask(question).map(|answer| answer.expose().to_owned());
    vault::Secrets::load(sources, notices, &mut ask)
}

fn template_settings(config: &Config, notices: &Notices, reader: &Reader) -> template::Settings {
    let values = config.clone();
    let (pattern_config, pattern_reader) = (config.clone(), reader.clone());
    template::Settings {
        notices: notices.clone(),
        allow_broken_conditionals: config.bool("ALLOW_BROKEN_CONDITIONALS"),
        jinja2_extensions: config.list("DEFAULT_JINJA2_EXTENSIONS"),
        vault: reader.vault.clone(),
        config: Some(Arc::new(move |name| values.value(name))),
        hosts_matching: Some(Arc::new(move |groups, patterns| {
            let found = Inventory::hosts_among(groups, patterns, &pattern_reader, &pattern_config);
            found.map(|hosts| hosts.iter().map(ToString::to_string).collect()).map_err(|err| err.message)
        })),
        ..template::Settings::default()
    }
}
