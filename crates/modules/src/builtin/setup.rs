//! Facts about the host. They are read from files and the kernel; nearly nothing is spawned.

mod date_time;
mod devices;
mod distribution;
mod hardware;
mod initiators;
mod local;
mod mounts;
mod network;
mod platform;
mod programs;
mod security;
mod subsets;
mod table;
mod user;
mod virtualization;

use std::path::PathBuf;
use std::time::Duration;

use rplay_module_api::{Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(setup) };

const EXAMPLE: &str = r"- name: Know the network of the host
  setup:
    gather_subset: [network]
";

const RETURNS: &[Return] = &[Return::new("ansible_facts", Kind::Dict, "success", "The facts.")];

/// Gather facts about a host.
#[derive(ModuleArgs)]
#[module(name = "setup")]
struct Args {
    /// Which facts; `!` before a name leaves it out.
    #[arg(default = "all")]
    gather_subset: Vec<String>,
    /// Seconds that slow facts may take.
    #[arg(default = "10")]
    gather_timeout: u64,
    /// Patterns for the names of facts to return.
    #[arg(default = "[]")]
    filter: Vec<String>,
    /// Directory of the host's own facts.
    #[arg(default = "/etc/ansible/facts.d")]
    fact_path: PathBuf,
}

/// What collectors are given.
pub struct Gathering<'a, 'b> {
    pub fact_path: PathBuf,
    pub timeout: Duration,
    pub ctx: &'a mut Ctx<'b>,
}

pub type Facts = Map<String, Json>;

fn setup(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let collectors = subsets::select(&args.gather_subset).map_err(Failure::new)?;
    let mut gathering = Gathering { fact_path: args.fact_path, timeout: Duration::from_secs(args.gather_timeout), ctx };
    let mut found = Facts::new();
    for collector in collectors {
        for (name, value) in (collector.collect)(&mut gathering) {
            found.insert(format!("ansible_{}", name.replace('-', "_")), value);
        }
    }
    found.retain(|name, _| is_wanted(name, &args.filter));
    for (name, value) in [("gather_subset", Json::from(args.gather_subset)), ("module_setup", true.into())] {
        if args.filter.iter().all(|it| it.is_empty() || it == "*") || is_wanted(name, &args.filter) {
            found.insert(name.into(), value);
        }
    }
    Ok(Outcome::changed(false).with("ansible_facts", found))
}

fn is_wanted(name: &str, patterns: &[String]) -> bool {
    let matches = |pattern: &str| glob::Pattern::new(pattern).is_ok_and(|it| it.matches(name));
    patterns.is_empty()
        || patterns.iter().any(|it| {
            it.is_empty() || matches(it) || (!it.starts_with("ansible_") && matches(&format!("ansible_{it}")))
        })
}

/// Facts from pairs, which is how most collectors end.
fn facts<const N: usize>(pairs: [(&str, Json); N]) -> Facts {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A file's text without its last newline; empty if it can't be read.
fn line_of(path: impl AsRef<std::path::Path>) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
