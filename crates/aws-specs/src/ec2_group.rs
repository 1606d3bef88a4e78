//! `ec2_group` and its present name `ec2_security_group`.

use rplay_module_api::{Arg, Kind, Rule, Spec};

use crate::CONNECTION_ARGS;

pub const EC2_GROUP: Spec = Spec {
    name: "ec2_group",
    summary: "Manage EC2 security groups.",
    args: ARGS,
    shared: &[CONNECTION_ARGS],
    rules: RULES,
    ..Spec::EMPTY
};

pub const EC2_SECURITY_GROUP: Spec = Spec { name: "ec2_security_group", ..EC2_GROUP };

const ARGS: &[Arg] = &[
    Arg::str("description", "What the group is for. It can't be changed later."),
    Arg::str("group_id", "Id of the group, instead of its name."),
    Arg::str("name", "Name of the group."),
    Arg::bool("purge_rules", "Remove rules that are not in `rules`.").default("yes"),
    Arg::bool("purge_rules_egress", "Remove rules that are not in `rules_egress`.")
        .default("yes")
        .aliases(&["purge_egress_rules"]),
    Arg::bool("purge_tags", "Remove tags that are not in `tags`.").default("yes"),
    Arg::list(
        "rules",
        "What may come in: proto, from_port and to_port or ports, and one of cidr_ip, cidr_ipv6, ip_prefix, group_id, \
         group_name. Nothing may, if left out.",
        Kind::Raw,
    ),
    Arg::list("rules_egress", "What may go out, in the same form. All may, if left out.", Kind::Raw)
        .aliases(&["egress_rules"]),
    Arg::str("state", "Whether the group is to exist.").default("present").choices(&["present", "absent"]),
    Arg::dict("tags", "Tags of the group; left alone if not given.").aliases(&["resource_tags"]),
    Arg::str("vpc_id", "VPC of the group; the default VPC if left out."),
];

const RULES: &[Rule] = &[
    Rule::RequiredOneOf(&["name", "group_id"]),
    Rule::RequiredIf { arg: "state", value: "present", needs: &["name"], any: false },
];
