//! Runs plays: who does what when. Tells what happens as events; prints nothing.

mod action_name;
mod arguments;
mod driver;
mod effects;
mod endpoint;
pub mod event;
mod handlers;
mod includes;
mod inclusion;
mod interrupt;
mod judge;
mod keyword_values;
mod loops;
mod mask;
mod meta;
pub mod options;
mod play;
mod play_iterator;
mod play_keywords;
mod play_state;
mod prompts;
mod results;
mod run;
mod run_state;
mod shared;
mod steps;
mod strategy;
pub mod tags;
mod task_executor;
mod task_name;
mod task_report;

pub use event::{Event, EventSender};
pub use mask::CENSORED_ITEM;
pub use options::{BecomeOptions, BecomeProgram, ConnectionOptions, RunOptions};
pub use run::{Run, RunSummary, run};
