//! Every collector of facts, one line each, sorted by name.

use super::{
    Facts, Gathering, date_time, devices, distribution, hardware, initiators, local, mounts, network, platform,
    programs, security, user, virtualization,
};

pub struct Collector {
    pub name: &'static str,
    /// Other names that `gather_subset` knows it by.
    pub also: &'static [&'static str],
    /// Gathered unless `!min` is said.
    pub minimal: bool,
    pub collect: fn(&mut Gathering) -> Facts,
}

const fn minimal(name: &'static str, also: &'static [&'static str], collect: fn(&mut Gathering) -> Facts) -> Collector {
    Collector { name, also, minimal: true, collect }
}

const fn full(name: &'static str, also: &'static [&'static str], collect: fn(&mut Gathering) -> Facts) -> Collector {
    Collector { name, also, minimal: false, collect }
}

#[rustfmt::skip]
pub const COLLECTORS: &[Collector] = &[
    minimal("apparmor", &[], security::apparmor),
    minimal("caps", &["system_capabilities", "system_capabilities_enforced"], security::capabilities),
    full("chroot", &["is_chroot"], platform::chroot),
    minimal("cmdline", &["proc_cmdline"], platform::cmdline),
    minimal("date_time", &[], date_time::date_time),
    full("devices", &["hardware"], devices::devices),
    minimal("distribution", &["distribution_major_version", "distribution_release", "distribution_version", "os_family"], distribution::distribution),
    minimal("dns", &[], platform::dns),
    minimal("env", &[], user::env),
    full("fibre_channel_wwn", &[], initiators::fibre_channel),
    minimal("fips", &[], security::fips),
    full("hardware", &["memory", "processor", "processor_cores", "processor_count"], hardware::hardware),
    full("iscsi", &[], initiators::iscsi),
    full("loadavg", &[], hardware::load_average),
    minimal("local", &[], local::local),
    minimal("lsb", &[], distribution::lsb),
    full("lvm", &["hardware"], initiators::lvm),
    full("mounts", &["hardware"], mounts::mounts),
    full("network", &["all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"], network::network),
    full("nvme", &[], initiators::nvme),
    minimal("pkg_mgr", &[], platform::package_manager),
    minimal("platform", &["architecture", "kernel", "kernel_version", "machine", "machine_id", "system"], platform::platform),
    minimal("python", &["python_version"], programs::python),
    minimal("selinux", &[], security::selinux),
    minimal("service_mgr", &[], platform::service_manager),
    minimal("ssh_pub_keys", &["ssh_host_pub_keys", "ssh_host_key_dsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public", "ssh_host_key_rsa_public"], security::ssh_host_keys),
    full("systemd", &[], programs::systemd),
    minimal("user", &["effective_group_id", "effective_group_ids", "effective_user_id", "real_user_id", "user_dir", "user_gecos", "user_gid", "user_id", "user_shell", "user_uid"], user::user),
    full("virtual", &["virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"], virtualization::virtualization),
];

/// Names that are accepted although nothing here answers to them: other programs that gather facts.
pub const EMPTY: &[&str] = &["facter", "ohai"];
