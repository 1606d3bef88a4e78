//! The modules that run on a target. Blocking code on std; nothing of the controller.

pub mod command;
pub mod copy;
mod home;
mod invoke;
mod local_time;
mod os_error;
pub mod ping;
pub mod process;
pub mod shell;
mod shell_words;
pub mod table;
#[cfg(test)]
mod testing;

pub use invoke::invoke;
