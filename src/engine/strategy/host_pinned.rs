//! Each host goes through all steps without a break, as many hosts at a time as there are forks; another host begins when one is through.

use std::collections::{HashSet, VecDeque};

use super::{Strategy, Turn, turn_of};
use crate::engine::play_state::{HostId, PlayState};

pub struct HostPinned {
    forks: usize,
    pinned: HashSet<HostId>,
    waiting: VecDeque<HostId>,
}

impl HostPinned {
    pub fn new(forks: usize) -> Self {
        Self { forks, pinned: HashSet::new(), waiting: VecDeque::new() }
    }
}

impl Strategy for HostPinned {
    fn ready(&mut self, play: &mut PlayState<'_>) -> Vec<Turn> {
        let mut turns = Vec::new();
        for host in play.take_free() {
            if !self.pinned.contains(&host) {
                self.waiting.push_back(host);
                continue;
            }
            match turn_of(play, host) {
                Some(turn) => turns.push(turn),
                None => {
                    self.pinned.remove(&host);
                }
            }
        }
        while self.pinned.len() < self.forks {
            let Some(host) = self.waiting.pop_front() else { break };
            if let Some(turn) = turn_of(play, host) {
                self.pinned.insert(host);
                turns.push(turn);
            }
        }
        turns
    }

    fn in_step(&self) -> bool {
        false
    }
}
