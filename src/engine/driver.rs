//! The one loop of a play: begins what the strategy says, lets as many hosts work as there are forks, and takes in what comes back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::action_name;
use super::debugger;
use super::event::{Answer, EventKind, Question, TaskInfo};
use super::inclusion;
use super::play_iterator::Next;
use super::play_state::{HostId, PlayState};
use super::results;
use super::strategy::{Ending, Strategy, Turn};
use super::task_executor::Job;
use super::task_name;
use super::task_report::Executed;
use crate::actions::Include;
use crate::actions::table::{self, Resolved};
use crate::config::Gathering;
use crate::error::{Error, ErrorKind};
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::template::SearchPath;
use crate::value::Value;

/// A task that hosts are at work on together.
pub struct OpenTurn {
    pub task: Arc<Task>,
    pub info: Arc<TaskInfo>,
    pub search_path: Arc<SearchPath>,
    /// Those that the result is for, in the play's order.
    pub hosts: Vec<HostId>,
    /// One host works for all of them.
    pub once: bool,
    left: usize,
    pub includes: Vec<(HostId, Include)>,
    pub failed: Vec<HostId>,
}

/// Why a task could not be begun: its run ends, or it fails on the host that was to begin.
enum NotBegun {
    Stop(Error),
    Fails(Box<crate::actions::ActionResult>),
}

pub async fn run(play: &mut PlayState<'_>, strategy: &mut dyn Strategy) -> Result<Ending, Error> {
    let mut driver = Driver { in_step: strategy.in_step(), asks: play.shared.options.step, ..Driver::default() };
    let mut ending = None;
    loop {
        let mut began = false;
        if ending.is_none() {
            for turn in strategy.ready(play) {
                began = true;
                if ending.is_none() && driver.is_wanted(play, &turn).await? {
                    ending = driver.begin(play, turn)?;
                }
            }
        }
        driver.start_waiting(play);
        if driver.running.is_empty() {
            match ending {
                Some(ending) => return Ok(ending),
                None if began => continue,
                None => return Ok(Ending::Done),
            }
        }
        if let Some(ends) = driver.take_in(play).await? {
            ending = Some(ends);
        }
    }
}

#[derive(Default)]
struct Driver {
    /// Hosts wait for one another.
    in_step: bool,
    /// `--step`: the user is asked before each task, until the answer is to go on.
    asks: bool,
    turns: HashMap<u64, OpenTurn>,
    next_turn: u64,
    /// Hosts that may begin as soon as a fork is free, each with its turn.
    waiting: VecDeque<(u64, HostId)>,
    running: JoinSet<Executed>,
    places: HashMap<tokio::task::Id, (u64, HostId)>,
    throttles: HashMap<u64, Throttle>,
    /// What tasks are called, where each host takes them on its own.
    names: HashMap<u64, Arc<TaskInfo>>,
}

/// How many hosts work on a task that limits them, and who waits for that.
struct Throttle {
    limit: usize,
    running: usize,
    waiting: VecDeque<(u64, HostId)>,
}

impl Driver {
    /// Whether the user wants a step taken (`--step`). The plays' own steps and `meta` are not asked about.
    async fn is_wanted(&mut self, play: &mut PlayState<'_>, turn: &Turn) -> Result<bool, Error> {
        let Next::Task(task) = &turn.step else { return Ok(true) };
        if !self.asks || task.is_builtin("meta") {
            return Ok(true);
        }
        let host = match turn.hosts.as_slice() {
            [host] if !self.in_step => format!("on {} ", play.name(*host)),
            _ => String::new(),
        };
        let question = format!("Perform task: TASK: {} {host}(N)o/(y)es/(c)ontinue: ", task_name::written(task));
        let asked = Question { text: question.clone(), piped: true, ..Question::default() };
        let answer = match play.shared.events.ask(asked).await {
            Answer::Text(answer) => answer.trim().to_lowercase(),
            Answer::NotInteractive | Answer::Aborted => String::new(),
            Answer::Lost(reason) => {
                let message = format!("the question about a task was not answered: {reason}");
                return Err(Error::new(ErrorKind::Interrupted, message));
            }
        };
        let goes_on = matches!(answer.as_str(), "c" | "continue");
        self.asks &= !goes_on;
        play.tell(EventKind::StepAnswered { question: question.trim().to_owned() });
        if goes_on || matches!(answer.as_str(), "y" | "yes") {
            return Ok(true);
        }
        for host in &turn.hosts {
            play.iterator.handled(*host, task.id);
        }
        play.set_free(&turn.hosts);
        Ok(false)
    }

    fn begin(&mut self, play: &mut PlayState<'_>, turn: Turn) -> Result<Option<Ending>, Error> {
        let Turn { step, hosts } = turn;
        match step {
            Next::Flush(_) => {
                play.flush(&hosts);
                play.set_free(&hosts);
                Ok(None)
            }
            Next::Task(task) => {
                // Each host finds out for itself what a templated action is; what concerns all is the first one's.
                let settled = match hosts.first() {
                    Some(first) => settled(play, &task, *first)?,
                    None => Arc::clone(&task),
                };
                if settled.is_builtin("meta") {
                    let ending = play.meta(&settled, &hosts)?;
                    play.set_free(&hosts);
                    return Ok(ending);
                }
                self.begin_task(play, &task, &settled, hosts)
            }
        }
    }

    fn begin_task(
        &mut self,
        play: &mut PlayState<'_>,
        task: &Arc<Task>,
        settled: &Arc<Task>,
        mut hosts: Vec<HostId>,
    ) -> Result<Option<Ending>, Error> {
        let bypasses = table::of(settled).is_some_and(Resolved::bypasses_hosts);
        if play.gather_id == Some(task.id) && play.shared.options.gathering == Gathering::Smart {
            let (known, unknown): (Vec<_>, Vec<_>) =
                hosts.into_iter().partition(|host| play.variables(*host).has_facts());
            play.set_free(&known);
            hosts = unknown;
        }
        let Some(first) = hosts.first().copied() else { return Ok(None) };
        let search_path = play.shared.search_path(&play.play, task);
        play.show_active_hosts();
        if bypasses && !self.in_step {
            return Err(cannot_be_free(task));
        }
        let once = match self.acts_once(play, task, first, &search_path, bypasses) {
            Ok(once) => once,
            Err(NotBegun::Stop(err)) => return Err(err),
            Err(NotBegun::Fails(failure)) => {
                let info = self.announce(play, settled, first, &search_path);
                let mut turn = OpenTurn::new(task, info, search_path, hosts, true);
                let job = turn.job(play, first);
                let executed = job.failed(*failure);
                results::take_in(play, &mut turn, first, executed)?;
                return self.close(play, turn);
            }
        };
        if !self.in_step && task.keyword(Keyword::AnyErrorsFatal).is_some_and(Value::is_truthy) {
            play.shared.notices.warn("Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently on each host", None);
        }
        let info = self.announce(play, settled, first, &search_path);
        self.note_throttle(play, task, first, &search_path)?;
        let turn = OpenTurn::new(task, info, search_path, hosts, once);
        let id = self.next_turn;
        self.next_turn += 1;
        let workers = if once { turn.hosts.get(..1).unwrap_or_default() } else { &turn.hosts };
        self.waiting.extend(workers.iter().map(|host| (id, *host)));
        self.turns.insert(id, turn);
        play.at_work += 1;
        Ok(None)
    }

    /// Announces a task. Where hosts go on their own, it keeps the name that it got first.
    fn announce(
        &mut self,
        play: &PlayState<'_>,
        task: &Arc<Task>,
        first: HostId,
        search_path: &Arc<SearchPath>,
    ) -> Arc<TaskInfo> {
        if !self.in_step
            && let Some(info) = self.names.get(&task.id)
        {
            return Arc::clone(info);
        }
        let info = play.announce(task, first, search_path);
        if !self.in_step {
            self.names.insert(task.id, Arc::clone(&info));
        }
        info
    }

    /// Whether one host acts for all.
    fn acts_once(
        &self,
        play: &PlayState<'_>,
        task: &Arc<Task>,
        first: HostId,
        search_path: &Arc<SearchPath>,
        bypasses: bool,
    ) -> Result<bool, NotBegun> {
        if bypasses {
            return Ok(true);
        }
        let Some(written) = task.keyword(Keyword::RunOnce) else { return Ok(false) };
        let stop = |failure: Box<crate::actions::ActionResult>| {
            let place = written.span().or(task.keywords.span(Keyword::RunOnce));
            NotBegun::Stop(failure.into_error(place).with_exit_code(1))
        };
        let scope = play.shared.scope(&play.play, task, play.name(first), search_path).map_err(stop)?;
        let templar = play.shared.templar(&scope, search_path);
        let reader = super::keyword_values::KeywordReader { keywords: &task.keywords, templar: &templar };
        if reader.rendered(Keyword::RunOnce).map_err(stop)?.is_none() {
            return Ok(false);
        }
        let once = reader.bool(Keyword::RunOnce).map_err(NotBegun::Fails)? == Some(true);
        if once && !self.in_step {
            play.shared.notices.warn("Using run_once with the free strategy is not currently supported. This task will still be executed for every host in the inventory list.", None);
            return Ok(false);
        }
        Ok(once)
    }

    /// `throttle` counts the hosts at work on a task, whatever turns they took it in.
    fn note_throttle(
        &mut self,
        play: &PlayState<'_>,
        task: &Arc<Task>,
        first: HostId,
        search_path: &Arc<SearchPath>,
    ) -> Result<(), Error> {
        let Some(written) = task.keyword(Keyword::Throttle) else { return Ok(()) };
        let place = written.span().or(task.keywords.span(Keyword::Throttle));
        let not_a_number = |reason: &str| {
            let message = format!("Failed to convert the throttle value to an integer: {reason}");
            Error::project(message, place).with_exit_code(1)
        };
        let value = play
            .keyword(task, first, search_path, |reader| reader.rendered(Keyword::Throttle))
            .map_err(|failure| not_a_number(&failure.into_error(place).message))?;
        let Some(value) = value else { return Ok(()) };
        let Some(limit) = super::keyword_values::to_int(&value) else {
            return Err(not_a_number(&format!("invalid literal for int() with base 10: {}", value.repr())));
        };
        if let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) {
            self.throttles.entry(task.id).or_insert_with(|| Throttle { limit, running: 0, waiting: VecDeque::new() });
        }
        Ok(())
    }

    /// Lets hosts begin while forks are free.
    fn start_waiting(&mut self, play: &PlayState<'_>) {
        while self.running.len() < play.shared.options.forks.max(1) {
            let Some((id, host)) = self.waiting.pop_front() else { return };
            let Some(turn) = self.turns.get(&id) else { continue };
            if let Some(throttle) = self.throttles.get_mut(&turn.task.id) {
                if throttle.running >= throttle.limit {
                    throttle.waiting.push_back((id, host));
                    continue;
                }
                throttle.running += 1;
            }
            let job = turn.job(play, host);
            job.tell(EventKind::HostStarted);
            let handle = self.running.spawn(job.execute());
            self.places.insert(handle.id(), (id, host));
        }
    }

    /// Waits for one result and applies it.
    async fn take_in(&mut self, play: &mut PlayState<'_>) -> Result<Option<Ending>, Error> {
        let Some(joined) = self.running.join_next_with_id().await else { return Ok(None) };
        let task_id = match &joined {
            Ok((id, _)) => *id,
            Err(err) => err.id(),
        };
        let Some((id, host)) = self.places.remove(&task_id) else { return Ok(None) };
        let Some(turn) = self.turns.get_mut(&id) else { return Ok(None) };
        if let Some(throttle) = self.throttles.get_mut(&turn.task.id) {
            throttle.running -= 1;
            if let Some(next) = throttle.waiting.pop_front() {
                self.waiting.push_front(next);
            }
        }
        let mut executed = match joined {
            Ok((_, executed)) => executed,
            Err(err) => turn.job(play, host).crashed(&err),
        };
        if !executed.report.include {
            executed = debugger::debug(&turn.job(play, host), executed).await?;
        }
        results::take_in(play, turn, host, executed)?;
        turn.left -= 1;
        if turn.left > 0 {
            return Ok(None);
        }
        let Some(turn) = self.turns.remove(&id) else { return Ok(None) };
        play.at_work -= 1;
        self.close(play, turn)
    }

    /// All hosts of a turn are done: what they include is read, and what their failures mean is looked at.
    fn close(&self, play: &mut PlayState<'_>, mut turn: OpenTurn) -> Result<Option<Ending>, Error> {
        play.shared.world.settle_inventory();
        if !turn.includes.is_empty() {
            inclusion::apply(play, &mut turn)?;
        }
        play.set_free(&turn.hosts);
        if turn.failed.is_empty() || !self.in_step {
            return Ok(None);
        }
        results::after_failures(play, &turn)
    }
}

impl OpenTurn {
    fn new(
        task: &Arc<Task>,
        info: Arc<TaskInfo>,
        search_path: Arc<SearchPath>,
        hosts: Vec<HostId>,
        once: bool,
    ) -> Self {
        let left = if once { 1 } else { hosts.len() };
        Self { task: Arc::clone(task), info, search_path, hosts, once, left, includes: Vec::new(), failed: Vec::new() }
    }

    /// The hosts that a result of `host` is for.
    pub fn affected(&self, host: HostId) -> Vec<HostId> {
        if self.once { self.hosts.clone() } else { vec![host] }
    }

    fn job(&self, play: &PlayState<'_>, host: HostId) -> Job {
        Job {
            shared: Arc::clone(&play.shared),
            play: Arc::clone(&play.play),
            task: Arc::clone(&self.task),
            info: Arc::clone(&self.info),
            host: Arc::clone(play.name(host)),
            search_path: Arc::clone(&self.search_path),
            changed_vars: Arc::default(),
        }
    }
}

impl PlayState<'_> {
    /// Announces a task under the name that it has for one host.
    pub fn announce(&self, task: &Arc<Task>, host: HostId, search_path: &Arc<SearchPath>) -> Arc<TaskInfo> {
        let name = task_name::of_task(&self.shared, &self.play, task, self.name(host), search_path);
        let info = self.info(task, name);
        self.shared.send(self.about().task(&info), EventKind::TaskStarted);
        info
    }

    pub fn info(&self, task: &Task, name: String) -> Arc<TaskInfo> {
        Arc::new(TaskInfo {
            uuid: uuid::Uuid::new_v5(&self.shared.run_uuid, &task.id.to_be_bytes()),
            id: task.id,
            name,
            given_name: task.name.as_ref().map(|name| name.as_str().to_owned()),
            role: task.role().map(|role| role.name.clone()),
            action: task.short_action().to_owned(),
            written_action: task.action.clone(),
            args: task.args.clone(),
            raw_params: task.raw_params.as_ref().map(|text| text.as_str().to_owned()),
            no_log: task.keyword(Keyword::NoLog).is_some_and(Value::is_truthy),
            place: task.span.clone(),
            handler: task.context.handlers,
            implicit: task.implicit,
            check: task.keyword(Keyword::CheckMode).map_or(self.shared.options.check, Value::is_truthy),
        })
    }
}

/// The task with the action that it has on one host.
fn settled(play: &PlayState<'_>, task: &Arc<Task>, host: HostId) -> Result<Arc<Task>, Error> {
    if task.full_action.is_some() {
        return Ok(Arc::clone(task));
    }
    let search_path = play.shared.search_path(&play.play, task);
    let name = play.shared.scope(&play.play, task, play.name(host), &search_path).and_then(|scope| {
        let templar = play.shared.templar(&scope, &search_path);
        action_name::render(task, &templar)
    });
    let name = name.map_err(|failure| failure.into_error(Some(&task.action_span)).with_exit_code(1))?;
    // A name that means nothing is the failure of the task, host by host.
    Ok(action_name::settle(task, &name).unwrap_or_else(|_| Arc::clone(task)))
}

fn cannot_be_free(task: &Task) -> Error {
    let message = format!(
        "The '{}' module bypasses the host loop, which is currently not supported in the free strategy and would instead execute for every host in the inventory list.",
        task.action
    );
    Error::project(message, Some(&task.action_span)).with_exit_code(1)
}
