//! Interfaces, their addresses, and the ways out.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;

use rplay_module_api::{Json, Map, json};

use super::{Facts, Gathering, facts, line_of};

struct Address4 {
    /// Differs from the interface's name where the address has a label, such as `eth0:1`.
    label: String,
    address: Ipv4Addr,
    netmask: Ipv4Addr,
    broadcast: Option<Ipv4Addr>,
}

struct Address6 {
    interface: String,
    address: Ipv6Addr,
    prefix: u32,
    scope: &'static str,
}

struct Route {
    interface: String,
    gateway: IpAddr,
    metric: u32,
}

pub fn network(_: &mut Gathering) -> Facts {
    let v4 = addresses4();
    let v6 = parse_if_inet6(&line_of("/proc/net/if_inet6"));
    let mut names: Vec<String> = fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "bonding_masters")
        .collect();
    names.sort();
    let mut interfaces: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    for name in &names {
        interfaces.insert(name.clone(), describe(name, &v4, &v6));
    }
    for it in v4.iter().filter(|it| !names.contains(&it.label)) {
        let mut alias = Map::new();
        alias.insert("ipv4".into(), ipv4(it));
        interfaces.insert(it.label.clone(), alias);
    }
    let is_local = |address: &IpAddr| address.is_loopback();
    let all4: Vec<String> =
        v4.iter().filter(|it| !is_local(&it.address.into())).map(|it| it.address.to_string()).collect();
    let all6: Vec<String> =
        v6.iter().filter(|it| !is_local(&it.address.into())).map(|it| it.address.to_string()).collect();
    let mut found = facts([
        ("interfaces", interfaces.keys().cloned().collect::<Vec<_>>().into()),
        ("all_ipv4_addresses", all4.into()),
        ("all_ipv6_addresses", all6.into()),
        ("default_ipv4", default_ipv4(&v4, &interfaces).into()),
        ("default_ipv6", default_ipv6(&v6, &interfaces).into()),
        ("locally_reachable_ips", reachable(&v4, &v6)),
    ]);
    for (name, description) in interfaces {
        found.insert(name.replace([':', '-'], "_"), description.into());
    }
    found
}

fn describe(name: &str, v4: &[Address4], v6: &[Address6]) -> Map<String, Json> {
    let directory = Path::new("/sys/class/net").join(name);
    let text = |file: &str| line_of(directory.join(file));
    let link = |file: &str| {
        fs::read_link(directory.join(file)).ok().and_then(|it| Some(it.file_name()?.to_string_lossy().into_owned()))
    };
    let mut found = Map::new();
    found.insert("device".into(), name.into());
    found.insert("active".into(), (text("operstate") != "down").into());
    found.insert("promisc".into(), (flags(&text("flags")) & 0x100 != 0).into());
    found.insert("type".into(), kind(&directory).into());
    if let Ok(mtu) = text("mtu").parse::<u64>() {
        found.insert("mtu".into(), mtu.into());
    }
    let mac = text("address");
    if !mac.is_empty() && mac != "00:00:00:00:00:00" {
        found.insert("macaddress".into(), mac.into());
    }
    if let Some(device) = link("device") {
        found.insert("pciid".into(), device.into());
    }
    if let Some(driver) = link("device/driver/module") {
        found.insert("module".into(), driver.into());
    }
    if let Ok(speed) = text("speed").parse::<i64>() {
        found.insert("speed".into(), speed.into());
    }
    let members = |directory: &str| -> Option<Vec<String>> {
        let entries = fs::read_dir(Path::new("/sys/class/net").join(name).join(directory)).ok()?;
        Some(entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect())
    };
    if let Some(interfaces) = members("brif") {
        found.insert("interfaces".into(), interfaces.into());
        found.insert("id".into(), text("bridge/bridge_id").into());
        found.insert("stp".into(), (text("bridge/stp_state") == "1").into());
    }
    if directory.join("bonding").is_dir() {
        found.insert("mode".into(), text("bonding/mode").split(' ').next().unwrap_or_default().into());
        found.insert("miimon".into(), text("bonding/miimon").into());
        found.insert("slaves".into(), text("bonding/slaves").split_whitespace().collect::<Vec<_>>().into());
    }
    let mut own = v4.iter().filter(|it| it.label == name);
    if let Some(first) = own.next() {
        found.insert("ipv4".into(), ipv4(first));
    }
    let others: Vec<Json> = own.map(ipv4).collect();
    if !others.is_empty() {
        found.insert("ipv4_secondaries".into(), others.into());
    }
    let own: Vec<Json> = v6
        .iter()
        .filter(|it| it.interface == name)
        .map(|it| json!({"address": it.address.to_string(), "prefix": it.prefix.to_string(), "scope": it.scope}))
        .collect();
    if !own.is_empty() {
        found.insert("ipv6".into(), own.into());
    }
    found
}

fn flags(text: &str) -> u32 {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(0)
}

/// By the kernel's numbers for hardware types.
fn kind(directory: &Path) -> &'static str {
    if directory.join("bridge").is_dir() {
        return "bridge";
    }
    if directory.join("bonding").is_dir() {
        return "bonding";
    }
    match line_of(directory.join("type")).as_str() {
        "1" => "ether",
        "32" => "infiniband",
        "512" => "ppp",
        "772" => "loopback",
        "65534" | "768" | "776" => "tunnel",
        _ => "unknown",
    }
}

fn ipv4(it: &Address4) -> Json {
    let network = Ipv4Addr::from(u32::from(it.address) & u32::from(it.netmask));
    json!({
        "address": it.address.to_string(),
        "broadcast": it.broadcast.map(|it| it.to_string()).unwrap_or_default(),
        "netmask": it.netmask.to_string(),
        "network": network.to_string(),
        "prefix": u32::from(it.netmask).count_ones().to_string(),
    })
}

/// The address that the kernel would use towards the rest of the world. No packet is sent.
fn source(towards: IpAddr) -> Option<IpAddr> {
    let own: IpAddr = if towards.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((own, 0)).ok()?;
    socket.connect((towards, 53)).ok()?;
    socket.local_addr().ok().map(|it| it.ip())
}

fn default_ipv4(v4: &[Address4], interfaces: &BTreeMap<String, Map<String, Json>>) -> Map<String, Json> {
    let Some(IpAddr::V4(address)) = source(Ipv4Addr::new(8, 8, 8, 8).into()) else { return Map::new() };
    let Some(own) = v4.iter().find(|it| it.address == address) else { return Map::new() };
    let device = own.label.split(':').next().unwrap_or(&own.label);
    let mut found = Map::new();
    if let Json::Object(fields) = ipv4(own) {
        found.extend(fields);
    }
    found.insert("alias".into(), own.label.clone().into());
    complete(&mut found, device, routes4(&line_of("/proc/net/route")), interfaces);
    found
}

fn default_ipv6(v6: &[Address6], interfaces: &BTreeMap<String, Map<String, Json>>) -> Map<String, Json> {
    let target = Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012);
    let Some(IpAddr::V6(address)) = source(target.into()) else { return Map::new() };
    let Some(own) = v6.iter().find(|it| it.address == address) else { return Map::new() };
    let mut found = Map::new();
    found.insert("address".into(), own.address.to_string().into());
    found.insert("prefix".into(), own.prefix.to_string().into());
    found.insert("scope".into(), own.scope.into());
    complete(&mut found, &own.interface, routes6(&line_of("/proc/net/ipv6_route")), interfaces);
    found
}

fn complete(
    found: &mut Map<String, Json>,
    device: &str,
    mut routes: Vec<Route>,
    interfaces: &BTreeMap<String, Map<String, Json>>,
) {
    routes.sort_by_key(|it| it.metric);
    if let Some(route) = routes.iter().find(|it| it.interface == device) {
        found.insert("gateway".into(), route.gateway.to_string().into());
    }
    found.insert("interface".into(), device.into());
    for name in ["macaddress", "mtu", "type"] {
        if let Some(value) = interfaces.get(device).and_then(|it| it.get(name)) {
            found.insert(name.into(), value.clone());
        }
    }
}

fn routes4(table: &str) -> Vec<Route> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, gateway, _, _, _, metric, mask, ..] = fields.as_slice() else { return None };
        if *destination != "00000000" || *mask != "00000000" {
            return None;
        }
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        let gateway = IpAddr::V4(Ipv4Addr::from(gateway.to_le_bytes()));
        Some(Route { interface: (*interface).to_owned(), gateway, metric: metric.parse().ok()? })
    };
    table.lines().skip(1).filter_map(parse).collect()
}

fn routes6(table: &str) -> Vec<Route> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, length, _, _, gateway, metric, _, _, _, interface] = fields.as_slice() else { return None };
        let is_default = *length == "00" && destination.bytes().all(|it| it == b'0');
        let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?);
        if !is_default || gateway.is_unspecified() {
            return None;
        }
        Some(Route {
            interface: (*interface).to_owned(),
            gateway: gateway.into(),
            metric: u32::from_str_radix(metric, 16).ok()?,
        })
    };
    table.lines().filter_map(parse).collect()
}

fn parse_if_inet6(table: &str) -> Vec<Address6> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [address, _, prefix, scope, _, interface] = fields.as_slice() else { return None };
        let scope = match *scope {
            "00" => "global",
            "10" => "host",
            "20" => "link",
            "40" => "site",
            _ => "unknown",
        };
        Some(Address6 {
            interface: (*interface).to_owned(),
            address: Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?),
            prefix: u32::from_str_radix(prefix, 16).ok()?,
            scope,
        })
    };
    table.lines().filter_map(parse).collect()
}

fn reachable(v4: &[Address4], v6: &[Address6]) -> Json {
    let mut four: Vec<String> = Vec::new();
    for it in v4 {
        if it.address.is_loopback() {
            let network = Ipv4Addr::from(u32::from(it.address) & u32::from(it.netmask));
            four.push(format!("{network}/{}", u32::from(it.netmask).count_ones()));
        }
        four.push(it.address.to_string());
    }
    json!({"ipv4": four, "ipv6": v6.iter().map(|it| it.address.to_string()).collect::<Vec<_>>()})
}

fn addresses4() -> Vec<Address4> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    let mut found = Vec::new();
    // SAFETY: getifaddrs fills a list that stays valid until freeifaddrs; every pointer in it is checked before use, and
    // an address is read as IPv4 only if its family says so.
    unsafe {
        if libc::getifaddrs(&raw mut list) != 0 {
            return found;
        }
        let mut entry = list;
        while let Some(it) = entry.as_ref() {
            entry = it.ifa_next;
            let (Some(address), Some(netmask)) = (read_ipv4(it.ifa_addr), read_ipv4(it.ifa_netmask)) else { continue };
            let broadcasts = it.ifa_flags & 0x2 != 0;
            found.push(Address4 {
                label: std::ffi::CStr::from_ptr(it.ifa_name).to_string_lossy().into_owned(),
                address,
                netmask,
                // Without a broadcast address of its own the kernel repeats the address.
                broadcast: if broadcasts { read_ipv4(it.ifa_ifu).filter(|it| *it != address) } else { None },
            });
        }
        libc::freeifaddrs(list);
    }
    found
}

/// # Safety
/// `address` is null or points to a socket address that is as long as its family says.
unsafe fn read_ipv4(address: *const libc::sockaddr) -> Option<Ipv4Addr> {
    // SAFETY: promised by the caller.
    unsafe {
        if i32::from(address.as_ref()?.sa_family) != libc::AF_INET {
            return None;
        }
        let address = address.cast::<libc::sockaddr_in>().read_unaligned();
        Some(Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes()))
    }
}
