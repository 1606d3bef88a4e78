//! Each host goes through the steps as fast as it can; none waits for another.

use super::{Strategy, Turn, turn_of};
use crate::engine::play_state::PlayState;

pub struct Free;

impl Strategy for Free {
    fn ready(&mut self, play: &mut PlayState<'_>) -> Vec<Turn> {
        play.take_free().into_iter().filter_map(|host| turn_of(play, host)).collect()
    }

    fn in_step(&self) -> bool {
        false
    }
}
