//! What dpkg has installed, read from its own file: spawning dpkg-query takes longer than everything else a task does
//! when there is nothing to do.

use std::collections::{HashMap, HashSet};
use std::fs;

const STATUS: &str = "/var/lib/dpkg/status";
const EXTENDED: &str = "/var/lib/apt/extended_states";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub architecture: String,
    pub version: String,
    /// `installed`, `config-files`, `half-configured` and so on.
    pub state: String,
    pub provides: Vec<String>,
}

impl Package {
    pub fn is_installed(&self) -> bool {
        self.state == "installed"
    }
}

#[derive(Debug, Default)]
pub struct Database {
    packages: HashMap<String, Vec<Package>>,
    automatic: HashSet<String>,
}

impl Database {
    pub fn read() -> Self {
        let status = fs::read(STATUS).unwrap_or_default();
        let extended = fs::read(EXTENDED).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&status), &String::from_utf8_lossy(&extended))
    }

    pub fn parse(status: &str, extended: &str) -> Self {
        let mut database = Self::default();
        for paragraph in status.split("\n\n") {
            let package = parse_package(paragraph);
            if !package.name.is_empty() {
                database.packages.entry(package.name.clone()).or_default().push(package);
            }
        }
        for paragraph in extended.split("\n\n") {
            if field(paragraph, "Auto-Installed") == Some("1") {
                database.automatic.extend(field(paragraph, "Package").map(str::to_owned));
            }
        }
        database
    }

    /// The package of this name, installed or not; `name:arch` for one architecture.
    pub fn find(&self, name: &str) -> Option<&Package> {
        let (name, architecture) = match name.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture).filter(|it| !matches!(*it, "any" | "native"))),
            None => (name, None),
        };
        let candidates = self.packages.get(name)?;
        let mut fitting = candidates
            .iter()
            .filter(|it| architecture.is_none_or(|wanted| wanted == it.architecture || it.architecture == "all"));
        let first = fitting.clone().next();
        fitting.find(|it| it.is_installed()).or(first)
    }

    pub fn installed(&self, name: &str) -> Option<&Package> {
        self.find(name).filter(|it| it.is_installed())
    }

    pub fn all(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().flatten()
    }

    /// Whether something else that is installed takes this package's place.
    pub fn is_provided(&self, name: &str) -> bool {
        self.all().any(|it| it.is_installed() && it.provides.iter().any(|provided| provided == name))
    }

    /// Installed only because something else needed it.
    pub fn is_automatic(&self, name: &str) -> bool {
        self.automatic.contains(name.split(':').next().unwrap_or(name))
    }
}

fn field<'a>(paragraph: &'a str, wanted: &str) -> Option<&'a str> {
    paragraph.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':')).map(str::trim)
}

fn parse_package(paragraph: &str) -> Package {
    let mut package = Package::default();
    for line in paragraph.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name {
            "Package" => value.clone_into(&mut package.name),
            "Architecture" => value.clone_into(&mut package.architecture),
            "Version" => value.clone_into(&mut package.version),
            "Status" => value.rsplit(' ').next().unwrap_or_default().clone_into(&mut package.state),
            "Provides" => {
                package.provides =
                    value.split(',').filter_map(|it| it.split_whitespace().next()).map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    package
}
