//! The modules that run on a target. Blocking code on std; nothing of the controller.

pub mod copy;
pub mod table;
