//! The modules that run on a target. Blocking code on std; nothing of the controller.

pub mod accounts;
pub mod atomic_write;
pub mod checksum;
pub mod command;
pub mod content_diff;
pub mod copy;
pub mod file;
pub mod file_attributes;
pub mod file_flags;
pub mod file_mode;
mod home;
mod invoke;
pub mod lineinfile;
pub mod local_time;
pub mod mime_type;
pub mod os_error;
pub mod ping;
pub mod process;
pub mod python_regex;
pub mod selinux;
pub mod shell;
pub mod shell_words;
pub mod stat;
pub mod table;
#[cfg(test)]
mod testing;

pub use invoke::invoke;
