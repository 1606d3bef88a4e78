//! SELinux, AppArmor, FIPS mode, capabilities, host keys.

use std::path::Path;

use rplay_module_api::{Json, Map, json};

use super::{Facts, Gathering, facts, line_of};

pub fn apparmor(_: &mut Gathering) -> Facts {
    let enabled = Path::new("/sys/kernel/security/apparmor").exists();
    facts([("apparmor", json!({"status": if enabled { "enabled" } else { "disabled" }}))])
}

pub fn fips(_: &mut Gathering) -> Facts {
    facts([("fips", (line_of("/proc/sys/crypto/fips_enabled") == "1").into())])
}

pub fn selinux(_: &mut Gathering) -> Facts {
    let mut found = Map::new();
    let root = Path::new("/sys/fs/selinux");
    if root.join("enforce").exists() {
        let mode = if line_of(root.join("enforce")) == "1" { "enforcing" } else { "permissive" };
        let config = line_of("/etc/selinux/config");
        let setting = |name: &str| {
            config
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("unknown")
                .trim()
                .to_owned()
        };
        found.insert("status".into(), "enabled".into());
        found.insert("mode".into(), mode.into());
        found.insert("config_mode".into(), setting("SELINUX").into());
        found.insert("type".into(), setting("SELINUXTYPE").into());
        let version = line_of(root.join("policyvers"));
        found.insert("policyvers".into(), version.parse::<i64>().map_or("unknown".into(), Json::from));
    } else {
        found.insert("status".into(), "disabled".into());
    }
    // Python's bindings are what Ansible's own modules need; ours need none.
    facts([("selinux", found.into()), ("selinux_python_present", true.into())])
}

#[rustfmt::skip]
const CAPABILITIES: [&str; 41] = [
    "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid",
    "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin",
    "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot",
    "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
    "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control",
    "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend",
    "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
];

/// What `capsh` would say of this process: everything, or the names of what it has.
pub fn capabilities(_: &mut Gathering) -> Facts {
    let status = line_of("/proc/self/status");
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or(0);
    let last = line_of("/proc/sys/kernel/cap_last_cap").parse::<u32>().unwrap_or(40).min(62);
    let everything = (1_u64 << (last + 1)) - 1;
    if effective & everything == everything {
        return facts([("system_capabilities", json!([])), ("system_capabilities_enforced", "False".into())]);
    }
    let held: Vec<&str> =
        CAPABILITIES.iter().enumerate().filter(|(bit, _)| effective >> bit & 1 == 1).map(|(_, name)| *name).collect();
    facts([("system_capabilities", held.into()), ("system_capabilities_enforced", "True".into())])
}

pub fn ssh_host_keys(_: &mut Gathering) -> Facts {
    let mut found = Facts::new();
    for directory in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let line = line_of(format!("{directory}/ssh_host_{algorithm}_key.pub"));
            let mut words = line.split_whitespace();
            if let (Some(kind), Some(key)) = (words.next(), words.next()) {
                found.insert(format!("ssh_host_key_{algorithm}_public"), key.into());
                found.insert(format!("ssh_host_key_{algorithm}_public_keytype"), kind.into());
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}
