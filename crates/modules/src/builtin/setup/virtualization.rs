//! What the host runs on, and whether it runs others. In the order in which Ansible looks: the first guest kind names it.

use std::fs;
use std::path::Path;

use rplay_module_api::Json;

use super::{Facts, Gathering, facts, line_of};

pub fn virtualization(_: &mut Gathering) -> Facts {
    let mut guest: Vec<&str> = Vec::new();
    let mut host: Vec<&str> = Vec::new();
    guest.extend(container());
    guest.extend(machine());
    if Path::new("/sys/module/kvm").exists() || Path::new("/dev/kvm").exists() {
        host.push("kvm");
    }
    if Path::new("/sys/module/vboxdrv").exists() {
        host.push("virtualbox");
    }
    let (kind, role) = if let Some(first) = guest.iter().find(|it| **it != "container") {
        (*first, "guest")
    } else if let Some(first) = host.first() {
        (*first, "host")
    } else {
        ("NA", "NA")
    };
    guest.sort_unstable();
    guest.dedup();
    let list = |names: Vec<&str>| Json::from(names);
    facts([
        ("virtualization_type", kind.into()),
        ("virtualization_role", role.into()),
        ("virtualization_tech_guest", list(guest)),
        ("virtualization_tech_host", list(host)),
    ])
}

fn container() -> Vec<&'static str> {
    let environment = fs::read("/proc/1/environ").unwrap_or_default();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let named = environment.split('\0').find_map(|it| it.strip_prefix("container=")).map(str::to_owned);
    // systemd leaves the same word where others than root can read it.
    let named = named.unwrap_or_else(|| line_of("/run/systemd/container"));
    let groups = line_of("/proc/1/cgroup");
    let found = if Path::new("/.dockerenv").exists() || Path::new("/.dockerinit").exists() || groups.contains("/docker")
    {
        "docker"
    } else if Path::new("/run/.containerenv").exists() || named == "podman" {
        "podman"
    } else if named == "systemd-nspawn" {
        "systemd-nspawn"
    } else if named == "lxc" || groups.contains("/lxc/") {
        "lxc"
    } else if groups.contains("/kubepods") || named == "docker" {
        "docker"
    } else if Path::new("/proc/vz").exists() && !Path::new("/proc/bc").exists() {
        "openvz"
    } else if named.is_empty() {
        return Vec::new();
    } else {
        return vec!["container"];
    };
    vec!["container", found]
}

fn machine() -> Option<&'static str> {
    let id = |file: &str| line_of(format!("/sys/devices/virtual/dmi/id/{file}"));
    let (product, family, vendor, bios) =
        (id("product_name"), id("product_family"), id("sys_vendor"), id("bios_vendor"));
    let found = match product.as_str() {
        "KVM" | "KVM Server" | "CloudStack KVM Hypervisor" | "Bochs" | "AHV" | "OpenStack Compute" => "kvm",
        "RHEV Hypervisor" | "RHEL" => "RHEV",
        "oVirt Node" | "oVirt" => "oVirt",
        _ if product.starts_with("VMware") || vendor == "VMware, Inc." => "VMware",
        "VirtualBox" => "virtualbox",
        "Virtual Machine" if vendor == "Microsoft Corporation" => "VirtualPC",
        _ if bios == "Xen" || Path::new("/proc/xen").exists() => "xen",
        _ if vendor == "Amazon EC2" && !product.contains("metal") => "kvm",
        _ if [
            "QEMU",
            "oVirt",
            "Red Hat",
            "DigitalOcean",
            "Hetzner",
            "linode",
            "Nutanix",
            "Google",
            "Scaleway",
            "UpCloud",
        ]
        .iter()
        .any(|it| vendor.contains(it))
            && !family.contains("bare") =>
        {
            "kvm"
        }
        "HVM domU" => "xen",
        "Parallels Virtual Platform" => "parallels",
        _ if fs::read_to_string("/proc/cpuinfo").is_ok_and(|it| it.contains("QEMU Virtual CPU")) => "kvm",
        _ => return None,
    };
    Some(found)
}
