//! The modules of ansible.posix.

pub mod acl;
pub mod authorized_key;
pub mod mount;
pub mod seboolean;
pub mod sysctl;
