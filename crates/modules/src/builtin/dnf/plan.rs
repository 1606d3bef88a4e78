//! What dnf has to be told so that packages are what they should be.

use std::path::Path;

use rplay_module_api::{Ctx, Failure};

use super::{Options, State, without_results};
use crate::support::rpm::{self, Package};
use crate::support::{download, os_error};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Subcommands of dnf, each with its packages.
    pub steps: Vec<(Vec<&'static str>, Vec<String>)>,
    pub results: Vec<String>,
}

impl Plan {
    fn step(&mut self, verb: &[&'static str], specs: Vec<String>) {
        if !specs.is_empty() {
            self.steps.push((verb.to_vec(), specs));
        }
    }
}

pub fn make(options: &Options, state: State, installed: &[Package], ctx: &mut Ctx) -> Result<Plan, Failure> {
    let updates = updates(options);
    let mut plan = Plan::default();
    if state == State::Latest && options.name == ["*"] {
        plan.steps.push((updates, Vec::new()));
        return Ok(plan);
    }
    if state == State::Absent {
        return absent(options, installed, ctx);
    }
    let (mut install, mut upgrade) = (Vec::new(), Vec::new());
    for name in &options.name {
        let name = name.as_str();
        if is_file(name) {
            let file = local_file(name, options, ctx)?;
            plan.results.push(format!("Installed {file}"));
            if is_wanted(&file, options, installed, ctx)? {
                install.push(file);
            }
            continue;
        }
        if let Some(group) = group(name) {
            // What a group gained comes with an upgrade of it.
            if state == State::Latest && !options.update_only {
                upgrade.push(group.clone());
            }
            if options.update_only {
                upgrade.push(group);
            } else {
                install.push(group);
            }
            continue;
        }
        let spec = if name.starts_with('/') { owner(name, options, ctx)? } else { name.to_owned() };
        let is_installed = is_installed(&spec, options, installed, ctx)?;
        let latest = state == State::Latest;
        if options.update_only {
            if is_installed {
                upgrade.push(spec);
            } else if !name.starts_with('/') {
                plan.results.push(format!("Packages providing {spec} not installed due to update_only specified"));
            }
        } else if rpm::is_pattern(&spec) {
            if latest {
                upgrade.push(spec.clone());
            }
            install.push(spec);
        } else if installed.iter().any(|package| package.is_newer_than(&spec)) {
            if options.allow_downgrade {
                install.push(spec);
            }
        } else if !is_installed {
            install.push(spec);
        } else if latest {
            upgrade.push(spec);
        }
    }
    plan.step(&updates, upgrade);
    plan.step(&["install"], install);
    Ok(plan)
}

fn updates(options: &Options) -> Vec<&'static str> {
    let mut words = vec!["upgrade"];
    words.extend(options.security.then_some("--security"));
    words.extend(options.bugfix.then_some("--bugfix"));
    words
}

fn absent(options: &Options, installed: &[Package], ctx: &mut Ctx) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut remove = Vec::new();
    for name in &options.name {
        if is_file(name) {
            return Err(without_results("Cannot remove paths -- please specify package name."));
        }
        if let Some(group) = group(name) {
            remove.push(group);
        } else if is_installed(name, options, installed, ctx)? {
            remove.push(name.clone());
        } else {
            plan.results.push(format!("No match for argument: {name}"));
        }
    }
    plan.step(&["remove"], remove);
    if options.autoremove {
        plan.steps.push((vec!["autoremove"], Vec::new()));
    }
    Ok(plan)
}

/// Whether a name is that of a file or a URL.
pub fn is_file(name: &str) -> bool {
    name.contains("://") || Path::new(name).extension().is_some_and(|extension| extension == "rpm")
}

/// `@name` of a group, an environment or a module, as dnf wants it.
fn group(name: &str) -> Option<String> {
    match name.strip_prefix('@') {
        Some(group) => Some(format!("@{}", group.trim())),
        None => (name.contains('/') && !name.starts_with('/')).then(|| format!("@{name}")),
    }
}

/// The package that a file belongs to, or the file's name for dnf to find one.
fn owner(path: &str, options: &Options, ctx: &mut Ctx) -> Result<String, Failure> {
    let output = rpm::query(&options.installroot, &["-qf", "--queryformat", "%{NAME}\\n", path], ctx)?;
    let name = if output.ok() { output.stdout_text().lines().next().map(str::to_owned) } else { None };
    Ok(name.unwrap_or_else(|| path.to_owned()))
}

fn is_installed(spec: &str, options: &Options, installed: &[Package], ctx: &mut Ctx) -> Result<bool, Failure> {
    if installed.iter().any(|package| package.is_called(spec)) {
        return Ok(true);
    }
    if rpm::is_pattern(spec) || spec.contains(['<', '>', '=']) {
        return Ok(false);
    }
    Ok(rpm::query(&options.installroot, &["-q", "--whatprovides", spec], ctx)?.ok())
}

fn failed(reason: &str) -> Failure {
    without_results(format!("Error occurred attempting remote rpm operation: {reason}")).with("rc", 1)
}

fn local_file(name: &str, options: &Options, ctx: &mut Ctx) -> Result<String, Failure> {
    if !name.contains("://") {
        let exists = Path::new(name).exists();
        return if exists { Ok(name.to_owned()) } else { Err(failed(&format!("Could not open: {name}"))) };
    }
    let last = name.split(['?', '#']).next().unwrap_or(name).rsplit('/').next().unwrap_or_default();
    let folder = ctx.tmpdir.join("packages");
    std::fs::create_dir_all(&folder).map_err(|err| Failure::new(os_error::with_path(&err, &folder)))?;
    let file = folder.join(if is_file(last) { last } else { "package.rpm" });
    download::to_file(name, &file, options.sslverify, ctx).map_err(|reason| {
        Failure::new(format!("Failure downloading {}, {reason}", download::without_credentials(name)))
    })?;
    Ok(file.to_string_lossy().into_owned())
}

/// Whether the package in a file is not installed yet, nor a newer one.
fn is_wanted(file: &str, options: &Options, installed: &[Package], ctx: &mut Ctx) -> Result<bool, Failure> {
    let package = rpm::of_file(file, ctx)?.ok_or_else(|| failed(&format!("Could not open: {file}")))?;
    let mut same = installed.iter().filter(|it| it.name == package.name && it.arch == package.arch);
    if options.update_only && same.clone().next().is_none() {
        return Ok(false);
    }
    let spec = package.nevra();
    Ok(!same.any(|it| *it == package || it.is_newer_than(&spec) && !options.allow_downgrade))
}
