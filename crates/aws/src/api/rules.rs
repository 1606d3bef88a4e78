//! Rules of a security group: what makes two of them the same, and what must change to get from one set to another.

use std::net::{Ipv4Addr, Ipv6Addr};

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use rplay_module_api::{Json, Map, json};

/// Where the traffic of a rule comes from, or goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
    /// A group of the account `owner`, by its id; groups of AWS's own accounts are known by `name` only.
    Group {
        owner: Option<String>,
        id: Option<String>,
        name: Option<String>,
    },
}

/// One permission for one peer. The description is not part of a rule's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub protocol: String,
    /// First and last port, or type and code of ICMP. None stands for all.
    pub ports: Option<(i32, i32)>,
    pub peer: Peer,
    pub description: Option<String>,
}

/// What must change, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleChange {
    pub revoke: Vec<Rule>,
    pub authorize: Vec<Rule>,
    pub describe: Vec<Rule>,
}

impl RuleChange {
    pub fn is_empty(&self) -> bool {
        self.revoke.is_empty() && self.authorize.is_empty() && self.describe.is_empty()
    }
}

impl Rule {
    /// A rule with protocol and ports in the form that AWS returns.
    pub fn new(protocol: &str, ports: Option<(i32, i32)>, peer: Peer, description: Option<String>) -> Self {
        let protocol = normal_protocol(protocol);
        let ports = ports.filter(|ports| *ports != (-1, -1) && !ignores_ports(&protocol));
        Self { protocol, ports, peer, description }
    }

    /// What a group in a VPC lets out unless told otherwise.
    pub fn allow_all_egress() -> Self {
        Self::new("-1", None, Peer::Ipv4("0.0.0.0/0".to_owned()), None)
    }

    pub fn same_as(&self, other: &Rule) -> bool {
        self.protocol == other.protocol && self.ports == other.ports && same_peer(&self.peer, &other.peer)
    }
}

/// `all` is `-1`; names are lower-case.
pub fn normal_protocol(protocol: &str) -> String {
    let protocol = protocol.trim().to_ascii_lowercase();
    if protocol == "all" { "-1".to_owned() } else { protocol }
}

/// All protocols, and those given by number, have no ports.
pub fn ignores_ports(protocol: &str) -> bool {
    normal_protocol(protocol).parse::<i64>().is_ok()
}

fn same_peer(a: &Peer, b: &Peer) -> bool {
    match (a, b) {
        (Peer::Group { owner, id, name }, Peer::Group { owner: other_owner, id: other_id, name: other_name }) => {
            let owners_fit = owner.is_none() || other_owner.is_none() || owner == other_owner;
            let groups_fit = match (id, other_id) {
                (Some(id), Some(other)) => id == other,
                _ => name.is_some() && name == other_name,
            };
            owners_fit && groups_fit
        }
        _ => a == b,
    }
}

/// A CIDR without host bits, and whether there were any. What is not a CIDR is left for AWS to refuse.
pub fn mask_cidr(cidr: &str) -> (String, bool) {
    let masked = cidr.split_once('/').and_then(|(address, length)| {
        let length: u32 = length.parse().ok()?;
        if let Ok(address) = address.parse::<Ipv4Addr>() {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
            return Some(format!("{}/{length}", Ipv4Addr::from(u32::from(address) & mask)));
        }
        let address: Ipv6Addr = address.parse().ok()?;
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
        Some(format!("{}/{length}", Ipv6Addr::from(u128::from(address) & mask)))
    });
    match masked {
        // An IPv6 address may be written in many ways; only a change of bits is worth telling.
        Some(masked) => {
            let had_host_bits = !same_address(&masked, cidr);
            (masked, had_host_bits)
        }
        None => (cidr.to_owned(), false),
    }
}

fn same_address(a: &str, b: &str) -> bool {
    let address = |cidr: &str| cidr.split('/').next().and_then(|text| text.parse::<std::net::IpAddr>().ok());
    address(a) == address(b)
}

/// The rules in what AWS returns, one for each peer.
pub fn from_permissions(permissions: &[IpPermission]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for permission in permissions {
        let protocol = permission.ip_protocol().unwrap_or("-1");
        let ports = match (permission.from_port(), permission.to_port()) {
            (Some(from), Some(to)) => Some((from, to)),
            _ => None,
        };
        let mut add = |peer: Peer, description: Option<&str>| {
            rules.push(Rule::new(protocol, ports, peer, description.map(str::to_owned)));
        };
        for range in permission.ip_ranges() {
            add(Peer::Ipv4(range.cidr_ip().unwrap_or_default().to_owned()), range.description());
        }
        for range in permission.ipv6_ranges() {
            let cidr = mask_cidr(range.cidr_ipv6().unwrap_or_default()).0;
            add(Peer::Ipv6(cidr), range.description());
        }
        for list in permission.prefix_list_ids() {
            add(Peer::PrefixList(list.prefix_list_id().unwrap_or_default().to_owned()), list.description());
        }
        for pair in permission.user_id_group_pairs() {
            let own = |text: Option<&str>| text.map(str::to_owned);
            add(
                Peer::Group { owner: own(pair.user_id()), id: own(pair.group_id()), name: own(pair.group_name()) },
                pair.description(),
            );
        }
    }
    rules
}

/// Rules as AWS takes them; those that differ in the peer only become one permission.
pub fn to_permissions(rules: &[Rule]) -> Vec<IpPermission> {
    let mut shapes: Vec<(&str, Option<(i32, i32)>)> = Vec::new();
    for rule in rules {
        let shape = (rule.protocol.as_str(), rule.ports);
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
        .into_iter()
        .map(|(protocol, ports)| {
            let members = rules.iter().filter(|rule| rule.protocol == protocol && rule.ports == ports);
            members.fold(permission_frame(protocol, ports), add_peer).build()
        })
        .collect()
}

type PermissionBuilder = aws_sdk_ec2::types::builders::IpPermissionBuilder;

fn permission_frame(protocol: &str, ports: Option<(i32, i32)>) -> PermissionBuilder {
    let builder = IpPermission::builder().ip_protocol(protocol);
    match ports {
        Some((from, to)) => builder.from_port(from).to_port(to),
        // AWS wants the types of ICMP spelled out, even if they are all meant.
        None if protocol == "icmp" => builder.from_port(-1).to_port(-1),
        None => builder,
    }
}

fn add_peer(builder: PermissionBuilder, rule: &Rule) -> PermissionBuilder {
    let description = rule.description.clone();
    match &rule.peer {
        Peer::Ipv4(cidr) => builder.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(description).build()),
        Peer::Ipv6(cidr) => {
            builder.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(description).build())
        }
        Peer::PrefixList(id) => {
            builder.prefix_list_ids(PrefixListId::builder().prefix_list_id(id).set_description(description).build())
        }
        Peer::Group { owner, id, name } => builder.user_id_group_pairs(
            UserIdGroupPair::builder()
                .set_user_id(owner.clone())
                .set_group_id(id.clone())
                // AWS takes one of the two, and the id is the one that holds in every VPC.
                .set_group_name(if id.is_some() { None } else { name.clone() })
                .set_description(description)
                .build(),
        ),
    }
}

/// What must change in one direction to get from `present` to `wanted`.
pub fn difference(present: &[Rule], wanted: &[Rule], purge: bool) -> RuleChange {
    let has = |rules: &[Rule], rule: &Rule| rules.iter().any(|other| other.same_as(rule));
    let revoke = present.iter().filter(|rule| purge && !has(wanted, rule)).cloned().collect();
    let mut authorize: Vec<Rule> = Vec::new();
    let mut describe = Vec::new();
    for rule in wanted {
        match present.iter().find(|other| other.same_as(rule)) {
            None if !has(&authorize, rule) => authorize.push(rule.clone()),
            Some(other) if rule.description.is_some() && rule.description != other.description => {
                describe.push(rule.clone());
            }
            _ => {}
        }
    }
    RuleChange { revoke, authorize, describe }
}

/// The rules after a change, for check mode and `--diff`.
pub fn after(present: &[Rule], change: &RuleChange) -> Vec<Rule> {
    let mut rules: Vec<Rule> =
        present.iter().filter(|rule| !change.revoke.iter().any(|gone| gone.same_as(rule))).cloned().collect();
    for described in &change.describe {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.same_as(described)) {
            rule.description.clone_from(&described.description);
        }
    }
    rules.extend(change.authorize.iter().cloned());
    rules
}

/// Permissions as today's modules return them.
pub fn permissions_to_json(permissions: &[IpPermission]) -> Json {
    permissions.iter().map(permission_to_json).collect()
}

fn permission_to_json(permission: &IpPermission) -> Json {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            entry.insert(name.to_owned(), value);
        }
    };
    put("from_port", permission.from_port().map(Json::from));
    put("ip_protocol", permission.ip_protocol().map(Json::from));
    put(
        "ip_ranges",
        Some(
            permission
                .ip_ranges()
                .iter()
                .map(|range| present(&[("cidr_ip", range.cidr_ip()), ("description", range.description())]))
                .collect(),
        ),
    );
    put(
        "ipv6_ranges",
        Some(
            permission
                .ipv6_ranges()
                .iter()
                .map(|range| present(&[("cidr_ipv6", range.cidr_ipv6()), ("description", range.description())]))
                .collect(),
        ),
    );
    put(
        "prefix_list_ids",
        Some(
            permission
                .prefix_list_ids()
                .iter()
                .map(|list| present(&[("description", list.description()), ("prefix_list_id", list.prefix_list_id())]))
                .collect(),
        ),
    );
    put("to_port", permission.to_port().map(Json::from));
    put(
        "user_id_group_pairs",
        Some(
            permission
                .user_id_group_pairs()
                .iter()
                .map(|pair| {
                    present(&[
                        ("description", pair.description()),
                        ("group_id", pair.group_id()),
                        ("group_name", pair.group_name()),
                        ("peering_status", pair.peering_status()),
                        ("user_id", pair.user_id()),
                        ("vpc_id", pair.vpc_id()),
                        ("vpc_peering_connection_id", pair.vpc_peering_connection_id()),
                    ])
                })
                .collect(),
        ),
    );
    Json::Object(entry)
}

/// A mapping of the entries that have a value.
fn present(entries: &[(&str, Option<&str>)]) -> Json {
    Json::Object(entries.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!((*value)?)))).collect())
}

#[cfg(test)]
mod tests;
