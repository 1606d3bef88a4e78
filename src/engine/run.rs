//! A whole run: playbook after playbook, play after play, batch after batch.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::batch::{Batch, Order, percentage};
use super::event::{Event, EventSender};
use super::handlers::HandlerBook;
use super::keyword_values::{to_bool, to_int};
use super::options::{Gathering, RunOptions};
use super::play_iterator::{Next, PlayIterator};
use super::prompts;
use super::run_state::RunState;
use super::shared::{PlayRun, Shared};
use super::steps;
use super::strategy::{self, Ending};
use super::tags::TagFilter;
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::Inventory;
use crate::playbook::{Keyword, Keywords, Loader, LoopControl, Play, Playbook, Task};
use crate::remote::Pool;
use crate::template::{self, SearchPath, Templar};
use crate::value::{Dict, Value};
use crate::vars::{PlayHosts, PlayVariables, RunMagic, Scope, World};

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
    pub events: EventSender,
    pub notices: Notices,
}

pub struct RunSummary {
    pub exit_code: u8,
}

/// Runs the playbooks. An interrupt ends it in order: what runs is cancelled, the recap is still sent.
pub async fn run(run: Run) -> Result<RunSummary, Error> {
    let Run { playbooks, inventory, reload_inventory, loader, templates, options, magic, events, notices } = run;
    if options.step {
        return Err(Error::new(ErrorKind::Usage, "--step is not supported"));
    }
    let mut world =
        World::new(inventory, Arc::clone(&options.extra_vars), run_magic(&options, magic), reload_inventory);
    world.merge_hashes = options.merge_hashes;
    let shared = Arc::new(Shared {
        world: Arc::new(world),
        templates,
        loader,
        forks: Arc::new(Semaphore::new(options.forks.max(1))),
        options,
        remote: Arc::new(Pool::new()),
        events,
        notices,
    });
    check_limit(&shared)?;
    let mut state = RunState::default();
    let mut start_at = shared.options.start_at_task.clone();
    let outcome = tokio::select! {
        outcome = all(&shared, &playbooks, &mut state, &mut start_at) => outcome.map(|()| None),
        Ok(()) = tokio::signal::ctrl_c() => Ok(Some(Error::new(ErrorKind::Interrupted, "User interrupted execution"))),
    };
    let interrupted = match outcome {
        Ok(interrupted) => interrupted,
        Err(err) => {
            shared.pass_notices();
            shared.remote.close();
            return Err(err);
        }
    };
    shared.send(Event::PlaybookFinished(Box::new(state.stats.clone())));
    shared.remote.close();
    match interrupted {
        Some(interrupted) => Err(interrupted),
        None => Ok(RunSummary { exit_code: state.exit_code() }),
    }
}

/// A limit that leaves nobody is a mistake, unless there is nobody anyway.
fn check_limit(shared: &Shared) -> Result<(), Error> {
    let Some(limit) = shared.options.limit.as_deref() else { return Ok(()) };
    let left = shared.world.change_quietly(|inventory| inventory.hosts("all", Some(limit)))?;
    if left.is_empty() && shared.world.inventory().host_names().next().is_some() {
        shared.pass_notices();
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

async fn all(
    shared: &Arc<Shared>,
    playbooks: &[Playbook],
    state: &mut RunState,
    start_at: &mut Option<String>,
) -> Result<(), Error> {
    for playbook in playbooks {
        shared.send(Event::PlaybookStarted { path: playbook.path.clone() });
        for play in &playbook.plays {
            if run_play(shared, play, state, start_at).await? == Ending::Break {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A play's own keywords are rendered before any host is known.
struct PlayReader<'a> {
    play: &'a Play,
    templar: Templar,
}

impl PlayReader<'_> {
    fn value(&self, name: &str) -> Result<Option<Value>, Error> {
        let Some(written) = self.play.keywords.get(name) else { return Ok(None) };
        self.render(written, name).map(|value| (!value.is_null()).then_some(value))
    }

    fn render(&self, written: &Value, name: &str) -> Result<Value, Error> {
        self.templar.render(written).map_err(|err| {
            Error::project(err.message, err.place.as_ref().or(self.play.keywords.span(name)).or(Some(&self.play.span)))
                .with_exit_code(4)
        })
    }

    fn bool(&self, name: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        to_bool(&value).map(Some).ok_or_else(|| {
            Error::project(
                format!("the value {} of '{name}' could not be converted to 'bool'", value.repr()),
                self.play.keywords.span(name),
            )
        })
    }
}

async fn run_play(
    shared: &Arc<Shared>,
    play: &Arc<Play>,
    state: &mut RunState,
    start_at: &mut Option<String>,
) -> Result<Ending, Error> {
    let strategy = strategy_of(play, shared.options.strategy.as_deref())?;
    let prompted = prompts::ask(shared, play)?;
    let variables = Arc::new(PlayVariables::new(
        String::new(),
        Arc::clone(&play.playbook_dir),
        vec![Arc::clone(&play.vars), prompted],
        play.vars_files.clone(),
        play.roles.iter().chain(&play.imported_roles).map(|usage| Arc::clone(&usage.role)).collect(),
    ));
    let nobody: Arc<str> = Arc::from("");
    let scope = Scope::of_play(&shared.world, &variables, &nobody);
    let search =
        Arc::new(SearchPath { dirs: vec![play.playbook_dir.to_path_buf()], basedir: play.playbook_dir.to_path_buf() });
    let reader = PlayReader { play, templar: shared.templar(&scope, &search) };
    let patterns = patterns(&reader)?;
    let name = match &play.name {
        None => patterns.join(","),
        Some(name) => reader
            .templar
            .render(&Value::Str(name.clone()))
            .map_or_else(|_| name.as_str().to_owned(), |name| name.to_text()),
    };
    let variables = renamed(&variables, &name, play);
    let all_hosts = hosts(shared, &reader, &patterns)?;
    check_vars_files(shared, play, &variables)?;
    for host in &all_hosts {
        shared.world.inventory_layers(host);
    }
    if let Some(err) = shared.world.take_trouble() {
        return Err(err);
    }
    shared.pass_notices();
    if all_hosts.is_empty() {
        shared.send(Event::PlayStarted { name, hosts: Vec::new() });
        shared.send(Event::NoHostsMatched);
        return Ok(Ending::Done);
    }
    let run =
        Arc::new(PlayRun { name, variables: Arc::clone(&variables), playbook_dir: Arc::clone(&play.playbook_dir) });
    let filter = Arc::new(TagFilter {
        only: shared.options.tags.clone(),
        skip: shared.options.skip_tags.clone(),
        templar: reader.templar.clone(),
    });
    let force_handlers = reader.bool("force_handlers")?.unwrap_or(false) || shared.options.force_handlers;
    let gather = gather_facts(shared, play, &reader)?;
    let gather_id = gather.as_ref().map(|task| task.id);
    let steps = steps::of_play(play, gather, force_handlers, &filter)?;
    let max_fail_percentage = reader.value("max_fail_percentage")?.as_ref().and_then(percentage);
    let name_of = |task: &Task| {
        let name = task.name.as_ref()?;
        Some(
            reader
                .templar
                .render(&Value::Str(name.clone()))
                .map_or_else(|_| name.as_str().to_owned(), |name| name.to_text()),
        )
    };
    // Lists of hosts show the inventory's order, whatever the order in which the play takes them.
    let position: std::collections::HashMap<Arc<str>, usize> = shared
        .world
        .change_quietly(|inventory| inventory.hosts(&patterns.join(","), shared.options.limit.as_deref()))?
        .into_iter()
        .enumerate()
        .map(|(index, host)| (host, index))
        .collect();
    let names = |hosts: &[Arc<str>]| {
        let mut hosts = hosts.to_vec();
        hosts.sort_by_key(|host| position.get(host).copied());
        Value::list(hosts.iter().map(|host| Value::str(&**host)).collect())
    };
    for batch_hosts in batches(&reader, &all_hosts)? {
        shared.send(Event::PlayStarted {
            name: run.name.clone(),
            hosts: batch_hosts.iter().map(std::string::ToString::to_string).collect(),
        });
        let batch = names(&batch_hosts);
        variables.set_hosts(PlayHosts { all: names(&all_hosts), batch: batch.clone(), active: batch });
        let mut iterator = PlayIterator::new(&batch_hosts, &steps);
        for host in batch_hosts.iter().filter(|host| state.failed.contains(&***host)) {
            iterator.end_host(host);
        }
        if let Some(wanted) = start_at.clone()
            && start_at_task(shared, &mut iterator, &batch_hosts, &wanted)
        {
            *start_at = None;
        }
        let mut order = Order::default();
        steps::order(&steps, &mut order.ids);
        let failed_before = batch_hosts
            .iter()
            .filter(|host| state.failed.contains(&***host) || state.unreachable.contains(&***host))
            .count();
        let mut batch = Batch {
            shared: Arc::clone(shared),
            play: Arc::clone(&run),
            hosts: batch_hosts,
            iterator,
            order,
            handlers: HandlerBook::of_play(play, &name_of),
            filter: Arc::clone(&filter),
            run: state,
            max_fail_percentage,
            failed_before,
            gather_id,
        };
        let ending = strategy::run(strategy, &mut batch).await?;
        let lost = batch.lost().len();
        let size = batch.hosts.len();
        if ending == Ending::Break || lost.saturating_sub(failed_before) == size {
            return Ok(Ending::Break);
        }
        if ending == Ending::EndPlay {
            break;
        }
    }
    Ok(Ending::Done)
}

/// Reads the files whose names are known already, so that a mistake in one is told before any host is touched.
fn check_vars_files(shared: &Shared, play: &Play, variables: &PlayVariables) -> Result<(), Error> {
    for entry in &play.vars_files {
        let Value::Str(name) = entry else { continue };
        if Templar::is_template(name) {
            continue;
        }
        let name = template::search::expand_user(name);
        let places = [play.playbook_dir.join("vars").join(&name), play.playbook_dir.join(&name)];
        if let Some(path) = places.iter().find(|path| path.exists()) {
            variables.file(path, |path| shared.loader.vars_file(path)).map_err(|err| err.with_exit_code(4))?;
        }
    }
    Ok(())
}

/// The play's variables under the name that was rendered with them.
fn renamed(variables: &PlayVariables, name: &str, play: &Play) -> Arc<PlayVariables> {
    Arc::new(PlayVariables::new(
        name.to_owned(),
        Arc::clone(&variables.playbook_dir),
        variables.vars.clone(),
        variables.vars_files.clone(),
        play.roles.iter().chain(&play.imported_roles).map(|usage| Arc::clone(&usage.role)).collect(),
    ))
}

fn strategy_of(play: &Play, default: Option<&str>) -> Result<&'static str, Error> {
    let written = play.keywords.get("strategy").map(Value::to_text);
    let name = written.as_deref().or(default).unwrap_or("linear");
    strategy::find(name).ok_or_else(|| {
        Error::project(format!("Invalid play strategy specified: {name}"), play.keywords.span("strategy"))
            .hint("rplay has the strategy linear")
            .with_exit_code(1)
    })
}

fn patterns(reader: &PlayReader<'_>) -> Result<Vec<String>, Error> {
    let rendered = reader.render(&reader.play.hosts, "hosts")?;
    Ok(match rendered {
        Value::List(items) => items.iter().map(Value::to_text).collect(),
        single => vec![single.to_text()],
    })
}

fn hosts(shared: &Shared, reader: &PlayReader<'_>, patterns: &[String]) -> Result<Vec<Arc<str>>, Error> {
    let mut hosts = shared
        .world
        .change_quietly(|inventory| inventory.hosts(&patterns.join(","), shared.options.limit.as_deref()))?;
    match reader.value("order")?.map(|order| order.to_text()).as_deref() {
        None | Some("inventory") => {}
        Some("reverse_inventory") => hosts.reverse(),
        Some("sorted") => hosts.sort(),
        Some("reverse_sorted") => {
            hosts.sort();
            hosts.reverse();
        }
        Some("shuffle") => {
            use rand::seq::SliceRandom;
            hosts.shuffle(&mut rand::rng());
        }
        Some(other) => {
            return Err(Error::project(
                format!("Invalid 'order' specified for inventory hosts: {other}"),
                reader.play.keywords.span("order"),
            )
            .with_exit_code(5));
        }
    }
    Ok(hosts)
}

/// The hosts in portions, as `serial` says.
fn batches(reader: &PlayReader<'_>, hosts: &[Arc<str>]) -> Result<Vec<Vec<Arc<str>>>, Error> {
    let sizes = match reader.value("serial")? {
        None => return Ok(vec![hosts.to_vec()]),
        Some(Value::List(items)) => items.to_vec(),
        Some(single) => vec![single],
    };
    let mut counts = Vec::new();
    for size in &sizes {
        let text = size.to_text();
        let count = match text.trim().strip_suffix('%') {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a count"
            )]
            Some(percent) => {
                percent.parse::<f64>().ok().map(|share| (((share / 100.0) * hosts.len() as f64) as usize).max(1))
            }
            None => to_int(size).map(|count| usize::try_from(count).unwrap_or(0)),
        };
        let Some(count) = count else {
            return Err(Error::project(
                format!("serial must be a number or a percentage, not {}", size.repr()),
                reader.play.keywords.span("serial"),
            ));
        };
        counts.push(count);
    }
    let mut batches = Vec::new();
    let mut rest = hosts;
    let mut index = 0;
    while !rest.is_empty() {
        let count = counts.get(index).or(counts.last()).copied().unwrap_or(0);
        let count = if count == 0 { rest.len() } else { count.min(rest.len()) };
        let (batch, later) = rest.split_at(count);
        batches.push(batch.to_vec());
        rest = later;
        index += 1;
    }
    Ok(batches)
}

/// Steps over everything before the task that the run shall start at. Says whether it is in this play.
fn start_at_task(shared: &Shared, iterator: &mut PlayIterator, hosts: &[Arc<str>], wanted: &str) -> bool {
    let pattern = glob::Pattern::new(wanted).ok();
    let mut found = false;
    for host in hosts {
        loop {
            let matches = match iterator.peek(host) {
                None => break,
                Some(Next::Flush(_)) => false,
                Some(Next::Task(task)) => {
                    let names = [
                        super::task_name::written(&task),
                        task.name.as_ref().map_or_else(String::new, |name| name.to_string()),
                    ];
                    names
                        .iter()
                        .any(|name| name == wanted || pattern.as_ref().is_some_and(|pattern| pattern.matches(name)))
                }
            };
            if matches {
                found = true;
                break;
            }
            iterator.take(host);
        }
    }
    if !found {
        shared.send(Event::NoMatchingTask(wanted.to_owned()));
    }
    found
}

/// The task that gathers facts at the beginning of a play, if it is wanted.
fn gather_facts(shared: &Shared, play: &Play, reader: &PlayReader<'_>) -> Result<Option<Arc<Task>>, Error> {
    let wanted = reader.bool("gather_facts")?;
    let gather = wanted.unwrap_or(shared.options.gathering != Gathering::Explicit);
    if !gather {
        return Ok(None);
    }
    let mut args = Dict::new();
    for (keyword, argument) in
        [("gather_subset", "gather_subset"), ("gather_timeout", "gather_timeout"), ("fact_path", "fact_path")]
    {
        if let Some(value) = play.keywords.get(keyword) {
            args.insert(Value::str(argument), value.clone());
        }
    }
    let mut keywords = Keywords::clone(&play.context.keywords);
    let tags = Keyword { value: Value::list(vec![Value::str("always")]), span: play.span.clone() };
    keywords.entries.insert("tags", tags);
    Ok(Some(Arc::new(Task {
        id: super::steps::next_number(),
        name: Some(crate::value::Str::data("Gathering Facts")),
        span: play.span.clone(),
        action: "gather_facts".to_owned(),
        action_span: play.span.clone(),
        args,
        raw_params: None,
        variable_args: None,
        keywords: Arc::new(keywords),
        context: Arc::clone(&play.context),
        vars: Arc::default(),
        loop_: None,
        loop_span: None,
        loop_control: LoopControl::default(),
        listen: Vec::new(),
        implicit: true,
    })))
}
