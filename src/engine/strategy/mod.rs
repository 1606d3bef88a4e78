//! Strategies: who goes on to which task when.

mod linear;

use super::batch::Batch;
use crate::error::Error;

/// How a batch ended, as far as the rest of the run cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// `meta: end_play`: no further batch of this play.
    EndPlay,
    /// Too many hosts failed: nothing more of the run.
    Break,
}

/// The strategies by name.
const STRATEGIES: &[&str] = &["linear"];

/// A known strategy's short name.
pub fn find(name: &str) -> Option<&'static str> {
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    STRATEGIES.iter().copied().find(|known| *known == short)
}

pub async fn run(name: &str, batch: &mut Batch<'_>) -> Result<Ending, Error> {
    match name {
        "linear" => linear::run(batch).await,
        other => Err(Error::project(format!("Invalid play strategy specified: {other}"), None).with_exit_code(1)),
    }
}
