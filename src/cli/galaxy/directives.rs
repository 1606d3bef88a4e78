//! `manifest` of galaxy.yml: which files belong to a collection, by directives as in MANIFEST.in of Python's packages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind};

/// Kinds of plugins that may be documented in files of their own.
const DOCUMENTED: [&str; 14] = [
    "become",
    "cache",
    "callback",
    "cliconf",
    "connection",
    "filter",
    "httpapi",
    "inventory",
    "lookup",
    "netconf",
    "shell",
    "strategy",
    "test",
    "vars",
];

const FIRST: [&str; 10] = [
    "include meta/*.yml",
    "include *.txt *.md *.rst *.license COPYING LICENSE",
    "recursive-include .reuse **",
    "recursive-include LICENSES **",
    "recursive-include tests **",
    "recursive-include docs **.rst **.yml **.yaml **.json **.j2 **.txt **.license",
    "recursive-include roles **.yml **.yaml **.json **.j2 **.license",
    "recursive-include playbooks **.yml **.yaml **.json **.license",
    "recursive-include changelogs **.yml **.yaml **.license",
    "recursive-include plugins */**.py */**.license",
];

const MODULES: [&str; 2] = [
    "recursive-include plugins/modules **.ps1 **.yml **.yaml **.license",
    "recursive-include plugins/module_utils **.ps1 **.psm1 **.cs **.license",
];

#[derive(Debug)]
pub struct Directives(Vec<String>);

impl Directives {
    pub fn of(manifest: &Json, namespace: &str, name: &str, license_file: Option<&str>) -> Result<Self, Error> {
        let wrong = |text: String| Error::new(ErrorKind::Project, text);
        let empty = serde_json::Map::new();
        let map = match manifest {
            Json::Null => &empty,
            Json::Object(map) => map,
            _ => return Err(wrong("Invalid \"manifest\" provided: a dict is needed".to_owned())),
        };
        if let Some(key) = map.keys().find(|key| !["directives", "omit_default_directives"].contains(&key.as_str())) {
            return Err(wrong(format!("Invalid \"manifest\" provided: unexpected key '{key}'")));
        }
        let own: Vec<String> = match map.get("directives") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => items.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect(),
            Some(_) => return Err(wrong("\"manifest.directives\" must be a list".to_owned())),
        };
        let alone = match map.get("omit_default_directives") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(alone)) => *alone,
            Some(_) => {
                return Err(wrong("\"manifest.omit_default_directives\" is expected to be a boolean".to_owned()));
            }
        };
        if alone {
            if own.is_empty() {
                return Err(wrong(
                    "\"manifest.omit_default_directives\" was set to True, but no directives were defined in \
                     \"manifest.directives\". This would produce an empty collection artifact."
                        .to_owned(),
                ));
            }
            return Ok(Self(own));
        }
        let mut all: Vec<String> = FIRST.map(str::to_owned).to_vec();
        all.extend(license_file.map(|file| format!("include {file}")));
        all.extend(DOCUMENTED.map(|kind| format!("recursive-include plugins/{kind} **.yml **.yaml")));
        all.extend(MODULES.map(str::to_owned));
        all.extend(own);
        all.push(format!("exclude galaxy.yml galaxy.yaml MANIFEST.json FILES.json {namespace}-{name}-*.tar.gz"));
        all.push("recursive-exclude tests/output **".to_owned());
        all.push("global-exclude /.* /__pycache__ *.pyc *.pyo *.bak *~ *.swp".to_owned());
        Ok(Self(all))
    }

    /// The files, and the folders that they are in, sorted by folder and name.
    pub fn select(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut all = Vec::new();
        files(folder, "", &mut all)
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot read {}: {err}", folder.display())))?;
        let mut chosen: BTreeSet<&str> = BTreeSet::new();
        for directive in &self.0 {
            let words: Vec<&str> = directive.split_whitespace().collect();
            let Some((action, patterns)) = words.split_first() else { continue };
            let wrong =
                |why: &str| Error::new(ErrorKind::Project, format!("Invalid manifest directive: '{directive}' {why}"));
            let (adds, expressions) = match (*action, patterns) {
                (_, []) => return Err(wrong("expects at least one pattern")),
                ("include" | "exclude", patterns) => {
                    let anchored = patterns.iter().map(|pattern| format!("^/{}$", translated(pattern)));
                    (*action == "include", anchored.collect::<Vec<_>>())
                }
                ("global-include" | "global-exclude", patterns) => {
                    let anywhere = patterns.iter().map(|pattern| format!("{}$", translated(pattern)));
                    (*action == "global-include", anywhere.collect())
                }
                ("recursive-include" | "recursive-exclude", [prefix, patterns @ ..]) => {
                    if patterns.is_empty() {
                        return Err(wrong("expects a folder and at least one pattern"));
                    }
                    let below =
                        patterns.iter().map(|pattern| format!("^/{}/.*{}$", translated(prefix), translated(pattern)));
                    (*action == "recursive-include", below.collect())
                }
                ("graft" | "prune", [prefix]) => (*action == "graft", vec![format!("^/{}/.*$", translated(prefix))]),
                ("graft" | "prune", _) => return Err(wrong("expects a single folder")),
                _ => return Err(wrong("has an unknown action")),
            };
            for expression in expressions {
                let regex =
                    Regex::new(&format!("(?s){expression}")).map_err(|_| wrong("has a pattern that is wrong"))?;
                if adds {
                    chosen.extend(all.iter().map(String::as_str).filter(|path| regex.is_match(path)));
                } else {
                    chosen.retain(|path| !regex.is_match(path));
                }
            }
        }
        let mut paths: BTreeSet<(&str, &str)> = BTreeSet::new();
        for path in chosen {
            let mut rest = path;
            while let Some((parent, name)) = rest.rsplit_once('/') {
                paths.insert((parent, name));
                if parent.is_empty() {
                    break;
                }
                rest = parent;
            }
        }
        let whole = |(parent, name): (&str, &str)| PathBuf::from(format!("{parent}/{name}").trim_start_matches('/'));
        Ok(paths.into_iter().map(whole).collect())
    }
}

/// Regular files, each with a slash in front.
fn files(top: &Path, below: &str, out: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(top.join(below.trim_start_matches('/')))? {
        let entry = entry?;
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        let about = fs::metadata(entry.path())?;
        if about.is_file() {
            out.push(path);
        } else if about.is_dir() && !entry.file_type()?.is_symlink() {
            files(top, &path, out)?;
        }
    }
    Ok(())
}

/// A pattern as an expression: stars stay inside of one name.
fn translated(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '*' => {
                while chars.next_if_eq(&'*').is_some() {}
                out.push_str("[^/]*");
            }
            '?' => out.push_str("[^/]"),
            '[' => {
                let rest: String = chars.clone().collect();
                match rest.char_indices().skip(1).find(|(_, it)| *it == ']') {
                    Some((end, _)) => {
                        let inner = &rest[..end];
                        let inner = inner.strip_prefix('!').map_or(inner.to_owned(), |inner| format!("^{inner}"));
                        out.push_str(&format!("[{}]", inner.replace('\\', "\\\\")));
                        let count = rest[..=end].chars().count();
                        chars.by_ref().take(count).for_each(drop);
                    }
                    None => out.push_str("\\["),
                }
            }
            other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}
