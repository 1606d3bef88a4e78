//! The modules of ansible.builtin.

pub mod apt;
pub mod apt_key;
pub mod apt_repository;
pub mod blockinfile;
pub mod command;
pub mod copy;
pub mod fetch;
pub mod file;
pub mod find;
pub mod get_url;
pub mod getent;
pub mod group;
pub mod lineinfile;
pub mod package;
pub mod ping;
pub mod replace;
pub mod service;
pub mod setup;
pub mod shell;
pub mod slurp;
pub mod stat;
pub mod systemd;
pub mod tempfile;
pub mod unarchive;
pub mod user;
pub mod wait_for;
