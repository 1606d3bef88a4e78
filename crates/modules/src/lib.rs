//! The modules that run on a target. Blocking code on std; nothing of the controller.

pub mod accounts;
pub mod apt;
pub mod apt_key;
pub mod apt_repository;
mod apt_sources;
pub mod atomic_write;
pub mod authorized_key;
pub mod checksum;
pub mod command;
pub mod content_diff;
pub mod copy;
pub mod download;
mod dpkg_status;
pub mod fetch;
pub mod file;
pub mod file_attributes;
pub mod file_flags;
pub mod file_mode;
pub mod get_url;
pub mod group;
mod home;
pub mod http_date;
mod init_system;
mod invoke;
pub mod lineinfile;
pub mod local_time;
pub mod mime_type;
mod openpgp;
pub mod os_error;
pub mod package;
mod package_manager;
pub mod ping;
pub mod process;
mod program;
pub mod python_regex;
mod resolve;
pub mod selinux;
pub mod service;
pub mod setup;
pub mod shell;
pub mod shell_words;
pub mod stat;
pub mod systemd;
pub mod table;
pub mod unarchive;
pub mod user;
pub mod wait_for;
#[cfg(test)]
mod testing;

pub use invoke::invoke;

