//! The modules of ansible.posix.

pub mod authorized_key;
