//! Tests of the modules against real files, archives and servers.

mod archives;
mod attributes;
mod clocks;
mod coverage;
mod dnf;
mod downloads;
mod evil_archives;
mod full_disk;
mod git;
mod harness;
mod hostile_links;
mod recorded;
mod requests;
mod specs;
