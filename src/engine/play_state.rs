//! A play while hosts go through it: where each host is, who is lost, what was notified.

use std::sync::Arc;

use super::event::{About, EventKind};
use super::handlers::HandlerBook;
use super::play_iterator::{AfterFailure, Next, PlayIterator};
use super::run_state::RunState;
use super::shared::{PlayRun, Shared};
use super::steps::Steps;
use super::tags::TagFilter;
use crate::playbook::Task;
use crate::value::{Dict, Value};

/// A host's number among those that go through a play together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(u32);

impl HostId {
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The numbers of so many hosts.
    pub fn all(count: usize) -> impl Iterator<Item = HostId> {
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(HostId)
    }
}

struct PlayHost {
    name: Arc<str>,
    failed: bool,
    unreachable: bool,
    /// `meta: end_host` and its like.
    ended: bool,
    /// Its place among the run's counters.
    counter: usize,
}

/// The steps of a play in the order in which they are written, includes where they turned up.
#[derive(Debug, Default)]
pub struct Order {
    past: Vec<u64>,
    /// What comes next stands last, so that steps are put in front of it without moving the others.
    ahead: Vec<u64>,
}

impl Order {
    /// Puts steps in front of whatever comes next.
    pub fn insert(&mut self, ids: Vec<u64>) {
        self.ahead.extend(ids.into_iter().rev());
    }

    /// The next of these steps, wherever it stands; after the last one the search begins anew.
    pub fn advance(&mut self, is_wanted: impl Fn(u64) -> bool) -> Option<u64> {
        if let Some(at) = self.ahead.iter().rposition(|id| is_wanted(*id)) {
            self.past.extend(self.ahead.drain(at..).rev());
        } else {
            let at = self.past.iter().position(|id| is_wanted(*id))?;
            self.ahead.extend(self.past.drain(at + 1..).rev());
        }
        self.past.last().copied()
    }
}

/// What a play begins with.
pub struct Opening {
    pub hosts: Vec<Arc<str>>,
    pub steps: Steps,
    pub handlers: HandlerBook,
    pub filter: Arc<TagFilter>,
    pub max_fail_percentage: Option<f64>,
    /// The task that gathers facts without being asked for.
    pub gather_id: Option<u64>,
}

pub struct PlayState<'r> {
    pub shared: Arc<Shared>,
    pub play: Arc<PlayRun>,
    hosts: Vec<PlayHost>,
    pub iterator: PlayIterator,
    pub order: Order,
    pub handlers: HandlerBook,
    pub filter: Arc<TagFilter>,
    pub run: &'r mut RunState,
    pub max_fail_percentage: Option<f64>,
    pub gather_id: Option<u64>,
    /// Hosts of this batch that were out before it began do not count as its failures.
    failed_before: usize,
    /// Hosts that may go on: nothing of theirs is at work.
    free: Vec<HostId>,
    /// Steps that are at work, each on one host or several.
    pub at_work: usize,
    /// Somebody left since the lists of active hosts were made.
    somebody_left: bool,
}

impl<'r> PlayState<'r> {
    pub fn new(shared: &Arc<Shared>, play: &Arc<PlayRun>, run: &'r mut RunState, opening: Opening) -> Self {
        let mut iterator = PlayIterator::new(opening.hosts.len(), &opening.steps);
        let hosts: Vec<PlayHost> = opening
            .hosts
            .into_iter()
            .map(|name| PlayHost {
                failed: run.failed.contains(&name),
                unreachable: run.unreachable.contains(&name),
                ended: false,
                counter: shared.counters.place(&name),
                name,
            })
            .collect();
        for (id, host) in HostId::all(hosts.len()).zip(&hosts) {
            if host.failed {
                iterator.end_host(id);
            }
        }
        let mut order = Order::default();
        let mut ids = Vec::new();
        super::steps::order(&opening.steps, &mut ids);
        order.insert(ids);
        Self {
            shared: Arc::clone(shared),
            play: Arc::clone(play),
            failed_before: hosts.iter().filter(|host| host.failed || host.unreachable).count(),
            free: HostId::all(hosts.len()).collect(),
            hosts,
            iterator,
            order,
            handlers: opening.handlers,
            filter: opening.filter,
            run,
            max_fail_percentage: opening.max_fail_percentage,
            gather_id: opening.gather_id,
            at_work: 0,
            somebody_left: true,
        }
    }

    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    pub fn all(&self) -> impl Iterator<Item = HostId> + use<> {
        HostId::all(self.hosts.len())
    }

    pub fn name(&self, id: HostId) -> &Arc<str> {
        &self.hosts[id.index()].name
    }

    pub fn names(&self, ids: &[HostId]) -> Vec<Arc<str>> {
        ids.iter().map(|id| Arc::clone(self.name(*id))).collect()
    }

    pub fn is_failed(&self, id: HostId) -> bool {
        self.hosts[id.index()].failed
    }

    pub fn is_unreachable(&self, id: HostId) -> bool {
        self.hosts[id.index()].unreachable
    }

    /// The hosts that still take part, in the play's order.
    pub fn hosts_left(&self) -> impl Iterator<Item = HostId> {
        self.all().filter(|id| !self.is_unreachable(*id))
    }

    /// How many hosts failed or can't be reached, those from before the play left out.
    pub fn lost(&self) -> usize {
        let lost = self.hosts.iter().filter(|host| host.failed || host.unreachable).count();
        lost.saturating_sub(self.failed_before)
    }

    /// Like `lost`, without those that have an `always` section before them.
    pub fn lost_for_good(&mut self) -> usize {
        let lost: Vec<HostId> = self.all().filter(|id| self.is_failed(*id) || self.is_unreachable(*id)).collect();
        let lost = lost.into_iter().filter(|id| self.iterator.peek(*id).is_none()).count();
        lost.saturating_sub(self.failed_before)
    }

    /// What a host does next; nothing when it is through or out.
    pub fn peek(&mut self, id: HostId) -> Option<Next> {
        if self.is_unreachable(id) { None } else { self.iterator.peek(id) }
    }

    /// The hosts that have become free since the last call.
    pub fn take_free(&mut self) -> Vec<HostId> {
        std::mem::take(&mut self.free)
    }

    /// Nothing of these hosts is at work any more.
    pub fn set_free(&mut self, hosts: &[HostId]) {
        self.free.extend_from_slice(hosts);
    }

    pub fn count(&self, id: HostId, change: impl FnOnce(&mut super::event::HostStats)) {
        self.shared.counters.count(self.hosts[id.index()].counter, change);
    }

    pub fn variables(&self, id: HostId) -> Arc<crate::vars::HostVariables> {
        self.shared.world.host(self.name(id))
    }

    pub fn mark_unreachable(&mut self, id: HostId) {
        let host = &mut self.hosts[id.index()];
        host.unreachable = true;
        self.run.unreachable.insert(Arc::clone(&host.name));
        self.somebody_left = true;
    }

    pub fn mark_failed(&mut self, id: HostId) {
        let host = &mut self.hosts[id.index()];
        host.failed = true;
        self.run.failed.insert(Arc::clone(&host.name));
        self.somebody_left = true;
    }

    pub fn end_host(&mut self, id: HostId) {
        self.iterator.end_host(id);
        self.hosts[id.index()].ended = true;
        self.somebody_left = true;
    }

    /// `meta: clear_host_errors`
    pub fn clear_errors(&mut self) {
        for id in self.all() {
            let host = &mut self.hosts[id.index()];
            self.run.failed.remove(&host.name);
            self.run.unreachable.remove(&host.name);
            if std::mem::take(&mut host.failed) | std::mem::take(&mut host.unreachable) {
                self.free.push(id);
            }
            self.iterator.revive(id);
        }
        self.somebody_left = true;
    }

    /// `ansible_play_hosts` and `ansible_play_batch`: without those that failed, can't be reached or were ended.
    pub fn show_active_hosts(&mut self) {
        if !std::mem::take(&mut self.somebody_left) {
            return;
        }
        let gone = self.hosts.iter().filter(|host| host.failed || host.unreachable || host.ended);
        let gone: std::collections::HashSet<&str> = gone.map(|host| &*host.name).collect();
        self.play.variables.remove_hosts(|name| gone.contains(name));
    }

    /// Lets hosts run what they have notified.
    pub fn flush(&mut self, hosts: &[HostId]) {
        let steps = self.handlers.steps();
        for host in hosts {
            self.iterator.flush(*host, &steps);
        }
        let mut ids = Vec::new();
        super::steps::order(&steps, &mut ids);
        self.order.insert(ids);
    }

    /// A task failed on `host`, which takes `affected` with it.
    pub fn fail(&mut self, host: HostId, affected: &[HostId], task: &Arc<Task>, fields: &Dict) {
        for other in affected {
            let after = self.iterator.fail(*other);
            if after == AfterFailure::Rescued {
                let details = [
                    (Value::str("ansible_failed_task"), super::task_name::describe(task)),
                    (Value::str("ansible_failed_result"), Value::dict(fields.clone())),
                ];
                self.variables(*other).set(details);
            } else if !self.is_failed(*other) {
                self.mark_failed(*other);
            }
            if *other == host {
                self.count(host, |stats| match after {
                    AfterFailure::Rescued => stats.rescued += 1,
                    AfterFailure::Lost => stats.failed += 1,
                });
            }
        }
    }

    /// What `host` wanted included cannot be read. A `rescue` that handles it learns nothing of it.
    pub fn fail_include(&mut self, host: HostId) {
        if self.iterator.fail(host) == AfterFailure::Lost && !self.is_failed(host) {
            self.mark_failed(host);
        }
    }

    /// What events of the play are about.
    pub fn about(&self) -> About {
        About::play(&self.play.info)
    }

    pub fn tell(&self, kind: EventKind) {
        self.shared.send(self.about(), kind);
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn steps_come_in_their_order_and_includes_where_they_turned_up() {
        let mut order = Order::default();
        order.insert(vec![1, 2, 3]);
        assert_eq!(order.advance(|id| id == 1), Some(1));
        order.insert(vec![10, 11]);
        assert_eq!(order.advance(|id| id == 3 || id == 11), Some(11));
        assert_eq!(order.advance(|id| id == 10 || id == 3), Some(3));
        assert_eq!(order.advance(|id| id == 10 || id == 2), Some(10));
        assert_eq!(order.advance(|_| true), Some(11));
        assert_eq!(order.advance(|id| id == 4), None);
        assert_eq!(order.advance(|_| true), Some(2));
    }
}
