//! What every command that works on hosts needs: configuration, passwords, variables, inventory, the loader.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::extra_vars;
use super::options::{CommonOptions, ConnectionOptions, SourceOptions, VaultOptions};
use super::password::{self, Passwords};
use crate::actions;
use crate::callback::{self, Callback, ColorChoice, Display, OnTerminal, Palette, Terminal};
use crate::config::{Config, HashBehavior, setting};
use crate::connection;
use crate::engine::{self, BecomeOptions, BecomeProgram, EventSender, Outlook, Run, RunOptions, RunSummary};
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::{self, Inventory};
use crate::playbook::{Loader, Playbook};
use crate::template;
use crate::value::{Dict, Value, mask};
use crate::vars::FactCache;
use crate::vault;
use crate::yaml::Reader;

pub struct Session {
    pub config: Config,
    pub notices: Notices,
    pub reader: Reader,
    pub templates: Arc<template::Engine>,
    pub extra_vars: Arc<Dict>,
    pub inventory_sources: Vec<String>,
    /// The sources are those of the command line.
    names_inventory: bool,
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
        if let Some(path) = config.get(setting::DEFAULT_LOG_PATH)
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
            config.get(setting::DEFAULT_HOST_LIST).iter().map(|path| path.to_string_lossy().into_owned()).collect()
        } else {
            options.inventory.clone()
        };
        let verbosity = options.verbose.max(config.get(setting::DEFAULT_VERBOSITY));
        let module_path = Vec::new();
        Ok(Self {
            config,
            notices,
            reader,
            templates,
            extra_vars,
            inventory_sources,
            names_inventory: !options.inventory.is_empty(),
            verbosity,
            module_path,
            passwords,
        })
    }

    pub fn inventory(&self, playbook_dir: Option<PathBuf>) -> Result<Inventory, Error> {
        // Sources of the configuration need not be there.
        let sources = if self.names_inventory { self.inventory_sources.as_slice() } else { &[] };
        let mut inventory = Inventory::load(sources, &self.reader, &self.config, &self.notices)?;
        inventory.set_playbook_dir(playbook_dir);
        Ok(inventory)
    }

    /// Where a command without playbooks looks for what lies beside one: the folder that it is told, or the current one.
    pub fn base_directory(&self, given: Option<&Path>) -> Result<PathBuf, Error> {
        match given.map(Path::to_path_buf).or_else(|| self.config.get(setting::PLAYBOOK_DIR)) {
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
        loader.roles_path = self.config.get(setting::DEFAULT_ROLES_PATH);
        let configured = self.config.get(setting::DEFAULT_MODULE_PATH);
        crate::modules::library::set_configured(self.module_path.iter().cloned().chain(configured).collect());
        crate::python::configure(self.notices.clone(), self.module_path.clone());
        loader.on_library = crate::modules::library::add;
        loader.private_role_vars = self.config.given(setting::DEFAULT_PRIVATE_ROLE_VARS);
        loader.collections_path = self.config.get(setting::COLLECTIONS_PATHS);
        loader
    }

    pub fn run_options(&self, options: &CommonOptions) -> RunOptions {
        let config = &self.config;
        let connection = &options.connection;
        RunOptions {
            limit: options.sources.limit(),
            forks: options.forks.unwrap_or_else(|| config.forks()),
            check: options.check,
            diff: options.diff || config.get(setting::DIFF_ALWAYS),
            verbosity: self.verbosity,
            extra_vars: Arc::clone(&self.extra_vars),
            force_handlers: config.get(setting::DEFAULT_FORCE_HANDLERS),
            flush_cache: options.sources.flush_cache,
            gathering: config.get(setting::DEFAULT_GATHERING),
            inject_facts: config.get(setting::INJECT_FACTS_AS_VARS),
            merge_hashes: config.get(setting::DEFAULT_HASH_BEHAVIOUR) == HashBehavior::Merge,
            any_errors_fatal: config.get(setting::ANY_ERRORS_FATAL),
            error_on_missing_handler: config.get(setting::ERROR_ON_MISSING_HANDLER),
            connection: engine::ConnectionOptions {
                connection: Some(
                    connection.connection.clone().unwrap_or_else(|| config.get(setting::DEFAULT_TRANSPORT)),
                ),
                user: connection.remote_user.clone().or_else(|| config.get(setting::DEFAULT_REMOTE_USER)),
                port: config.get(setting::DEFAULT_REMOTE_PORT).filter(|port| *port > 0),
                timeout: Some(connection.timeout.unwrap_or_else(|| config.get(setting::DEFAULT_TIMEOUT))),
                private_key_file: connection
                    .private_key
                    .clone()
                    .or_else(|| config.get(setting::DEFAULT_PRIVATE_KEY_FILE)),
                executable: config.get(setting::DEFAULT_EXECUTABLE),
                ssh_executable: Some(config.get(setting::SSH_EXECUTABLE)),
                ssh_args: config.given(setting::SSH_ARGS),
                ssh_common_args: connection.ssh_common_args.clone().or_else(|| config.get(setting::SSH_COMMON_ARGS)),
                ssh_extra_args: connection.ssh_extra_args.clone().or_else(|| config.get(setting::SSH_EXTRA_ARGS)),
                ssh_retries: config.get(setting::SSH_RETRIES),
                host_key_checking: config.get(setting::HOST_KEY_CHECKING),
                password: self.passwords.connection.clone(),
            },
            no_log: config.get(setting::DEFAULT_NO_LOG),
            strategy: Some(config.get(setting::DEFAULT_STRATEGY)),
            debugs_tasks: config.get(setting::ENABLE_TASK_DEBUGGER),
            debugger_ignores_errors: config.get(setting::TASK_DEBUGGER_IGNORE_ERRORS),
            python_interpreter: config.get(setting::INTERPRETER_PYTHON),
            async_directory: config.get(setting::ASYNC_DIR),
            poll_interval: config.get(setting::DEFAULT_POLL_INTERVAL),
            task_timeout: Some(config.get(setting::TASK_TIMEOUT)).filter(|seconds| *seconds > 0),
            become_: BecomeOptions {
                enabled: options.become_.become_ || config.get(setting::DEFAULT_BECOME),
                method: Some(
                    options.become_.become_method.clone().unwrap_or_else(|| config.get(setting::DEFAULT_BECOME_METHOD)),
                ),
                user: options.become_.become_user.clone(),
                default_user: Some(config.get(setting::DEFAULT_BECOME_USER)),
                exe: config.get(setting::DEFAULT_BECOME_EXE),
                flags: config.get(setting::DEFAULT_BECOME_FLAGS),
                sudo: BecomeProgram {
                    user: config.get(setting::SUDO_USER),
                    exe: config.get(setting::SUDO_EXE),
                    flags: config.get(setting::SUDO_FLAGS),
                },
                su: BecomeProgram {
                    user: config.get(setting::SU_USER),
                    exe: config.get(setting::SU_EXE),
                    flags: config.get(setting::SU_FLAGS),
                },
                password: self.passwords.become_.clone(),
                allow_same_user: config.get(setting::BECOME_ALLOW_SAME_USER),
            },
            ..RunOptions::default()
        }
    }

    /// The callbacks of a run: the one of this name, and if `besides` those that the configuration enables.
    pub fn callbacks(&self, screen: &str, besides: bool, options: &CommonOptions) -> Vec<Box<dyn Callback>> {
        let display = Display::new(&self.config, self.verbosity, options.check);
        callback::table::of_run(screen, besides, &self.config, &display, &self.notices)
    }

    pub fn terminal(&self) -> Terminal {
        terminal(&self.config)
    }

    /// Says what has been noticed so far.
    pub fn say_notices(&self, terminal: &mut Terminal) {
        say_notices(&self.config, &self.notices, terminal);
    }

    /// Runs playbooks and shows what happens with these callbacks.
    pub async fn run(
        self,
        playbooks: Vec<Playbook>,
        inventory: Inventory,
        loader: Loader,
        options: RunOptions,
        callbacks: Vec<Box<dyn Callback>>,
    ) -> Result<RunSummary, Error> {
        // Names of the inventory stand in every line; a secret of the same text is none.
        mask::keep_open(inventory.host_names().map(|name| &**name).chain(inventory.groups().map(|group| &*group.name)));
        let (events, messages) = engine::event::channel();
        let on_terminal = OnTerminal { callbacks, terminal: self.terminal() };
        let reports = callback::report(messages, vec![Box::new(on_terminal)]);
        let session = Arc::new(self);
        let run = session.prepare(playbooks, inventory, loader, options, events.clone());
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

    /// Looks at playbooks without running them.
    pub fn outlook(
        self: &Arc<Self>,
        playbooks: Vec<Playbook>,
        inventory: Inventory,
        loader: Loader,
        options: RunOptions,
    ) -> Result<Outlook, Error> {
        let (events, _) = engine::event::channel();
        Outlook::new(self.prepare(playbooks, inventory, loader, options, events))
    }

    fn prepare(
        self: &Arc<Self>,
        playbooks: Vec<Playbook>,
        inventory: Inventory,
        loader: Loader,
        options: RunOptions,
        events: EventSender,
    ) -> Run {
        let playbook_dir = playbooks.first().and_then(|playbook| playbook.path.parent()).map(Path::to_path_buf);
        Run {
            playbooks,
            inventory,
            reload_inventory: Arc::new({
                let session = Arc::clone(self);
                move || session.inventory(playbook_dir.clone())
            }),
            loader: Arc::new(loader),
            templates: Arc::clone(&self.templates),
            options,
            magic: self.magic(),
            fact_cache: self.fact_cache(),
            events,
            notices: self.notices.clone(),
        }
    }

    /// Where facts are kept between runs. What is wrong with that is a warning: the run goes without.
    fn fact_cache(&self) -> Option<FactCache> {
        let config = &self.config;
        let plugin = config.get(setting::CACHE_PLUGIN);
        let short = plugin.rsplit('.').next().unwrap_or(&plugin);
        if short == "memory" {
            return None;
        }
        let warn = |reason: String| {
            self.notices.warn(format!("{reason}; facts are kept in memory"), None);
            None
        };
        if !["jsonfile", "yaml"].contains(&short) {
            return warn(format!("the fact cache '{plugin}' is not supported (there are memory, jsonfile and yaml)"));
        }
        let Some(directory) = config.get(setting::CACHE_PLUGIN_CONNECTION) else {
            return warn(format!(
                "error, '{short}' cache plugin requires the 'fact_caching_connection' config option to be set (to a writeable directory path)"
            ));
        };
        let directory = template::search::expand_user(&directory);
        let prefix = config.given(setting::CACHE_PLUGIN_PREFIX).unwrap_or_default();
        let reader = self.reader.clone();
        match FactCache::open(directory.clone(), prefix, config.get(setting::CACHE_PLUGIN_TIMEOUT), reader) {
            Ok(cache) => Some(cache),
            Err(err) => warn(format!("the folder of the fact cache, {}, is of no use: {err}", directory.display())),
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
        magic.insert(Value::str("ansible_playbook_python"), Value::str(inventory::python().to_string_lossy()));
        magic
    }
}

pub fn terminal(config: &Config) -> Terminal {
    let choice = if config.get(setting::ANSIBLE_FORCE_COLOR) {
        ColorChoice::Always
    } else if config.get(setting::ANSIBLE_NOCOLOR) {
        ColorChoice::Never
    } else {
        ColorChoice::Auto
    };
    Terminal::new(choice, Palette::of(config))
}

/// Says what has been noticed so far.
pub fn say_notices(config: &Config, notices: &Notices, terminal: &mut Terminal) {
    let shown = config.get(setting::DEPRECATION_WARNINGS);
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
        allow_broken_conditionals: config.get(setting::ALLOW_BROKEN_CONDITIONALS),
        ansible_managed: config.get(setting::DEFAULT_MANAGED_STR),
        jinja2_extensions: config.get(setting::DEFAULT_JINJA2_EXTENSIONS),
        vault: reader.vault.clone(),
        config: Some(Arc::new(move |name| values.value(name))),
        hosts_matching: Some(Arc::new(move |groups, patterns| {
            let found = Inventory::hosts_among(groups, patterns, &pattern_reader, &pattern_config);
            found.map(|hosts| hosts.iter().map(ToString::to_string).collect()).map_err(|err| err.message)
        })),
        ..template::Settings::default()
    }
}
