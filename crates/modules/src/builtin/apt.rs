//! Packages by apt-get. What is installed is read from dpkg's own files, so that a task without work spawns nothing.

mod cache;
mod deb;
mod names;
mod run;

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::dpkg_status::Database;
use crate::support::program;

pub const STATES: &[&str] = &["absent", "build-dep", "fixed", "latest", "present"];

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(apt) };

const EXAMPLE: &str = r"- name: Have a web server
  apt:
    name: [nginx, curl]
    update_cache: true
    cache_valid_time: 3600
";

const RETURNS: &[Return] = &[
    Return::new("cache_updated", Kind::Bool, "success", "Whether the lists were updated."),
    Return::new("cache_update_time", Kind::Int, "success", "When they were, in seconds since 1970."),
    Return::new("stdout", Kind::Str, "when apt-get was run", "What it said."),
    Return::new("stderr", Kind::Str, "when apt-get was run", "What it said of errors."),
];

/// Manage packages with apt-get.
#[derive(ModuleArgs)]
#[module(name = "apt")]
#[module(mutually_exclusive("deb", "package", "upgrade"))]
pub struct Args {
    /// Packages, each with `=version` or a pattern if wanted.
    #[arg(alias("pkg", "name"))]
    pub package: Option<Vec<String>>,
    /// What the packages should be.
    #[arg(default = "present", choices("absent", "build-dep", "fixed", "latest", "present"))]
    pub state: String,
    #[arg(flatten)]
    pub options: Options,
}

/// All arguments that say how something is done.
#[derive(ModuleArgs)]
pub struct Options {
    /// Update the lists of packages first.
    #[arg(alias("update-cache"))]
    update_cache: Option<bool>,
    /// How often a failed update is tried again.
    #[arg(default = "5")]
    update_cache_retries: u32,
    /// Longest pause between two tries, in seconds.
    #[arg(default = "12")]
    update_cache_retry_max_delay: u64,
    /// Update only lists that are older than this, in seconds.
    #[arg(default = "0")]
    cache_valid_time: u64,
    /// Remove configuration files too.
    #[arg(default = "no")]
    purge: bool,
    /// The release that packages come from.
    #[arg(alias("default-release"))]
    default_release: Option<String>,
    /// Install what the packages recommend.
    #[arg(alias("install-recommends"))]
    install_recommends: Option<bool>,
    /// Install what fails authentication, downgrade, and remove essential packages.
    #[arg(default = "no")]
    force: bool,
    /// Upgrade all packages.
    #[arg(default = "no", choices("dist", "full", "no", "safe", "yes"))]
    upgrade: String,
    /// A package file, or the URL of one.
    #[arg(kind = Path)]
    deb: Option<String>,
    /// Remove what was installed for others and is no longer needed.
    #[arg(default = "no")]
    autoremove: bool,
    /// Remove package files that can no longer be had.
    #[arg(default = "no")]
    autoclean: bool,
    /// Remove all package files from the cache.
    #[arg(default = "no")]
    clean: bool,
    /// Options for dpkg, between commas.
    #[arg(default = "force-confdef,force-confold")]
    dpkg_options: String,
    /// Leave out what is not installed.
    #[arg(default = "no")]
    only_upgrade: bool,
    /// Accept packages without a valid signature.
    #[arg(default = "no", alias("allow-unauthenticated"))]
    allow_unauthenticated: bool,
    /// Accept older versions than the installed ones.
    #[arg(default = "no", alias("allow-downgrade", "allow_downgrades", "allow-downgrades"))]
    allow_downgrade: bool,
    /// Change packages that are on hold.
    #[arg(default = "no")]
    allow_change_held_packages: bool,
    /// What policy-rc.d answers meanwhile: 101 keeps services from being started.
    policy_rc_d: Option<u8>,
    /// How long to wait for apt's lock, in seconds.
    #[arg(default = "60")]
    lock_timeout: u64,
    /// Fail instead of removing anything.
    #[arg(default = "no")]
    fail_on_autoremove: bool,
    /// Has no effect: it is always apt-get.
    #[arg(name = "force_apt_get", default = "no")]
    _force_apt_get: bool,
    /// Has no effect: nothing is needed.
    #[arg(name = "auto_install_module_deps", default = "yes")]
    _auto_install_module_deps: bool,
}

impl Args {
    /// The packages, without surrounding blanks and empty entries, which lists between commas tend to have.
    fn names(&self) -> Vec<&str> {
        self.package.iter().flatten().map(|name| name.trim()).filter(|name| !name.is_empty()).collect()
    }
}

pub fn apt(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if program::find("apt-get").is_none() {
        return Err(Failure::new(
            "Failed to find required executable \"apt-get\" in paths: /usr/sbin:/usr/bin:/sbin:/bin",
        ));
    }
    let cleaned = if args.options.clean { Some(run::apt_get(&args, &["clean"], ctx)?) } else { None };
    let cache = cache::update(&args, ctx)?;
    let answer = |outcome: Outcome| Ok(cache.add_to(outcome));

    if let Some(deb) = &args.options.deb {
        return answer(deb::install(&args, deb, ctx)?);
    }
    let names = args.names();
    let upgrades_all = names.contains(&"*") && args.state == "latest";
    if upgrades_all && names.len() > 1 {
        return Err(Failure::new("unable to install additional packages when upgrading all installed packages"));
    }
    if args.options.upgrade != "no" || upgrades_all {
        return answer(upgrade(&args, ctx)?);
    }
    if !names.is_empty() {
        let outcome = names::ensure(&args, &names, &Database::read(), ctx)?;
        return answer(outcome);
    }
    if args.options.autoclean {
        return answer(run::apt_get(&args, &["autoclean"], ctx)?.into_outcome(ctx, |out| out.contains("\nDel ")));
    }
    if args.options.autoremove {
        let verb: &[&str] = if args.options.purge { &["--purge", "autoremove"] } else { &["autoremove"] };
        return answer(run::apt_get(&args, verb, ctx)?.into_outcome(ctx, run::removes_something));
    }
    if let Some(cleaned) = cleaned {
        return answer(cleaned.into_outcome(ctx, |_| true));
    }
    if args.state == "fixed" {
        return answer(run::apt_get(&args, &["--fix-broken", "install"], ctx)?.into_outcome(ctx, run::does_something));
    }
    answer(Outcome::changed(cache.updated))
}

/// What other modules do after they changed where packages come from.
pub fn update_lists(retries: u32, longest_pause: u64, ctx: &mut Ctx) -> Result<(), Failure> {
    cache::update_now(retries, longest_pause, 60, ctx)
}

fn upgrade(args: &Args, ctx: &mut Ctx) -> ModuleResult {
    let verb: &[&str] = match args.options.upgrade.as_str() {
        "dist" | "full" => &["dist-upgrade"],
        _ => &["upgrade", "--with-new-pkgs"],
    };
    let mut words = verb.to_vec();
    if args.options.autoremove {
        words.push("--auto-remove");
    }
    let output = run::apt_get(args, &words, ctx)?;
    let msg = output.stdout.clone();
    Ok(output.into_outcome(ctx, run::does_something).with("msg", msg))
}

#[cfg(test)]
mod tests;
