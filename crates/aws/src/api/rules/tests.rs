use super::{Peer, Rule, after, difference, from_permissions, mask_cidr, permissions_to_json, to_permissions};

fn ipv4(protocol: &str, ports: Option<(i32, i32)>, cidr: &str) -> Rule {
    Rule::new(protocol, ports, Peer::Ipv4(cidr.to_owned()), None)
}

fn group(owner: Option<&str>, id: Option<&str>, name: Option<&str>) -> Peer {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Peer::Group { owner: own(owner), id: own(id), name: own(name) }
}

#[test]
fn protocols_without_ports_forget_them() {
    for protocol in ["all", "ALL", "-1", "50", "6"] {
        assert_eq!(ipv4(protocol, Some((80, 80)), "0.0.0.0/0").ports, None, "{protocol}");
    }
    assert_eq!(ipv4("all", None, "0.0.0.0/0").protocol, "-1");
    assert_eq!(ipv4("TCP", Some((80, 80)), "0.0.0.0/0"), ipv4("tcp", Some((80, 80)), "0.0.0.0/0"));
    assert_eq!(ipv4("icmp", Some((-1, -1)), "0.0.0.0/0").ports, None);
}

#[test]
fn host_bits_are_masked() {
    let cases = [
        ("10.0.0.7/8", "10.0.0.0/8", true),
        ("10.0.0.0/8", "10.0.0.0/8", false),
        ("1.2.3.4/0", "0.0.0.0/0", true),
        ("1.2.3.4/32", "1.2.3.4/32", false),
        ("2001:db8::1/64", "2001:db8::/64", true),
        ("2001:0db8:0::/32", "2001:db8::/32", false),
        ("::/0", "::/0", false),
        ("1.2.3.4", "1.2.3.4", false),
        ("1.2.3.4/40", "1.2.3.4/40", false),
        ("nonsense/8", "nonsense/8", false),
    ];
    for (written, masked, told) in cases {
        assert_eq!(mask_cidr(written), (masked.to_owned(), told), "{written}");
    }
}

#[test]
fn only_differences_are_changed() {
    let (http, https, ssh) = (
        ipv4("tcp", Some((80, 80)), "0.0.0.0/0"),
        ipv4("tcp", Some((443, 443)), "0.0.0.0/0"),
        ipv4("tcp", Some((22, 22)), "10.0.0.0/8"),
    );
    let change = difference(&[http.clone(), ssh.clone()], &[http.clone(), https.clone(), https.clone()], true);
    assert_eq!((change.revoke.clone(), change.authorize.clone()), (vec![ssh.clone()], vec![https.clone()]));
    assert_eq!(after(&[http.clone(), ssh.clone()], &change), vec![http.clone(), https]);
    assert!(difference(&[http.clone(), ssh], &[http], false).is_empty());
}

#[test]
fn a_description_alone_is_updated_and_never_dropped() {
    let mut present = ipv4("tcp", Some((80, 80)), "0.0.0.0/0");
    present.description = Some("old".to_owned());
    let mut wanted = present.clone();
    wanted.description = Some("new".to_owned());
    let change = difference(&[present.clone()], &[wanted.clone()], true);
    assert!(change.revoke.is_empty() && change.authorize.is_empty());
    assert_eq!(change.describe, vec![wanted]);
    let silent = Rule { description: None, ..present.clone() };
    assert!(difference(&[present], &[silent], true).is_empty());
}

#[test]
fn groups_compare_by_owner_and_id_else_by_name() {
    let rule = |peer: Peer| Rule::new("tcp", Some((1, 2)), peer, None);
    let present = rule(group(Some("1234"), Some("sg-1"), Some("web")));
    assert!(present.same_as(&rule(group(Some("1234"), Some("sg-1"), None))));
    assert!(present.same_as(&rule(group(None, Some("sg-1"), None))));
    assert!(!present.same_as(&rule(group(Some("9"), Some("sg-1"), None))));
    assert!(!present.same_as(&rule(group(Some("1234"), Some("sg-2"), Some("web")))));
    let elb = rule(group(Some("amazon-elb"), Some("sg-8"), Some("amazon-elb-sg")));
    assert!(elb.same_as(&rule(group(Some("amazon-elb"), None, Some("amazon-elb-sg")))));
}

#[test]
fn rules_survive_the_way_to_aws_and_back() {
    let rules = vec![
        ipv4("tcp", Some((80, 80)), "0.0.0.0/0"),
        Rule::new("tcp", Some((80, 80)), Peer::Ipv6("::/0".to_owned()), Some("web".to_owned())),
        ipv4("icmp", None, "10.0.0.0/8"),
        Rule::new("-1", None, group(Some("1234"), Some("sg-1"), None), None),
        Rule::new("udp", Some((53, 53)), Peer::PrefixList("pl-1".to_owned()), None),
    ];
    let permissions = to_permissions(&rules);
    assert_eq!(permissions.len(), 4, "rules that differ in the peer only share a permission");
    assert_eq!(from_permissions(&permissions), rules);
    let json = permissions_to_json(&permissions);
    assert_eq!(json[0]["from_port"], 80);
    assert_eq!(json[0]["ipv6_ranges"][0]["description"], "web");
    assert_eq!(json[1]["from_port"], -1, "AWS wants all types of ICMP spelled out");
    assert!(json[2].get("from_port").is_none());
    assert_eq!(json[2]["ip_protocol"], "-1");
    assert_eq!(json[2]["prefix_list_ids"].as_array().map(Vec::len), Some(0));
}
