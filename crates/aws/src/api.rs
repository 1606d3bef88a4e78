//! What AWS does, whatever the arguments are called: find, compare, change, wait.

pub mod databases;
pub mod instances;
pub mod key_pairs;
pub mod rules;
pub mod security_groups;
pub mod tags;
