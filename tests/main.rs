//! Every test that needs the built command; one binary, a file per subject.

mod architecture;
mod bootstrap;
mod callbacks;
mod cases;
mod commands;
mod engine;
mod fifty_secrets;
mod hostile;
mod hostile_agent;
mod hosts;
mod language;
mod limits;
mod local_user;
mod log;
mod mistakes;
mod modules;
mod names;
mod parallel;
mod programs;
mod project;
mod secrets;
mod tables;
mod trouble;
mod waits;
