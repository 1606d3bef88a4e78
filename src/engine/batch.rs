//! The hosts of a play that go through it together: runs steps for them and applies what comes of it.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexSet;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::event::{Event, Status, TaskHead};
use super::handlers::HandlerBook;
use super::includes;
use super::keyword_values::{KeywordReader, KeywordResult, to_float};
use super::options::Gathering;
use super::play_iterator::{AfterFailure, PlayIterator};
use super::run_state::RunState;
use super::shared::{PlayRun, Shared};
use super::strategy::Ending;
use super::tags::TagFilter;
use super::task_executor::Job;
use super::task_name;
use super::task_report::Executed;
use crate::actions::{Effect, Include, table};
use crate::error::{Error, ErrorKind};
use crate::playbook::{Role, Task};
use crate::template::SearchPath;
use crate::value::{Dict, Value};

/// The steps of a play in the order in which they are written, includes where they turned up.
#[derive(Debug, Default)]
pub struct Order {
    pub ids: Vec<u64>,
    pub next: usize,
}

impl Order {
    /// Puts steps in front of whatever comes next.
    pub fn insert(&mut self, ids: Vec<u64>) {
        let at = self.next.min(self.ids.len());
        self.ids.splice(at..at, ids);
    }
}

pub struct Batch<'r> {
    pub shared: Arc<Shared>,
    pub play: Arc<PlayRun>,
    pub hosts: Vec<Arc<str>>,
    pub iterator: PlayIterator,
    pub order: Order,
    pub handlers: HandlerBook,
    pub filter: Arc<TagFilter>,
    pub run: &'r mut RunState,
    pub max_fail_percentage: Option<f64>,
    /// Hosts of this batch that were out before it began do not count as its failures.
    pub failed_before: usize,
    /// The task that gathers facts without being asked for.
    pub gather_id: Option<u64>,
}

/// A result that has come in, and what it includes.
struct Arrived {
    host: Arc<str>,
    includes: Vec<Include>,
}

impl Batch<'_> {
    /// The hosts that still take part, in the play's order.
    pub fn hosts_left(&self) -> Vec<Arc<str>> {
        self.hosts.iter().filter(|host| !self.run.unreachable.contains(&***host)).cloned().collect()
    }

    /// `ansible_play_hosts`: the batch without those that are lost.
    fn show_active_hosts(&self) {
        let batch = self.play.variables.hosts().batch.clone();
        let lost = |host: &Value| {
            host.as_str().is_some_and(|host| self.run.unreachable.contains(host) || self.run.failed.contains(host))
        };
        let active = batch.as_list().unwrap_or_default().iter().filter(|host| !lost(host)).cloned().collect();
        self.play.variables.set_active(Value::list(active));
    }

    /// Lets hosts run what they have notified.
    pub fn flush(&mut self, hosts: &[Arc<str>]) {
        let steps = self.handlers.steps();
        for host in hosts {
            self.iterator.flush(host, &steps);
        }
        let mut ids = Vec::new();
        super::steps::order(&steps, &mut ids);
        self.order.insert(ids);
    }

    /// A job for a task on a host.
    pub fn job(&self, task: &Arc<Task>, host: &Arc<str>, name: &Arc<str>, search_path: &Arc<SearchPath>) -> Job {
        Job {
            shared: Arc::clone(&self.shared),
            play: Arc::clone(&self.play),
            task: Arc::clone(task),
            host: Arc::clone(host),
            name: Arc::clone(name),
            search_path: Arc::clone(search_path),
        }
    }

    /// Announces a task and returns the name it goes by.
    pub fn announce(&self, task: &Arc<Task>, first: &Arc<str>, search_path: &Arc<SearchPath>) -> Arc<str> {
        let name: Arc<str> = task_name::of_task(&self.shared, &self.play, task, first, search_path).into();
        self.shared.send(Event::TaskStarted(TaskHead {
            id: task.id,
            name: name.to_string(),
            place: task.span.clone(),
            handler: task.context.handlers,
            check: self.shared.options.check,
            args: None,
        }));
        name
    }

    /// Reads keywords of a task as one host sees them.
    pub fn keyword<T>(
        &self,
        task: &Arc<Task>,
        host: &Arc<str>,
        search_path: &Arc<SearchPath>,
        read: impl FnOnce(&KeywordReader<'_>) -> KeywordResult<T>,
    ) -> KeywordResult<T> {
        let scope = self.shared.scope(&self.play, task, host, search_path)?;
        let templar = self.shared.templar(&scope, search_path);
        read(&KeywordReader { keywords: &task.keywords, templar: &templar })
    }

    /// Runs a task on hosts and applies what comes of it.
    pub async fn task(&mut self, task: &Arc<Task>, hosts: &[Arc<str>]) -> Result<Option<Ending>, Error> {
        let without_facts: Vec<Arc<str>>;
        let hosts = if self.gather_id == Some(task.id) && self.shared.options.gathering == Gathering::Smart {
            without_facts = hosts.iter().filter(|host| !self.shared.world.host(host).has_facts()).cloned().collect();
            &without_facts
        } else {
            hosts
        };
        let Some(first) = hosts.first() else { return Ok(None) };
        let search_path = self.shared.search_path(&self.play, task);
        self.show_active_hosts();
        let name = self.announce(task, first, &search_path);
        let bypasses = table::resolve(&task.action).is_some_and(|resolved| resolved.bypasses_hosts());
        let once = bypasses
            || (task.keyword("run_once").is_some()
                && self
                    .keyword(task, first, &search_path, |reader| reader.bool("run_once"))
                    .is_ok_and(|once| once == Some(true)));
        let workers = if once { hosts.get(..1).unwrap_or_default() } else { hosts };
        let throttle = match task.keyword("throttle") {
            None => None,
            Some(_) => self
                .keyword(task, first, &search_path, |reader| reader.int("throttle"))
                .ok()
                .flatten()
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| *limit > 0)
                .map(|limit| Arc::new(Semaphore::new(limit))),
        };
        let mut running = JoinSet::new();
        let mut places = std::collections::HashMap::new();
        let sequential = self.shared.options.forks <= 1;
        let mut arrived = Vec::new();
        let mut failed = HashSet::new();
        for host in workers {
            let job = self.job(task, host, &name, &search_path);
            let forks = Arc::clone(&self.shared.forks);
            let throttle = throttle.clone();
            let handle = running.spawn(async move {
                let _throttled = match &throttle {
                    Some(throttle) => throttle.acquire().await.ok(),
                    None => None,
                };
                let _permit = forks.acquire().await.ok();
                let _ = job.shared.events.send(Event::HostStarted { host: Arc::clone(&job.host), task: job.task.id });
                job.execute().await
            });
            places.insert(handle.id(), Arc::clone(host));
            if sequential {
                self.collect(&mut running, &places, task, hosts, once, &name, &mut arrived, &mut failed).await?;
            }
        }
        self.collect(&mut running, &places, task, hosts, once, &name, &mut arrived, &mut failed).await?;
        // Includes are grouped in the order of the hosts, whichever came first.
        arrived.sort_by_key(|arrived: &Arrived| hosts.iter().position(|host| *host == arrived.host));
        let includes: Vec<includes::Request> = arrived
            .into_iter()
            .flat_map(|arrived| {
                let host = arrived.host;
                arrived.includes.into_iter().map(move |include| includes::Request { host: Arc::clone(&host), include })
            })
            .collect();
        if !includes.is_empty() {
            failed.extend(includes::apply(self, task, &name, includes)?);
        }
        if !failed.is_empty() {
            return self.after_failures(task, hosts, &failed, &search_path);
        }
        Ok(None)
    }

    #[expect(clippy::too_many_arguments, reason = "the one caller's local state")]
    async fn collect(
        &mut self,
        running: &mut JoinSet<Executed>,
        places: &std::collections::HashMap<tokio::task::Id, Arc<str>>,
        task: &Arc<Task>,
        hosts: &[Arc<str>],
        once: bool,
        name: &Arc<str>,
        arrived: &mut Vec<Arrived>,
        failed: &mut HashSet<Arc<str>>,
    ) -> Result<(), Error> {
        while let Some(joined) = running.join_next_with_id().await {
            let executed = match joined {
                Ok((_, executed)) => executed,
                Err(err) => {
                    let Some(host) = places.get(&err.id()) else { continue };
                    let search_path = self.shared.search_path(&self.play, task);
                    self.job(task, host, name, &search_path).crashed(&err)
                }
            };
            let host = Arc::clone(&executed.report.host);
            let (includes, bad) = self.apply(task, executed, hosts, once)?;
            if bad {
                failed.extend(if once { hosts.to_vec() } else { vec![Arc::clone(&host)] });
            }
            arrived.push(Arrived { host, includes });
        }
        Ok(())
    }

    /// Takes a result into account; returns its includes and whether a host was lost.
    fn apply(
        &mut self,
        task: &Arc<Task>,
        executed: Executed,
        hosts: &[Arc<str>],
        once: bool,
    ) -> Result<(Vec<Include>, bool), Error> {
        let Executed { report, fields, effects, notify, facts_host, ignored, ignore_unreachable } = executed;
        let host = Arc::clone(&report.host);
        let status = report.status;
        let affected: Vec<Arc<str>> = if once { hosts.to_vec() } else { vec![Arc::clone(&host)] };
        if let Some(name) = task.keyword("register").map(Value::to_text) {
            for host in &affected {
                self.shared.world.host(host).set([(Value::str(name.as_str()), Value::dict(fields.clone()))]);
            }
        }
        let mut includes = Vec::new();
        for effect in effects {
            match effect {
                Effect::Include(include) => includes.push(include),
                other => self.apply_effect(other, &affected, &host, facts_host.as_ref()),
            }
        }
        if let Some(role) = task.role()
            && status != Status::Skipped
        {
            self.role_begun(role, &affected);
        }
        if task.context.handlers {
            for host in &affected {
                self.iterator.handled(host, task.id);
            }
        }
        let including = !includes.is_empty();
        self.notify(task, &notify, std::slice::from_ref(&host))?;
        let mut bad = false;
        let stats = self.run.stats.hosts.entry(host.to_string()).or_default();
        match status {
            Status::Ok | Status::Changed if including => {}
            Status::Ok => stats.ok += 1,
            Status::Changed => {
                stats.ok += 1;
                stats.changed += 1;
            }
            Status::Skipped => stats.skipped += 1,
            Status::Failed if ignored => {
                stats.ok += 1;
                stats.ignored += 1;
                if fields.get("changed").is_some_and(Value::is_truthy) {
                    stats.changed += 1;
                }
            }
            Status::Unreachable if ignore_unreachable => {
                stats.skipped += 1;
                stats.ignored += 1;
            }
            Status::Unreachable => {
                stats.unreachable += 1;
                bad = true;
                self.run.unreachable.insert(host.to_string());
            }
            Status::Failed => {
                bad = true;
                self.fail(&host, &affected, task, &fields);
            }
        }
        if !including {
            self.shared.send(Event::Finished(Box::new(report)));
        }
        Ok((includes, bad))
    }

    /// A task failed on `host`, which takes `affected` with it.
    pub fn fail(&mut self, host: &Arc<str>, affected: &[Arc<str>], task: &Arc<Task>, fields: &Dict) {
        for other in affected {
            let after = self.iterator.fail(other);
            if after == AfterFailure::Rescued {
                let details = [
                    (Value::str("ansible_failed_task"), task_name::describe(task)),
                    (Value::str("ansible_failed_result"), Value::dict(fields.clone())),
                ];
                self.shared.world.host(other).set(details);
            } else if !self.run.failed.contains(&**other) {
                self.run.failed.insert(other.to_string());
            }
            if other == host {
                let stats = self.run.stats.hosts.entry(host.to_string()).or_default();
                match after {
                    AfterFailure::Rescued => stats.rescued += 1,
                    AfterFailure::Lost => stats.failed += 1,
                }
            }
        }
    }

    fn role_begun(&mut self, role: &Arc<Role>, hosts: &[Arc<str>]) {
        for host in hosts {
            self.iterator.role_begun(host, role);
        }
    }

    fn apply_effect(&mut self, effect: Effect, affected: &[Arc<str>], host: &Arc<str>, facts_host: Option<&Arc<str>>) {
        match effect {
            // The host itself has them already; a task that ran once for all gives them to all.
            Effect::SetFacts { facts, cacheable } if facts_host.is_none() => {
                for other in affected.iter().filter(|other| *other != host) {
                    let variables = self.shared.world.host(other);
                    variables.set(facts.clone());
                    if cacheable {
                        variables.add_cacheable(&facts);
                    }
                }
            }
            Effect::IncludeVars(variables) if facts_host.is_none() => {
                for other in affected.iter().filter(|other| *other != host) {
                    self.shared.world.host(other).include(variables.clone());
                }
            }
            Effect::HostFacts(facts) if facts_host.is_none() => {
                for other in affected.iter().filter(|other| *other != host) {
                    self.shared.world.host(other).add_facts(&facts, self.shared.options.inject_facts);
                }
            }
            Effect::SetStats { data, per_host, aggregate } => {
                let key = if per_host { host.to_string() } else { "_run".to_owned() };
                let stats = self.run.stats.custom.entry(key).or_default();
                for (name, value) in data {
                    super::run_state::add_stat(stats, name, value, aggregate);
                }
            }
            _ => {}
        }
    }

    fn notify(&mut self, task: &Arc<Task>, names: &[String], hosts: &[Arc<str>]) -> Result<(), Error> {
        for name in names {
            let found = self.handlers.find(name);
            if found.is_empty() {
                let message = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                );
                if self.shared.options.error_on_missing_handler {
                    return Err(Error::new(ErrorKind::Project, message)
                        .at(task.keywords.span("notify"))
                        .with_exit_code(1));
                }
                self.shared.notices.warn(message, task.keywords.span("notify"));
            }
            for host in hosts {
                for handler in &found {
                    if self.iterator.notify(host, *handler) {
                        self.shared.send(Event::HandlerNotified { host: Arc::clone(host), handler: name.clone() });
                    }
                }
            }
        }
        Ok(())
    }

    /// `any_errors_fatal` and `max_fail_percentage`.
    fn after_failures(
        &mut self,
        task: &Arc<Task>,
        hosts: &[Arc<str>],
        failed: &HashSet<Arc<str>>,
        search_path: &Arc<SearchPath>,
    ) -> Result<Option<Ending>, Error> {
        let Some(first) = hosts.first() else { return Ok(None) };
        let fatal = self
            .keyword(task, first, search_path, |reader| reader.bool("any_errors_fatal"))
            .ok()
            .flatten()
            .unwrap_or(self.shared.options.any_errors_fatal);
        if fatal {
            for host in self.hosts_left() {
                let lost_before = self.run.failed.contains(&*host);
                if !lost_before && !failed.contains(&host) && self.iterator.fail(&host) == AfterFailure::Lost {
                    self.run.failed.insert(host.to_string());
                }
            }
        }
        let Some(percentage) = self.max_fail_percentage else { return Ok(None) };
        // A host that still has an `always` section before it is not counted yet.
        let lost = self.lost().into_iter().filter(|host| self.iterator.peek(host).is_none()).count();
        let lost = lost.saturating_sub(self.failed_before);
        #[expect(clippy::cast_precision_loss, reason = "counts of hosts")]
        let share = lost as f64 / self.hosts.len().max(1) as f64 * 100.0;
        if share <= percentage {
            return Ok(None);
        }
        for host in self.hosts_left() {
            if !self.run.failed.contains(&*host) {
                self.iterator.end_host(&host);
                self.run.failed.insert(host.to_string());
            }
        }
        self.shared.send(Event::NoHostsRemaining);
        self.shared.send(Event::NoHostsRemaining);
        Ok(Some(Ending::Break))
    }

    /// Hosts of this batch that failed or cannot be reached.
    pub fn lost(&self) -> IndexSet<Arc<str>> {
        self.hosts
            .iter()
            .filter(|host| self.run.failed.contains(&***host) || self.run.unreachable.contains(&***host))
            .cloned()
            .collect()
    }
}

/// A percentage as a play writes it.
pub fn percentage(value: &Value) -> Option<f64> {
    to_float(value)
}
