//! All hosts of a batch go through the steps together: none begins a step before all are done with the one before.

use std::collections::HashSet;

use super::{Strategy, Turn};
use crate::engine::play_iterator::Next;
use crate::engine::play_state::{HostId, Order, PlayState};

pub struct Linear;

impl Strategy for Linear {
    fn ready(&mut self, play: &mut PlayState<'_>) -> Vec<Turn> {
        if play.at_work > 0 {
            return Vec::new();
        }
        play.take_free();
        let left: Vec<HostId> = play.hosts_left().collect();
        let waiting: Vec<(HostId, Next)> = left.into_iter().filter_map(|host| Some((host, play.peek(host)?))).collect();
        let Some(id) = play.order.choose(&waiting) else { return Vec::new() };
        let mut turn: Option<Turn> = None;
        for (host, step) in waiting.into_iter().filter(|(_, step)| step.id() == id) {
            play.iterator.take(host);
            turn.get_or_insert_with(|| Turn { step, hosts: Vec::new() }).hosts.push(host);
        }
        turn.into_iter().collect()
    }

    fn in_step(&self) -> bool {
        true
    }
}

impl Order {
    /// The next step in the order of the play that some host waits for; after the last one the search begins anew.
    fn choose(&mut self, waiting: &[(HostId, Next)]) -> Option<u64> {
        let (_, first) = waiting.first()?;
        let wanted: HashSet<u64> = waiting.iter().map(|(_, next)| next.id()).collect();
        Some(self.advance(|id| wanted.contains(&id)).unwrap_or_else(|| first.id()))
    }
}
