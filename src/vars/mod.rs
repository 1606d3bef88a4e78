//! Variables: which layers there are, who sees them, and the magic ones.
//! Layers are shared and never merged: a `Scope` is a list of references, and a look-up walks it.

mod fact_cache;
mod facts;
mod host;
mod hostvars;
mod magic;
pub mod names;
mod play;
mod scope;
mod world;

pub use fact_cache::FactCache;
pub use facts::{Facts, UntrustedFacts, removal_warning};
pub use host::HostVariables;
pub use magic::RunMagic;
pub use play::{PlayHosts, PlayVariables};
pub use scope::{ConnectionDefaults, Scope, TaskLayers};
pub use world::World;
