//! The connections of a run: one per endpoint, shared by every task and every delegation. Those that nobody uses are closed when
//! there would be too many, and made again when they are needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::Client;
use crate::connection::{Endpoint, Unreachable, limits};

/// How long after a failure nobody tries again: hosts that share an address come one after the other.
const FRESH: Duration = Duration::from_secs(2);

/// One endpoint, from the first who asks for it.
#[derive(Default)]
struct Slot {
    outcome: OnceCell<Outcome>,
    /// When it was last asked for, by the pool's own clock.
    used: AtomicU64,
}

struct Outcome {
    result: Result<Arc<Client>, Unreachable>,
    at: Instant,
}

impl Slot {
    /// Whether its connection, or its failure, still counts.
    fn counts(&self) -> bool {
        match self.outcome.get() {
            None => true,
            Some(Outcome { result: Ok(client), .. }) => client.is_usable(),
            Some(Outcome { result: Err(_), at }) => at.elapsed() < FRESH,
        }
    }

    fn is_idle(&self) -> bool {
        matches!(self.outcome.get(), Some(Outcome { result: Ok(client), .. }) if Arc::strong_count(client) == 1)
    }

    fn is_over(&self) -> bool {
        self.outcome.initialized() && !self.counts()
    }
}

pub struct Pool {
    slots: RwLock<HashMap<Endpoint, Arc<Slot>>>,
    clock: AtomicU64,
    /// Descriptors of all connections.
    open: Arc<AtomicUsize>,
    most: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self::with_most(limits::connections())
    }
}

impl Pool {
    pub fn new() -> Self {
        Self::default()
    }

    /// A pool whose connections have so many descriptors at most, as long as some of them are idle.
    pub fn with_most(most: usize) -> Self {
        Self { slots: RwLock::default(), clock: AtomicU64::new(0), open: Arc::default(), most }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Endpoint, Arc<Slot>>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Endpoint, Arc<Slot>>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host's client. Callers that come while it connects get the same connection, or the same failure.
    pub async fn client(&self, endpoint: &Endpoint) -> Result<Arc<Client>, Unreachable> {
        let slot = self.slot(endpoint);
        slot.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let outcome = slot.outcome.get_or_init(|| async {
            self.make_room();
            let result = Client::connect(endpoint, &self.open).await.map(Arc::new);
            Outcome { result, at: Instant::now() }
        });
        outcome.await.result.clone()
    }

    fn slot(&self, endpoint: &Endpoint) -> Arc<Slot> {
        if let Some(slot) = self.read().get(endpoint).filter(|slot| slot.counts()) {
            return Arc::clone(slot);
        }
        let mut slots = self.write();
        let slot = slots.entry(endpoint.clone()).or_default();
        if !slot.counts() {
            *slot = Arc::default();
        }
        Arc::clone(slot)
    }

    /// Closes idle connections when there are too many: those that were not needed for the longest time, and some at once, as the
    /// next host wants room as well.
    fn make_room(&self) {
        if self.open.load(Ordering::Relaxed) < self.most {
            return;
        }
        let mut slots = self.write();
        slots.retain(|_, slot| !slot.is_over());
        let mut idle: Vec<(u64, Endpoint)> = slots
            .iter()
            .filter(|(_, slot)| slot.is_idle())
            .map(|(endpoint, slot)| (slot.used.load(Ordering::Relaxed), endpoint.clone()))
            .collect();
        idle.sort_by_key(|(used, _)| *used);
        let count = (idle.len() / 8).max(1);
        let closed: Vec<Arc<Slot>> =
            idle.into_iter().take(count).filter_map(|(_, endpoint)| slots.remove(&endpoint)).collect();
        drop(slots);
        // Outside of the lock: a process that ends is signaled here.
        drop(closed);
    }

    /// Forgets the connection to a host (`meta: reset_connection`); it closes when the last task that uses it ends.
    pub fn reset(&self, endpoint: &Endpoint) {
        let forgotten = self.write().remove(endpoint);
        drop(forgotten);
    }

    /// Waits until what was written on the hosts has reached their disks.
    pub async fn settle(&self) {
        let client = |slot: &Arc<Slot>| Some(Arc::clone(slot.outcome.get()?.result.as_ref().ok()?));
        let clients: Vec<Arc<Client>> = self.read().values().filter_map(client).collect();
        let mut settling: JoinSet<()> =
            clients.into_iter().map(|client| async move { client.settle().await }).collect();
        while settling.join_next().await.is_some() {}
    }

    /// Forgets all connections.
    pub fn close(&self) {
        let forgotten = std::mem::take(&mut *self.write());
        drop(forgotten);
    }
}
