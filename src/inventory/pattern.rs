//! Which hosts a pattern means: `web:&staging:!w1`, `db[0]`, `*.example.com`, `~regex`, limits and `@files`.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use fancy_regex::Regex;
use indexmap::IndexSet;

use super::{Host, HostName, Inventory, LOCALHOST, Unmatched, inventory_error, parse_address};
use crate::error::{Error, ErrorKind};
use crate::value::{Dict, Value};

static PARTS: LazyLock<Regex> = LazyLock::new(|| constant(r"(?:[^\s:\[\]]|\[[^\]]*\])+"));
static SUBSCRIPT: LazyLock<Regex> = LazyLock::new(|| constant(r"^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$"));

fn constant(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

#[derive(Clone, Copy)]
enum Subscript {
    One(i64),
    /// Both ends count; without an end to the last.
    Range(usize, Option<usize>),
}

impl Inventory {
    /// The hosts of a pattern, in order, of which only those of the limit remain.
    pub fn hosts(&mut self, pattern: &str, limit: Option<&str>) -> Result<Vec<HostName>, Error> {
        self.hosts_of(&[pattern], limit)
    }

    /// The same for a list of patterns (`hosts: [web, '!w1']`).
    pub fn hosts_of(&mut self, patterns: &[&str], limit: Option<&str>) -> Result<Vec<HostName>, Error> {
        let parts: Vec<String> = patterns.iter().flat_map(|pattern| split_pattern(pattern)).collect();
        let mut hosts = self.evaluate(&parts)?;
        let limits = match limit {
            Some(limit) => limit_parts(limit)?,
            None => Vec::new(),
        };
        if !limits.is_empty() {
            let allowed = self.evaluate(&limits)?;
            hosts.retain(|host| allowed.contains(host));
        }
        Ok(hosts.into_iter().collect())
    }

    /// Plain patterns first, then those that intersect, then those that exclude.
    fn evaluate(&mut self, parts: &[String]) -> Result<IndexSet<HostName>, Error> {
        let kind = |sign: char| parts.iter().filter(move |part| part.starts_with(sign));
        let mut hosts = IndexSet::new();
        let mut has_plain = false;
        for part in parts.iter().filter(|part| !part.starts_with(['!', '&'])) {
            has_plain = true;
            hosts.extend(self.matches(part)?);
        }
        if !has_plain {
            hosts.extend(self.matches("all")?);
        }
        for part in kind('&') {
            let others = self.matches(&part[1..])?;
            hosts.retain(|host| others.contains(host));
        }
        for part in kind('!') {
            let others = self.matches(&part[1..])?;
            hosts.retain(|host| !others.contains(host));
        }
        Ok(hosts)
    }

    fn matches(&mut self, part: &str) -> Result<IndexSet<HostName>, Error> {
        if let Some(host) = self.hosts.get(part) {
            return Ok(IndexSet::from([host.name.clone()]));
        }
        let (name, subscript) = split_subscript(part);
        let hosts = self.enumerate(name)?;
        let Some(subscript) = subscript.filter(|_| !hosts.is_empty()) else { return Ok(hosts) };
        let length = hosts.len();
        match subscript {
            Subscript::Range(first, last) => {
                let last = last.unwrap_or(length - 1);
                Ok(hosts.into_iter().skip(first).take((last + 1).saturating_sub(first)).collect())
            }
            Subscript::One(index) => {
                let at = usize::try_from(index)
                    .ok()
                    .or_else(|| length.checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX)));
                match at.and_then(|at| hosts.get_index(at)) {
                    Some(host) => Ok(IndexSet::from([host.clone()])),
                    None => Err(inventory_error(format!("No hosts matched the subscripted pattern '{part}'"))),
                }
            }
        }
    }

    /// The hosts of the groups that match, and with a wildcard or a regular expression the hosts that match themselves.
    fn enumerate(&mut self, name: &str) -> Result<IndexSet<HostName>, Error> {
        let is_match = matcher(name)?;
        let groups: Vec<&str> = self.groups.keys().map(|group| &**group).filter(|group| is_match(group)).collect();
        let mut hosts: IndexSet<HostName> = groups.iter().flat_map(|group| self.group_hosts(group)).collect();
        if groups.is_empty() || name.starts_with('~') || name.contains(['.', '?', '*', '[']) {
            hosts.extend(self.hosts.keys().filter(|host| is_match(host)).cloned());
        }
        let is_unmatched = groups.is_empty() && hosts.is_empty();
        if is_unmatched && LOCALHOST.contains(&name) {
            hosts.insert(self.implicit_localhost(name));
        } else if is_unmatched {
            let message = format!("Could not match supplied host pattern, ignoring: {name}");
            match self.rules.unmatched_pattern {
                Unmatched::Warn => self.notices.warn(message, None),
                Unmatched::Error => return Err(inventory_error(message)),
                Unmatched::Ignore => {}
            }
        }
        Ok(hosts)
    }

    fn implicit_localhost(&mut self, name: &str) -> HostName {
        if let Some(host) = self.implicit.get(name) {
            return HostName::clone(&host.name);
        }
        let name: HostName = name.into();
        let vars = Dict::from_iter([
            (Value::str("ansible_connection"), Value::str("local")),
            (Value::str("ansible_python_interpreter"), Value::str(python().to_string_lossy())),
        ]);
        let host = Host {
            name: HostName::clone(&name),
            groups: IndexSet::new(),
            vars: vars.into(),
            source: None,
            implicit: true,
        };
        self.implicit.insert(HostName::clone(&name), host);
        name
    }

    /// What a user should know before a run: there is nobody but the controller.
    pub fn warn_if_empty(&self) {
        if self.hosts.is_empty() && self.rules.localhost_warning {
            let message = "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'";
            self.notices.warn(message, None);
        }
    }
}

/// The Python that playbooks name as this machine's: the one that a shell would find.
pub fn python() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("/usr/bin/python3"))
}

/// A pattern's parts: separated by commas, or by colons unless the whole is an address.
pub fn split_pattern(pattern: &str) -> Vec<String> {
    if pattern.contains(',') {
        let parts = pattern.split(',').map(str::trim).filter(|part| !part.is_empty());
        return parts.map(str::to_owned).collect();
    }
    let pattern = pattern.trim();
    if parse_address(pattern, true).is_some() {
        return vec![pattern.to_owned()];
    }
    PARTS.find_iter(pattern).filter_map(|part| Some(part.ok()?.as_str().to_owned())).collect()
}

/// The parts of a limit; `@file` stands for the patterns in a file, one a line.
fn limit_parts(limit: &str) -> Result<Vec<String>, Error> {
    let mut parts = Vec::new();
    for part in split_pattern(limit) {
        let Some(path) = part.strip_prefix('@') else {
            parts.push(part);
            continue;
        };
        let text = fs::read_to_string(path)
            .map_err(|err| Error::new(ErrorKind::Inventory, format!("Unable to find limit file {path}: {err}")))?;
        parts.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(parts)
}

fn split_subscript(part: &str) -> (&str, Option<Subscript>) {
    let whole = (part, None);
    if part.starts_with('~') || !part.ends_with(']') {
        return whole;
    }
    let Some(parts) = SUBSCRIPT.captures(part).ok().flatten() else { return whole };
    let text = |index: usize| parts.get(index).map(|part| part.as_str());
    let Some(name) = text(1) else { return whole };
    if let Some(index) = text(2).and_then(|index| index.parse().ok()) {
        return (name, Some(Subscript::One(index)));
    }
    match text(3).and_then(|first| first.parse().ok()) {
        Some(first) => (name, Some(Subscript::Range(first, text(4).and_then(|last| last.parse().ok())))),
        None => whole,
    }
}

/// How names are compared with a pattern: `~` begins a regular expression, everything else is a glob.
fn matcher(pattern: &str) -> Result<Box<dyn Fn(&str) -> bool>, Error> {
    if pattern == "all" {
        return Ok(Box::new(|name| name == "all"));
    }
    let regex = match pattern.strip_prefix('~') {
        Some(regex) => format!("^(?:{regex})"),
        None if !pattern.contains(['*', '?', '[']) => {
            let pattern = pattern.to_owned();
            return Ok(Box::new(move |name| name == pattern));
        }
        None => glob_regex(pattern),
    };
    let regex =
        Regex::new(&regex).map_err(|err| inventory_error(format!("Invalid host list pattern: {pattern} ({err})")))?;
    Ok(Box::new(move |name| regex.is_match(name).unwrap_or(false)))
}

/// What stands between the brackets of a shell pattern. A range that ends before it begins has no members.
fn class_regex(inner: &str) -> String {
    let (negated, members) = inner.strip_prefix('!').map_or((false, inner), |members| (true, members));
    let mut class = String::new();
    let mut members = members.chars().peekable();
    while let Some(first) = members.next() {
        let mut ahead = members.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                if first <= last {
                    class += &format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(first), u32::from(last));
                }
                members = ahead;
            }
            _ => class += &format!("\\x{{{:x}}}", u32::from(first)),
        }
    }
    match (class.is_empty(), negated) {
        (true, true) => ".".to_owned(),
        (true, false) => "(?!)".to_owned(),
        (false, true) => format!("[^{class}]"),
        (false, false) => format!("[{class}]"),
    }
}

/// A shell pattern as a regular expression.
fn glob_regex(pattern: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let rest = chars.as_str();
                // A bracket right after the opening one is a member of the class.
                let skip = rest.chars().take_while(|char| *char == '!').count().min(1);
                let from = skip + usize::from(rest.get(skip..).is_some_and(|rest| rest.starts_with(']')));
                match rest.get(from..).and_then(|tail| tail.find(']')) {
                    Some(end) => {
                        out.push_str(&class_regex(rest.get(..from + end).unwrap_or("")));
                        chars = rest.get(from + end + 1..).unwrap_or("").chars();
                    }
                    None => out.push_str("\\["),
                }
            }
            char => out.push_str(&regex::escape(&char.to_string())),
        }
    }
    out.push('$');
    out
}
