//! Configuration files that need nothing but reading: `Host` blocks, files that they include, plain values. Anything else is left to
//! `ssh -G`, which knows best.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use super::options::{ALGORITHMS, Collector, Fate, fate, seconds};
use super::{SshConfig, expand_home, home, user_name};
use crate::connection::known_hosts::wildcard;

/// As deep as ssh follows.
const MOST_INCLUDES: usize = 16;

/// An option and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    words: Vec<String>,
}

/// It takes ssh to understand this.
struct Beyond;
type Plain<T> = Result<T, Beyond>;

/// What a host gets from the files and from options on the command line; none where it takes ssh to know.
pub fn read(arguments: &[String], host: &str) -> Option<SshConfig> {
    evaluate_all(arguments, host).ok()
}

/// The same from one text, as if it were the only file.
pub fn evaluate(text: &str, host: &str) -> Option<SshConfig> {
    let mut reading = Reading::new(host);
    reading.lines(&lines(text).ok()?, Path::new("/etc/ssh"), 0).ok()?;
    reading.finish().ok()
}

fn evaluate_all(arguments: &[String], host: &str) -> Plain<SshConfig> {
    // ssh takes user and port out of such names.
    if host.is_empty() || host.starts_with('-') || host.contains('@') || host.contains("://") {
        return Err(Beyond);
    }
    let mut reading = Reading::new(host);
    let named = reading.command_line(arguments)?;
    let system = Path::new("/etc/ssh");
    match named.as_deref() {
        Some("none") => {}
        Some(file) => {
            let file = PathBuf::from(file);
            // Includes of such a file count from ~/.ssh.
            let lines = file_lines(&file, false)?.ok_or(Beyond)?;
            reading.lines(&lines, &home().join(".ssh"), 0)?;
        }
        None => {
            let folder = home().join(".ssh");
            if let Some(lines) = file_lines(&folder.join("config"), true)? {
                reading.lines(&lines, &folder, 0)?;
            }
            reading.active = true;
            if let Some(lines) = file_lines(&system.join("ssh_config"), false)? {
                reading.lines(&lines, system, 0)?;
            }
        }
    }
    reading.finish()
}

struct Reading<'a> {
    host: &'a str,
    /// Whether the block applies to the host.
    active: bool,
    /// The first value of each option, and all values of those that add up.
    found: Vec<(String, String)>,
    control_path: Option<String>,
}

fn adds_up(name: &str) -> bool {
    matches!(name, "identityfile" | "sendenv" | "setenv")
}

impl<'a> Reading<'a> {
    fn new(host: &'a str) -> Self {
        Self { host, active: true, found: Vec::new(), control_path: None }
    }

    /// Takes options of the command line; returns the file that `-F` names.
    fn command_line(&mut self, arguments: &[String]) -> Plain<Option<String>> {
        let mut file = None;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut chars = word.chars();
            let (Some('-'), Some(flag)) = (chars.next(), chars.next()) else { return Err(Beyond) };
            let rest = chars.as_str();
            if matches!(flag, '4' | '6' | 'C' | 'q' | 'T' | 'x' | 'a') && rest.is_empty() {
                match flag {
                    '4' => self.note("addressfamily", "inet".into()),
                    '6' => self.note("addressfamily", "inet6".into()),
                    'C' => self.note("compression", "yes".into()),
                    _ => {}
                }
                continue;
            }
            let value = if rest.is_empty() { words.next().ok_or(Beyond)?.as_str() } else { rest };
            match flag {
                'o' => {
                    for line in lines(value)? {
                        self.option(&line)?;
                    }
                }
                'F' => file = Some(value.to_owned()),
                'p' => self.option(&Line { name: "port".into(), words: vec![value.to_owned()] })?,
                'l' => self.option(&Line { name: "user".into(), words: vec![value.to_owned()] })?,
                // ssh passes over a file that is not there, and says so.
                'i' if !Path::new(value).exists() => return Err(Beyond),
                'i' => self.option(&Line { name: "identityfile".into(), words: vec![value.to_owned()] })?,
                _ => return Err(Beyond),
            }
        }
        Ok(file)
    }

    fn lines(&mut self, lines: &[Line], folder: &Path, depth: usize) -> Plain<()> {
        for line in lines {
            match line.name.as_str() {
                "host" => self.active = self.applies(&line.words),
                "match" if line.words.len() == 1 && line.words.iter().all(|word| word.eq_ignore_ascii_case("all")) => {
                    self.active = true;
                }
                "match" => return Err(Beyond),
                "include" if depth >= MOST_INCLUDES => return Err(Beyond),
                "include" if self.active => {
                    for word in &line.words {
                        self.include(word, folder, depth)?;
                    }
                }
                "include" => {}
                _ if self.active => self.option(line)?,
                // ssh refuses a file with a mistake, also where it does not apply.
                _ if fate(&line.name).is_none() => return Err(Beyond),
                _ => {}
            }
        }
        Ok(())
    }

    fn include(&mut self, word: &str, folder: &Path, depth: usize) -> Plain<()> {
        if word.contains(['%', '$']) {
            return Err(Beyond);
        }
        let path = expand_home(word);
        let pattern = if path.is_absolute() { path } else { folder.join(path) };
        let outer = self.active;
        // In the order of their names, as glob(3) gives them.
        let files = glob::glob(pattern.to_str().ok_or(Beyond)?).map_err(|_| Beyond)?;
        for file in files {
            let file = file.map_err(|_| Beyond)?;
            let checked = folder.ends_with(".ssh");
            if let Some(lines) = file_lines(&file, checked)? {
                self.active = outer;
                self.lines(&lines, folder, depth + 1)?;
            }
        }
        self.active = outer;
        Ok(())
    }

    fn applies(&self, patterns: &[String]) -> bool {
        let mut found = false;
        for pattern in patterns {
            match pattern.strip_prefix('!') {
                Some(not) if wildcard(not.as_bytes(), self.host.as_bytes()) => return false,
                Some(_) => {}
                None => found |= wildcard(pattern.as_bytes(), self.host.as_bytes()),
            }
        }
        found
    }

    fn option(&mut self, line: &Line) -> Plain<()> {
        let name = line.name.as_str();
        match fate(name) {
            // ssh writes out lists of algorithms, and applies what is about canonical names.
            Some(Fate::Honored) if !ALGORITHMS.contains(&name) => {}
            Some(Fate::Idle(_))
                if !name.starts_with("canonical") && !matches!(name, "tag" | "ignoreunknown" | "host") =>
            {
                if name == "controlpath" {
                    self.control_path.get_or_insert_with(|| line.words.join(" "));
                }
                return Ok(());
            }
            Some(Fate::Program(harmless)) if harmless.contains(&line.words.join(" ").as_str()) => {
                return if self.is_known(name) { Ok(()) } else { self.remember(name, line.words.join(" ")) };
            }
            _ => return Err(Beyond),
        }
        if line.words.is_empty() || line.words.iter().any(|word| word.contains(['%', '$'])) {
            return Err(Beyond);
        }
        let many = matches!(name, "userknownhostsfile" | "globalknownhostsfile" | "sendenv" | "setenv");
        if !many && line.words.len() > 1 {
            return Err(Beyond);
        }
        if line.words.iter().any(|word| word.contains([' ', '\t', '"', '\'', '\\'])) {
            // Only one word can be handed on as it is.
            if many {
                return Err(Beyond);
            }
        }
        let value = line.words.join(" ");
        if !is_plain(name, &value) {
            return Err(Beyond);
        }
        self.remember(name, value)
    }

    fn is_known(&self, name: &str) -> bool {
        self.found.iter().any(|(known, _)| known == name)
    }

    fn remember(&mut self, name: &str, value: String) -> Plain<()> {
        self.note(name, value);
        Ok(())
    }

    fn note(&mut self, name: &str, value: String) {
        let repeated = self.found.iter().any(|(known, known_value)| known == name && *known_value == value);
        if !repeated && (adds_up(name) || !self.is_known(name)) {
            self.found.push((name.to_owned(), value));
        }
    }

    fn finish(self) -> Plain<SshConfig> {
        let mut collector = Collector::default();
        let given = |name: &str| self.found.iter().any(|(known, _)| known == name);
        let folder = home().join(".ssh");
        if !given("hostname") {
            collector.take("hostname", &self.host.to_lowercase());
        }
        if !given("user") {
            collector.take("user", &user_name());
        }
        if !given("identityfile") {
            for name in ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"] {
                collector.take("identityfile", &folder.join(name).to_string_lossy());
            }
        }
        for (name, files) in [
            ("userknownhostsfile", [folder.join("known_hosts"), folder.join("known_hosts2")]),
            ("globalknownhostsfile", ["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()]),
        ] {
            if !given(name) {
                let [one, two] = files;
                collector.take(name, &format!("'{}' '{}'", one.display(), two.display()));
            }
        }
        for (name, value) in &self.found {
            // A host's name is looked up in small letters.
            if name == "hostname" {
                collector.take(name, &value.to_lowercase());
            } else if matches!(fate(name), Some(Fate::Honored)) {
                collector.take(name, value);
            }
        }
        if self.control_path.is_some_and(|path| path != "none") {
            collector.shares_connection();
        }
        Ok(collector.finish())
    }
}

/// A value that means just what it says; all others are judged by ssh, mistakes included.
fn is_plain(name: &str, value: &str) -> bool {
    match name {
        "port" => value.parse::<u16>().is_ok_and(|port| port > 0),
        "requiredrsasize" | "connectionattempts" => value.parse::<u32>().is_ok_and(|number| number > 0),
        "serveralivecountmax" => value.parse::<u32>().is_ok(),
        "serveraliveinterval" | "connecttimeout" => seconds(value).is_some(),
        "addressfamily" => matches!(value, "any" | "inet" | "inet6"),
        "stricthostkeychecking" => matches!(value, "yes" | "true" | "no" | "off" | "false" | "ask" | "accept-new"),
        "identitiesonly"
        | "hashknownhosts"
        | "pubkeyauthentication"
        | "passwordauthentication"
        | "kbdinteractiveauthentication"
        | "gssapiauthentication"
        | "compression"
        | "tcpkeepalive" => {
            matches!(value, "yes" | "true" | "no" | "false")
        }
        "setenv" => value.split_whitespace().all(|pair| pair.contains('=')),
        // A minus takes patterns away again.
        "sendenv" => value.split_whitespace().all(|pattern| !pattern.starts_with('-')),
        "identityfile" => !value.starts_with('~') || value.starts_with("~/"),
        "userknownhostsfile" | "globalknownhostsfile" => {
            value.split_whitespace().all(|file| !file.starts_with('~') || file.starts_with("~/"))
        }
        _ => true,
    }
}

/// Splits a text into options. Comments at the end of a line and escapes are not the same in all versions of ssh.
fn lines(text: &str) -> Plain<Vec<Line>> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.trim_matches([' ', '\t', '\r', '\x0c']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let end = line.find(|char: char| char.is_whitespace() || char == '=').unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        lines.push(Line { name: name.to_lowercase(), words: words(rest)? });
    }
    Ok(lines)
}

fn words(text: &str) -> Plain<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let word;
        if let Some(quoted) = rest.strip_prefix('"') {
            (word, rest) = quoted.split_once('"').ok_or(Beyond)?;
            if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
                return Err(Beyond);
            }
        } else {
            (word, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            if word.contains(['"', '\'', '#']) {
                return Err(Beyond);
            }
        }
        if word.contains('\\') {
            return Err(Beyond);
        }
        words.push(word.to_owned());
        rest = rest.trim_start();
    }
    Ok(words)
}

/// A file as it was when it was last looked at.
struct Seen {
    changed: Option<SystemTime>,
    length: u64,
    lines: Arc<Vec<Line>>,
}

static FILES: LazyLock<Mutex<HashMap<PathBuf, Seen>>> = LazyLock::new(Mutex::default);

/// The options in a file; none when there is no such file.
fn file_lines(path: &Path, owner_counts: bool) -> Plain<Option<Arc<Vec<Line>>>> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(Beyond),
    };
    // ssh refuses a file that others may have written, and says so.
    let own = meta.uid() == 0 || meta.uid() == rustix::process::getuid().as_raw();
    if owner_counts && (!own || meta.mode() & 0o022 != 0) {
        return Err(Beyond);
    }
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let changed = meta.modified().ok();
    if let Some(seen) = files.get(path).filter(|seen| seen.changed == changed && seen.length == meta.len()) {
        return Ok(Some(Arc::clone(&seen.lines)));
    }
    let text = fs::read(path).map_err(|_| Beyond)?;
    let lines = Arc::new(lines(&String::from_utf8(text).map_err(|_| Beyond)?)?);
    files.insert(path.to_owned(), Seen { changed, length: meta.len(), lines: Arc::clone(&lines) });
    Ok(Some(lines))
}
