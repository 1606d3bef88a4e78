//! Settings from ansible.cfg, the environment and the command line. What they are is in `table`; this part doesn't
//! know what they do.

mod ini;
pub(crate) mod reference;
mod settings;
pub(crate) mod table;
mod types;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rplay_module_api::truth;
use serde_json::Value as Json;
use types::{Handle, Type, color_code, items};

use crate::error::{Error, ErrorKind, Notices};
use crate::source::{SourceFile, Span};
use crate::value::Value;

pub(crate) use table as setting;
pub use table::SETTINGS;
pub use types::{Gathering, GroupNames, HashBehavior, ResultFormat, SortOrder, Unmatched};

/// Ansible's version whose language rplay speaks; playbooks and collections ask for it.
pub const ANSIBLE_VERSION: (i64, i64, i64) = (2, 19, 14);

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int {
        from: i128,
        to: i128,
    },
    Text,
    Color,
    Choice(&'static [&'static str]),
    /// Separated by commas.
    List,
    Path,
    /// Paths separated by commas.
    PathList,
    /// Paths separated by colons.
    PathSpec,
}

/// What rplay does with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Used,
    /// Has no effect and needs none: results are the same.
    Accepted,
    /// Would change results; using it is warned about.
    Unsupported,
}

#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    pub default: &'static str,
    /// Section and key; the last one that is given counts.
    pub ini: &'static [(&'static str, &'static str)],
    pub env: &'static [&'static str],
    pub support: Support,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    File(Span),
    Environment(Cow<'static, str>),
}

#[derive(Clone, Debug)]
struct Given {
    text: String,
    origin: Origin,
}

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub struct Config {
    given: HashMap<&'static str, Given>,
    /// The ansible.cfg that was read.
    pub file: Option<PathBuf>,
    cwd: PathBuf,
    environment: HashMap<String, String>,
    /// Everything that the file says.
    entries: Arc<[ini::Entry]>,
}

/// What somebody wrote for an option.
pub struct Written {
    pub text: String,
    pub origin: Origin,
}

impl Config {
    /// Reads the configuration of the process.
    pub fn from_process(notices: &Notices) -> Result<Config, Error> {
        Config::of_file(None, notices)
    }

    /// Reads the environment of the process and this file in place of the one that would be found.
    pub fn of_file(file: Option<&Path>, notices: &Notices) -> Result<Config, Error> {
        let cwd = std::env::current_dir()
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot tell the current directory: {err}")))?;
        let variables = std::env::vars_os();
        let environment =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut environment: HashMap<String, String> = environment.collect();
        if let Some(file) = file {
            if !file.is_file() {
                let message = format!(
                    "The provided configuration file is missing or not accessible: {}",
                    cwd.join(file).display()
                );
                return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
            }
            environment.insert("ANSIBLE_CONFIG".to_owned(), file.to_string_lossy().into_owned());
        }
        // Ansible ends so when its options are wrong, those in files among them.
        Config::load(environment, &cwd, notices).map_err(|err| err.with_exit_code(5))
    }

    pub fn load(environment: HashMap<String, String>, cwd: &Path, notices: &Notices) -> Result<Config, Error> {
        let mut config =
            Config { given: HashMap::new(), file: None, cwd: cwd.to_owned(), environment, entries: Arc::default() };
        if let Some(path) = config.find_file(notices) {
            config.read_file(&path, notices)?;
        }
        for setting in SETTINGS {
            for name in setting.env {
                if let Some(text) = config.environment.get(*name) {
                    config.given.insert(
                        setting.name,
                        Given { text: text.clone(), origin: Origin::Environment(Cow::Borrowed(name)) },
                    );
                }
            }
        }
        config.check(notices)?;
        Ok(config)
    }

    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    fn find_file(&self, notices: &Notices) -> Option<PathBuf> {
        let is_readable =
            |path: &PathBuf| fs::File::open(path).is_ok_and(|file| file.metadata().is_ok_and(|it| it.is_file()));
        let named = self.environment.get("ANSIBLE_CONFIG").filter(|name| !name.is_empty()).map(|name| {
            let path = self.cwd.join(self.expand(name));
            if path.is_dir() { path.join("ansible.cfg") } else { path }
        });
        if let Some(path) = named.filter(is_readable) {
            return Some(path);
        }
        let local = self.cwd.join("ansible.cfg");
        if is_readable(&local) {
            if !is_world_writable(&self.cwd) {
                return Some(local);
            }
            notices.warn(
                format!(
                    "Ansible is being run in a world writable directory ({}), ignoring it as an ansible.cfg source. For more information see https://docs.ansible.com/ansible/devel/reference_appendices/config.html#cfg-in-world-writable-dir",
                    self.cwd.display()
                ),
                None,
            );
        }
        [PathBuf::from(self.expand("~/.ansible.cfg")), PathBuf::from("/etc/ansible/ansible.cfg")]
            .into_iter()
            .find(is_readable)
    }

    fn read_file(&mut self, path: &Path, notices: &Notices) -> Result<(), Error> {
        let bytes = fs::read(path)
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot read {}: {err}", path.display())))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::new(ErrorKind::Usage, format!("{} is not UTF-8 text", path.display())))?;
        let source = SourceFile::new(path, text);
        let entries = ini::parse(&source)?;
        for setting in SETTINGS {
            for (section, key) in setting.ini {
                let same = |entry: &&ini::Entry| entry.section == *section && entry.key == *key;
                if let Some(entry) = entries.iter().find(same) {
                    let text = unquote(&entry.value).to_owned();
                    let origin = Origin::File(entry.span.clone());
                    self.given.insert(setting.name, Given { text, origin });
                }
            }
        }
        for entry in &entries {
            if let Some((_, _, advice)) =
                REMOVED.iter().find(|(section, key, _)| entry.section == *section && entry.key == *key)
            {
                notices.warn(
                    format!("the setting [{}] {} has no effect: {advice}", entry.section, entry.key),
                    Some(&entry.span),
                );
            }
        }
        warn_of_unknown_keys(&entries, notices);
        self.file = Some(path.to_owned());
        self.entries = entries.into();
        Ok(())
    }

    /// What the environment, or else the file, says for an option of `reference`. Of several places the last one counts.
    pub fn written(&self, definition: &Json) -> Option<Written> {
        let variable = reference::names(definition, "env").filter(|name| self.environment.contains_key(*name)).last();
        if let Some(name) = variable {
            let text = self.environment.get(name)?.clone();
            return Some(Written { text, origin: Origin::Environment(name.to_owned().into()) });
        }
        let places = reference::ini(definition);
        let found = places.filter_map(|(section, key)| {
            self.entries.iter().find(|entry| entry.section == section && entry.key == key.to_lowercase())
        });
        found.last().map(|entry| Written { text: entry.value.clone(), origin: Origin::File(entry.span.clone()) })
    }

    /// Section and key of everything that the file says.
    pub fn written_keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.section.as_str(), entry.key.as_str()))
    }

    pub fn environment_names(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }

    /// A path with `~` and variables; it counts from the file where it is written there.
    pub fn path(&self, text: &str, in_file: bool) -> PathBuf {
        let folder = self.file.as_deref().filter(|_| in_file).and_then(Path::parent).unwrap_or(&self.cwd);
        let text = text.replace("{{CWD}}", &self.cwd.to_string_lossy());
        normalize(&self.cwd.join(folder).join(self.expand(&text)))
    }

    /// All mistakes at once, and a warning for what would be ignored.
    fn check(&self, notices: &Notices) -> Result<(), Error> {
        let mut errors = Vec::new();
        for setting in SETTINGS {
            let Some(given) = self.given.get(setting.name) else { continue };
            let place = match &given.origin {
                Origin::File(span) => Some(span),
                Origin::Environment(_) => None,
            };
            if let Some(wanted) = mistake(setting.kind, &given.text) {
                let message = format!("Invalid value provided for '{}': {} ({wanted})", setting.name, given.text);
                errors.push(Error { place: place.cloned(), ..Error::new(ErrorKind::Usage, message) });
            } else if setting.support == Support::Unsupported && !self.is_as_ever(setting, &given.text) {
                let name = match &given.origin {
                    Origin::Environment(name) => format!("the environment variable {name}"),
                    Origin::File(_) => format!("the setting {}", setting.name),
                };
                notices.warn(format!("{name} is not supported and has no effect"), place);
            }
        }
        Error::collect(errors)
    }

    /// Whether a text of a setting without effect asks for nothing else than what is done anyway.
    fn is_as_ever(&self, setting: &Setting, text: &str) -> bool {
        if setting.name == "DEFAULT_CALLBACK_PLUGIN_PATH" {
            // Who sets both wants the callback that is compiled in, and names the folder of the one in Python.
            return self.text_of(table::DEFAULT_STDOUT_CALLBACK.row).ends_with("awx_display");
        }
        match setting.kind {
            Kind::Bool => parse_bool(text) == parse_bool(setting.default),
            _ => text == setting.default,
        }
    }

    /// The value of a setting.
    pub fn get<T: Type>(&self, setting: Handle<T>) -> T::Value {
        T::read(self, setting.row, self.text_of(setting.row))
    }

    /// The value of a setting if somebody wrote it; the default is none.
    pub fn given<T: Type>(&self, setting: Handle<T>) -> Option<T::Value> {
        let given = self.given.get(setting.row.name).filter(|given| !given.text.is_empty())?;
        Some(T::read(self, setting.row, &given.text))
    }

    /// A setting of any name with its own type, for templates that ask.
    pub fn value(&self, name: &str) -> Option<Value> {
        let setting = find(name)?;
        let text = self.text_of(setting);
        let shown = |path: &str| Value::from(self.resolve(setting, path).to_string_lossy().into_owned());
        Some(match setting.kind {
            Kind::Bool => Value::Bool(parse_bool(text).unwrap_or(false)),
            Kind::Int { .. } => text.trim().parse().map_or(Value::Null, Value::Int),
            Kind::List => Value::list(items(text, ',').map(Value::from).collect()),
            Kind::PathList => Value::list(items(text, ',').map(shown).collect()),
            Kind::PathSpec => Value::list(items(text, ':').map(shown).collect()),
            Kind::Text | Kind::Color | Kind::Choice(_) | Kind::Path if text.is_empty() => Value::Null,
            Kind::Path => shown(text),
            Kind::Text | Kind::Color | Kind::Choice(_) => Value::from(text),
        })
    }

    fn text_of(&self, setting: &Setting) -> &str {
        self.given.get(setting.name).map_or(setting.default, |given| &given.text)
    }

    /// A path counts from the file it is written in; otherwise from the current directory.
    fn resolve(&self, setting: &Setting, text: &str) -> PathBuf {
        let given = self.given.get(setting.name);
        let home = table::ANSIBLE_HOME.row;
        let text = match (text.strip_prefix("~/.ansible"), given) {
            (Some(rest), None) if setting.name != home.name => format!("{}{rest}", self.text_of(home)),
            _ => text.to_owned(),
        };
        let base = match given.map(|given| &given.origin) {
            Some(Origin::File(span)) => span.path().parent().unwrap_or(&self.cwd),
            _ => &self.cwd,
        };
        let text = text.replace("{{CWD}}", &self.cwd.to_string_lossy());
        normalize(&self.cwd.join(base).join(self.expand(&text)))
    }

    /// `~` and `$VARIABLE`.
    pub fn expand(&self, text: &str) -> String {
        let home = || self.environment.get("HOME").cloned();
        let text = match (text.strip_prefix('~'), home()) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => text.to_owned(),
        };
        expand_variables(&text, &self.environment)
    }
}

/// Settings that Ansible had once and that old files still hold; section, key, what to do.
const REMOVED: &[(&str, &str, &str)] = &[
    ("defaults", "sudo", "use [privilege_escalation] become"),
    ("defaults", "sudo_user", "use [privilege_escalation] become_user"),
    ("defaults", "ask_sudo_pass", "use [privilege_escalation] become_ask_pass"),
    ("defaults", "hostfile", "use [defaults] inventory"),
];

fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.binary_search_by(|setting| setting.name.cmp(name)).ok().and_then(|index| SETTINGS.get(index).copied())
}

/// A key that no setting has in a section where settings are, and a section whose name is almost known. Other sections are
/// anyone's: plugins of collections have theirs there.
fn warn_of_unknown_keys(entries: &[ini::Entry], notices: &Notices) {
    let is_used = |entry: &ini::Entry| {
        let place = (entry.section.as_str(), entry.key.as_str());
        SETTINGS.iter().any(|setting| setting.ini.contains(&place))
            || REMOVED.iter().any(|(section, key, _)| (*section, *key) == place)
    };
    let unknown: Vec<&ini::Entry> = entries.iter().filter(|entry| !is_used(entry)).collect();
    if unknown.is_empty() {
        return;
    }
    let known: Vec<(&str, &str)> = reference::REFERENCE.all().flat_map(reference::ini).collect();
    let sections = || known.iter().map(|(section, _)| *section);
    for entry in unknown {
        let ini::Entry { section, key, span, .. } = entry;
        if known.iter().any(|(name, _)| name == section) {
            if !known.iter().any(|(name, other)| name == section && other.to_lowercase() == *key) {
                let near = did_you_mean(key, known.iter().filter(|(name, _)| name == section).map(|(_, key)| *key));
                notices.warn(
                    format!("no setting is named '{key}' in section [{section}], it has no effect.{near}"),
                    Some(span),
                );
            }
        } else if let Some(near) = sections().find(|name| strsim::damerau_levenshtein(name, section) <= 2) {
            let near = format!(" Did you mean '{near}'?");
            notices
                .warn(format!("no settings are in the section [{section}], '{key}' has no effect.{near}"), Some(span));
        }
    }
}

/// ` Did you mean …?` where one of the names is close to this one.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let closest =
        known.map(|known| (strsim::jaro_winkler(name, known), known)).max_by(|one, other| one.0.total_cmp(&other.0));
    closest
        .filter(|(close, _)| *close > 0.85)
        .map_or_else(String::new, |(_, known)| format!(" Did you mean '{known}'?"))
}

/// Ansible's words for yes and no.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "" | "none" => Some(false),
        word => truth(word),
    }
}

/// What a value should have been.
fn mistake(kind: Kind, text: &str) -> Option<String> {
    let text = text.trim();
    match kind {
        Kind::Bool if parse_bool(text).is_none() => Some("yes or no is needed".to_owned()),
        Kind::Int { from, to } if !text.is_empty() => match text.parse::<i128>() {
            Ok(number) if (from..=to).contains(&number) => None,
            Ok(_) if from == 0 => Some(format!("a whole number from 0 to {to} is needed")),
            _ => Some("a whole number is needed".to_owned()),
        },
        Kind::Color if !text.is_empty() && color_code(text).is_none() => Some("a color is needed".to_owned()),
        Kind::Choice(choices) if !text.is_empty() && !choices.contains(&text) => {
            Some(format!("one of {} is needed", choices.join(", ")))
        }
        _ => None,
    }
}

pub(crate) fn unquote(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

fn is_world_writable(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|it| it.permissions().mode() & 0o002 != 0)
}

/// Without `.` and `..`, not looking at links.
pub fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn expand_variables(text: &str, environment: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let name_part = &after[1..];
        let (name, length) = match name_part.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let end = name_part.find(|char: char| !char.is_ascii_alphanumeric() && char != '_');
                let name = &name_part[..end.unwrap_or(name_part.len())];
                (name, name.len() + 1)
            }
        };
        match environment.get(name) {
            Some(value) => out.push_str(value),
            None => out.push_str(&after[..length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
