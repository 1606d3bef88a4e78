//! Runs plays: who does what when. Tells what happens as events; prints nothing.

pub mod event;
pub mod options;

pub use event::{Event, EventSender};
pub use options::{BecomeOptions, ConnectionOptions, RunOptions};
