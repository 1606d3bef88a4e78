//! A whole run: playbook after playbook, play after play.

use std::sync::Arc;

use uuid::Uuid;

use super::event::{About, EventKind, EventSender};
use super::interrupt::Interrupt;
use super::options::RunOptions;
use super::play::{self, Overview};
use super::run_state::{Counters, RunState};
use super::shared::Shared;
use super::strategy::Ending;
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::Inventory;
use crate::playbook::{Loader, Play, Playbook};
use crate::remote::Pool;
use crate::template;
use crate::value::{Dict, Value};
use crate::vars::{FactCache, RunMagic, World};

/// Everything a run needs.
pub struct Run {
    pub playbooks: Vec<Playbook>,
    pub inventory: Inventory,
    /// Reads the inventory again for `meta: refresh_inventory`.
    pub reload_inventory: Arc<dyn Fn() -> Result<Inventory, Error> + Send + Sync>,
    pub loader: Arc<Loader>,
    pub templates: Arc<template::Engine>,
    pub options: RunOptions,
    /// Magic variables that come from the command line: `ansible_inventory_sources`, `ansible_config_file` and their like.
    pub magic: Dict,
    pub fact_cache: Option<FactCache>,
    pub events: EventSender,
    pub notices: Notices,
}

pub struct RunSummary {
    pub exit_code: u8,
}

/// A run that is opened, but not begun: what its plays would work on.
pub struct Outlook {
    shared: Arc<Shared>,
    pub playbooks: Vec<Playbook>,
}

impl Outlook {
    pub fn new(run: Run) -> Result<Self, Error> {
        let (shared, playbooks) = open(run);
        check_limit(&shared)?;
        Ok(Self { shared, playbooks })
    }

    pub fn of(&self, play: &Play) -> Result<Overview, Error> {
        play::overview(&self.shared, play)
    }
}

fn open(run: Run) -> (Arc<Shared>, Vec<Playbook>) {
    let Run { playbooks, inventory, reload_inventory, loader, templates, options, magic, fact_cache, events, notices } =
        run;
    let extra_vars = Arc::clone(&options.extra_vars);
    let mut world = World::new(inventory, extra_vars, run_magic(&options, magic), reload_inventory, notices.clone());
    world.merge_hashes = options.merge_hashes;
    world.inject_facts = options.inject_facts;
    world.fact_cache = fact_cache;
    let shared = Arc::new(Shared {
        world: Arc::new(world),
        templates,
        loader,
        counters: Counters::default(),
        run_uuid: Uuid::new_v4(),
        options,
        remote: Arc::new(Pool::new()),
        events,
        notices,
    });
    (shared, playbooks)
}

/// Runs the playbooks. An interrupt ends it in order: what runs is cancelled, the recap is still sent.
pub async fn run(run: Run) -> Result<RunSummary, Error> {
    let (shared, playbooks) = open(run);
    check_limit(&shared).inspect_err(|_| shared.pass_notices())?;
    if shared.options.flush_cache {
        shared.world.clear_all_facts();
    }
    let interrupt = Interrupt::new()?;
    // On a task of its own: whatever keeps it busy, an interrupt is noticed here.
    let mut plays = tokio::spawn(all(Arc::clone(&shared), playbooks));
    let outcome = tokio::select! {
        outcome = &mut plays => outcome.unwrap_or_else(|err| Err(Error::new(ErrorKind::Internal, err.to_string()))),
        () = interrupt.first() => {
            plays.abort();
            // A template that is being rendered hears of it this way alone.
            shared.templates.settings.interrupt.stop("User interrupted execution");
            shared.send(About::default(), EventKind::PlaybookFinished(Box::new(shared.counters.stats())));
            shared.remote.close();
            return Err(Error::new(ErrorKind::Interrupted, "User interrupted execution"));
        }
    };
    match outcome {
        Ok(exit_code) => {
            shared.remote.settle().await;
            shared.send(About::default(), EventKind::PlaybookFinished(Box::new(shared.counters.stats())));
            shared.remote.close();
            Ok(RunSummary { exit_code })
        }
        Err(err) => {
            shared.pass_notices();
            shared.remote.close();
            Err(err)
        }
    }
}

/// A limit that leaves nobody is a mistake, unless there is nobody anyway.
fn check_limit(shared: &Shared) -> Result<(), Error> {
    let Some(limit) = shared.options.limit.as_deref() else { return Ok(()) };
    let left = shared.world.change_quietly(|inventory| inventory.hosts("all", Some(limit)))?;
    if left.is_empty() && shared.world.inventory().host_names().next().is_some() {
        return Err(Error::new(
            ErrorKind::Inventory,
            "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
        ));
    }
    Ok(())
}

fn run_magic(options: &RunOptions, mut magic: Dict) -> RunMagic {
    let texts = |items: &[String]| Value::list(items.iter().map(|item| Value::str(item.as_str())).collect());
    let mut set = |name: &str, value: Value| magic.insert(Value::str(name), value);
    set("ansible_version", RunMagic::version());
    set("ansible_check_mode", Value::Bool(options.check));
    set("ansible_diff_mode", Value::Bool(options.diff));
    set("ansible_forks", Value::Int(i64::try_from(options.forks).unwrap_or(i64::MAX)));
    set("ansible_run_tags", texts(&options.tags));
    set("ansible_skip_tags", texts(&options.skip_tags));
    set("ansible_verbosity", Value::Int(i64::from(options.verbosity)));
    if let Some(limit) = &options.limit {
        set("ansible_limit", Value::str(limit.as_str()));
    }
    set("omit", Value::Omit);
    RunMagic(Arc::new(magic))
}

/// The plays one after the other, as far as they go; Ansible's exit code for what has happened.
async fn all(shared: Arc<Shared>, playbooks: Vec<Playbook>) -> Result<u8, Error> {
    let mut state = RunState::default();
    let mut start_at = shared.options.start_at_task.clone();
    'run: for playbook in &playbooks {
        shared.send(
            About::default(),
            EventKind::PlaybookStarted { path: playbook.path.clone(), plays: playbook.plays.len() },
        );
        for play in &playbook.plays {
            if play::run(&shared, play, &mut state, &mut start_at).await? == Ending::Break {
                break 'run;
            }
        }
    }
    if let Some(wanted) = start_at {
        shared.send(About::default(), EventKind::NoMatchingTask(wanted));
    }
    Ok(state.exit_code())
}
