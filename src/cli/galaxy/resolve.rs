//! Which versions of collections fit together.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use pubgrub::{
    DefaultStringReporter, Dependencies, DependencyConstraints, DependencyProvider, PackageResolutionStatistics,
    PubGrubError, Ranges, Reporter, resolve,
};
use semver::Version;

use super::output::Output;
use super::requirements::{Dependencies as Needs, is_collection_name};
use super::server::{Published, Server};
use crate::error::{Error, ErrorKind};

type Range = Ranges<Version>;

/// The package that needs everything that is asked for.
const ASKED: &str = "what is asked for";

/// Where a version of a collection comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The server's place in the list, and what it says.
    Server(usize, Box<Published>),
    /// An archive that is here.
    Archive(PathBuf),
    /// A folder with a galaxy.yml.
    Folder(PathBuf),
    /// It is there already.
    Installed,
}

/// A collection that is there without a server.
#[derive(Clone, Debug)]
pub struct Known {
    pub version: Version,
    pub needs: Needs,
    pub origin: Origin,
}

#[derive(Clone, Debug)]
pub struct Chosen {
    pub name: String,
    pub version: Version,
    pub origin: Origin,
}

impl Chosen {
    pub fn shown(&self) -> String {
        format!("{}:{}", self.name, self.version)
    }
}

/// What is asked for.
pub struct Asked {
    pub name: String,
    pub condition: String,
}

pub struct Resolver<'a> {
    pub servers: &'a [Server],
    pub output: &'a Output,
    pub pre_releases: bool,
    pub with_needs: bool,
    /// Archives and folders that are asked for: nothing else is taken for these names.
    pub given: HashMap<String, Known>,
    /// What is installed and may stay.
    pub installed: HashMap<String, Known>,
    /// A server for the names that are bound to one.
    pub bound: HashMap<String, usize>,
    versions: RefCell<HashMap<String, Vec<(Version, usize)>>>,
    published: RefCell<HashMap<(String, Version), Published>>,
}

impl<'a> Resolver<'a> {
    pub fn new(servers: &'a [Server], output: &'a Output, pre_releases: bool, with_needs: bool) -> Self {
        Self {
            servers,
            output,
            pre_releases,
            with_needs,
            given: HashMap::new(),
            installed: HashMap::new(),
            bound: HashMap::new(),
            versions: RefCell::default(),
            published: RefCell::default(),
        }
    }

    pub fn resolve(&self, asked: &[Asked]) -> Result<Vec<Chosen>, Error> {
        let root = Root {
            resolver: self,
            needs: constraints(asked.iter().map(|it| (it.name.as_str(), it.condition.as_str())))?,
        };
        let solution = match resolve(&root, ASKED.to_owned(), Version::new(0, 0, 0)) {
            Ok(solution) => solution,
            Err(PubGrubError::NoSolution(tree)) => {
                return Err(self.no_solution(asked, &DefaultStringReporter::report(&tree)));
            }
            Err(
                PubGrubError::ErrorChoosingVersion { source, .. }
                | PubGrubError::ErrorRetrievingDependencies { source, .. }
                | PubGrubError::ErrorInShouldCancel(source),
            ) => return Err(source),
        };
        let mut chosen: Vec<Chosen> = Vec::new();
        for (name, version) in solution {
            if name != ASKED {
                let origin = self.origin(&name, &version)?;
                chosen.push(Chosen { name, version, origin });
            }
        }
        chosen.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(chosen)
    }

    fn no_solution(&self, asked: &[Asked], report: &str) -> Error {
        let mut message =
            "Failed to resolve the requested dependencies map. Could not satisfy the following requirements:"
                .to_owned();
        for it in asked {
            message.push_str(&format!("\n* {}:{} (direct request)", it.name, it.condition));
        }
        if !self.pre_releases {
            message.push_str(
                "\nHint: Pre-releases hosted on Galaxy or Automation Hub are not installed by default unless a \
                 specific version is requested. To enable pre-releases globally, use --pre.",
            );
        }
        let report = report.replace(&format!("{ASKED} 0.0.0"), ASKED);
        Error::new(ErrorKind::Project, message).hint(report)
    }

    fn known(&self, name: &str, version: &Version) -> Option<&Known> {
        let given = self.given.get(name);
        given.or_else(|| self.installed.get(name)).filter(|known| known.version == *version)
    }

    fn origin(&self, name: &str, version: &Version) -> Result<Origin, Error> {
        if let Some(known) = self.known(name, version) {
            return Ok(known.origin.clone());
        }
        let versions = self.versions(name)?;
        let server = versions.iter().find(|(other, _)| other == version).map_or(0, |(_, server)| *server);
        Ok(Origin::Server(server, Box::new(self.published(name, version)?)))
    }

    /// The versions that servers have, each with the first server that has it.
    fn versions(&self, name: &str) -> Result<Vec<(Version, usize)>, Error> {
        if let Some(known) = self.versions.borrow().get(name) {
            return Ok(known.clone());
        }
        let (namespace, short) = name.split_once('.').unwrap_or((name, ""));
        let mut found: Vec<(Version, usize)> = Vec::new();
        let mut trouble = None;
        for (index, server) in self.servers.iter().enumerate() {
            if self.bound.get(name).is_some_and(|bound| *bound != index) {
                continue;
            }
            match server.versions(namespace, short, self.output) {
                Ok(versions) => {
                    let parsed = versions.iter().filter_map(|text| Version::parse(text).ok());
                    let new: Vec<Version> = parsed.filter(|it| !found.iter().any(|(known, _)| known == it)).collect();
                    found.extend(new.into_iter().map(|version| (version, index)));
                }
                Err(err) => {
                    trouble.get_or_insert(err);
                }
            }
        }
        if found.is_empty()
            && let Some(err) = trouble
        {
            return Err(err);
        }
        found.sort_by(|one, other| other.0.cmp(&one.0));
        self.versions.borrow_mut().insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn published(&self, name: &str, version: &Version) -> Result<Published, Error> {
        let key = (name.to_owned(), version.clone());
        if let Some(known) = self.published.borrow().get(&key) {
            return Ok(known.clone());
        }
        let versions = self.versions(name)?;
        let found = versions.iter().find(|(other, _)| other == version).and_then(|(_, index)| self.servers.get(*index));
        let server = found.ok_or_else(|| Error::new(ErrorKind::File, format!("no server has {name}:{version}")))?;
        let (namespace, short) = name.split_once('.').unwrap_or((name, ""));
        let published = server.version(namespace, short, &version.to_string(), self.output)?;
        self.published.borrow_mut().insert(key, published.clone());
        Ok(published)
    }
}

struct Root<'a> {
    resolver: &'a Resolver<'a>,
    needs: DependencyConstraints<String, Range>,
}

impl DependencyProvider for Root<'_> {
    type P = String;
    type V = Version;
    type VS = Range;
    type Priority = (u32, Reverse<String>);
    type M = String;
    type Err = Error;

    fn prioritize(&self, package: &String, _: &Range, conflicts: &PackageResolutionStatistics) -> Self::Priority {
        (conflicts.conflict_count(), Reverse(package.clone()))
    }

    fn choose_version(&self, package: &String, range: &Range) -> Result<Option<Version>, Error> {
        let resolver = self.resolver;
        if package == ASKED {
            return Ok(Some(Version::new(0, 0, 0)));
        }
        if let Some(given) = resolver.given.get(package) {
            return Ok(Some(given.version.clone()).filter(|version| range.contains(version)));
        }
        if let Some(installed) = resolver.installed.get(package).filter(|it| range.contains(&it.version)) {
            return Ok(Some(installed.version.clone()));
        }
        let pinned = range.as_singleton().is_some();
        let versions = resolver.versions(package)?;
        let fits =
            |version: &Version| range.contains(version) && (version.pre.is_empty() || resolver.pre_releases || pinned);
        Ok(versions.into_iter().map(|(version, _)| version).find(fits))
    }

    fn get_dependencies(
        &self,
        package: &String,
        version: &Version,
    ) -> Result<Dependencies<String, Range, String>, Error> {
        let resolver = self.resolver;
        if package == ASKED {
            return Ok(Dependencies::Available(self.needs.clone()));
        }
        if !resolver.with_needs {
            return Ok(Dependencies::Available(DependencyConstraints::default()));
        }
        let needs = match resolver.known(package, version) {
            Some(known) => known.needs.clone(),
            None => resolver.published(package, version)?.dependencies,
        };
        let needs = needs.iter().map(|(name, condition)| (name.as_str(), condition.as_str()));
        Ok(Dependencies::Available(constraints(needs)?))
    }
}

fn constraints<'a>(
    needs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<DependencyConstraints<String, Range>, Error> {
    let mut out: BTreeMap<String, Range> = BTreeMap::new();
    for (name, condition) in needs {
        if !is_collection_name(name) {
            let message = format!("'{name}' cannot be needed by a collection: it is no name of one");
            return Err(Error::new(ErrorKind::Project, message));
        }
        let range = range(condition).ok_or_else(|| {
            let message = format!("the condition '{condition}' on the version of {name} is not understood");
            Error::new(ErrorKind::Project, message).hint("conditions look like `>=1.0.0,<2.0.0`, `1.2.3` or `*`")
        })?;
        let both = match out.get(name) {
            Some(other) => other.intersection(&range),
            None => range,
        };
        out.insert(name.to_owned(), both);
    }
    Ok(out.into_iter().collect())
}

/// `*`, a version, or conditions separated by commas.
pub fn range(condition: &str) -> Option<Range> {
    let mut range = Range::full();
    for part in condition.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "*") {
        let at = part.find(|char: char| !"<>=!".contains(char)).unwrap_or(part.len());
        let (operator, version) = part.split_at(at);
        if version.trim() == "*" {
            continue;
        }
        let version = completed(version.trim())?;
        let one = match operator {
            "" | "=" | "==" => Range::singleton(version),
            "!=" => Range::singleton(version).complement(),
            ">" => Range::strictly_higher_than(version),
            ">=" => Range::higher_than(version),
            "<" => Range::strictly_lower_than(version),
            "<=" => Range::lower_than(version),
            _ => return None,
        };
        range = range.intersection(&one);
    }
    Some(range)
}

/// A version that may lack its last numbers.
fn completed(text: &str) -> Option<Version> {
    let dots = text.split(['-', '+']).next()?.matches('.').count();
    let text = match dots {
        0 if !text.contains(['-', '+']) => format!("{text}.0.0"),
        1 if !text.contains(['-', '+']) => format!("{text}.0"),
        _ => text.to_owned(),
    };
    Version::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(condition: &str, version: &str) -> bool {
        range(condition).expect("a condition").contains(&Version::parse(version).expect("a version"))
    }

    #[test]
    fn conditions_are_those_of_galaxy() {
        assert!(contains("*", "0.0.1") && contains("", "9.0.0"));
        assert!(contains(">=1.0.0,<2.0.0", "1.9.9") && !contains(">=1.0.0,<2.0.0", "2.0.0"));
        assert!(contains("1.0.0", "1.0.0") && contains("==1.0.0", "1.0.0") && !contains("1.0.0", "1.0.1"));
        assert!(contains("!=1.0.0", "1.0.1") && !contains("!=1.0.0", "1.0.0"));
        assert!(contains(">=2", "2.0.0") && contains("<2.1", "2.0.9"));
        assert!(range("~1.0").is_none() && range(">=x").is_none());
    }
}
