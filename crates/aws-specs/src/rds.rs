//! `rds`, the module of Ansible 2.

use rplay_module_api::{Arg, Kind, Spec};

use crate::CONNECTION_ARGS;

pub const RDS: Spec = Spec {
    name: "rds",
    summary: "Create, replicate, change, snapshot and delete RDS databases.",
    args: ARGS,
    shared: &[CONNECTION_ARGS],
    check_mode: false,
    ..Spec::EMPTY
};

const ARGS: &[Arg] = &[
    Arg::bool("apply_immediately", "Modify now instead of in the maintenance window.").default("no"),
    Arg::str("backup_retention", "Days to keep backups; 0 switches them off."),
    Arg::str("backup_window", "When to back up, as hh24:mi-hh24:mi."),
    Arg::str("character_set_name", "Character set."),
    Arg::str("command", "What to do.").required().choices(&[
        "create",
        "replicate",
        "delete",
        "facts",
        "modify",
        "promote",
        "snapshot",
        "reboot",
        "restore",
    ]),
    Arg::str("db_engine", "Database engine of a new database.").choices(&[
        "mariadb",
        "MySQL",
        "oracle-se1",
        "oracle-se2",
        "oracle-se",
        "oracle-ee",
        "sqlserver-ee",
        "sqlserver-se",
        "sqlserver-ex",
        "sqlserver-web",
        "postgres",
        "aurora",
    ]),
    Arg::str("db_name", "Name of the first database in the instance."),
    Arg::str("engine_version", "Version of the engine."),
    Arg::bool("force_failover", "Reboot through a failover.").default("no"),
    Arg::str("instance_name", "Name of the database instance."),
    Arg::str("instance_type", "Class of the instance, such as db.t3.micro.").aliases(&["type"]),
    Arg::str("iops", "Provisioned input and output per second."),
    Arg::str("license_model", "License model.").choices(&[
        "license-included",
        "bring-your-own-license",
        "general-public-license",
        "postgresql-license",
    ]),
    Arg::str("maint_window", "When to maintain, as ddd:hh24:mi-ddd:hh24:mi."),
    Arg::bool("multi_zone", "Keep a standby in a second zone."),
    Arg::str("new_instance_name", "New name, for modify."),
    Arg::str("option_group", "Option group."),
    Arg::str("parameter_group", "Parameter group."),
    Arg::str("password", "Password of the master user.").no_log(),
    Arg::int("port", "Port; that of the engine if left out."),
    Arg::bool("publicly_accessible", "Give the database a public address."),
    Arg::str("security_groups", "Names of classic security groups, separated by commas."),
    Arg::str("size", "Size in GiB."),
    Arg::str("snapshot", "Name of a snapshot. For delete: of the last one before."),
    Arg::str("source_instance", "The database to replicate."),
    Arg::str("subnet", "Subnet group."),
    Arg::dict("tags", "Tags."),
    Arg::bool("upgrade", "Let AWS install minor versions.").default("no"),
    Arg::str("username", "Name of the master user."),
    Arg::list("vpc_security_groups", "Ids of security groups.", Kind::Str),
    Arg::bool(
        "wait",
        "Wait until the database is available, or gone. Left out, create waits for the new database and replicate for \
         its source.",
    ),
    Arg::int("wait_timeout", "Seconds to wait; 1800 if left out."),
    Arg::str("zone", "Availability zone.").aliases(&["aws_zone", "ec2_zone"]),
];
