//! An address with the network around it, of either version of IP.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// 4 or 6
    pub version: u8,
    pub address: u128,
    pub prefix: u32,
}

const NOT_GLOBAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
];

/// What is global within these.
const GLOBAL: &[&str] = &[
    "192.0.0.9/32",
    "192.0.0.10/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:20::/28",
    "2001:30::/28",
];

/// The text of an address.
pub fn shown(version: u8, address: u128) -> String {
    match u32::try_from(address) {
        Ok(short) if version == 4 => Ipv4Addr::from(short).to_string(),
        // An address of version 4 in one of version 6 is shown as such by the C library.
        Ok(short) if short >> 16 != 0 => format!("::{}", Ipv4Addr::from(short)),
        _ => Ipv6Addr::from(address).to_string(),
    }
}

fn parse_address(text: &str) -> Option<(u8, u128)> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => (4, u32::from(address).into()),
        IpAddr::V6(address) => (6, address.into()),
    })
}

impl Net {
    pub fn host(version: u8, address: u128) -> Self {
        Self { version, address, prefix: if version == 4 { 32 } else { 128 } }
    }

    /// `address`, `address/prefix` or `address/mask`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(one, other)| (one, Some(other)));
        let (version, address) = parse_address(address)?;
        let host = Self::host(version, address);
        let prefix = match prefix {
            None => host.width(),
            Some(prefix) => match prefix.trim().parse() {
                Ok(number) => number,
                Err(_) => host.prefix_of_mask(prefix)?,
            },
        };
        (prefix <= host.width()).then_some(Self { prefix, ..host })
    }

    /// An address given as a number; of version 4 if it fits and nothing else is wanted.
    pub fn of_number(text: &str, prefix: Option<u32>, version: Option<u8>) -> Option<Self> {
        let address: u128 = text.parse().ok()?;
        let version = if version != Some(6) && u32::try_from(address).is_ok() { 4 } else { 6 };
        let host = Self::host(version, address);
        let prefix = prefix.unwrap_or(host.width());
        (prefix <= host.width()).then_some(Self { prefix, ..host })
    }

    fn prefix_of_mask(&self, mask: &str) -> Option<u32> {
        let (version, mask) = parse_address(mask)?;
        let (mask, unused) = (mask << (128 - self.width()), 128 - self.width());
        let ones = mask.leading_ones();
        if version != self.version {
            None
        } else if ones + mask.trailing_zeros().min(128 - ones) == 128 {
            Some(ones)
        } else {
            // The bits of the host in place of those of the network.
            let zeros = mask.leading_zeros();
            (zeros + (mask >> unused).trailing_ones() + unused == 128).then_some(zeros)
        }
    }

    pub fn width(&self) -> u32 {
        if self.version == 4 { 32 } else { 128 }
    }

    pub fn host_bits(&self) -> u32 {
        self.width() - self.prefix
    }

    /// How many addresses the network has.
    pub fn size(&self) -> BigInt {
        BigInt::from(1) << self.host_bits()
    }

    pub fn host_mask(&self) -> u128 {
        1_u128.checked_shl(self.host_bits()).map_or(u128::MAX, |size| size - 1)
    }

    pub fn mask(&self) -> u128 {
        !self.host_mask() & Self { prefix: 0, ..*self }.host_mask()
    }

    pub fn first(&self) -> u128 {
        self.address & !self.host_mask()
    }

    pub fn last(&self) -> u128 {
        self.address | self.host_mask()
    }

    /// The first and the last address for a host; none in a network of one address.
    pub fn usable(&self) -> Option<(u128, u128)> {
        match self.host_bits() {
            0 => None,
            1 => Some((self.first(), self.last())),
            _ => Some((self.first() + 1, self.last() - 1)),
        }
    }

    pub fn is_first(&self) -> bool {
        self.address == self.first()
    }

    pub fn has_broadcast(&self) -> bool {
        self.version == 6 || self.host_bits() > 1
    }

    /// The network without the bits of the host.
    #[must_use]
    pub fn network(&self) -> Self {
        Self { address: self.first(), ..*self }
    }

    pub fn contains(&self, other: &Net) -> bool {
        self.version == other.version && self.first() <= other.first() && other.last() <= self.last()
    }

    pub fn ip(&self) -> String {
        shown(self.version, self.address)
    }

    pub fn show(&self, address: u128) -> String {
        shown(self.version, address)
    }

    pub fn is_within(&self, networks: &[&str]) -> bool {
        networks.iter().filter_map(|it| Net::parse(it)).any(|it| it.contains(self))
    }

    pub fn is_global(&self) -> bool {
        let address = Self::host(self.version, self.address);
        !address.is_within(NOT_GLOBAL) || address.is_within(GLOBAL)
    }

    pub fn is_multicast(&self) -> bool {
        self.is_within(&["224.0.0.0/4", "ff00::/8"])
    }

    /// Whether the address is a mask of a network, or of hosts.
    pub fn is_mask(&self) -> bool {
        let all = Self { prefix: 0, ..*self }.host_mask();
        let is_run = |value: u128| value & value.wrapping_add(1) == 0;
        is_run(self.address) || is_run(self.address ^ all)
    }

    pub fn reverse_name(&self) -> String {
        if self.version == 4 {
            let octets = Ipv4Addr::from(u32::try_from(self.address).unwrap_or_default()).octets();
            let [a, b, c, d] = octets;
            return format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
        }
        let digits = format!("{:032x}", self.address);
        let reversed: Vec<String> = digits.chars().rev().map(String::from).collect();
        format!("{}.ip6.arpa.", reversed.join("."))
    }

    /// As the other version has it, where it does.
    pub fn as_v4(&self) -> Option<Self> {
        const MAPPED: u128 = 0xffff_0000_0000;
        let short = |value: u128| u32::try_from(value).ok();
        let address = short(self.address).or_else(|| short(self.address.checked_sub(MAPPED)?))?;
        Some(Self { version: 4, address: address.into(), prefix: self.prefix.checked_sub(96)? })
    }

    pub fn as_v6(&self) -> Self {
        Self { version: 6, address: self.address | 0xffff_0000_0000, prefix: self.prefix + 96 }
    }
}

/// `address/prefix`
impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip(), self.prefix)
    }
}

/// The fewest networks that hold just these.
pub fn merge(networks: &[Net]) -> Vec<Net> {
    let mut all: Vec<Net> = networks.iter().map(Net::network).collect();
    loop {
        all.sort_by_key(|it| (it.version, it.first(), it.prefix));
        let mut merged: Vec<Net> = Vec::new();
        for next in &all {
            match merged.last_mut() {
                Some(last) if last.contains(next) => {}
                Some(last) if is_other_half(last, next) => last.prefix -= 1,
                _ => merged.push(*next),
            }
        }
        if merged.len() == all.len() {
            return merged;
        }
        all = merged;
    }
}

fn is_other_half(one: &Net, other: &Net) -> bool {
    one.version == other.version
        && one.prefix == other.prefix
        && one.prefix > 0
        && Net { prefix: one.prefix - 1, ..*one }.contains(other)
        && Net { prefix: one.prefix - 1, ..*one }.first() == one.first()
}

/// The smallest network that holds all of these; none if they are of both versions.
pub fn span(networks: &[Net]) -> Option<Net> {
    let mut whole = networks.first()?.network();
    if networks.iter().any(|it| it.version != whole.version) {
        return None;
    }
    while !networks.iter().all(|it| whole.contains(it)) {
        whole = Net { prefix: whole.prefix - 1, ..whole }.network();
    }
    Some(whole)
}
