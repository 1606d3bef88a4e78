//! Whose account, which region, which endpoint: from arguments, then environment, then shared files, then the machine.

mod args;
mod client;
mod http;
mod secret;
mod settings;

pub use args::{CONNECTION_ARGS, expand_paths};
pub use client::Clients;
pub use secret::Secret;
pub use settings::Settings;
