//! What `ipaddr` can be asked about an address or a network.

use num_bigint::BigInt;

use super::net::Net;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

/// A value that is an address or a network.
pub struct Subject {
    pub net: Net,
    /// It was written with a prefix.
    pub is_network: bool,
    /// As it was given.
    pub value: Val,
}

type Query = fn(&Subject) -> Res<Val>;

const QUERIES: &[(&str, Query)] = &[
    ("", plain),
    ("6to4", six_to_four),
    ("address", ip),
    ("address/prefix", address_prefix),
    ("bool", |_| Ok(Val::Bool(true))),
    ("broadcast", |it| Ok(when(it.net.host_bits() > 1, || it.net.show(it.net.last())))),
    ("cidr", |it| Ok(text(it.net.to_string()))),
    ("first_usable", |it| usable(it, |first, _| Some(first))),
    ("gateway", address_prefix),
    ("gw", address_prefix),
    ("host", host),
    ("host/prefix", address_prefix),
    ("hostmask", |it| Ok(text(it.net.show(it.net.host_mask())))),
    ("hostnet", address_prefix),
    ("int", number),
    ("ip", ip),
    ("ip/prefix", |it| Ok(when(is_in_network(it), || it.net.to_string()))),
    ("ip_netmask", |it| Ok(when(is_in_network(it), || format!("{} {}", it.net.ip(), it.net.show(it.net.mask()))))),
    ("ipv4", to_v4),
    ("ipv6", to_v6),
    ("last_usable", |it| usable(it, |_, last| Some(last))),
    ("link-local", |it| Ok(the_value_when(it, address(it).is_within(&["169.254.0.0/16", "fe80::/10"])))),
    ("lo", loopback),
    ("loopback", loopback),
    ("multicast", |it| Ok(the_value_when(it, it.net.is_multicast()))),
    ("net", |it| Ok(when(it.net.host_bits() > 0 && it.net.is_first(), || it.net.to_string()))),
    ("netmask", |it| Ok(text(it.net.show(it.net.mask())))),
    ("network", network),
    ("network/prefix", |it| Ok(text(it.net.network().to_string()))),
    ("network_id", network),
    ("network_netmask", |it| Ok(text(format!("{} {}", it.net.show(it.net.first()), it.net.show(it.net.mask()))))),
    ("network_wildcard", |it| Ok(text(format!("{} {}", it.net.show(it.net.first()), it.net.show(it.net.host_mask()))))),
    ("next_usable", |it| beside(it, it.net.address.checked_add(1))),
    ("peer", peer),
    ("prefix", |it| Ok(Val::Int(it.net.prefix.into()))),
    ("previous_usable", |it| beside(it, it.net.address.checked_sub(1))),
    ("private", |it| Ok(the_value_when(it, !it.net.is_global()))),
    ("public", |it| Ok(the_value_when(it, is_public(&it.net)))),
    ("range_usable", range),
    ("revdns", |it| Ok(text(it.net.reverse_name()))),
    ("router", address_prefix),
    ("size", |it| Ok(Val::big(it.net.size()))),
    ("size_usable", |it| {
        let unusable = [1, 0].get(it.net.host_bits() as usize).copied().unwrap_or(2);
        Ok(Val::big(it.net.size() - unusable))
    }),
    ("subnet", |it| Ok(text(it.net.network().to_string()))),
    ("type", |it| Ok(text(kind(&it.net).to_owned()))),
    ("unicast", |it| Ok(the_value_when(it, !it.net.is_multicast()))),
    ("v4", to_v4),
    ("v6", to_v6),
    ("version", |it| Ok(Val::Int(it.net.version.into()))),
    ("wildcard", |it| Ok(text(it.net.show(it.net.host_mask())))),
    ("wrap", wrap),
];

/// Asks by name; none is a name that isn't there.
pub fn ask(name: &str, subject: &Subject) -> Option<Res<Val>> {
    QUERIES.iter().find(|(known, _)| *known == name).map(|(_, query)| query(subject))
}

fn text(text: String) -> Val {
    Val::str(text)
}

fn when(holds: bool, then: impl Fn() -> String) -> Val {
    if holds { text(then()) } else { Val::Null }
}

fn the_value_when(it: &Subject, holds: bool) -> Val {
    if holds { it.value.clone() } else { Val::Null }
}

fn address(it: &Subject) -> Net {
    Net::host(it.net.version, it.net.address)
}

/// `network` if the bits of the host are zero and there are such.
pub fn kind(net: &Net) -> &'static str {
    if net.host_bits() > 0 && net.is_first() { "network" } else { "address" }
}

pub fn is_public(net: &Net) -> bool {
    let address = Net::host(net.version, net.address);
    !address.is_multicast()
        && address.is_global()
        && !address.is_within(&["127.0.0.0/8", "::1/128"])
        && !address.is_mask()
}

fn plain(it: &Subject) -> Res<Val> {
    Ok(text(if it.is_network { it.net.to_string() } else { it.net.ip() }))
}

fn ip(it: &Subject) -> Res<Val> {
    let is_host = it.net.host_bits() == 0 || !it.net.is_first() || !it.net.has_broadcast() || it.net.version == 6;
    Ok(when(is_host, || it.net.ip()))
}

fn address_prefix(it: &Subject) -> Res<Val> {
    let net = &it.net;
    if net.host_bits() > 1 && (net.is_first() || net.has_broadcast() && net.address == net.last()) {
        return Ok(Val::Bool(false));
    }
    Ok(text(net.to_string()))
}

fn host(it: &Subject) -> Res<Val> {
    let is_host = it.net.host_bits() == 0 || !it.net.is_first() || !it.net.has_broadcast();
    Ok(when(is_host, || it.net.to_string()))
}

fn number(it: &Subject) -> Res<Val> {
    let number = BigInt::from(it.net.address);
    Ok(if it.is_network { text(format!("{number}/{}", it.net.prefix)) } else { Val::big(number) })
}

/// An address in a network of several, not the network itself; both of a pair are.
fn is_in_network(it: &Subject) -> bool {
    it.net.host_bits() == 1 || it.net.host_bits() > 1 && !it.net.is_first()
}

fn network(it: &Subject) -> Res<Val> {
    Ok(text(it.net.show(it.net.first())))
}

fn loopback(it: &Subject) -> Res<Val> {
    Ok(the_value_when(it, address(it).is_within(&["127.0.0.0/8", "::1/128"])))
}

fn needs_network(it: &Subject) -> Res<()> {
    if it.is_network { Ok(()) } else { Err(raised("Not a network address")) }
}

fn usable(it: &Subject, choose: impl Fn(u128, u128) -> Option<u128>) -> Res<Val> {
    needs_network(it)?;
    let chosen = it.net.usable().and_then(|(first, last)| choose(first, last));
    Ok(chosen.map_or(Val::Null, |address| text(it.net.show(address))))
}

fn beside(it: &Subject, address: Option<u128>) -> Res<Val> {
    usable(it, |first, last| address.filter(|address| (first..=last).contains(address)))
}

fn range(it: &Subject) -> Res<Val> {
    needs_network(it)?;
    let shown = |(first, last)| text(format!("{}-{}", it.net.show(first), it.net.show(last)));
    Ok(it.net.usable().map_or(Val::Null, shown))
}

fn peer(it: &Subject) -> Res<Val> {
    needs_network(it)?;
    let other = match (it.net.host_bits(), it.net.address % 4) {
        (1, _) => it.net.address ^ 1,
        (2, 0) => return Err(raised("Network address of /30 has no peer")),
        (2, 3) => return Err(raised("Broadcast address of /30 has no peer")),
        (2, _) => it.net.address ^ 3,
        _ => return Err(raised("Not a point-to-point network")),
    };
    Ok(text(it.net.show(other)))
}

fn to_v4(it: &Subject) -> Res<Val> {
    Ok(match it.net.version {
        4 => it.value.clone(),
        _ => it.net.as_v4().map_or(Val::Bool(false), |net| text(net.to_string())),
    })
}

fn to_v6(it: &Subject) -> Res<Val> {
    Ok(if it.net.version == 6 { it.value.clone() } else { text(it.net.as_v6().to_string()) })
}

fn wrap(it: &Subject) -> Res<Val> {
    Ok(match (it.net.version, it.is_network) {
        (4, _) => it.value.clone(),
        (_, true) => text(format!("[{}]/{}", it.net.ip(), it.net.prefix)),
        (_, false) => text(format!("[{}]", it.net.ip())),
    })
}

fn six_to_four(it: &Subject) -> Res<Val> {
    let net = &it.net;
    if net.version == 6 {
        let is_meant = if it.is_network { !net.is_first() } else { true };
        let is_within = address(it).is_within(&["2002::/16"]);
        return Ok(if is_meant && is_within { it.value.clone() } else { Val::Bool(false) });
    }
    if net.host_bits() > 0 && net.is_first() || !is_public(net) && net.is_global() {
        return Ok(Val::Bool(false));
    }
    let prefix = (0x2002_u128 << 112) | (net.address << 80);
    let [_, high, low, ..] = std::net::Ipv6Addr::from(prefix).segments();
    Ok(text(format!("2002:{high:04x}:{low:04x}::1/48")))
}
