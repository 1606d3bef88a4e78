//! Packages by dnf, of the fourth or the fifth generation, and yum. What is installed is asked of rpm, so that a task without
//! work starts no dnf.

mod list;
mod plan;
mod run;
#[cfg(test)]
mod tests;

use std::fs;

use rplay_module_api::{
    Choice, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::{program, rpm};
use run::{Dnf, Generation};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(dnf) };

pub const DNF5: Module =
    Module { spec: Spec { example: EXAMPLE_OF_5, returns: RETURNS, ..ArgsOf5::SPEC }, run: run!(dnf5) };

const EXAMPLE: &str = r"- name: Have a web server
  dnf:
    name: [httpd, mod_ssl]
    state: present

- name: Have everything up to date
  dnf:
    name: '*'
    state: latest
";

const EXAMPLE_OF_5: &str = r"- name: Have a web server
  dnf5:
    name: httpd
    state: latest
";

const RETURNS: &[Return] = &[
    Return::new("msg", Kind::Str, "always", "What there is to say."),
    Return::new("results", Kind::List, "always", "What was installed, removed or found."),
    Return::new("rc", Kind::Int, "mostly", "0, or 1 on failure."),
    Return::new("failures", Kind::List, "on failure", "What was wrong with which package."),
];

/// Manage packages with dnf.
#[derive(ModuleArgs)]
#[module(name = "dnf")]
#[module(required_one_of("name", "list", "update_cache"))]
#[module(mutually_exclusive("name", "list"), mutually_exclusive("best", "nobest"))]
struct Args {
    #[arg(flatten)]
    options: Options,
    /// The generation of dnf.
    #[arg(default = "auto", choices("auto", "yum", "yum4", "dnf", "dnf4", "dnf5"))]
    use_backend: String,
}

/// Manage packages with the fifth generation of dnf.
#[derive(ModuleArgs)]
#[module(name = "dnf5")]
#[module(required_one_of("name", "list", "update_cache"))]
#[module(mutually_exclusive("name", "list"), mutually_exclusive("best", "nobest"))]
struct ArgsOf5 {
    #[arg(flatten)]
    options: Options,
    /// Has no effect: nothing is needed.
    #[arg(name = "auto_install_module_deps", default = "yes")]
    _auto_install_module_deps: bool,
}

/// What both take.
#[derive(ModuleArgs)]
pub struct Options {
    /// Packages, with a version or a pattern if wanted, `@group`, files, URLs, or `*`.
    #[arg(alias("pkg"), default = "[]")]
    name: Vec<String>,
    /// Only tell: `installed`, `updates`, `available`, `repos`, or packages of this name.
    list: Option<String>,
    /// What the packages should be; present, or absent with autoremove.
    state: Option<State>,
    /// Repositories that are used, too, for this task.
    #[arg(default = "[]")]
    enablerepo: Vec<String>,
    /// Repositories that are not used for this task.
    #[arg(default = "[]")]
    disablerepo: Vec<String>,
    /// The configuration to use.
    conf_file: Option<String>,
    /// Accept packages without a valid signature.
    #[arg(default = "no")]
    disable_gpg_check: bool,
    /// The folder in which the system to change is.
    #[arg(default = "/")]
    installroot: String,
    /// The release that packages come from.
    releasever: Option<String>,
    /// Remove what was installed for others and is no longer needed.
    #[arg(default = "no")]
    autoremove: bool,
    /// Packages to leave alone.
    #[arg(default = "[]")]
    exclude: Vec<String>,
    /// Leave out packages whose requirements are not there.
    #[arg(default = "no")]
    skip_broken: bool,
    /// Look for new lists of packages, be the present ones still good or not.
    #[arg(default = "no", alias("expire-cache"))]
    update_cache: bool,
    /// Leave out what is not installed.
    #[arg(default = "no")]
    update_only: bool,
    /// With latest, only updates that are about security.
    #[arg(default = "no")]
    security: bool,
    /// With latest, only updates that are about faults.
    #[arg(default = "no")]
    bugfix: bool,
    /// Plugins to use for this task.
    #[arg(default = "[]")]
    enable_plugin: Vec<String>,
    /// Plugins not to use for this task.
    #[arg(default = "[]")]
    disable_plugin: Vec<String>,
    /// Whose excludes have no effect: `all`, `main` or a repository.
    disable_excludes: Option<String>,
    /// Has no effect, as in Ansible: see sslverify.
    #[arg(name = "validate_certs", default = "yes")]
    _validate_certs: bool,
    /// Check the certificates of servers.
    #[arg(default = "yes")]
    sslverify: bool,
    /// Accept older versions than the installed ones.
    #[arg(default = "no")]
    allow_downgrade: bool,
    /// Has no effect: nothing is needed.
    #[arg(name = "install_repoquery", default = "yes")]
    _install_repoquery: bool,
    /// Download without installing.
    #[arg(default = "no")]
    download_only: bool,
    /// Where to.
    download_dir: Option<String>,
    /// Has no effect: dnf waits for others itself.
    #[arg(name = "lock_timeout", default = "30")]
    _lock_timeout: i64,
    /// Install what the packages recommend.
    #[arg(default = "yes")]
    install_weak_deps: bool,
    /// Remove other packages where that is needed.
    #[arg(default = "no")]
    allowerasing: bool,
    /// Accept other than the newest versions.
    nobest: Option<bool>,
    /// Accept the newest versions alone.
    best: Option<bool>,
    /// Download nothing.
    #[arg(default = "no")]
    cacheonly: bool,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
    Installed,
    Removed,
    Latest,
}

fn dnf(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let generation = match args.use_backend.as_str() {
        "dnf5" => Generation::Fifth,
        "auto" if program::find("dnf5").is_some() => Generation::Fifth,
        _ => Generation::Fourth,
    };
    manage(args.options, generation, ctx)
}

fn dnf5(args: ArgsOf5, ctx: &mut Ctx) -> ModuleResult {
    manage(args.options, Generation::Fifth, ctx)
}

/// Lists may hold lists between commas.
fn split(list: &mut Vec<String>) {
    let parts = list.iter().flat_map(|it| it.split(',')).map(|it| it.trim().to_owned());
    *list = parts.filter(|it| !it.is_empty()).collect();
}

fn without_results(msg: impl Into<String>) -> Failure {
    Failure::new(msg).with("results", Json::Array(Vec::new()))
}

fn manage(mut options: Options, generation: Generation, ctx: &mut Ctx) -> ModuleResult {
    for list in [&mut options.name, &mut options.enablerepo, &mut options.disablerepo, &mut options.exclude] {
        split(list);
    }
    if options.name.iter().any(|name| name.contains(' ') && !name.contains(['@', '>', '<', '='])) {
        return Err(Failure::new(
            "It appears that a space separated string of packages was passed in as an argument. To operate on several \
             packages, pass a comma separated string of packages or a list of packages.",
        ));
    }
    let state = match options.state {
        Some(State::Removed) => State::Absent,
        Some(State::Installed) => State::Present,
        Some(state) => state,
        None if options.autoremove => State::Absent,
        None => State::Present,
    };
    if options.autoremove && state != State::Absent {
        return Err(without_results("Autoremove should be used alone or with state=absent"));
    }
    if let Some(file) = options.conf_file.as_ref().filter(|file| fs::File::open(file).is_err()) {
        return Err(without_results("cannot read configuration file").with("conf_file", file.as_str()));
    }
    let dnf = Dnf::find(generation, &options)?;
    if options.update_cache && options.name.is_empty() && options.list.is_none() {
        if !ctx.check {
            dnf.refresh(ctx)?;
        }
        return Ok(said("Cache updated", Vec::new()));
    }
    if let Some(what) = &options.list {
        let results = list::list(what, &dnf, ctx)?;
        return Ok(Outcome::changed(false).with("msg", "").with("results", results));
    }
    if !options.download_only && !rustix::process::geteuid().is_root() {
        return Err(without_results("This command has to be run under the root user."));
    }
    ensure(&options, state, &dnf, ctx)
}

fn said(msg: &str, results: Vec<String>) -> Outcome {
    Outcome::changed(false).with("msg", msg).with("results", results).with("rc", 0)
}

fn ensure(options: &Options, state: State, dnf: &Dnf, ctx: &mut Ctx) -> ModuleResult {
    let names: Vec<&str> = options.name.iter().map(String::as_str).collect();
    // A refresh is work, too; so is whatever rpm's index does not know by its name.
    let is_plain =
        |name: &str| !name.contains(['*', '?', '[', '@', '/', '<', '>', '=', ':', '(']) && !plan::is_file(name);
    let may_be_done =
        state == State::Present && !options.update_cache && !options.update_only && !options.download_only;
    if may_be_done && names.iter().all(|name| is_plain(name)) && rpm::has_all(&options.installroot, &names, ctx)? {
        return Ok(said("Nothing to do", Vec::new()));
    }
    let before = rpm::installed(&options.installroot, ctx)?;
    let plan = plan::make(options, state, &before, ctx)?;
    let mut results = plan.results;
    let mut done = run::Done::default();
    for (verb, specs) in plan.steps {
        done.add(dnf.change(&verb, &specs, ctx)?);
    }
    if done.is_empty() && options.update_cache && !ctx.check {
        dnf.refresh(ctx)?;
    }
    results.extend(done.unavailable.iter().map(|name| format!("No package {name} available.")));
    let changes = if ctx.check || options.download_only {
        done.planned(&before, options.download_only)
    } else if done.is_empty() {
        Vec::new()
    } else {
        run::differences(&before, &rpm::installed(&options.installroot, ctx)?)
    };
    let changed = !changes.is_empty() || done.did_something;
    results.extend(changes);
    if !changed {
        return Ok(said("Nothing to do", results));
    }
    let msg = if ctx.check { "Check mode: No changes made, but would have if not in check mode" } else { "" };
    let mut outcome = said(msg, results);
    outcome.changed = true;
    Ok(outcome)
}
