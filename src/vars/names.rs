//! What may be called a variable, and the names that mean something else already.

use super::magic;

pub use crate::value::variable_name::{RULE, is_valid, mistake};

/// Whether facts may not become a variable of this name: it decides how or where tasks connect or as whom they run, or rplay itself sets it.
/// The names are Ansible's, those that only rplay reads, and the magic ones.
pub fn is_restricted(name: &str) -> bool {
    RESTRICTED.contains(&name)
        || [magic::STRONG, magic::WEAK, magic::OF_RUN].iter().any(|names| names.contains(&name))
        || name.starts_with("ansible_become_")
        || of_connection(name)
        || of_become_program(name)
        || name.strip_prefix("ansible_").is_some_and(|rest| rest.ends_with("_interpreter"))
}

/// Options of connection plugins. Host keys are facts, and so are network bridges that containers make.
fn of_connection(name: &str) -> bool {
    let of_plugin = CONNECTIONS.iter().any(|prefix| name.starts_with(prefix));
    let harmless = name.starts_with("ansible_ssh_host_key_") && name != "ansible_ssh_host_key_checking"
        || name.ends_with("_bridge")
        || name.ends_with("_gwbridge");
    of_plugin && !harmless
}

/// `ansible_sudo_exe` and its like.
fn of_become_program(name: &str) -> bool {
    let Some((program, option)) = name.strip_prefix("ansible_").and_then(|rest| rest.rsplit_once('_')) else {
        return false;
    };
    BECOME_PROGRAMS.contains(&program) && matches!(option, "exe" | "flags" | "pass" | "user")
}

/// Modules find interpreters for the run that they are part of; nothing keeps what they found.
pub fn is_discovered_interpreter(name: &str) -> bool {
    name.strip_prefix("ansible_").unwrap_or(name).starts_with("discovered_interpreter_")
}

const CONNECTIONS: &[&str] =
    &["ansible_local_", "ansible_paramiko_ssh_", "ansible_psrp_", "ansible_ssh_", "ansible_winrm_"];

const BECOME_PROGRAMS: &[&str] =
    &["doas", "dzdo", "ksu", "machinectl", "pbrun", "pfexec", "pmrun", "runas", "sesu", "su", "sudo"];

/// Sorted.
const RESTRICTED: &[&str] = &[
    "ansible_async_dir",
    "ansible_become",
    "ansible_command_timeout",
    "ansible_common_remote_group",
    "ansible_connection",
    "ansible_connection_path",
    "ansible_control_path",
    "ansible_control_path_dir",
    "ansible_docker_extra_args",
    "ansible_executable",
    "ansible_facts",
    "ansible_host",
    "ansible_host_key_checking",
    "ansible_module_compression",
    "ansible_network_os",
    "ansible_password",
    "ansible_pipelining",
    "ansible_playbook_python",
    "ansible_port",
    "ansible_private_key_file",
    "ansible_remote_tmp",
    "ansible_scp_executable",
    "ansible_scp_extra_args",
    "ansible_scp_if_ssh",
    "ansible_sftp_batch_mode",
    "ansible_sftp_executable",
    "ansible_sftp_extra_args",
    "ansible_shell_allow_world_readable_temp",
    "ansible_shell_executable",
    "ansible_shell_type",
    "ansible_system_tmpdirs",
    "ansible_timeout",
    "ansible_user",
    "hostvars",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_may_not_decide() {
        for name in [
            "ansible_connection",
            "ansible_ssh_common_args",
            "ansible_ssh_host",
            "ansible_ssh_host_key_checking",
            "ansible_become",
            "ansible_become_anything",
            "ansible_sudo_exe",
            "ansible_su_pass",
            "ansible_local_tmp",
            "ansible_python_interpreter",
            "ansible_shell_executable",
            "inventory_hostname",
            "hostvars",
            "omit",
            "ansible_play_hosts",
            "playbook_dir",
            "ansible_check_mode",
            "ansible_host_key_checking",
        ] {
            assert!(is_restricted(name), "{name}");
        }
        for name in [
            "ansible_local",
            "ansible_ssh_host_key_rsa_public",
            "ansible_ssh_bridge",
            "ansible_user_id",
            "ansible_hostname",
            "ansible_system",
            "ansible_interpreter",
            "x_interpreter",
            "ansible_becomex",
            "foo",
            "ansible_su0",
            "ansible_connection_x",
            "module_setup",
            "gather_subset",
            "ansible_env",
        ] {
            assert!(!is_restricted(name), "{name}");
        }
        assert!(RESTRICTED.is_sorted());
    }
}
