//! Settings from ansible.cfg, the environment and the command line. What they are is in `table`; this part doesn't
//! know what they do.

mod ini;
mod settings;
mod table;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rplay_module_api::truth;

use crate::error::{Error, ErrorKind, Notices};
use crate::source::{SourceFile, Span};
use crate::value::Value;

pub use table::SETTINGS;

/// Ansible's version whose language rplay speaks; playbooks and collections ask for it.
pub const ANSIBLE_VERSION: (i64, i64, i64) = (2, 19, 14);

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Text,
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
    Environment(&'static str),
    CommandLine,
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
}

impl Config {
    /// Reads the configuration of the process.
    pub fn from_process(notices: &Notices) -> Result<Config, Error> {
        let cwd = std::env::current_dir()
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot tell the current directory: {err}")))?;
        let variables = std::env::vars_os();
        let environment =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        // Ansible ends so when its options are wrong, those in files among them.
        Config::load(environment.collect(), &cwd, notices).map_err(|err| err.with_exit_code(5))
    }

    pub fn load(environment: HashMap<String, String>, cwd: &Path, notices: &Notices) -> Result<Config, Error> {
        let mut config = Config { given: HashMap::new(), file: None, cwd: cwd.to_owned(), environment };
        if let Some(path) = config.find_file(notices) {
            config.read_file(&path, notices)?;
        }
        for setting in SETTINGS {
            for name in setting.env {
                if let Some(text) = config.environment.get(*name) {
                    config.given.insert(setting.name, Given { text: text.clone(), origin: Origin::Environment(name) });
                }
            }
        }
        config.check(notices)?;
        Ok(config)
    }

    /// A value from the command line, which overrides all others.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        if let Some(setting) = find(name) {
            self.given.insert(setting.name, Given { text: text.into(), origin: Origin::CommandLine });
        }
    }

    /// Where a setting was given, if it was.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.given.get(name).map(|given| &given.origin)
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
        self.file = Some(path.to_owned());
        Ok(())
    }

    /// All mistakes at once, and a warning for what would be ignored.
    fn check(&self, notices: &Notices) -> Result<(), Error> {
        let mut errors = Vec::new();
        for setting in SETTINGS {
            let Some(given) = self.given.get(setting.name) else { continue };
            let place = match &given.origin {
                Origin::File(span) => Some(span),
                _ => None,
            };
            if let Some(wanted) = mistake(setting.kind, &given.text) {
                let message = format!("Invalid value provided for '{}': {} ({wanted})", setting.name, given.text);
                errors.push(Error { place: place.cloned(), ..Error::new(ErrorKind::Usage, message) });
            } else if setting.support == Support::Unsupported && given.text != setting.default {
                let name = match &given.origin {
                    Origin::Environment(name) => format!("the environment variable {name}"),
                    _ => format!("the setting {}", setting.name),
                };
                notices.warn(format!("{name} is not supported and has no effect"), place);
            }
        }
        Error::collect(errors)
    }

    fn text_of(&self, name: &str) -> &str {
        debug_assert!(find(name).is_some_and(|setting| setting.support == Support::Used), "{name} is not in the table");
        match self.given.get(name) {
            Some(given) => &given.text,
            None => find(name).map_or("", |setting| setting.default),
        }
    }

    /// The value of a switch.
    pub fn bool(&self, name: &str) -> bool {
        parse_bool(self.text_of(name)).unwrap_or(false)
    }

    pub fn int(&self, name: &str) -> i64 {
        self.text_of(name).trim().parse().unwrap_or(0)
    }

    /// A text; an empty one counts as not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        Some(self.text_of(name)).filter(|text| !text.is_empty())
    }

    /// A setting of any name with its own type, for templates that ask.
    pub fn value(&self, name: &str) -> Option<Value> {
        let setting = find(name)?;
        let text = self.given.get(name).map_or(setting.default, |given| given.text.as_str());
        let items = |separator| text.split(separator).map(str::trim).filter(|item| !item.is_empty());
        let shown = |path: &str| Value::from(self.resolve(name, path).to_string_lossy().into_owned());
        Some(match setting.kind {
            Kind::Bool => Value::Bool(parse_bool(text).unwrap_or(false)),
            Kind::Int => text.trim().parse().map_or(Value::Null, Value::Int),
            Kind::List => Value::list(items(',').map(Value::from).collect()),
            Kind::PathList => Value::list(items(',').map(shown).collect()),
            Kind::PathSpec => Value::list(items(':').map(shown).collect()),
            Kind::Text | Kind::Choice(_) | Kind::Path if text.is_empty() => Value::Null,
            Kind::Path => shown(text),
            Kind::Text | Kind::Choice(_) => Value::from(text),
        })
    }

    /// A text that somebody wrote, and not the default.
    pub fn given_text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|given| given.text.as_str()).filter(|text| !text.is_empty())
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        let items = self.text_of(name).split(',').map(str::trim);
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(|text| self.resolve(name, text))
    }

    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        let separator = match find(name).map(|setting| setting.kind) {
            Some(Kind::PathSpec) => ':',
            _ => ',',
        };
        let items = self.text_of(name).split(separator).map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| self.resolve(name, item)).collect()
    }

    /// A path counts from the file it is written in; otherwise from the current directory.
    fn resolve(&self, name: &str, text: &str) -> PathBuf {
        let given = self.given.get(name);
        let text = match (text.strip_prefix("~/.ansible"), given) {
            (Some(rest), None) if name != "ANSIBLE_HOME" => format!("{}{rest}", self.text_of("ANSIBLE_HOME")),
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
    SETTINGS.binary_search_by(|setting| setting.name.cmp(name)).ok().and_then(|index| SETTINGS.get(index))
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
        Kind::Int if !text.is_empty() && text.parse::<i64>().is_err() => Some("a whole number is needed".to_owned()),
        Kind::Choice(choices) if !text.is_empty() && !choices.contains(&text) => {
            Some(format!("one of {} is needed", choices.join(", ")))
        }
        _ => None,
    }
}

fn unquote(text: &str) -> &str {
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
