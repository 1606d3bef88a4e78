//! What several modules share: files and their attributes, accounts, processes, downloads, formats.

pub mod accounts;
pub(crate) mod apt_sources;
pub mod at;
pub mod atomic_write;
pub mod checksum;
pub mod content_diff;
pub mod download;
pub(crate) mod dpkg_status;
pub mod file_attributes;
pub mod file_flags;
pub mod file_mode;
pub mod home;
pub(crate) mod init_system;
pub mod job_file;
pub mod local_time;
pub mod mime_type;
pub(crate) mod openpgp;
pub mod os_error;
pub(crate) mod package_manager;
pub mod process;
pub(crate) mod program;
pub mod python_regex;
pub(crate) mod resolve;
pub(crate) mod rpm;
pub(crate) mod run;
pub mod selinux;
pub mod shell_pattern;
#[cfg(test)]
pub(crate) mod testing;
pub mod text_file;
