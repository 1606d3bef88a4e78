//! Which init system runs this host: the fact `service_mgr`.

use std::fs;
use std::path::Path;

pub fn name() -> String {
    if Path::new("/run/systemd/system").is_dir() {
        return "systemd".into();
    }
    let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    match first.trim() {
        // Containers are often started with some program in place of an init system.
        "" | "sh" | "bash" | "COMMAND" | "init" => guess().into(),
        "systemd" => "systemd".into(),
        "openrc-init" => "openrc".into(),
        "runit-init" | "runit" => "runit".into(),
        other => other.into(),
    }
}

fn guess() -> &'static str {
    if Path::new("/run/openrc").exists() || Path::new("/sbin/openrc").exists() {
        "openrc"
    } else if Path::new("/sbin/upstart-udev-bridge").exists() || Path::new("/usr/lib/upstart").exists() {
        "upstart"
    } else if init_is_systemd() {
        "systemd"
    } else if Path::new("/etc/init.d").is_dir() {
        "sysvinit"
    } else {
        "service"
    }
}

fn init_is_systemd() -> bool {
    fs::canonicalize("/sbin/init").is_ok_and(|target| target.ends_with("systemd"))
}
