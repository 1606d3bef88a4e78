//! Packages by apt-get. What is installed is read from dpkg's own files, so that a task without work spawns nothing.

mod cache;
mod deb;
mod names;
mod run;

use rplay_module_api::{Arg, Ctx, Failure, Kind, Module, ModuleResult, Outcome, Rule, Spec, run};
use serde::Deserialize;

use crate::support::dpkg_status::Database;
use crate::support::program;

pub const STATES: &[&str] = &["absent", "build-dep", "fixed", "latest", "present"];

pub const MODULE: Module = Module {
    spec: Spec {
        name: "apt",
        summary: "Manage packages with apt-get.",
        args: &[
            Arg::list("package", "Packages, each with `=version` or a pattern if wanted.", Kind::Str)
                .aliases(&["pkg", "name"]),
            Arg::str("state", "What the packages should be.").default("present").choices(STATES),
        ],
        shared: &[OPTIONS],
        rules: &[Rule::MutuallyExclusive(&["deb", "package", "upgrade"])],
        ..Spec::EMPTY
    },
    run: run!(apt),
};

/// All arguments that say how something is done.
pub const OPTIONS: &[Arg] = &[
    Arg::bool("update_cache", "Update the lists of packages first.").aliases(&["update-cache"]),
    Arg::int("update_cache_retries", "How often a failed update is tried again.").default("5"),
    Arg::int("update_cache_retry_max_delay", "Longest pause between two tries, in seconds.").default("12"),
    Arg::int("cache_valid_time", "Update only lists that are older than this, in seconds.").default("0"),
    Arg::bool("purge", "Remove configuration files too.").default("no"),
    Arg::str("default_release", "The release that packages come from.").aliases(&["default-release"]),
    Arg::bool("install_recommends", "Install what the packages recommend.").aliases(&["install-recommends"]),
    Arg::bool("force", "Install what fails authentication, downgrade, and remove essential packages.").default("no"),
    Arg::str("upgrade", "Upgrade all packages.").default("no").choices(&["dist", "full", "no", "safe", "yes"]),
    Arg::path("deb", "A package file, or the URL of one."),
    Arg::bool("autoremove", "Remove what was installed for others and is no longer needed.").default("no"),
    Arg::bool("autoclean", "Remove package files that can no longer be had.").default("no"),
    Arg::bool("clean", "Remove all package files from the cache.").default("no"),
    Arg::str("dpkg_options", "Options for dpkg, between commas.").default("force-confdef,force-confold"),
    Arg::bool("only_upgrade", "Leave out what is not installed.").default("no"),
    Arg::bool("allow_unauthenticated", "Accept packages without a valid signature.")
        .default("no")
        .aliases(&["allow-unauthenticated"]),
    Arg::bool("allow_downgrade", "Accept older versions than the installed ones.").default("no").aliases(&[
        "allow-downgrade",
        "allow_downgrades",
        "allow-downgrades",
    ]),
    Arg::bool("allow_change_held_packages", "Change packages that are on hold.").default("no"),
    Arg::int("policy_rc_d", "What policy-rc.d answers meanwhile: 101 keeps services from being started."),
    Arg::int("lock_timeout", "How long to wait for apt's lock, in seconds.").default("60"),
    Arg::bool("fail_on_autoremove", "Fail instead of removing anything.").default("no"),
    Arg::bool("force_apt_get", "Has no effect: it is always apt-get.").default("no"),
    Arg::bool("auto_install_module_deps", "Has no effect: nothing is needed.").default("yes"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[serde(alias = "name", default)]
    package: Option<Vec<String>>,
    state: String,
    update_cache: Option<bool>,
    update_cache_retries: u32,
    update_cache_retry_max_delay: u64,
    cache_valid_time: u64,
    purge: bool,
    default_release: Option<String>,
    install_recommends: Option<bool>,
    force: bool,
    upgrade: String,
    deb: Option<String>,
    autoremove: bool,
    autoclean: bool,
    clean: bool,
    dpkg_options: String,
    only_upgrade: bool,
    allow_unauthenticated: bool,
    allow_downgrade: bool,
    allow_change_held_packages: bool,
    policy_rc_d: Option<u8>,
    lock_timeout: u64,
    fail_on_autoremove: bool,
    #[serde(rename = "force_apt_get")]
    _force_apt_get: bool,
    #[serde(rename = "auto_install_module_deps")]
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
    let cleaned = if args.clean { Some(run::apt_get(&args, &["clean"], ctx)?) } else { None };
    let cache = cache::update(&args, ctx)?;
    let answer = |outcome: Outcome| Ok(cache.add_to(outcome));

    if let Some(deb) = &args.deb {
        return answer(deb::install(&args, deb, ctx)?);
    }
    let names = args.names();
    let upgrades_all = names.contains(&"*") && args.state == "latest";
    if upgrades_all && names.len() > 1 {
        return Err(Failure::new("unable to install additional packages when upgrading all installed packages"));
    }
    if args.upgrade != "no" || upgrades_all {
        return answer(upgrade(&args, ctx)?);
    }
    if !names.is_empty() {
        let outcome = names::ensure(&args, &names, &Database::read(), ctx)?;
        return answer(outcome);
    }
    if args.autoclean {
        return answer(run::apt_get(&args, &["autoclean"], ctx)?.into_outcome(ctx, |out| out.contains("\nDel ")));
    }
    if args.autoremove {
        let verb: &[&str] = if args.purge { &["--purge", "autoremove"] } else { &["autoremove"] };
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
    let verb: &[&str] = match args.upgrade.as_str() {
        "dist" | "full" => &["dist-upgrade"],
        _ => &["upgrade", "--with-new-pkgs"],
    };
    let mut words = verb.to_vec();
    if args.autoremove {
        words.push("--auto-remove");
    }
    let output = run::apt_get(args, &words, ctx)?;
    let msg = output.stdout.clone();
    Ok(output.into_outcome(ctx, run::does_something).with("msg", msg))
}

#[cfg(test)]
mod tests;
