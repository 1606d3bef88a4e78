//! Rules as written in a task become rules of a group; several ports and sources in one are a product.

use rplay_module_api::validate::{python_repr, python_type};
use rplay_module_api::{Failure, Json, Map};

use super::written::{integer, one_or_many};
use crate::api::rules::{Peer, Rule, ignores_ports, mask_cidr};
use crate::api::tags::text_of;

/// The source of a written rule: known at once, or a group that has yet to be looked up by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenPeer {
    Known(Peer),
    GroupName { name: String, description: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRule {
    pub protocol: String,
    pub ports: Option<(i32, i32)>,
    pub peer: WrittenPeer,
    pub description: Option<String>,
    /// The rule as it stands in the task, for messages.
    pub text: String,
}

impl WrittenRule {
    pub fn with_peer(&self, peer: Peer) -> Rule {
        Rule::new(&self.protocol, self.ports, peer, self.description.clone())
    }
}

const KEYS: &[&str] = &[
    "cidr_ip",
    "cidr_ipv6",
    "from_port",
    "group_desc",
    "group_id",
    "group_name",
    "icmp_code",
    "icmp_type",
    "ip_prefix",
    "ports",
    "proto",
    "rule_desc",
    "to_port",
];
const SOURCES: &[&str] = &["group_id", "group_name", "cidr_ip", "cidr_ipv6", "ip_prefix"];

/// Reads `rules` or `rules_egress` (`argument` says which); warnings go to `warn`.
pub fn parse(argument: &str, list: &[Json], warn: &mut dyn FnMut(String)) -> Result<Vec<WrittenRule>, Failure> {
    let mut rules = Vec::new();
    for (index, written) in list.iter().flat_map(one_or_many).enumerate() {
        let Some(rule) = written.as_object() else {
            return Err(Failure::new(format!("Invalid rule parameter type [<class '{}'>].", python_type(written))));
        };
        let reader = RuleReader { argument, number: index + 1, rule, text: python_repr(written) };
        rules.extend(reader.read(warn)?);
    }
    Ok(rules)
}

struct RuleReader<'a> {
    argument: &'a str,
    number: usize,
    rule: &'a Map<String, Json>,
    text: String,
}

impl RuleReader<'_> {
    fn read(&self, warn: &mut dyn FnMut(String)) -> Result<Vec<WrittenRule>, Failure> {
        if let Some(unknown) = self.rule.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Failure::new(format!("Invalid rule parameter '{unknown}' for rule: {}", self.text)));
        }
        let protocol = self.get("proto").map_or_else(|| "tcp".to_owned(), text_of);
        let ports = self.ports(&protocol)?;
        let peers = self.peers(warn)?;
        let description = self.get("rule_desc").map(text_of);
        let mut rules = Vec::new();
        for ports in &ports {
            for peer in &peers {
                rules.push(WrittenRule {
                    protocol: protocol.clone(),
                    ports: *ports,
                    peer: peer.clone(),
                    description: description.clone(),
                    text: self.text.clone(),
                });
            }
        }
        Ok(rules)
    }

    fn get(&self, key: &str) -> Option<&Json> {
        self.rule.get(key).filter(|value| !value.is_null())
    }

    fn problem(&self, text: &str) -> Failure {
        Failure::new(format!("rule {} of {}: {text}", self.number, self.argument))
    }

    fn number(&self, key: &str, protocol: &str) -> Result<Option<i32>, Failure> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        integer(value).and_then(|number| i32::try_from(number).ok()).map(Some).ok_or_else(|| {
            self.problem(&format!("{key} must be a number for protocol {protocol}, not `{}`", text_of(value)))
        })
    }

    /// The port ranges. Where the protocol has no ports, whatever was written is ignored, as Ansible 2.5 did.
    fn ports(&self, protocol: &str) -> Result<Vec<Option<(i32, i32)>>, Failure> {
        if ignores_ports(protocol) {
            return Ok(vec![None]);
        }
        let (from, to) = (self.number("from_port", protocol)?, self.number("to_port", protocol)?);
        let (kind, code) = (self.number("icmp_type", protocol)?, self.number("icmp_code", protocol)?);
        if kind.or(code).is_some() && !protocol.to_ascii_lowercase().starts_with("icmp") {
            return Err(Failure::new("Specify proto: icmp or icmpv6 when using icmp_type/icmp_code"));
        }
        match (self.get("ports"), from, to, kind) {
            (Some(_), None, None, None) => self.port_list(protocol),
            (Some(_), ..) => Err(self.problem("ports can't stand beside from_port, to_port or icmp_type")),
            (None, None, None, Some(kind)) => Ok(vec![Some((kind, code.unwrap_or(-1)))]),
            (None, _, _, Some(_)) => Err(self.problem("icmp_type can't stand beside from_port and to_port")),
            (None, None, None, None) if code.is_some() => Err(self.problem("icmp_code needs icmp_type")),
            (None, None, None, None) => Ok(vec![None]),
            (None, Some(from), Some(to), None) => Ok(vec![Some((from, to))]),
            (None, Some(_), None, None) => Err(self.problem("from_port is given without to_port")),
            (None, None, Some(_), None) => Err(self.problem("to_port is given without from_port")),
        }
    }

    /// `ports`: numbers and ranges, alone or in a list.
    fn port_list(&self, protocol: &str) -> Result<Vec<Option<(i32, i32)>>, Failure> {
        let written = self.get("ports").map(one_or_many).unwrap_or_default();
        written
            .into_iter()
            .map(|port| {
                let text = text_of(port);
                let number = |text: &str| text.trim().parse::<i32>().ok();
                let range = number(&text).map(|port| (port, port)).or_else(|| {
                    let (first, last) = text.split_once('-')?;
                    let (first, last) = (number(first)?, number(last)?);
                    Some((first.min(last), first.max(last)))
                });
                range.map(Some).ok_or_else(|| {
                    self.problem(&format!("ports must be numbers or ranges for protocol {protocol}, not `{text}`"))
                })
            })
            .collect()
    }

    fn peers(&self, warn: &mut dyn FnMut(String)) -> Result<Vec<WrittenPeer>, Failure> {
        let given: Vec<&str> = SOURCES.iter().copied().filter(|source| self.get(source).is_some()).collect();
        let (source, value) = match given.as_slice() {
            [first, second, ..] => {
                return Err(Failure::new(format!("Specify {first} OR {second}, not both")));
            }
            [source] => (*source, self.get(source)),
            [] => {
                return Err(Failure::new(format!("Could not match target for rule {}", self.text)));
            }
        };
        let mut masked = |cidr: &str| {
            let (masked, had_host_bits) = mask_cidr(cidr);
            if had_host_bits {
                warn(format!(
                    "{cidr} in rule {} of {} has host bits set: {masked} is used",
                    self.number, self.argument
                ));
            }
            masked
        };
        let values = value.map(one_or_many).unwrap_or_default();
        let peers: Vec<WrittenPeer> = values
            .into_iter()
            .map(text_of)
            .map(|text| match source {
                "cidr_ip" => WrittenPeer::Known(Peer::Ipv4(masked(text.trim()))),
                "cidr_ipv6" => WrittenPeer::Known(Peer::Ipv6(masked(text.trim()))),
                "ip_prefix" => WrittenPeer::Known(Peer::PrefixList(text)),
                "group_id" => WrittenPeer::Known(foreign_or_own_group(&text)),
                _ => WrittenPeer::GroupName { name: text, description: self.get("group_desc").map(text_of) },
            })
            .collect();
        if peers.is_empty() {
            return Err(Failure::new(format!("Could not match target for rule {}", self.text)));
        }
        Ok(peers)
    }
}

/// `sg-…`, or a group of another account as `owner/sg-…/name` or `owner/name`.
fn foreign_or_own_group(text: &str) -> Peer {
    let own = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [owner, id, name] if id.starts_with("sg-") => Peer::Group { owner: own(owner), id: own(id), name: own(name) },
        [owner, id] if id.starts_with("sg-") => Peer::Group { owner: own(owner), id: own(id), name: None },
        [owner, name] => Peer::Group { owner: own(owner), id: None, name: own(name) },
        _ => Peer::Group { owner: None, id: own(text), name: None },
    }
}

#[cfg(test)]
mod tests {
    use rplay_module_api::{Json, json};

    use super::{WrittenPeer, WrittenRule, parse};
    use crate::api::rules::Peer;

    fn read(rules: Json) -> Result<Vec<WrittenRule>, String> {
        let list = rules.as_array().cloned().unwrap_or_default();
        parse("rules", &list, &mut |_| {}).map_err(|failure| failure.msg)
    }

    fn ports(rule: Json) -> Vec<Option<(i32, i32)>> {
        let mut rule = rule;
        rule["cidr_ip"] = json!("0.0.0.0/0");
        read(json!([rule])).unwrap().into_iter().map(|rule| rule.ports).collect()
    }

    #[test]
    fn the_old_playbooks_rules_are_read() {
        let rules = read(json!([
            {"proto": "tcp", "from_port": 80, "to_port": "80", "cidr_ip": "0.0.0.0/0"},
            {"proto": "all", "from_port": "all", "to_port": "all", "cidr_ip": "0.0.0.0/0"},
        ]))
        .unwrap();
        assert_eq!(rules[0].ports, Some((80, 80)));
        assert_eq!(rules[1].ports, None);
    }

    #[test]
    fn ports_have_many_forms() {
        assert_eq!(ports(json!({"ports": 80})), [Some((80, 80))]);
        assert_eq!(
            ports(json!({"ports": [80, "8000-8010", ["443"]]})),
            [Some((80, 80)), Some((8000, 8010)), Some((443, 443))]
        );
        assert_eq!(ports(json!({"proto": "icmp", "icmp_type": 8})), [Some((8, -1))]);
        assert_eq!(ports(json!({"proto": "icmp"})), [None]);
        assert_eq!(ports(json!({"proto": 50, "from_port": "x"})), [None]);
    }

    #[test]
    fn several_ports_and_sources_are_a_product() {
        let rules = read(json!([{"ports": [80, 443], "cidr_ip": ["10.0.0.0/8", ["11.0.0.0/8"]]}])).unwrap();
        assert_eq!(rules.len(), 4);
    }

    #[test]
    fn groups_are_known_by_id_owner_or_name() {
        let peer = |rule: Json| read(json!([rule])).unwrap().remove(0).peer;
        let known = |owner: Option<&str>, id: Option<&str>, name: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            WrittenPeer::Known(Peer::Group { owner: own(owner), id: own(id), name: own(name) })
        };
        assert_eq!(peer(json!({"group_id": "sg-1"})), known(None, Some("sg-1"), None));
        assert_eq!(peer(json!({"group_id": "123/sg-1/web"})), known(Some("123"), Some("sg-1"), Some("web")));
        assert_eq!(
            peer(json!({"group_id": "amazon-elb/amazon-elb-sg"})),
            known(Some("amazon-elb"), None, Some("amazon-elb-sg"))
        );
        assert_eq!(
            peer(json!({"group_name": "db", "group_desc": "databases"})),
            WrittenPeer::GroupName { name: "db".into(), description: Some("databases".into()) }
        );
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!(["tcp"]), "Invalid rule parameter type [<class 'str'>]."),
            (json!([{"prto": "tcp"}]), "Invalid rule parameter 'prto' for rule: {'prto': 'tcp'}"),
            (json!([{"proto": "tcp"}]), "Could not match target for rule {'proto': 'tcp'}"),
            (json!([{"cidr_ip": "::", "group_id": "sg-1"}]), "Specify group_id OR cidr_ip, not both"),
            (
                json!([{"cidr_ip": "1.1.1.1/32", "from_port": "all", "to_port": "all"}]),
                "rule 1 of rules: from_port must be a number for protocol tcp, not `all`",
            ),
            (json!([{"cidr_ip": "1.1.1.1/32", "from_port": 1}]), "rule 1 of rules: from_port is given without to_port"),
            (
                json!([{"cidr_ip": "1.1.1.1/32", "icmp_type": 1}]),
                "Specify proto: icmp or icmpv6 when using icmp_type/icmp_code",
            ),
            (
                json!([{"cidr_ip": "1.1.1.1/32", "ports": "http"}]),
                "rule 1 of rules: ports must be numbers or ranges for protocol tcp, not `http`",
            ),
        ];
        for (rules, message) in cases {
            assert_eq!(read(rules).unwrap_err(), message);
        }
    }

    #[test]
    fn masked_addresses_are_told() {
        let mut warnings = Vec::new();
        let rules = [json!({"ports": 22, "cidr_ip": "10.1.2.3/8"})];
        parse("rules", &rules, &mut |text| warnings.push(text)).unwrap();
        assert_eq!(warnings, ["10.1.2.3/8 in rule 1 of rules has host bits set: 10.0.0.0/8 is used"]);
    }
}
