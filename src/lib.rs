//! rplay: runs Ansible playbooks with compiled modules.
//! The parts are layers; a part imports only from those below it (ARCHITECTURE.md).

pub mod config;
pub mod connection;
pub mod error;
pub mod inventory;
pub mod playbook;
pub mod remote;
pub mod source;
pub mod template;
pub mod value;
pub mod vault;
pub mod yaml;
