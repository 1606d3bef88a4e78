//! Which argument of `rds` belongs to which command. Nothing here talks to AWS.

use rplay_module_api::{Failure, Json, Map};

pub struct Command {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub allowed: &'static [&'static str],
}

pub const COMMANDS: &[Command] = &[
    Command {
        name: "create",
        required: &["instance_name", "db_engine", "size", "instance_type", "username", "password"],
        allowed: &[
            "backup_retention",
            "backup_window",
            "character_set_name",
            "db_name",
            "engine_version",
            "iops",
            "license_model",
            "maint_window",
            "multi_zone",
            "option_group",
            "parameter_group",
            "port",
            "publicly_accessible",
            "security_groups",
            "subnet",
            "tags",
            "upgrade",
            "zone",
        ],
    },
    Command { name: "delete", required: &[], allowed: &["instance_name", "snapshot"] },
    Command { name: "facts", required: &[], allowed: &["instance_name", "snapshot"] },
    Command {
        name: "modify",
        required: &["instance_name"],
        allowed: &[
            "apply_immediately",
            "backup_retention",
            "backup_window",
            "db_name",
            "engine_version",
            "instance_type",
            "iops",
            "license_model",
            "maint_window",
            "multi_zone",
            "new_instance_name",
            "option_group",
            "parameter_group",
            "password",
            "security_groups",
            "size",
            "upgrade",
        ],
    },
    Command { name: "promote", required: &["instance_name"], allowed: &["backup_retention", "backup_window"] },
    Command { name: "reboot", required: &["instance_name"], allowed: &["force_failover"] },
    Command {
        name: "replicate",
        required: &["instance_name", "source_instance"],
        allowed: &["instance_type", "iops", "option_group", "port", "publicly_accessible", "tags", "upgrade", "zone"],
    },
    Command {
        name: "restore",
        required: &["instance_name", "snapshot"],
        allowed: &[
            "db_name",
            "instance_type",
            "iops",
            "license_model",
            "multi_zone",
            "option_group",
            "port",
            "publicly_accessible",
            "subnet",
            "tags",
            "upgrade",
            "zone",
        ],
    },
    Command { name: "snapshot", required: &["instance_name", "snapshot"], allowed: &["tags"] },
];

/// Arguments that belong to every command.
const COMMON: &[&str] = &["command", "vpc_security_groups", "wait", "wait_timeout"];

/// Arguments that old versions passed over silently where they mean nothing.
const PASSED_OVER: &[&str] =
    &["db_engine", "force_failover", "instance_name", "snapshot", "source_instance", "username"];

/// Checks the arguments of a command before anything is asked of AWS; returns those that have no effect.
pub fn check(command: &str, args: &Map<String, Json>) -> Result<Vec<String>, Failure> {
    let Some(command) = COMMANDS.iter().find(|known| known.name == command) else {
        return Err(Failure::new(format!("rds has no command {command}")));
    };
    let given = |name: &str| args.get(name).filter(|value| !value.is_null());
    let empty = |value: &Json| value.as_str() == Some("") || value == &Json::Bool(false);
    for required in command.required {
        if given(required).is_none_or(empty) {
            return Err(Failure::new(format!("Parameter {required} required for {} command", command.name)));
        }
    }
    let mut without_effect = Vec::new();
    for name in args.keys().map(String::as_str) {
        // The defaults of switches are always there; switched off, they never were a mistake.
        let Some(_) = given(name).filter(|value| !empty(value)) else {
            continue;
        };
        if [command.required, command.allowed, COMMON].iter().any(|list| list.contains(&name)) {
            continue;
        }
        if !PASSED_OVER.contains(&name) {
            return Err(Failure::new(format!("Parameter {name} is not valid for {} command", command.name)));
        }
        without_effect.push(name.to_owned());
    }
    Ok(without_effect)
}

/// The port a new database listens on unless told otherwise.
pub fn default_port(engine: &str) -> Option<i32> {
    match engine.to_ascii_lowercase().split('-').next().unwrap_or_default() {
        "mysql" | "mariadb" | "aurora" => Some(3306),
        "oracle" => Some(1521),
        "sqlserver" => Some(1433),
        "postgres" => Some(5432),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rplay_module_api::{Json, json};

    use super::{COMMANDS, check, default_port};

    fn checked(command: &str, args: Json) -> Result<Vec<String>, String> {
        check(command, args.as_object().unwrap()).map_err(|failure| failure.msg)
    }

    #[test]
    fn required_parameters_are_asked_for_by_name() {
        let create = json!({
            "instance_name": "db", "db_engine": "postgres", "size": "10", "instance_type": "db.t3.micro",
            "username": "u", "password": "p", "upgrade": false, "wait": null,
        });
        assert_eq!(checked("create", create.clone()), Ok(vec![]));
        for name in COMMANDS.iter().find(|command| command.name == "create").unwrap().required {
            for nothing in [json!(null), json!("")] {
                let mut lacking = create.clone();
                lacking[name] = nothing;
                assert_eq!(
                    checked("create", lacking).unwrap_err(),
                    format!("Parameter {name} required for create command")
                );
            }
        }
        assert_eq!(
            checked("replicate", json!({"instance_name": "r"})).unwrap_err(),
            "Parameter source_instance required for replicate command"
        );
    }

    #[test]
    fn parameters_of_other_commands_are_refused_unless_they_are_off() {
        let replicate = |extra: (&str, Json)| {
            let mut args = json!({"instance_name": "r", "source_instance": "db", "upgrade": false});
            args[extra.0] = extra.1;
            checked("replicate", args)
        };
        assert_eq!(replicate(("size", json!("10"))).unwrap_err(), "Parameter size is not valid for replicate command");
        assert_eq!(
            replicate(("apply_immediately", json!(true))).unwrap_err(),
            "Parameter apply_immediately is not valid for replicate command"
        );
        assert_eq!(replicate(("apply_immediately", json!(false))), Ok(vec![]));
        assert_eq!(replicate(("vpc_security_groups", json!(["sg-1"]))), Ok(vec![]));
        assert_eq!(replicate(("db_engine", json!("postgres"))), Ok(vec!["db_engine".to_owned()]));
    }

    #[test]
    fn ports_follow_the_engine() {
        let cases =
            [("MySQL", 3306), ("postgres", 5432), ("oracle-se1", 1521), ("sqlserver-web", 1433), ("aurora", 3306)];
        for (engine, port) in cases {
            assert_eq!(default_port(engine), Some(port), "{engine}");
        }
        assert_eq!(default_port("db2"), None);
    }
}
