//! `ec2`, the module of Ansible 2.

use rplay_module_api::{Arg, Kind, Rule, Spec};

use crate::CONNECTION_ARGS;

pub const EC2: Spec = Spec {
    name: "ec2",
    summary: "Launch, count, terminate, start and stop EC2 instances.",
    args: ARGS,
    shared: &[CONNECTION_ARGS],
    rules: RULES,
    check_mode: false,
    ..Spec::EMPTY
};

const ARGS: &[Arg] = &[
    Arg::bool("assign_public_ip", "Give the instance a public address. Needs vpc_subnet_id."),
    Arg::int("count", "How many instances to launch, whatever is there already.").default("1"),
    Arg::raw("count_tag", "Tags that tell which instances exact_count counts: a name, a mapping, or a list of both."),
    Arg::bool("ebs_optimized", "Dedicated throughput to EBS.").default("no"),
    Arg::int("exact_count", "How many instances with count_tag there are to be: launches or terminates some."),
    Arg::list("group", "Names of security groups.", Kind::Str).aliases(&["groups"]),
    Arg::list("group_id", "Ids of security groups.", Kind::Str),
    Arg::str("id", "A text of your choice that makes the launch happen once only."),
    Arg::str("image", "Id of the image (AMI)."),
    Arg::list("instance_ids", "Instances for the states absent, running, stopped and restarted.", Kind::Str)
        .aliases(&["instance_id"]),
    Arg::str("instance_initiated_shutdown_behavior", "What a shutdown from within does.")
        .choices(&["stop", "terminate"]),
    Arg::str("instance_profile_name", "Name of the IAM instance profile."),
    Arg::dict("instance_tags", "Tags of new instances; for other states than present, which instances are meant."),
    Arg::str("instance_type", "Type of the instance, such as t3.micro.").aliases(&["type"]),
    Arg::str("kernel", "Kernel id."),
    Arg::str("key_name", "Name of the key pair.").aliases(&["keypair"]),
    Arg::bool("monitoring", "Detailed monitoring.").default("no"),
    Arg::list("network_interfaces", "Ids of existing network interfaces to attach.", Kind::Str)
        .aliases(&["network_interface"]),
    Arg::str("placement_group", "Placement group."),
    Arg::str("private_ip", "Private address. On-demand instances only."),
    Arg::str("ramdisk", "Ramdisk id."),
    Arg::bool("source_dest_check", "Drop packets that are neither from nor for the instance (AWS's default)."),
    Arg::str("spot_launch_group", "Launch group of a spot request."),
    Arg::str("spot_price", "Highest price; makes the launch a spot request."),
    Arg::str("spot_type", "Kind of the spot request.").default("one-time").choices(&["one-time", "persistent"]),
    Arg::int("spot_wait_timeout", "Seconds to wait for a spot request.").default("600"),
    Arg::str("state", "What is to be the case.").default("present").choices(&[
        "present",
        "absent",
        "running",
        "restarted",
        "stopped",
    ]),
    Arg::str("tenancy", "Tenancy of on-demand instances.").default("default").choices(&["default", "dedicated"]),
    Arg::bool("termination_protection", "Refuse to terminate the instance through the API."),
    Arg::str("user_data", "Data for the instance's first start."),
    Arg::list(
        "volumes",
        "Volumes: device_name with volume_size, volume_type, iops, snapshot, ephemeral, encrypted, \
         delete_on_termination.",
        Kind::Dict,
    ),
    Arg::str("vpc_subnet_id", "Subnet."),
    Arg::bool("wait", "Wait until the instances have the state.").default("no"),
    Arg::int("wait_timeout", "Seconds to wait.").default("300"),
    Arg::str("zone", "Availability zone.").aliases(&["aws_zone", "ec2_zone"]),
];

const RULES: &[Rule] = &[
    Rule::MutuallyExclusive(&["exact_count", "count"]),
    Rule::MutuallyExclusive(&["exact_count", "state"]),
    Rule::MutuallyExclusive(&["exact_count", "instance_ids"]),
    Rule::MutuallyExclusive(&["network_interfaces", "assign_public_ip"]),
    Rule::MutuallyExclusive(&["network_interfaces", "group"]),
    Rule::MutuallyExclusive(&["network_interfaces", "group_id"]),
    Rule::MutuallyExclusive(&["network_interfaces", "private_ip"]),
    Rule::MutuallyExclusive(&["network_interfaces", "vpc_subnet_id"]),
];
