//! Names to addresses. The agent is a static binary without NSS, so the host's own `getent` is asked.

use std::net::IpAddr;

use rplay_module_api::{Command, Ctx};

/// All addresses of a host, best first; none if it has no such name.
pub fn addresses(host: &str, ctx: &mut Ctx) -> Vec<IpAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return vec![address];
    }
    let Ok(output) = ctx.command(&Command::new(["getent", "ahosts", bare])) else {
        return from_hosts_file(bare);
    };
    let mut found: Vec<IpAddr> = Vec::new();
    for line in output.stdout_text().lines() {
        let address = line.split_whitespace().next().unwrap_or_default();
        // Link-local addresses come with their interface.
        if let Ok(address) = address.split('%').next().unwrap_or_default().parse()
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Small systems without `getent` have at least this file.
fn from_hosts_file(host: &str) -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split('#').next()?.split_once(char::is_whitespace))
        .filter(|(_, names)| names.split_whitespace().any(|name| name.eq_ignore_ascii_case(host)))
        .filter_map(|(address, _)| address.parse().ok())
        .collect()
}
