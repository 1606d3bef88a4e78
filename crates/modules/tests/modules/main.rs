//! Tests of the modules against real files, archives and servers.

mod archives;
mod downloads;
mod full_disk;
mod harness;
mod recorded;
