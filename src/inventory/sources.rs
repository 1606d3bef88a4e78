//! From `-i` to an inventory: which plugin reads a source, folders, what happens when none can.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use fancy_regex::Regex;

use super::structured::{self, Format};
use super::vars::VarsFiles;
use super::{
    Change, GroupNames, HostName, Inventory, Rules, Unmatched, auto, host_list, ini, inventory_error, script, toml,
};
use crate::catalog::{Found, Kind, Missing, Scope, Table, not_there};
use crate::config::{self, Config, HashBehavior, setting};
use crate::error::{Error, ErrorKind, Notices};
use crate::source::SourceFile;
use crate::value::Dict;
use crate::yaml::Reader;

/// What reads a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    HostList,
    AdvancedHostList,
    Script,
    Auto,
    Yaml,
    Ini,
    Toml,
    Constructed,
    Generator,
}

/// Where Ansible looks for an inventory if it is told of none.
const USUAL: &str = "/etc/ansible/hosts";

/// The plugins by name.
const PLUGINS: &[(&str, Plugin)] = &[
    ("advanced_host_list", Plugin::AdvancedHostList),
    ("auto", Plugin::Auto),
    ("constructed", Plugin::Constructed),
    ("generator", Plugin::Generator),
    ("host_list", Plugin::HostList),
    ("ini", Plugin::Ini),
    ("script", Plugin::Script),
    ("toml", Plugin::Toml),
    ("yaml", Plugin::Yaml),
];

static TABLE: LazyLock<Table<(&str, Plugin)>> =
    LazyLock::new(|| Table::new(Kind::Inventory, PLUGINS.iter().map(|row| (row.0, row))));

/// The plugin that a name means, with the name that messages have.
pub(super) fn plugin(name: &str) -> Result<Found<(&'static str, Plugin)>, Missing> {
    TABLE.resolve(name, &Scope::default())
}

/// Folders beside inventory files that hold other things.
const NOT_SOURCES: &[&str] = &["group_vars", "host_vars", "vars_plugins"];

struct Loader<'a> {
    reader: &'a Reader,
    config: &'a Config,
    notices: &'a Notices,
    enabled: Vec<(&'static str, Plugin)>,
    ignored_ends: Vec<String>,
    ignored: Vec<Regex>,
    yaml_extensions: Vec<String>,
}

impl Inventory {
    /// The hosts that patterns mean among groups with known hosts; what matches nothing is no mistake here.
    pub fn hosts_among(
        groups: &Dict,
        patterns: &[String],
        reader: &Reader,
        config: &Config,
    ) -> Result<Vec<HostName>, Error> {
        let rules = Rules {
            group_names: GroupNames::KeepSilently,
            unmatched_pattern: Unmatched::Ignore,
            localhost_warning: false,
            merges: false,
        };
        let mut inventory = Inventory::empty(rules, VarsFiles::new(reader, config), &Notices::default());
        for (name, hosts) in groups {
            let name = name.to_text();
            for host in hosts.as_list().unwrap_or_default() {
                let (name, groups) = (host.to_text(), vec![name.clone()]);
                inventory.make(&Change::AddHost { name, groups, vars: Dict::new() })?;
            }
        }
        inventory.settle();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        inventory.hosts_of(&patterns, None)
    }

    /// Reads the sources, or those of the configuration when none are given.
    pub fn load(sources: &[String], reader: &Reader, config: &Config, notices: &Notices) -> Result<Inventory, Error> {
        let rules = Rules {
            group_names: config.get(setting::TRANSFORM_INVALID_GROUP_CHARS),
            unmatched_pattern: config.get(setting::HOST_PATTERN_MISMATCH),
            localhost_warning: config.get(setting::LOCALHOST_WARNING),
            merges: config.get(setting::DEFAULT_HASH_BEHAVIOUR) == HashBehavior::Merge,
        };
        let mut inventory = Inventory::empty(rules, VarsFiles::new(reader, config), notices);
        let loader = Loader::new(reader, config, notices)?;
        let mut parsed_any = false;
        let configured = config.get(setting::DEFAULT_HOST_LIST).into_iter().filter(|_| sources.is_empty());
        let configured = configured.map(|path| path.to_string_lossy().into_owned());
        for source in configured.chain(sources.iter().cloned()) {
            // The usual place need not be there, whoever names it.
            if source != USUAL || Path::new(USUAL).exists() {
                parsed_any |= loader.source(&mut inventory, &source)?;
            }
        }
        if parsed_any {
            inventory.reconcile();
        } else if config.get(setting::INVENTORY_UNPARSED_IS_FAILED) {
            return Err(inventory_error("No inventory was parsed, please check your configuration and options."));
        } else if config.get(setting::INVENTORY_UNPARSED_WARNING) {
            notices.warn("No inventory was parsed, only implicit localhost is available", None);
        }
        Ok(inventory)
    }
}

impl<'a> Loader<'a> {
    fn new(reader: &'a Reader, config: &'a Config, notices: &'a Notices) -> Result<Self, Error> {
        let mut enabled = Vec::new();
        for name in config.get(setting::INVENTORY_ENABLED) {
            match plugin(&name) {
                Ok(found) => match found.native() {
                    Some(plugin) => enabled.push(*plugin),
                    None => notices.warn(not_there(Kind::Inventory, &found.full_name), None),
                },
                Err(_) => notices.warn(format!("Failed to load inventory plugin, skipping {name}"), None),
            }
        }
        if enabled.is_empty() {
            return Err(inventory_error(
                "No inventory plugins available to generate inventory, make sure you have at least one enabled.",
            ));
        }
        let mut ignored = Vec::new();
        for pattern in config.get(setting::INVENTORY_IGNORE_PATTERNS) {
            let pattern = Regex::new(&pattern)
                .map_err(|err| Error::new(ErrorKind::Usage, format!("INVENTORY_IGNORE_PATTERNS: {pattern}: {err}")))?;
            ignored.push(pattern);
        }
        let own = config.given(setting::INVENTORY_YAML_EXTENSIONS);
        let yaml_extensions = own.unwrap_or_else(|| config.get(setting::YAML_FILENAME_EXTENSIONS));
        Ok(Self {
            reader,
            config,
            notices,
            enabled,
            ignored_ends: config.get(setting::INVENTORY_IGNORE_EXTS),
            ignored,
            yaml_extensions,
        })
    }

    /// Reads one `-i`; says whether anything could be read.
    fn source(&self, inventory: &mut Inventory, source: &str) -> Result<bool, Error> {
        if source.contains(',') {
            return self.host_list(inventory, source);
        }
        let path = self.config.absolute(source);
        inventory.sources.push(path.clone());
        inventory.vars.add_source(&path);
        self.path(inventory, &path)
    }

    fn host_list(&self, inventory: &mut Inventory, source: &str) -> Result<bool, Error> {
        inventory.current_source = None;
        for (name, plugin) in &self.enabled {
            if matches!(plugin, Plugin::HostList | Plugin::AdvancedHostList) {
                match host_list::parse(inventory, source, *plugin == Plugin::AdvancedHostList) {
                    Ok(()) => return Ok(true),
                    Err(err) => self.failed(name, &err),
                }
            }
        }
        self.unparsed(source)
    }

    fn path(&self, inventory: &mut Inventory, path: &Path) -> Result<bool, Error> {
        if path.is_dir() { self.folder(inventory, path) } else { self.file(inventory, path) }
    }

    fn folder(&self, inventory: &mut Inventory, folder: &Path) -> Result<bool, Error> {
        let entries = fs::read_dir(folder).map_err(|err| {
            Error::new(ErrorKind::File, format!("cannot read the inventory folder {}: {err}", folder.display()))
        })?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let mut parsed_any = false;
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is_ignored = name.starts_with('.')
                || self.ignored_ends.iter().any(|end| name.ends_with(end.as_str()))
                || self.ignored.iter().any(|pattern| pattern.is_match(&name).unwrap_or(false))
                || path.is_dir() && NOT_SOURCES.contains(&name.as_str());
            if !is_ignored {
                parsed_any |= self.path(inventory, &path)?;
            }
        }
        Ok(parsed_any)
    }

    fn file(&self, inventory: &mut Inventory, path: &Path) -> Result<bool, Error> {
        let mut failures = Vec::new();
        if path.exists() {
            inventory.current_source = Some(Arc::new(path.to_owned()));
            for (name, plugin) in &self.enabled {
                if !self.is_for(*plugin, path) {
                    continue;
                }
                match self.parse(inventory, *plugin, path) {
                    Ok(()) => return Ok(true),
                    Err(err) if err.kind == ErrorKind::Vault => return Err(err),
                    Err(err) => failures.push((name, err)),
                }
            }
        }
        for (name, err) in &failures {
            self.failed(name, err);
        }
        self.unparsed(&path.display().to_string())
    }

    fn failed(&self, plugin: &str, err: &Error) {
        let message = format!("Failed to parse inventory with '{plugin}' plugin: {}", err.message);
        self.notices.warn(message, err.place.as_ref());
    }

    fn unparsed(&self, source: &str) -> Result<bool, Error> {
        if self.config.get(setting::INVENTORY_ANY_UNPARSED_IS_FAILED) {
            return Err(inventory_error(format!("Completely failed to parse inventory source {source}")));
        }
        self.notices.warn(format!("Unable to parse {source} as an inventory source"), None);
        Ok(false)
    }

    /// Whether a plugin reads files of that kind.
    fn is_for(&self, plugin: Plugin, path: &Path) -> bool {
        let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy())).unwrap_or_default();
        match plugin {
            Plugin::HostList | Plugin::AdvancedHostList => false,
            Plugin::Script => is_script(path),
            Plugin::Auto => matches!(extension.as_str(), ".yml" | ".yaml"),
            Plugin::Yaml => extension.is_empty() || self.yaml_extensions.contains(&extension),
            Plugin::Ini => extension != ".toml",
            Plugin::Toml => extension == ".toml",
            Plugin::Constructed | Plugin::Generator => {
                matches!(extension.as_str(), "" | ".config") || self.yaml_extensions.contains(&extension)
            }
        }
    }

    fn parse(&self, inventory: &mut Inventory, plugin: Plugin, path: &Path) -> Result<(), Error> {
        if plugin == Plugin::Script {
            return script::parse(inventory, path, self.reader);
        }
        let source = SourceFile::new(path, self.reader.read_plain_text(path)?);
        match plugin {
            Plugin::Yaml => structured::parse(inventory, &self.reader.read(&source)?, Format::Yaml),
            Plugin::Toml => structured::parse(inventory, &toml::read(&source)?, Format::Toml),
            Plugin::Ini => ini::parse(inventory, &source),
            _ => auto::parse(inventory, &source, self.reader),
        }
    }
}

/// Something that can be run: its mode says so and, for text, its first line.
fn is_script(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

impl Config {
    /// A path from the command line.
    fn absolute(&self, text: &str) -> PathBuf {
        config::normalize(&self.cwd().join(self.expand(text)))
    }
}
