//! Addresses and networks of IP, as filters of ansible.utils: what a value is, what it belongs to, what follows from it.

mod net;
mod queries;

use net::Net;
use queries::{Subject, kind};

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

/// A value as an address or a network; none if it is neither.
fn subject(value: &Val, version: Option<u8>) -> Res<Option<Subject>> {
    let given = print::text(value)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if is_number(&given) {
        let net = Net::of_number(&given, None, version);
        return Ok(net.map(|net| Subject { net, is_network: false, value: Val::str(net.to_string()) }));
    }
    let Val::Str(text) = value else { return Ok(None) };
    let parts: Vec<&str> = text.split('/').collect();
    if let Some(net) = Net::parse(text) {
        return Ok(Some(Subject { net, is_network: parts.len() == 2, value: value.clone() }));
    }
    let [number, prefix] = parts.as_slice() else { return Ok(None) };
    if !is_number(number) {
        return Ok(None);
    }
    let net = prefix.parse().ok().and_then(|prefix| Net::of_number(number, Some(prefix), None));
    Ok(net.map(|net| Subject { net, is_network: true, value: Val::str(net.to_string()) }))
}

fn ask(value: &Val, query: &str, version: Option<u8>, filter: &str) -> Res<Val> {
    if matches!(value, Val::List(_) | Val::Tuple(_) | Val::Object(_)) {
        let answers = value.iterate()?.iter().map(|it| ask(it, query, version, filter)).collect::<Res<Vec<_>>>()?;
        let mut kept = Vec::new();
        for answer in answers {
            if answer.truthy()? {
                kept.push(answer);
            }
        }
        return Ok(Val::list(kept));
    }
    if matches!(value, Val::Bool(_)) || !value.truthy()? {
        return Ok(Val::Bool(false));
    }
    let Some(subject) = subject(value, version)? else { return Ok(Val::Bool(false)) };
    if version.is_some_and(|version| version != subject.net.version) {
        return Ok(Val::Bool(false));
    }
    if let Some(answer) = queries::ask(query, &subject) {
        return answer;
    }
    if !query.bytes().all(|it| it.is_ascii_digit())
        && let Some(network) = Net::parse(query)
    {
        return Ok(if network.contains(&subject.net) { subject.value } else { Val::Null });
    }
    match query.trim().parse::<i128>() {
        Ok(index) => Ok(by_index(&subject, index)),
        Err(_) if query.trim().parse::<f64>().is_ok() => Ok(Val::Bool(false)),
        Err(_) => Err(raised(format!("{filter}: unknown filter type: {query}"))),
    }
}

/// The address at a place in the network, from the end if it is negative.
fn by_index(subject: &Subject, index: i128) -> Val {
    let net = &subject.net;
    if net.host_bits() == 0 {
        return Val::str(if subject.is_network { net.to_string() } else { net.ip() });
    }
    let address = match u128::try_from(index) {
        Ok(index) => net.first().checked_add(index),
        Err(_) => net.last().checked_sub(index.unsigned_abs() - 1),
    };
    let within = address.filter(|it| (net.first()..=net.last()).contains(it));
    within.map_or(Val::Bool(false), |address| Val::str(format!("{}/{}", net.show(address), net.prefix)))
}

/// The value of an argument that must be of a type these filters know.
fn typed(args: &Bound, filter: &str) -> Res<Val> {
    let value = args.val(0);
    value.check()?;
    match value {
        Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Object(_) | Val::Int(_) | Val::Big(_) | Val::Bool(_) => {
            Ok(value)
        }
        other => {
            let found = other.type_name();
            Err(raised(format!("Unrecognized type <<class '{found}'>> for {filter} filter <value>")))
        }
    }
}

fn query_of(args: &Bound, index: usize) -> Res<String> {
    args.some(index).map_or(Ok(String::new()), print::text)
}

fn ask_by_arguments(args: &Bound, version: Option<u8>, filter: &str) -> Res<Val> {
    ask(&typed(args, filter)?, &query_of(args, 1)?, version, filter)
}

pub fn ipaddr(_scope: &Scope, args: Bound) -> Res<Val> {
    let version = match args.int(2, 0)? {
        0 => None,
        number => u8::try_from(number).ok(),
    };
    ask_by_arguments(&args, version, args.text_or(3, "ipaddr")?)
}

pub fn ipv4(_scope: &Scope, args: Bound) -> Res<Val> {
    ask_by_arguments(&args, Some(4), "ipv4")
}

pub fn ipv6(_scope: &Scope, args: Bound) -> Res<Val> {
    ask_by_arguments(&args, Some(6), "ipv6")
}

/// Addresses of version 6 in brackets, everything else as it is.
pub fn ipwrap(_scope: &Scope, args: Bound) -> Res<Val> {
    let (value, query) = (typed(&args, "ipwrap")?, query_of(&args, 1)?);
    let wrapped = |value: &Val| -> Res<Val> {
        let found = ask(value, &query, None, "ipwrap").unwrap_or(Val::Null);
        // A number becomes an address, and a mask in full a prefix, whatever is asked.
        let plain = ask(value, "", None, "ipwrap").ok().filter(|it| it.truthy().unwrap_or(false));
        let plain = plain.unwrap_or_else(|| value.clone());
        if found.truthy()? { ask(&plain, "wrap", None, "ipwrap") } else { Ok(plain) }
    };
    match value {
        Val::Int(_) | Val::Big(_) => Err(raised("Unrecognized type <<class 'int'>> for ipwrap filter <value>")),
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => {
            Ok(Val::list(value.iterate()?.iter().map(wrapped).collect::<Res<_>>()?))
        }
        value => wrapped(&value),
    }
}

fn no_address(value: &str) -> Res<Val> {
    Err(raised(format!("You must pass a valid IP address; {value} is invalid")))
}

pub fn ipmath(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = args.text(0)?;
    let Some(net) = Net::parse(text) else { return no_address(text) };
    let amount = match args.some(1) {
        Some(Val::Str(text)) => {
            text.trim().parse().map_err(|_| raised(format!("'{}' is no whole number", text.as_str())))?
        }
        _ => args.int(1, 0)?,
    };
    let address = net.address.checked_add_signed(amount.into());
    match address.filter(|address| net.version == 6 || u32::try_from(*address).is_ok()) {
        Some(address) => Ok(Val::str(net.show(address))),
        None => Err(raised("result outside valid IP address boundary!")),
    }
}

/// A network of a value: that of an address is the address alone.
fn network_of(value: &Val) -> Res<Option<Net>> {
    let Some(subject) = subject(value, None)? else { return Ok(None) };
    Ok(Some(if kind(&subject.net) == "network" { subject.net.network() } else { subject.net }))
}

pub fn ipsubnet(_scope: &Scope, args: Bound) -> Res<Val> {
    let no = || Ok(Val::Bool(false));
    let Some(net) = network_of(&args.val(0))?.map(|net| net.network()) else { return no() };
    let query = query_of(&args, 1)?;
    if query.is_empty() {
        return Ok(Val::str(net.to_string()));
    }
    let Ok(prefix) = query.parse::<u32>() else { return place_in(&net, &query) };
    if prefix > net.width() {
        return no();
    }
    let index = args.some(2).map(print::text).transpose()?;
    let index = match index.as_deref().map(str::parse::<i128>) {
        None => None,
        Some(Ok(index)) => Some(index),
        Some(Err(_)) => return Err(raised(format!("{} is no number of a subnet", index.unwrap_or_default()))),
    };
    if net.host_bits() == 0 {
        // Networks around it, the largest first.
        let around = |prefix: u32| Val::str(Net { prefix, ..net }.network().to_string());
        let count = i128::from(net.width() - prefix);
        let index = index.unwrap_or(0);
        let place = if index < 0 { index + count } else { index };
        return match u32::try_from(place) {
            Ok(place) if i128::from(place) < count => Ok(around(prefix + place)),
            _ => no(),
        };
    }
    let Some(bits) = prefix.checked_sub(net.prefix) else {
        return match index {
            None => Err(raised(format!("Requested subnet size of {prefix} is invalid"))),
            Some(0) => Ok(Val::str(format!("{}/{prefix}", net.ip()))),
            Some(_) => no(),
        };
    };
    let count = num_bigint::BigInt::from(1) << bits;
    let Some(index) = index else { return Ok(Val::str(count.to_string())) };
    let place = if index < 0 { count.clone() + index } else { index.into() };
    let Ok(place) = u128::try_from(&place) else { return no() };
    if num_bigint::BigInt::from(place) >= count {
        return no();
    }
    let address = net.first() | place.checked_shl(net.width() - prefix).unwrap_or(0);
    Ok(Val::str(Net { address, prefix, ..net }.to_string()))
}

/// Which of the subnets of its size in another network a network is, counted from 1.
fn place_in(net: &Net, other: &str) -> Res<Val> {
    let Some(outer) = network_of(&Val::str(other.to_owned()))? else {
        return Err(raised(format!("You must pass a valid subnet or IP address; {other} is invalid")));
    };
    if !outer.contains(net) {
        return Err(raised(format!("{net} is not in the subnet {}", outer.network())));
    }
    let place = (net.first() - outer.first()).checked_shr(net.host_bits()).unwrap_or(0);
    Ok(Val::str((num_bigint::BigInt::from(place) + 1_u8).to_string()))
}

pub fn nthhost(_scope: &Scope, args: Bound) -> Res<Val> {
    let no = Val::Bool(false);
    let (Some(net), Ok(nth)) = (network_of(&args.val(0))?, query_of(&args, 1)?.parse::<i128>()) else { return Ok(no) };
    let net = net.network();
    let address = match u128::try_from(nth) {
        Ok(nth) => net.first().checked_add(nth),
        Err(_) => net.last().checked_sub(nth.unsigned_abs() - 1),
    };
    Ok(address.filter(|it| (net.first()..=net.last()).contains(it)).map_or(no, |it| Val::str(net.show(it))))
}

fn nth_usable(args: &Bound, forward: bool) -> Res<Val> {
    let Some(net) = network_of(&args.val(0))? else { return Ok(Val::Bool(false)) };
    let offset: i128 = args.int(1, 0)?.into();
    if net.host_bits() == 0 {
        return Ok(Val::Null);
    }
    let address = net.address.checked_add_signed(if forward { offset } else { -offset });
    let address = address.filter(|it| net.version == 6 || u32::try_from(*it).is_ok());
    if address.is_none() {
        return Err(raised("result outside valid IP address boundary!"));
    }
    let usable = net.usable().zip(address).filter(|((first, last), it)| (first..=last).contains(&it));
    Ok(usable.map_or(Val::Null, |(_, address)| Val::str(net.show(address))))
}

pub fn next_nth_usable(_scope: &Scope, args: Bound) -> Res<Val> {
    nth_usable(&args, true)
}

pub fn previous_nth_usable(_scope: &Scope, args: Bound) -> Res<Val> {
    nth_usable(&args, false)
}

pub fn network_in_usable(_scope: &Scope, args: Bound) -> Res<Val> {
    let (Some(net), Some(test)) = (network_of(&args.val(0))?, network_of(&args.val(1))?) else {
        return Ok(Val::Bool(false));
    };
    let (first, last) = net.usable().unwrap_or((net.address, net.address));
    let is_within = net.version == test.version && first <= test.first() && test.last() <= last;
    Ok(Val::Bool(is_within))
}

fn is_in(value: &Val, network: &Val) -> Res<bool> {
    Ok(network_of(network)?.zip(network_of(value)?).is_some_and(|(network, test)| network.contains(&test)))
}

pub fn network_in_network(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::Bool(is_in(&args.val(1), &args.val(0))?))
}

pub fn reduce_on_network(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut kept = Vec::new();
    for item in args.val(0).iterate()? {
        if is_in(&item, &args.val(1))? {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

pub fn cidr_merge(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let texts: Vec<String> = match &value {
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => {
            value.iterate()?.iter().map(print::text).collect::<Res<_>>()?
        }
        Val::Str(text) => text.split(',').map(|it| it.trim().to_owned()).collect(),
        _ => return Err(raised(format!("cidr_merge: expected iterable, got {}", print::repr(&value)?))),
    };
    let mut networks = Vec::new();
    for text in texts {
        let invalid = || raised(format!("cidr_merge: error in netaddr:\ninvalid IPNetwork {text}"));
        networks.push(Net::parse(&text).ok_or_else(invalid)?);
    }
    match args.text_or(1, "merge")? {
        // One network alone keeps the address it was written with.
        "merge" if networks.len() == 1 => Ok(Val::list(networks.iter().map(|it| Val::str(it.to_string())).collect())),
        "merge" => Ok(Val::list(net::merge(&networks).iter().map(|it| Val::str(it.to_string())).collect())),
        "span" => match networks.as_slice() {
            [] => Ok(Val::Null),
            [one] => Ok(Val::str(one.to_string())),
            many => net::span(many)
                .map(|it| Val::str(it.to_string()))
                .ok_or_else(|| raised("cidr_merge: error in netaddr:\nIP sequence cannot contain both IPv4 and IPv6!")),
        },
        other => Err(raised(format!("cidr_merge: invalid action '{other}'"))),
    }
}

pub fn ip4_hex(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = args.text(0)?;
    let Ok(address) = text.parse::<std::net::Ipv4Addr>() else { return no_address(text) };
    let octets: Vec<String> = address.octets().iter().map(|it| format!("{it:02x}")).collect();
    Ok(Val::str(octets.join(&query_of(&args, 1)?)))
}

/// The six bytes of a hardware address, however it is written.
fn hardware_address(text: &str) -> Option<[u8; 6]> {
    let groups: Vec<&str> = text.split([':', '-', '.']).collect();
    if groups.len() == 1 && !matches!(text.len(), 11 | 12) {
        let [_, _, bytes @ ..] = text.parse::<u64>().ok()?.to_be_bytes();
        return text.parse::<u64>().is_ok_and(|number| number >> 48 == 0).then_some(bytes);
    }
    let digits = 12 / groups.len().max(1);
    let padded: String = groups
        .iter()
        .map(|group| (!group.is_empty() && group.len() <= digits).then(|| format!("{group:0>digits$}")))
        .collect::<Option<_>>()?;
    (matches!(groups.len(), 1 | 2 | 3 | 6) && padded.len() == 12).then(|| hex::decode(padded).ok()?.try_into().ok())?
}

fn hardware(args: &Bound, filter: &str) -> Res<Val> {
    let value = args.val(0);
    let given = print::text(&value)?;
    let query = query_of(args, 1)?;
    let Some(bytes) = hardware_address(&given) else {
        return match query.as_str() {
            "" | "bool" => Ok(Val::Null),
            _ => Err(raised(format!("{filter}: not a hardware address: {given}"))),
        };
    };
    let groups = |size: usize, between: &str| {
        let groups: Vec<String> = bytes.chunks(size).map(hex::encode).collect();
        groups.join(between)
    };
    Ok(match query.as_str() {
        "" if value.as_str().is_none() => Val::str(given),
        "" => value,
        "bool" => Val::Bool(true),
        "bare" => Val::str(groups(6, "").to_uppercase()),
        "cisco" => Val::str(groups(2, ".")),
        "eui48" | "win" => Val::str(groups(1, "-").to_uppercase()),
        "int" => Val::Int(bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte))),
        "linux" => Val::str(groups(1, ":")),
        "pgsql" | "postgresql" | "psql" => Val::str(groups(3, ":")),
        "unix" => Val::str(bytes.map(|byte| format!("{byte:x}")).join(":")),
        _ => return Err(raised(format!("{filter}: unknown filter type: {query}"))),
    })
}

pub fn hwaddr(_scope: &Scope, args: Bound) -> Res<Val> {
    hardware(&args, args.text_or(2, "hwaddr")?)
}

pub fn macaddr(_scope: &Scope, args: Bound) -> Res<Val> {
    hardware(&args, "macaddr")
}

/// The address that a card gives itself in a network of version 6.
pub fn slaac(_scope: &Scope, args: Bound) -> Res<Val> {
    let bytes = hardware_address(&query_of(&args, 1)?);
    let (Some(net), Some(card)) = (network_of(&args.val(0))?, bytes) else { return Ok(Val::Bool(false)) };
    if net.version != 6 {
        return Ok(Val::Bool(false));
    }
    let [maker, number] =
        [0, 3].map(|at| u64::from(card[at]) << 16 | u64::from(card[at + 1]) << 8 | u64::from(card[at + 2]));
    let own = (maker ^ 0x02_00_00) << 40 | 0xff_fe << 24 | number;
    Ok(Val::str(net.show(net.first().wrapping_add(own.into()))))
}
