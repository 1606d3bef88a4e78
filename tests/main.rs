//! Every test that needs the built command; one binary, a file per subject.

mod architecture;
mod cases;
mod hosts;
mod mistakes;
mod project;
mod secrets;
mod trouble;
