//! A play from its beginning to its end: what it asks and says, its hosts, its steps, and one batch of hosts after the other.

use std::collections::HashMap;
use std::sync::Arc;

use super::driver;
use super::event::{About, EventKind, PlayInfo};
use super::handlers::HandlerBook;
use super::play_iterator::Next;
use super::play_keywords::{self, PlayHostNames, PlayReader};
use super::play_state::{Opening, PlayState};
use super::prompts;
use super::run_state::RunState;
use super::shared::{PlayRun, Shared};
use super::steps::{self, Steps};
use super::strategy::{Ending, StrategySpec};
use super::tags::TagFilter;
use crate::config::Gathering;
use crate::error::{Error, ErrorKind};
use crate::playbook::keywords::{Keyword, warn_of_reserved};
use crate::playbook::{Keywords, LoopControl, Play, Task, Written};
use crate::template::{self, SearchPath, Templar};
use crate::value::{Dict, Value};
use crate::vars::{PlayHosts, PlayVariables, Scope};

/// A play that is ready to run.
struct Prepared<'a> {
    play: &'a Play,
    reader: PlayReader<'a>,
    run: Arc<PlayRun>,
    strategy: Result<&'static StrategySpec, Error>,
    hosts: PlayHostNames,
    steps: Steps,
    filter: Arc<TagFilter>,
    gather_id: Option<u64>,
    max_fail_percentage: Option<f64>,
}

/// Runs a play. Prompts first, then what can be wrong without any host, then the hosts.
pub async fn run(
    shared: &Arc<Shared>,
    play: &Play,
    state: &mut RunState,
    start_at: &mut Option<String>,
) -> Result<Ending, Error> {
    let prompted = prompts::ask(shared, play).await?;
    let prepared = prepare(shared, play, prompted)?;
    shared.pass_notices();
    if prepared.hosts.ordered.is_empty() {
        shared.send(About::play(&prepared.run.info), EventKind::PlayStarted { hosts: Vec::new() });
        shared.send(About::play(&prepared.run.info), EventKind::NoHostsMatched);
        return Ok(Ending::Done);
    }
    let names = Names::new(&prepared.hosts);
    let all = names.list(&prepared.hosts.ordered);
    let none = Value::list(Vec::new());
    prepared.run.variables.set_hosts(PlayHosts { all: all.clone(), batch: none, active: all });
    prepared.run.variables.remove_hosts(|host| state.is_lost(host));
    for hosts in play_keywords::batches(&prepared.reader, &prepared.hosts.ordered)? {
        prepared.run.variables.set_batch(names.list(&hosts));
        match batch(shared, &prepared, hosts, state, start_at).await? {
            Ending::Done => {}
            Ending::EndPlay => break,
            Ending::Break => return Ok(Ending::Break),
        }
    }
    Ok(Ending::Done)
}

fn prepare<'a>(shared: &Arc<Shared>, play: &'a Play, prompted: Arc<Dict>) -> Result<Prepared<'a>, Error> {
    let Head { reader, variables, patterns } = head(shared, play, prompted)?;
    let strategy = play_keywords::strategy_of(&reader, shared)?;
    let hosts = play_keywords::hosts(shared, &reader, &patterns)?;
    check_vars_files(shared, play, &variables)?;
    for vars in variables.vars.iter().chain([&shared.world.extra_vars]) {
        warn_of_reserved(vars.keys(), &shared.notices);
    }
    Scope::of_play(&shared.world, &variables, &Arc::from("")).warn_of_reserved(&shared.notices);
    for host in &hosts.ordered {
        shared.world.inventory_layers(host);
        if !play.pre_tasks.is_empty() || !play.tasks.is_empty() || !play.roles.is_empty() {
            Scope::of_play(&shared.world, &variables, host).warn_of_reserved(&shared.notices);
        }
    }
    if let Some(err) = shared.world.take_trouble() {
        return Err(err);
    }
    let filter = Arc::new(filter(shared, &reader));
    let force_handlers = reader.bool(Keyword::ForceHandlers)?.unwrap_or(shared.options.force_handlers);
    let gather = gather_facts(shared, play, &reader)?;
    let gather_id = gather.as_ref().map(|task| task.id);
    let steps = steps::of_play(play, gather, force_handlers, &filter)?;
    let max_fail_percentage = reader.max_fail_percentage()?;
    let uuid = uuid::Uuid::new_v4();
    let info = Arc::new(PlayInfo {
        uuid,
        name: variables.name.clone(),
        patterns: patterns.join(","),
        place: play.span.clone(),
        strategy: strategy.as_ref().map_or("", |strategy| strategy.name),
    });
    let run = Arc::new(PlayRun { info, variables, playbook_dir: Arc::clone(&play.playbook_dir) });
    Ok(Prepared { play, reader, run, strategy, hosts, steps, filter, gather_id, max_fail_percentage })
}

/// What a play is before its hosts are known.
struct Head<'a> {
    reader: PlayReader<'a>,
    variables: Arc<PlayVariables>,
    patterns: Vec<String>,
}

fn head<'a>(shared: &Arc<Shared>, play: &'a Play, prompted: Arc<Dict>) -> Result<Head<'a>, Error> {
    let variables = |name: String| {
        Arc::new(PlayVariables::new(
            name,
            Arc::clone(&play.playbook_dir),
            vec![Arc::clone(&play.vars), Arc::clone(&prompted)],
            play.vars_files.clone(),
            play.roles.iter().chain(&play.imported_roles).map(|usage| Arc::clone(&usage.role)).collect(),
        ))
    };
    shared.world.set_playbook_dir(&play.playbook_dir);
    // The play's keywords don't know its name, which is one of them.
    let reader = reader(shared, play, &variables(String::new()));
    let patterns = reader.patterns()?;
    let variables = variables(reader.name()?);
    Ok(Head { reader, variables, patterns })
}

fn filter(shared: &Shared, reader: &PlayReader<'_>) -> TagFilter {
    TagFilter {
        only: shared.options.tags.clone(),
        skip: shared.options.skip_tags.clone(),
        templar: reader.templar.clone(),
    }
}

/// What a play would work on.
pub struct Overview {
    pub name: String,
    pub patterns: Vec<String>,
    pub hosts: Vec<Arc<str>>,
    pub filter: TagFilter,
}

/// Looks at a play without running it; prompted variables are not there.
pub fn overview(shared: &Arc<Shared>, play: &Play) -> Result<Overview, Error> {
    let Head { reader, variables, patterns } = head(shared, play, Arc::default())?;
    let hosts = play_keywords::hosts(shared, &reader, &patterns)?.in_inventory_order;
    let filter = filter(shared, &reader);
    Ok(Overview { name: variables.name.clone(), patterns, hosts, filter })
}

fn reader<'a>(shared: &Arc<Shared>, play: &'a Play, variables: &Arc<PlayVariables>) -> PlayReader<'a> {
    let nobody: Arc<str> = Arc::from("");
    let scope = Scope::of_play(&shared.world, variables, &nobody);
    let dir = play.playbook_dir.to_path_buf();
    let search = Arc::new(SearchPath { dirs: vec![dir.clone()], basedir: dir });
    PlayReader { play, templar: shared.templar(&scope, &search) }
}

/// Lists of hosts show the inventory's order, whatever the order in which the play takes them.
struct Names(HashMap<Arc<str>, usize>);

impl Names {
    fn new(hosts: &PlayHostNames) -> Self {
        Self(hosts.in_inventory_order.iter().enumerate().map(|(index, host)| (Arc::clone(host), index)).collect())
    }

    fn list(&self, hosts: &[Arc<str>]) -> Value {
        let mut hosts = hosts.to_vec();
        hosts.sort_by_cached_key(|host| self.0.get(host).copied());
        Value::list(hosts.iter().map(|host| Value::str(&**host)).collect())
    }
}

/// Runs the play on hosts that go through it together.
async fn batch(
    shared: &Arc<Shared>,
    prepared: &Prepared<'_>,
    hosts: Vec<Arc<str>>,
    state: &mut RunState,
    start_at: &mut Option<String>,
) -> Result<Ending, Error> {
    let started = EventKind::PlayStarted { hosts: hosts.clone() };
    shared.send(About::play(&prepared.run.info), started);
    let strategy = prepared.strategy.clone().inspect_err(|_| shared.pass_notices())?;
    let mut strategy = (strategy.make)(shared.options.forks.max(1));
    if !strategy.in_step() && prepared.max_fail_percentage.is_some() {
        shared.notices.warn("Using max_fail_percentage with the free strategy is not supported, as tasks are executed independently on each host", None);
    }
    let opening = Opening {
        hosts,
        steps: Arc::clone(&prepared.steps),
        handlers: HandlerBook::of_play(prepared.play, &|task| shared.templar_of_nobody(&prepared.run, task)),
        filter: Arc::clone(&prepared.filter),
        max_fail_percentage: prepared.max_fail_percentage,
        gather_id: prepared.gather_id,
    };
    let mut play = PlayState::new(shared, &prepared.run, state, opening);
    if let Some(wanted) = start_at
        && step_to(&mut play, wanted)
    {
        *start_at = None;
    }
    let ending = driver::run(&mut play, &mut *strategy).await?;
    let all_lost = play.lost() == play.len();
    Ok(if all_lost { Ending::Break } else { ending })
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
            variables.file(path, |path| shared.loader.vars_file(path)).map_err(|err| match err.kind {
                ErrorKind::Vault => err,
                _ => err.with_exit_code(4),
            })?;
        }
    }
    Ok(())
}

/// Steps over everything before the task that the run shall start at. Says whether it is in this play.
fn step_to(play: &mut PlayState<'_>, wanted: &str) -> bool {
    let pattern = glob::Pattern::new(wanted).ok();
    let is_meant = |name: &str| name == wanted || pattern.as_ref().is_some_and(|pattern| pattern.matches(name));
    let mut found = false;
    for host in play.all() {
        while let Some(next) = play.iterator.peek(host) {
            let own = |task: &Task| task.name.as_ref().map_or_else(String::new, |name| name.to_string());
            if let Next::Task(task) = &next
                && [super::task_name::written(task), own(task)].iter().any(|name| is_meant(name))
            {
                found = true;
                break;
            }
            play.iterator.take(host);
        }
    }
    found
}

/// The task that gathers facts at the beginning of a play, if it is wanted.
fn gather_facts(shared: &Shared, play: &Play, reader: &PlayReader<'_>) -> Result<Option<Arc<Task>>, Error> {
    let wanted = reader.bool(Keyword::GatherFacts)?;
    let gather = wanted.unwrap_or(shared.options.gathering != Gathering::Explicit);
    if !gather {
        return Ok(None);
    }
    let mut args = Dict::new();
    for keyword in [Keyword::GatherSubset, Keyword::GatherTimeout, Keyword::FactPath] {
        if let Some(value) = play.keywords.get(keyword) {
            args.insert(Value::str(keyword.name()), value.clone());
        }
    }
    let mut keywords = Keywords::clone(&play.context.keywords);
    let tags = Written::new(Value::list(vec![Value::str("always")]), play.span.clone());
    keywords.entries.insert(Keyword::Tags, tags);
    Ok(Some(Arc::new(Task {
        id: super::steps::next_number(),
        name: Some(crate::value::Str::data("Gathering Facts")),
        span: play.span.clone(),
        action: "gather_facts".to_owned(),
        full_action: Some("ansible.builtin.gather_facts".into()),
        action_span: play.span.clone(),
        args,
        raw_params: None,
        variable_args: None,
        keywords: Arc::new(keywords),
        context: Arc::clone(&play.context),
        vars: Arc::default(),
        has_reserved_names: false,
        loop_: None,
        loop_span: None,
        loop_control: LoopControl::default(),
        listen: Vec::new(),
        implicit: true,
    })))
}
