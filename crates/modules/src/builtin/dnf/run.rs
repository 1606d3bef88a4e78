//! dnf with the options that every use of it has, and what its output says.

use std::path::PathBuf;

use rplay_module_api::{Command, CommandOutput, Ctx, Failure};

use super::{Options, without_results};
use crate::support::rpm::Package;
use crate::support::{os_error, program};

const NO_RELEASE: &str = "Unable to detect release version";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    Fourth,
    Fifth,
}

pub struct Dnf<'a> {
    program: PathBuf,
    generation: Generation,
    options: &'a Options,
}

/// What runs of dnf did, or would do.
#[derive(Default)]
pub struct Done {
    ran: bool,
    /// Something that is no package, such as a group.
    pub did_something: bool,
    pub unavailable: Vec<String>,
    table: Vec<(Fate, Package)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Installed,
    /// In the place of what is there.
    Replacing,
    Removed,
}

impl<'a> Dnf<'a> {
    pub fn find(generation: Generation, options: &'a Options) -> Result<Self, Failure> {
        let names: &[&str] = match generation {
            Generation::Fourth => &["dnf-3", "dnf", "yum"],
            Generation::Fifth => &["dnf5"],
        };
        let program = names.iter().find_map(|name| program::find(name)).ok_or_else(|| {
            let wanted = if generation == Generation::Fifth { "dnf5" } else { "dnf" };
            without_results(program::missing(wanted).msg)
        })?;
        Ok(Self { program, generation, options })
    }

    /// The folder in which the system is.
    pub fn root(&self) -> &str {
        &self.options.installroot
    }

    fn command(&self) -> Command {
        let options = self.options;
        let fifth = self.generation == Generation::Fifth;
        let mut words: Vec<String> = Vec::new();
        let mut option = |name: &str, value: &str| words.push(format!("{name}={value}"));
        for repository in &options.disablerepo {
            option("--disablerepo", repository);
        }
        for repository in &options.enablerepo {
            option("--enablerepo", repository);
        }
        for package in &options.exclude {
            option("--exclude", package);
        }
        for plugin in &options.disable_plugin {
            option(if fifth { "--disable-plugin" } else { "--disableplugin" }, plugin);
        }
        for plugin in &options.enable_plugin {
            option(if fifth { "--enable-plugin" } else { "--enableplugin" }, plugin);
        }
        let given = [
            ("--config", &options.conf_file),
            ("--releasever", &options.releasever),
            (if fifth { "--setopt=disable_excludes" } else { "--disableexcludes" }, &options.disable_excludes),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                option(name, value);
            }
        }
        if options.installroot != "/" {
            option("--installroot", &options.installroot);
        }
        let number = |flag: bool| if flag { "1" } else { "0" };
        option("--setopt=install_weak_deps", number(options.install_weak_deps));
        option("--setopt=clean_requirements_on_remove", number(options.autoremove));
        option("--setopt=sslverify", number(options.sslverify));
        if options.disable_gpg_check {
            words.push(if fifth { "--no-gpgchecks" } else { "--nogpgcheck" }.to_owned());
        } else {
            words.push("--setopt=gpgcheck=1".to_owned());
            words.push(format!("--setopt={}=1", if fifth { "pkg_gpgcheck" } else { "localpkg_gpgcheck" }));
        }
        if options.cacheonly {
            words.push("--cacheonly".to_owned());
        }
        words.iter().fold(Command::new([&self.program]).env("LC_ALL", "C.UTF-8"), Command::arg)
    }

    /// Options of what changes packages.
    fn change_options(&self) -> Vec<String> {
        let options = self.options;
        let fifth = self.generation == Generation::Fifth;
        let nobest = if fifth { "--no-best" } else { "--nobest" };
        let best = match (options.best, options.nobest) {
            (Some(true), _) | (_, Some(false)) => Some("--best"),
            (Some(false), _) | (_, Some(true)) => Some(nobest),
            (None, None) => None,
        };
        let flags = [
            best,
            options.skip_broken.then_some("--skip-broken"),
            (options.skip_broken && fifth).then_some("--skip-unavailable"),
            options.allowerasing.then_some("--allowerasing"),
            options.download_only.then_some("--downloadonly"),
        ];
        let mut words: Vec<String> = flags.into_iter().flatten().map(str::to_owned).collect();
        if let Some(directory) = options.download_dir.as_ref().filter(|_| options.download_only) {
            words.push(format!("{}={directory}", if fifth { "--destdir" } else { "--downloaddir" }));
        }
        words
    }

    pub fn run(&self, words: &[&str], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        let command = words.iter().fold(self.command(), Command::arg).streamed();
        let output = ctx.command(&command).map_err(|err| without_results(os_error::numbered(&err)))?;
        if output.stderr_text().contains(NO_RELEASE) {
            ctx.warn(format!("{NO_RELEASE} (use \"releasever\" option to specify release version)"));
        }
        Ok(output)
    }

    /// Has new lists of packages.
    pub fn refresh(&self, ctx: &mut Ctx) -> Result<(), Failure> {
        let output = self.run(&["makecache", "--refresh"], ctx)?;
        if output.ok() { Ok(()) } else { Err(failure(&output)) }
    }

    pub fn change(&self, verb: &[&str], specs: &[String], ctx: &mut Ctx) -> Result<Done, Failure> {
        let mut options = self.change_options();
        if self.options.update_cache {
            options.push("--refresh".to_owned());
        }
        options.push(if ctx.check { "--assumeno" } else { "--assumeyes" }.to_owned());
        let words: Vec<&str> = verb
            .iter()
            .copied()
            .chain(options.iter().map(String::as_str))
            .chain(specs.iter().map(String::as_str))
            .collect();
        let output = self.run(&words, ctx)?;
        let stdout = output.stdout_text();
        let says = |text: &str| stdout.contains(text) || output.stderr_text().contains(text);
        // That is how it ends where nobody agrees.
        let declined = ctx.check && says("Operation aborted");
        if !output.ok() && !declined {
            return Err(failure(&output));
        }
        let nothing = says("Nothing to do");
        let did_something = !nothing && specs.iter().any(|spec| spec.starts_with('@')) && !stdout.trim().is_empty();
        let unavailable = if verb.contains(&"install") { unavailable(&output) } else { Vec::new() };
        Ok(Done { ran: true, did_something, unavailable, table: table(&stdout) })
    }
}

impl Done {
    pub fn add(&mut self, other: Done) {
        self.ran |= other.ran;
        self.did_something |= other.did_something;
        self.unavailable.extend(other.unavailable);
        self.table.extend(other.table);
    }

    /// Whether dnf was not run at all.
    pub fn is_empty(&self) -> bool {
        !self.ran
    }

    /// What dnf says that it would do, or has downloaded.
    pub fn planned(&self, before: &[Package], download: bool) -> Vec<String> {
        let mut after: Vec<Package> = before.to_vec();
        for (fate, package) in &self.table {
            match fate {
                Fate::Installed => after.push(package.clone()),
                Fate::Replacing => {
                    after.retain(|it| it.name != package.name || it.arch != package.arch);
                    after.push(package.clone());
                }
                Fate::Removed => after.retain(|it| it != package),
            }
        }
        after.sort();
        let changes = differences(before, &after);
        if !download {
            return changes;
        }
        changes.iter().filter_map(|it| Some(format!("Downloaded: {}", it.strip_prefix("Installed: ")?))).collect()
    }
}

/// How two lists of packages, in order, differ.
pub fn differences(before: &[Package], after: &[Package]) -> Vec<String> {
    let new = after.iter().filter(|it| !before.contains(it)).map(|it| format!("Installed: {}", it.nevra()));
    let old = before.iter().filter(|it| !after.contains(it)).map(|it| format!("Removed: {}", it.nevra()));
    new.chain(old).collect()
}

/// The rows of the table of a transaction. A row that is too long for a line goes on in the next, further in.
pub fn table(stdout: &str) -> Vec<(Fate, Package)> {
    let mut rows: Vec<(Fate, String)> = Vec::new();
    let mut fate = None;
    for line in stdout.lines() {
        if line.starts_with("Transaction Summary") {
            break;
        }
        if !line.starts_with(' ') {
            fate = match line.split(' ').next().unwrap_or_default().trim_end_matches(':') {
                "Installing" => Some(Fate::Installed),
                "Upgrading" | "Downgrading" | "Reinstalling" => Some(Fate::Replacing),
                "Removing" => Some(Fate::Removed),
                _ => None,
            };
        } else if let Some(fate) = fate {
            let continues = line.starts_with("  ");
            match rows.last_mut() {
                Some((_, row)) if continues && row.split_whitespace().count() < 5 => row.push_str(line),
                _ if !continues => rows.push((fate, line.to_owned())),
                // `replacing  old.noarch 1.0`: what is replaced is known.
                _ => {}
            }
        }
    }
    let read = |(fate, row): (Fate, String)| {
        let mut words = row.split_whitespace();
        let (name, arch, version) = (words.next()?, words.next()?, words.next()?);
        Some((fate, Package::of_columns(name, arch, version)?))
    };
    rows.into_iter().filter_map(read).collect()
}

fn unavailable(output: &CommandOutput) -> Vec<String> {
    let text = format!("{}\n{}", output.stdout_text(), output.stderr_text());
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("No match for argument: "))
        .map(str::to_owned)
        .collect();
    names.dedup();
    names
}

/// What went wrong, in the words that Ansible has for it.
pub fn failure(output: &CommandOutput) -> Failure {
    let text = format!("{}\n{}", output.stdout_text(), output.stderr_text());
    let missing = unavailable(output);
    if !missing.is_empty() {
        let failures: Vec<_> = missing.iter().map(|name| format!("No package {name} available.")).collect();
        return without_results("Failed to install some of the specified packages")
            .with("failures", failures)
            .with("rc", 1);
    }
    let group = text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("Module or Group '")?;
        Some(rest.split('\'').next()?.to_owned())
    });
    if let Some(group) = group {
        return without_results(format!("No group {group} available."));
    }
    let reason = match text.find("Error: ") {
        Some(start) => text.get(start + "Error: ".len()..).unwrap_or_default().trim(),
        None => text.trim(),
    };
    let msg = if reason.contains("Problem") {
        format!("Depsolve Error occurred: {reason}")
    } else if let Some((_, rest)) = text.split_once("Error downloading packages:") {
        format!("Failed to download packages: {}", rest.trim())
    } else if reason.starts_with("Failed to download metadata") {
        reason.to_owned()
    } else {
        format!("Unknown Error occurred: {reason}")
    };
    without_results(msg).with("rc", 1)
}
