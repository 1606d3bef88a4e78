//! Which distribution this is, in Ansible's names, which are not always its own.

use std::collections::HashMap;
use std::path::Path;

use rplay_module_api::{Json, Map, shell_words};

use super::{Facts, Gathering, facts, line_of};
use crate::support::program;

/// `ID` of os-release, Ansible's name, family.
#[rustfmt::skip]
const NAMES: &[(&str, &str, &str)] = &[
    ("almalinux", "AlmaLinux", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("altlinux", "Altlinux", "Altlinux"),
    ("amzn", "Amazon", "RedHat"),
    ("arch", "Archlinux", "Archlinux"),
    ("centos", "CentOS", "RedHat"),
    ("debian", "Debian", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("elementary", "elementary OS", "Debian"),
    ("fedora", "Fedora", "RedHat"),
    ("flatcar", "Flatcar", "Flatcar"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("kali", "Kali", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("manjaro", "Manjaro", "Archlinux"),
    ("nixos", "NixOS", "NixOS"),
    ("ol", "OracleLinux", "RedHat"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("pop", "Pop!_OS", "Debian"),
    ("raspbian", "Debian", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("sled", "SLED", "Suse"),
    ("sles", "SLES", "Suse"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("void", "Void", "Void"),
];

pub fn distribution(_: &mut Gathering) -> Facts {
    let (path, release) = os_release();
    describe(&path, &release, &line_of("/etc/debian_version"))
}

fn os_release() -> (String, HashMap<String, String>) {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let text = line_of(path);
        if !text.is_empty() {
            return (path.to_owned(), parse(&text));
        }
    }
    (String::new(), HashMap::new())
}

fn parse(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim().split_once('='))
        .map(|(name, value)| {
            let value = shell_words::split(value).map_or_else(|_| value.to_owned(), |words| words.join(" "));
            (name.to_owned(), value)
        })
        .collect()
}

pub fn describe(path: &str, release: &HashMap<String, String>, debian_version: &str) -> Facts {
    let field = |name: &str| release.get(name).cloned().unwrap_or_default();
    let id = field("ID");
    let (name, family) = match NAMES.iter().find(|(known, _, _)| *known == id) {
        Some((_, name, family)) => ((*name).to_owned(), (*family).to_owned()),
        None => (field("NAME"), like(&field("ID_LIKE"), &field("NAME"))),
    };
    let mut version = field("VERSION_ID");
    let mut minor = None;
    // Debian's os-release has no point release.
    if id == "debian" && debian_version.starts_with(&format!("{version}.")) {
        minor = debian_version.split_once('.').map(|(_, minor)| minor.to_owned());
        debian_version.clone_into(&mut version);
    }
    let major = version.split('.').next().unwrap_or_default().to_owned();
    let text = |text: String, otherwise: &str| if text.is_empty() { otherwise.into() } else { Json::from(text) };
    let mut codename = field("VERSION_CODENAME");
    if codename.is_empty() && (family == "RedHat" || family == "Debian") {
        codename = in_parentheses(&field("VERSION"));
    }
    let mut found = facts([
        ("distribution", text(name, "Linux")),
        ("distribution_version", text(version, "NA")),
        ("distribution_major_version", text(major, "NA")),
        ("distribution_release", text(codename, "NA")),
        ("os_family", text(family.clone(), "Linux")),
        ("distribution_file_path", path.into()),
        ("distribution_file_variety", family.into()),
        ("distribution_file_parsed", (!path.is_empty()).into()),
    ]);
    if let Some(minor) = minor {
        found.insert("distribution_minor_version".into(), minor.into());
    }
    found
}

/// `12 (bookworm)`
fn in_parentheses(version: &str) -> String {
    version
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(name, _)| name.to_owned())
        .unwrap_or_default()
}

fn like(ancestors: &str, name: &str) -> String {
    ancestors
        .split_whitespace()
        .find_map(|id| NAMES.iter().find(|(known, _, _)| *known == id || (id == "suse" && known.starts_with("sle"))))
        .map_or_else(|| name.to_owned(), |(_, _, family)| (*family).to_owned())
}

/// What `lsb_release` says, without starting it: it reads the same files.
pub fn lsb(_: &mut Gathering) -> Facts {
    let file = parse(&line_of("/etc/lsb-release"));
    let (_, release) = os_release();
    let from = |lsb: &str, os: &str| file.get(lsb).or_else(|| release.get(os)).cloned().unwrap_or_default();
    if file.is_empty() && program::find("lsb_release").is_none() && !Path::new("/etc/lsb-release").exists() {
        return facts([("lsb", Json::Object(Map::new()))]);
    }
    let id = file.get("DISTRIB_ID").cloned().unwrap_or_else(|| {
        let id = release.get("ID").cloned().unwrap_or_default();
        NAMES.iter().find(|(known, _, _)| *known == id).map_or(id, |(_, name, _)| (*name).to_owned())
    });
    let version = from("DISTRIB_RELEASE", "VERSION_ID");
    let major = version.split('.').next().unwrap_or_default().to_owned();
    let lsb: Map<String, Json> = [
        ("codename", from("DISTRIB_CODENAME", "VERSION_CODENAME")),
        ("description", from("DISTRIB_DESCRIPTION", "PRETTY_NAME")),
        ("id", id),
        ("major_release", major),
        ("release", version),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    facts([("lsb", lsb.into())])
}
