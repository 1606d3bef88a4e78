//! Kernel, names, boot parameters, and which tools manage the host.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use rplay_module_api::{Command, Json, Map, json};

use super::{Facts, Gathering, facts, line_of};
use crate::support::{init_system, package_manager};

pub fn platform(gathering: &mut Gathering) -> Facts {
    let uname = rustix::system::uname();
    let text = |it: &std::ffi::CStr| it.to_string_lossy().into_owned();
    let nodename = text(uname.nodename());
    let machine = text(uname.machine());
    let fqdn = full_name(&nodename, gathering);
    let hostname = nodename.split('.').next().unwrap_or_default().to_owned();
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain).to_owned();
    // 32-bit x86 goes by one name, whatever the processor.
    let is_i386 = matches!(machine.as_str(), "i386" | "i486" | "i586" | "i686");
    let architecture = if is_i386 { "i386".to_owned() } else { machine.clone() };
    let mut found = facts([
        ("system", text(uname.sysname()).into()),
        ("kernel", text(uname.release()).into()),
        ("kernel_version", text(uname.version()).into()),
        ("machine", machine.clone().into()),
        ("nodename", nodename.into()),
        ("fqdn", fqdn.into()),
        ("hostname", hostname.into()),
        ("domain", domain.into()),
        ("architecture", architecture.clone().into()),
        ("userspace_bits", userspace_bits().into()),
        ("userspace_architecture", architecture.into()),
    ]);
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
        let id = line_of(path);
        if !id.is_empty() {
            found.insert("machine_id".into(), id.into());
            break;
        }
    }
    found
}

fn userspace_bits() -> &'static str {
    if cfg!(target_pointer_width = "64") { "64" } else { "32" }
}

/// The first name with a domain that this host's address has in the hosts file, or else for the resolver.
fn full_name(nodename: &str, gathering: &mut Gathering) -> String {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines: Vec<Vec<&str>> =
        hosts.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect()).collect();
    let names_it = |words: &&Vec<&str>| words.iter().skip(1).any(|name| name.eq_ignore_ascii_case(nodename));
    // The name leads to an address, and that to the first line that has it.
    let address = lines.iter().find(names_it).and_then(|words| words.first());
    let named = address.and_then(|address| lines.iter().find(|words| words.first() == Some(address)));
    let names = named.map(|words| words.iter().skip(1).map(|name| (*name).to_owned()).collect()).or_else(|| {
        let output = gathering.ctx.command(&Command::new(["getent", "hosts", nodename])).ok()?;
        let text = output.stdout_text();
        let line = text.lines().next()?;
        Some(line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
    });
    let names = names.unwrap_or_default();
    let qualified = names.iter().find(|name| name.contains('.'));
    qualified.or(names.first()).cloned().unwrap_or_else(|| nodename.to_owned())
}

/// The kernel's parameters: the last of several values, and all of them.
pub fn cmdline(_: &mut Gathering) -> Facts {
    let mut single: BTreeMap<String, Json> = BTreeMap::new();
    let mut all: BTreeMap<String, Json> = BTreeMap::new();
    for word in rplay_module_api::shell_words::split(&line_of("/proc/cmdline")).unwrap_or_default() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Json::from(value)),
            None => (word, Json::from(true)),
        };
        all.entry(name.clone())
            .and_modify(|before| match before {
                Json::Array(values) => values.push(value.clone()),
                other => *other = json!([other.take(), value]),
            })
            .or_insert_with(|| value.clone());
        single.insert(name, value);
    }
    let object = |it: BTreeMap<String, Json>| Json::Object(it.into_iter().collect());
    facts([("cmdline", object(single)), ("proc_cmdline", object(all))])
}

pub fn dns(_: &mut Gathering) -> Facts {
    facts([("dns", parse_resolver(&line_of("/etc/resolv.conf")).into())])
}

fn parse_resolver(text: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        match keyword {
            "nameserver" => servers.extend(words.iter().map(|it| Json::from(*it))),
            "domain" => {
                if let Some(domain) = words.first() {
                    found.insert("domain".into(), (*domain).into());
                }
            }
            "search" | "sortlist" => {
                found.insert(keyword.into(), words.into());
            }
            "options" => {
                let options: Map<String, Json> = words
                    .iter()
                    .map(|it| match it.split_once(':') {
                        Some((name, value)) => (name.to_owned(), value.into()),
                        None => ((*it).to_owned(), true.into()),
                    })
                    .collect();
                found.insert("options".into(), options.into());
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        found.insert("nameservers".into(), servers.into());
    }
    found
}

pub fn chroot(_: &mut Gathering) -> Facts {
    let is_chroot = std::env::var_os("debian_chroot").is_some() || root_differs();
    facts([("is_chroot", is_chroot.into())])
}

fn root_differs() -> bool {
    let Ok(own) = fs::metadata("/") else { return false };
    match fs::metadata("/proc/1/root/.") {
        Ok(init) => (own.dev(), own.ino()) != (init.dev(), init.ino()),
        // Only root may look there; the others go by the number that file systems give their root.
        Err(_) => !matches!(own.ino(), 2 | 32 | 64 | 96 | 128 | 256),
    }
}

pub fn package_manager(_: &mut Gathering) -> Facts {
    facts([("pkg_mgr", package_manager::name().into())])
}

pub fn service_manager(_: &mut Gathering) -> Facts {
    facts([("service_mgr", init_system::name().into())])
}
