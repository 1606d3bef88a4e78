//! Strategies: who goes on with which step when. One file each; `engine/driver.rs` runs what they say.

mod free;
mod host_pinned;
mod linear;

use super::play_iterator::Next;
use super::play_state::{HostId, PlayState};
use crate::catalog;

/// A step that begins now, on the hosts that take it together.
pub struct Turn {
    pub step: Next,
    pub hosts: Vec<HostId>,
}

pub trait Strategy: Send {
    /// The steps that may begin now. Asked again whenever hosts have become free; when nothing is at work and nothing
    /// begins, the play is over.
    fn ready(&mut self, play: &mut PlayState<'_>) -> Vec<Turn>;

    /// Hosts wait for one another, so that one of them can act for all (`run_once`) and a failure can stop all.
    fn in_step(&self) -> bool;
}

/// One line of the table of strategies.
pub struct StrategySpec {
    pub name: &'static str,
    /// Makes the strategy for so many forks.
    pub make: fn(usize) -> Box<dyn Strategy>,
}

pub const STRATEGIES: &[StrategySpec] = &[
    // `debugger.rs` knows it by its name.
    StrategySpec { name: "debug", make: |_| Box::new(linear::Linear) },
    StrategySpec { name: "free", make: |_| Box::new(free::Free) },
    StrategySpec { name: "host_pinned", make: |forks| Box::new(host_pinned::HostPinned::new(forks)) },
    StrategySpec { name: "linear", make: |_| Box::new(linear::Linear) },
];

/// The strategy of this name, with or without its collection.
pub fn find(name: &str) -> Option<&'static StrategySpec> {
    STRATEGIES.iter().find(|strategy| catalog::is_builtin(name, strategy.name))
}

pub fn names() -> Vec<&'static str> {
    STRATEGIES.iter().map(|strategy| strategy.name).collect()
}

/// How a batch ended, as far as the rest of the run cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// `meta: end_play`: no further batch of this play.
    EndPlay,
    /// Too many hosts failed: nothing more of the run.
    Break,
}

/// The next step of one host, as a turn of its own.
fn turn_of(play: &mut PlayState<'_>, host: HostId) -> Option<Turn> {
    let step = play.peek(host)?;
    play.iterator.take(host);
    Some(Turn { step, hosts: vec![host] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(STRATEGIES.is_sorted_by(|a, b| a.name < b.name));
    }
}
