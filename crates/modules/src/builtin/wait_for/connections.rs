//! The TCP connections of this host, as the kernel lists them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// In the order of the kernel's numbers, which start at one.
const STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

pub fn is_state(name: &str) -> bool {
    STATES.contains(&name)
}

/// Whether anybody but the excluded hosts is connected to one of our addresses at this port.
pub fn any(own: &[IpAddr], port: u16, states: &[String], excluded: &[IpAddr]) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        any_in(&text, own, port, states, excluded)
    })
}

pub fn any_in(text: &str, own: &[IpAddr], port: u16, states: &[String], excluded: &[IpAddr]) -> bool {
    text.lines().skip(1).filter_map(parse).any(|it| {
        it.local.1 == port
            && (own.contains(&it.local.0) || own.iter().any(IpAddr::is_unspecified))
            && states.iter().any(|state| state == it.state)
            && !excluded.contains(&it.remote.0)
    })
}

struct Connection {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    state: &'static str,
}

fn parse(line: &str) -> Option<Connection> {
    let mut fields = line.split_whitespace().skip(1);
    let local = endpoint(fields.next()?)?;
    let remote = endpoint(fields.next()?)?;
    let number = usize::from_str_radix(fields.next()?, 16).ok()?;
    Some(Connection { local, remote, state: STATES.get(number.checked_sub(1)?)? })
}

/// `0100007F:1F90`; addresses are words in the byte order of the machine, which is little endian on all we serve.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let mut bytes = Vec::with_capacity(16);
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => {
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}
