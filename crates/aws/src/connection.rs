//! Whose account, which region, which endpoint: from arguments, then environment, then shared files, then the machine.

mod client;
mod host_names;
mod http;
mod secret;
mod settings;

pub use client::Clients;
pub use secret::Secret;
pub use settings::Settings;
