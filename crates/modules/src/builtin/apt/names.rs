//! Packages by name: which of them need something done, and doing it in one call of apt-get.

use std::collections::HashMap;

use rplay_module_api::{Command, Ctx, Failure, ModuleResult, Outcome};

use super::{Args, run};
use crate::support::dpkg_status::Database;
use crate::support::os_error;

/// `name`, `name=version` or `name>=version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub version: Option<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// May be a pattern, which apt-get understands too.
    Is(String),
    AtLeast(String),
}

impl Wanted {
    pub fn parse(text: &str) -> Self {
        let Some((name, version)) = text.split_once('=') else {
            return Self { name: text.trim().to_owned(), version: None };
        };
        let version = version.trim().to_owned();
        match name.strip_suffix('>') {
            Some(name) => Self { name: name.trim().to_owned(), version: Some(Version::AtLeast(version)) },
            None => Self { name: name.trim().to_owned(), version: Some(Version::Is(version)) },
        }
    }

    fn for_apt_get(&self) -> String {
        match &self.version {
            Some(Version::Is(version)) => format!("{}={version}", self.name),
            _ => self.name.clone(),
        }
    }
}

pub fn ensure(args: &Args, names: &[&str], database: &Database, ctx: &mut Ctx) -> ModuleResult {
    match args.state.as_str() {
        "absent" => remove(args, names, database, ctx),
        "build-dep" => {
            let words: Vec<&str> = std::iter::once("build-dep").chain(names.iter().copied()).collect();
            Ok(apt_get(args, &words, ctx)?.into_outcome(ctx, run::does_something))
        }
        state => install(args, names, state, database, ctx),
    }
}

fn install(args: &Args, names: &[&str], state: &str, database: &Database, ctx: &mut Ctx) -> ModuleResult {
    let wanted = expand_patterns(names, ctx)?;
    let mut missing = Vec::new();
    let mut present = Vec::new();
    for package in wanted {
        if is_satisfied(&package, database, ctx)? {
            present.push(package);
        } else if !args.options.only_upgrade || database.installed(&package.name).is_some() {
            missing.push(package);
        }
    }
    if state == "latest" {
        let (outdated, current) = split_outdated(args, present, ctx)?;
        missing.extend(outdated);
        present = current;
    }
    let unmark: Vec<&str> =
        present.iter().map(|it| it.name.as_str()).filter(|name| database.is_automatic(name)).collect();
    if !unmark.is_empty() && !ctx.check {
        mark_manual(&unmark, ctx)?;
    }
    if missing.is_empty() && state != "fixed" {
        return Ok(Outcome::changed(false));
    }
    let mut words = vec!["install".to_owned()];
    for (given, option) in [
        (args.options.only_upgrade, "--only-upgrade"),
        (args.options.autoremove, "--auto-remove"),
        (state == "fixed", "--fix-broken"),
    ] {
        if given {
            words.push(option.to_owned());
        }
    }
    words.extend(missing.iter().map(Wanted::for_apt_get));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = apt_get(args, &words, ctx)?;
    Ok(output.into_outcome(ctx, run::does_something))
}

/// apt-get's own words for a package that is not to be had become Ansible's.
fn apt_get(args: &Args, words: &[&str], ctx: &mut Ctx) -> Result<run::Output, Failure> {
    run::apt_get(args, words, ctx).map_err(|mut failure| {
        if let Some(msg) = failure.fields.get("stderr").and_then(|it| it.as_str()).and_then(unavailable) {
            failure.msg = msg;
        }
        failure
    })
}

fn unavailable(stderr: &str) -> Option<String> {
    stderr.lines().find_map(|line| {
        let line = line.strip_prefix("E: ")?;
        let quoted = |index: usize| line.split('\'').nth(index).map(str::to_owned);
        let name = if let Some(name) = line.strip_prefix("Unable to locate package ") {
            Some(name.trim().to_owned())
        } else if line.ends_with("has no installation candidate") {
            quoted(1)
        } else if line.starts_with("Version '") && line.ends_with("was not found") {
            return Some(format!("no available installation candidate for {}={}", quoted(3)?, quoted(1)?));
        } else {
            None
        };
        Some(format!("No package matching '{}' is available", name?))
    })
}

fn is_satisfied(wanted: &Wanted, database: &Database, ctx: &mut Ctx) -> Result<bool, Failure> {
    let Some(installed) = database.installed(&wanted.name) else {
        // A name that others provide may still be a package of its own, which is then the one that is meant.
        return Ok(wanted.version.is_none()
            && database.is_provided(&wanted.name)
            && policy(None, &[&wanted.name], ctx)?.is_empty());
    };
    match &wanted.version {
        None => Ok(true),
        Some(Version::Is(version)) => {
            let matches = glob::Pattern::new(version).is_ok_and(|it| it.matches(&installed.version));
            Ok(matches || *version == installed.version)
        }
        Some(Version::AtLeast(version)) => compare_versions(&installed.version, "ge", version, ctx),
    }
}

/// What `dpkg --compare-versions` says.
pub fn compare_versions(left: &str, operator: &str, right: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
    ctx.command(&Command::new(["dpkg", "--compare-versions", left, operator, right]))
        .map(|output| output.ok())
        .map_err(|err| Failure::new(format!("dpkg: {}", os_error::numbered(&err))))
}

fn split_outdated(args: &Args, present: Vec<Wanted>, ctx: &mut Ctx) -> Result<(Vec<Wanted>, Vec<Wanted>), Failure> {
    let names: Vec<&str> = present.iter().map(|it| it.name.as_str()).collect();
    if names.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let versions = policy(args.options.default_release.as_deref(), &names, ctx)?;
    Ok(present.into_iter().partition(|it| {
        let name = it.name.split(':').next().unwrap_or(&it.name);
        let versions = versions.get(&it.name).or_else(|| versions.get(name));
        it.version.is_none() && versions.is_some_and(|(installed, candidate)| installed != candidate)
    }))
}

/// Installed and best version of each package that apt knows.
fn policy(release: Option<&str>, names: &[&str], ctx: &mut Ctx) -> Result<HashMap<String, (String, String)>, Failure> {
    let mut words = vec!["apt-cache", "policy"];
    if let Some(release) = release {
        words.extend(["-t", release]);
    }
    words.extend(names);
    let output = ctx
        .command(&run::with_environment(Command::new(words)))
        .map_err(|err| Failure::new(format!("apt-cache: {}", os_error::numbered(&err))))?;
    Ok(parse_policy(&output.stdout_text()))
}

fn parse_policy(text: &str) -> HashMap<String, (String, String)> {
    let mut versions = HashMap::new();
    let mut name = "";
    let mut installed = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            name = line.trim_end_matches(':');
        } else if let Some(version) = line.strip_prefix("  Installed: ") {
            installed = version;
        } else if let Some(candidate) = line.strip_prefix("  Candidate: ")
            && candidate != "(none)"
        {
            versions.insert(name.to_owned(), (installed.to_owned(), candidate.to_owned()));
        }
    }
    versions
}

fn mark_manual(names: &[&str], ctx: &mut Ctx) -> Result<(), Failure> {
    let words = ["apt-mark", "manual"].into_iter().chain(names.iter().copied());
    ctx.command(&run::with_environment(Command::new(words)))
        .map(|_| ())
        .map_err(|err| Failure::new(format!("apt-mark: {}", os_error::numbered(&err))))
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

fn expand_patterns(names: &[&str], ctx: &mut Ctx) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = Vec::new();
    let mut known: Option<Vec<String>> = None;
    for text in names {
        let package = Wanted::parse(text);
        if !is_pattern(&package.name) {
            wanted.push(package);
            continue;
        }
        let known = match &mut known {
            Some(known) => known,
            None => known.insert(known_names(ctx)?),
        };
        let before = wanted.len();
        wanted.extend(
            matching(&package.name, known.iter().map(String::as_str)).map(|name| Wanted { name, ..package.clone() }),
        );
        if wanted.len() == before {
            return Err(Failure::new(format!("No package(s) matching '{}' available", package.name)));
        }
    }
    Ok(wanted)
}

fn known_names(ctx: &mut Ctx) -> Result<Vec<String>, Failure> {
    let output = ctx
        .command(&Command::new(["apt-cache", "pkgnames"]))
        .map_err(|err| Failure::new(format!("apt-cache: {}", os_error::numbered(&err))))?;
    Ok(output.stdout_text().lines().map(str::to_owned).collect())
}

fn matching<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let pattern = glob::Pattern::new(pattern).ok();
    let mut found: Vec<String> =
        names.filter(|name| pattern.as_ref().is_some_and(|it| it.matches(name))).map(str::to_owned).collect();
    found.sort_unstable();
    found.into_iter()
}

fn remove(args: &Args, names: &[&str], database: &Database, ctx: &mut Ctx) -> ModuleResult {
    let is_there = |name: &str| {
        database
            .find(name)
            .is_some_and(|it| it.state != "not-installed" && (args.options.purge || it.state != "config-files"))
    };
    let mut doomed = Vec::new();
    for text in names {
        let package = Wanted::parse(text);
        if is_pattern(&package.name) {
            doomed.extend(matching(
                &package.name,
                database.all().map(|it| it.name.as_str()).filter(|name| is_there(name)),
            ));
        } else if is_there(&package.name) {
            doomed.push(package.name);
        }
    }
    doomed.dedup();
    if doomed.is_empty() {
        return Ok(Outcome::changed(false));
    }
    let mut words = vec!["remove"];
    words.extend(
        [(args.options.purge, "--purge"), (args.options.autoremove, "--auto-remove")]
            .iter()
            .filter(|it| it.0)
            .map(|it| it.1),
    );
    words.extend(doomed.iter().map(String::as_str));
    Ok(run::apt_get(args, &words, ctx)?.into_outcome(ctx, |_| true))
}
