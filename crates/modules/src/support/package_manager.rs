//! Which package manager this host has: the fact `pkg_mgr`.

use std::path::Path;

const MANAGERS: [(&str, &str); 13] = [
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/usr/bin/emerge", "portage"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/swupd", "swupd"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/sbin/pkg", "pkgng"),
];

pub fn name() -> &'static str {
    // A Debian host may have other managers installed as ordinary programs.
    if Path::new("/etc/debian_version").exists() && Path::new("/usr/bin/apt-get").exists() {
        return "apt";
    }
    MANAGERS.iter().find(|(path, _)| Path::new(path).exists()).map_or("unknown", |(_, name)| name)
}
