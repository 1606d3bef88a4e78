//! The modules that run on a target. Blocking code on std; nothing of the controller.
//!
//! A folder per collection, and `support` for what they share.

pub mod builtin;
pub mod general;
mod invoke;
pub mod posix;
pub mod support;
pub mod table;

pub use invoke::invoke;
