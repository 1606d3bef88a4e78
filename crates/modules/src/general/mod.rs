//! The modules of community.general.

pub mod alternatives;
pub mod ini_file;
pub mod modprobe;
pub mod pam_limits;
pub mod timezone;
pub mod ufw;
