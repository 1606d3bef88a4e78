//! `rplay config`: settings, what they are in this run, and whether a configuration is right.

mod dump;
mod init;
mod values;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value as Json};

use super::{pager, session};
use crate::callback::Terminal;
use crate::config::reference::{self, Definitions, REFERENCE};
use crate::config::{Config, did_you_mean};
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::export;
use crate::template::filters::yaml_text;
use crate::value::Value;
pub use values::{Values, galaxy_servers};

/// Shows and checks the configuration.
#[derive(Debug, Parser)]
#[command(name = "rplay config", version, disable_version_flag = true)]
#[command(
    after_help = "Examples:\n  rplay config dump --only-changed\n  rplay config init --disabled > ansible.cfg\n  \
                        rplay config validate -t all"
)]
pub struct ConfigOptions {
    #[command(subcommand)]
    pub action: Action,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

#[derive(Debug, Subcommand)]
#[command(args_override_self = true)]
pub enum Action {
    /// List all settings
    List {
        /// Format of the output
        #[arg(short = 'f', long, value_enum, default_value = "yaml")]
        format: Format,
        #[command(flatten)]
        common: Common,
    },
    /// Show what each setting is, and where that comes from
    Dump {
        /// Only what is not as by default
        #[arg(long, visible_alias = "changed-only")]
        only_changed: bool,
        /// Format of the output
        #[arg(short = 'f', long, value_enum, default_value = "display")]
        format: DumpFormat,
        #[command(flatten)]
        common: Common,
    },
    /// Show the configuration file
    View {
        #[command(flatten)]
        common: Common,
    },
    /// Write a first configuration
    Init {
        /// Format of the output
        #[arg(short = 'f', long, value_enum, default_value = "ini")]
        format: InitFormat,
        /// Every entry is a comment
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Check the configuration file, or the environment
    Validate {
        /// What to check
        #[arg(short = 'f', long, value_enum, default_value = "ini")]
        format: ValidateFormat,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DumpFormat {
    Json,
    Yaml,
    Display,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitFormat {
    Ini,
    Env,
    Vars,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ValidateFormat {
    Ini,
    Env,
}

#[derive(Debug, Args)]
pub struct Common {
    /// Plugins to look at; -t says their type
    pub args: Vec<String>,
    /// The configuration file; otherwise the first that is found
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Settings (base), options of one type of plugins, or all
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "base", value_parser = kinds())]
    pub kind: String,
    /// More output; repeat for still more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
}

fn kinds() -> clap::builder::PossibleValuesParser {
    let types = REFERENCE.plugins.keys().map(String::as_str);
    clap::builder::PossibleValuesParser::new(["all", "base"].into_iter().chain(types))
}

/// Options of one type of plugins, by plugin.
type OfType<'a> = (&'a str, Vec<(&'a str, &'a Definitions)>);

/// What an action is about.
struct Subject<'a> {
    values: Values<'a>,
    /// Nothing where only plugins are asked for.
    base: Option<&'a Definitions>,
    servers: Vec<(String, Definitions)>,
    plugins: Vec<OfType<'a>>,
    /// All types are asked for, which shows in the names of the output.
    all: bool,
}

pub fn run(options: ConfigOptions) -> Result<u8, Error> {
    let notices = Notices::default();
    let (Action::List { common, .. }
    | Action::Dump { common, .. }
    | Action::View { common }
    | Action::Init { common, .. }
    | Action::Validate { common, .. }) = &options.action;
    let config = Config::of_file(common.config_file.as_deref(), &notices)?;
    let mut terminal = session::terminal(&config);
    session::say_notices(&config, &notices, &mut terminal);
    let subject = Subject::of(common, &config, &notices)?;
    session::say_notices(&config, &notices, &mut terminal);
    let text = match options.action {
        Action::View { .. } => {
            let Some(file) = &config.file else {
                return Err(Error::new(ErrorKind::Usage, "Invalid or no config file was supplied").with_exit_code(1));
            };
            std::fs::read_to_string(file)
                .map_err(|err| Error::new(ErrorKind::File, format!("Failed to open config file: {err}")))?
        }
        Action::List { format, .. } => in_format(&subject.listed(), format)?,
        Action::Dump { only_changed, format, .. } => dump::text(&subject, only_changed, format, &terminal)?,
        Action::Init { format, disabled, .. } => init::text(&subject, format, disabled)?,
        Action::Validate { format, .. } => return validate(&subject, format, &mut terminal),
    };
    pager::show(&config, text.as_bytes())?;
    Ok(0)
}

fn in_format(json: &Json, format: Format) -> Result<String, Error> {
    match format {
        Format::Json => Ok(export::to_text(&sorted(json))),
        Format::Yaml => yaml_text::dump(&Value::from_json(json.clone()), &yaml_text::Options::default())
            .map_err(|err| Error::new(ErrorKind::Output, err)),
    }
}

/// The same with its keys in order.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

impl<'a> Subject<'a> {
    fn of(common: &'a Common, config: &'a Config, notices: &Notices) -> Result<Self, Error> {
        let values = Values::new(config);
        let with_base = matches!(common.kind.as_str(), "all" | "base");
        let servers = if with_base { galaxy_servers(&values)? } else { Vec::new() };
        let all = common.kind == "all";
        let types = REFERENCE.plugins.iter().filter(|(kind, _)| all || **kind == common.kind);
        let plugins = types.map(|(kind, plugins)| {
            let wanted = |(name, _): &(&'a String, &'a Definitions)| {
                all || common.args.is_empty() || common.args.iter().any(|wanted| short(wanted) == name.as_str())
            };
            let found = plugins.iter().filter(wanted).map(|(name, options)| (name.as_str(), options)).collect();
            (kind.as_str(), found)
        });
        let plugins: Vec<OfType<'a>> = plugins.collect();
        if !all && !with_base {
            for name in &common.args {
                if !plugins.iter().any(|(_, found)| found.iter().any(|(plugin, _)| *plugin == short(name))) {
                    notices.warn(format!("Skipping {name} as we could not find matching plugin"), None);
                }
            }
        }
        Ok(Self { values, base: with_base.then_some(&REFERENCE.base), servers, plugins, all })
    }

    /// Every option with what is known of it.
    fn listed(&self) -> Json {
        let mut out = Map::new();
        for (name, definition) in self.base.into_iter().flatten() {
            let mut definition = definition.clone();
            if let (Json::Object(map), Some(text)) = (&mut definition, reference::description(name)) {
                map.insert("description".to_owned(), Json::from(text));
            }
            out.insert(name.clone(), definition);
        }
        if self.base.is_some() {
            let servers = self.servers.iter().map(|(name, options)| (name.clone(), object(options)));
            out.insert("GALAXY_SERVERS".to_owned(), Json::Object(servers.collect()));
        }
        if !self.plugins.is_empty() {
            let types = self.plugins.iter().map(|(kind, plugins)| {
                let kind = if self.all { kind.to_uppercase() } else { (*kind).to_owned() };
                let plugins = plugins.iter().map(|(name, options)| ((*name).to_owned(), object(options)));
                (kind, Json::Object(plugins.collect()))
            });
            out.insert("PLUGINS".to_owned(), Json::Object(types.collect()));
        }
        Json::Object(out)
    }

    /// All options that are asked about.
    fn definitions(&self) -> impl Iterator<Item = &Json> {
        let servers = self.servers.iter().flat_map(|(_, options)| options.values());
        let plugins = self.plugins.iter().flat_map(|(_, plugins)| plugins).flat_map(|(_, options)| options.values());
        self.base.into_iter().flat_map(Definitions::values).chain(servers).chain(plugins)
    }
}

fn object(options: &Definitions) -> Json {
    Json::Object(options.iter().map(|(name, definition)| (name.clone(), definition.clone())).collect())
}

/// Plugins of Ansible itself are known by both of their names.
fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

/// Says what no setting knows; 1 if there is any.
fn validate(subject: &Subject, format: ValidateFormat, terminal: &mut Terminal) -> Result<u8, Error> {
    let config = subject.values.config;
    let mut mistakes = Vec::new();
    match (format, &config.file) {
        (ValidateFormat::Ini, Some(file)) => {
            let known: Vec<(&str, &str)> = subject.definitions().flat_map(reference::ini).collect();
            let sections: Vec<&str> = known.iter().map(|(section, _)| *section).collect();
            let mut told = Vec::new();
            for (section, key) in config.written_keys() {
                if !sections.contains(&section) {
                    if !told.contains(&section) {
                        told.push(section);
                        let near = did_you_mean(section, sections.iter().copied());
                        mistakes.push(format!("Found unknown section '{section}' in '{}.{near}", file.display()));
                    }
                } else if !known.contains(&(section, key)) {
                    let keys = known.iter().filter(|known| known.0 == section).map(|known| known.1);
                    let near = did_you_mean(key, keys);
                    mistakes.push(format!(
                        "Found unknown key '{key}' in section '{section}' in '{}.{near}",
                        file.display()
                    ));
                }
            }
        }
        (ValidateFormat::Ini, None) => {}
        (ValidateFormat::Env, _) => {
            let known: Vec<&str> = subject.definitions().flat_map(|it| reference::names(it, "env")).collect();
            let mut variables: Vec<&str> = config.environment_names().filter(|name| is_a_setting(name)).collect();
            variables.sort_unstable();
            for name in variables.into_iter().filter(|name| !known.contains(name)) {
                let near = did_you_mean(name, known.iter().copied());
                mistakes.push(format!("Found unknown environment variable '{name}'.{near}"));
            }
        }
    }
    for mistake in &mistakes {
        terminal.error_line(&format!("[ERROR]: {mistake}"), Some(crate::callback::Color::Error));
    }
    if mistakes.is_empty() {
        terminal.line("All configurations seem valid!", None);
    }
    terminal.finish()?;
    Ok(u8::from(!mistakes.is_empty()))
}

/// Whether a variable of the environment has a setting's name.
fn is_a_setting(name: &str) -> bool {
    name.starts_with("ANSIBLE_")
        && !name.starts_with("ANSIBLE_TEST_")
        && !name.starts_with("ANSIBLE_LINT_")
        && !matches!(name, "ANSIBLE_CONFIG" | "ANSIBLE_DEV_HOME")
}
