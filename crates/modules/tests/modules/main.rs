//! Tests of the modules against real files, archives and servers.

mod archives;
mod coverage;
mod downloads;
mod full_disk;
mod git;
mod harness;
mod recorded;
mod requests;
mod specs;
