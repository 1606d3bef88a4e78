//! rplay: runs Ansible playbooks with compiled modules.
//! The parts are layers; a part imports only from those below it (ARCHITECTURE.md).

pub mod account;
pub mod actions;
pub mod blocking;
pub mod callback;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod connection;
pub mod engine;
pub mod error;
pub mod inventory;
pub mod modules;
pub mod playbook;
pub mod python;
pub mod remote;
pub mod source;
pub mod split_args;
pub mod template;
pub mod value;
pub mod vars;
pub mod vault;
pub mod yaml;
