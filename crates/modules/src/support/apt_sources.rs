//! The files that say where apt gets packages from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::at;

pub const MAIN: &str = "/etc/apt/sources.list";
pub const PARTS: &str = "/etc/apt/sources.list.d";

/// A source without its blanks: `deb [options] uri suite components`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub text: String,
}

impl Source {
    /// None if the line is no source.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, rest) = words.split_first()?;
        if !matches!(*kind, "deb" | "deb-src") {
            return None;
        }
        let mut rest = rest;
        if rest.first().is_some_and(|it| it.starts_with('[')) {
            let end = rest.iter().position(|it| it.ends_with(']'))?;
            rest = rest.get(end + 1..)?;
        }
        // A suite that is a path stands without components.
        let [_, suite, components @ ..] = rest else { return None };
        (!components.is_empty() || suite.ends_with('/')).then(|| Self { text: words.join(" ") })
    }

    /// The name that Ansible gives a new file: the URI without its scheme, its user and what is no letter or digit.
    pub fn file_name(&self) -> String {
        let mut words = self.text.split(' ').skip(1).peekable();
        if words.peek().is_some_and(|it| it.starts_with('[')) {
            for word in words.by_ref() {
                if word.ends_with(']') {
                    break;
                }
            }
        }
        let uri = words.next().unwrap_or_default();
        let uri = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let (host, path) = uri.split_at(uri.find('/').unwrap_or(uri.len()));
        let host = host.rsplit('@').next().unwrap_or(host);
        clean_name(&format!("{host}{path}"))
    }
}

pub fn clean_name(text: &str) -> String {
    text.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("_")
}

/// One file of sources; lines are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub path: PathBuf,
    pub lines: Vec<String>,
}

impl SourceFile {
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn source_at(&self, index: usize) -> Option<(Source, bool)> {
        let line = self.lines.get(index)?.trim();
        match line.strip_prefix('#') {
            Some(commented) => Source::parse(commented.trim_start_matches('#')).map(|it| (it, false)),
            None => Source::parse(line).map(|it| (it, true)),
        }
    }

    /// Makes the source active where it is commented out; whether it is here, and whether that changed something.
    pub fn enable(&mut self, source: &Source) -> (bool, bool) {
        let (mut found, mut changed) = (false, false);
        for index in 0..self.lines.len() {
            if let Some((it, active)) = self.source_at(index)
                && it == *source
            {
                found = true;
                if !active && let Some(line) = self.lines.get_mut(index) {
                    line.clone_from(&source.text);
                    changed = true;
                }
            }
        }
        (found, changed)
    }

    /// Takes the source out; whether it was here.
    pub fn remove(&mut self, source: &Source) -> bool {
        let doomed: Vec<bool> = (0..self.lines.len())
            .map(|index| self.source_at(index).is_some_and(|(it, active)| active && it == *source))
            .collect();
        let mut index = 0;
        self.lines.retain(|_| {
            index += 1;
            !doomed.get(index - 1).copied().unwrap_or(false)
        });
        doomed.contains(&true)
    }
}

/// Every file of sources in the one-line format.
pub fn read_all() -> Vec<SourceFile> {
    let mut paths: Vec<PathBuf> = fs::read_dir(PARTS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.extension().is_some_and(|it| it == "list"))
        .collect();
    paths.sort();
    paths.insert(0, PathBuf::from(MAIN));
    paths.iter().filter_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Option<SourceFile> {
    let bytes = at::read(path).ok()?;
    let lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    Some(SourceFile { path: path.to_owned(), lines })
}

#[cfg(test)]
mod tests {
    use super::{Source, SourceFile};

    #[test]
    fn sources() {
        for (line, name) in [
            ("deb http://archive.canonical.com/ubuntu hardy partner", "archive_canonical_com_ubuntu"),
            ("deb  [arch=amd64 signed-by=/x]  https://user:pw@a.b/linux-x  c  d # note", "a_b_linux_x"),
            ("deb-src http://a.b/c ./", "a_b_c"),
        ] {
            assert_eq!(Source::parse(line).map(|it| it.file_name()).as_deref(), Some(name), "{line}");
        }
        for line in
            ["", "# x", "rubbish", "deb http://a", "deb http://a suite", "ppa:a/b", "deb [arch=amd64 http://a b c"]
        {
            assert_eq!(Source::parse(line), None, "{line}");
        }
    }

    #[test]
    fn edits() {
        let source = Source::parse("deb http://a b c").expect("it is a source");
        let mut file = SourceFile {
            path: "x".into(),
            lines: vec!["# deb http://a b c".into(), "# note".into(), "deb http://a  b c".into()],
        };
        assert_eq!(file.enable(&source), (true, true));
        assert_eq!(file.lines, ["deb http://a b c", "# note", "deb http://a  b c"]);
        assert_eq!(file.enable(&source), (true, false));
        assert!(file.remove(&source));
        assert_eq!(file.lines, ["# note"]);
        assert!(!file.remove(&source));
    }
}
