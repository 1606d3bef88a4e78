//! Entries of the host's databases, as facts.

use rplay_module_api::{
    Command, Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::os_error;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(getent) };

const EXAMPLE: &str = r"- name: Know a user
  getent:
    database: passwd
    key: root
";

const RETURNS: &[Return] =
    &[Return::new("ansible_facts", Kind::Dict, "success", "`getent_DATABASE`: the fields of each entry.")];

const NOT_FOUND: &str = "One or more supplied key could not be found in the database.";

/// Read entries of passwd, group, hosts and the like.
#[derive(ModuleArgs)]
#[module(name = "getent")]
struct Args {
    /// The database.
    database: String,
    /// The entry; all of them if not given.
    key: Option<String>,
    /// Ask this source only.
    service: Option<String>,
    /// What stands between the fields.
    split: Option<String>,
    /// Fail if there is no such entry.
    #[arg(default = "yes")]
    fail_key: bool,
}

fn getent(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let mut command = Command::new(["getent"]);
    if let Some(service) = &args.service {
        command = command.arg("-s").arg(service);
    }
    command = command.arg(&args.database);
    if let Some(key) = &args.key {
        command = command.arg(key);
    }
    let output = ctx.command(&command).map_err(|err| Failure::new(format!("getent: {}", os_error::numbered(&err))))?;
    let fact = format!("getent_{}", args.database);
    match output.rc {
        0 => {
            let colons = matches!(args.database.as_str(), "passwd" | "shadow" | "group" | "gshadow");
            let separator = args.split.clone().or_else(|| colons.then(|| ":".to_owned()));
            Ok(facts(&fact, entries(&output.stdout_text(), separator.as_deref())))
        }
        1 => Err(Failure::new("Missing arguments, or database unknown.")),
        2 if !args.fail_key => {
            let missing: Map<String, Json> = args.key.into_iter().map(|key| (key, Json::Null)).collect();
            Ok(facts(&fact, missing).with("msg", NOT_FOUND))
        }
        2 => Err(Failure::new(NOT_FOUND)),
        3 => Err(Failure::new("Enumeration not supported on this database.")),
        _ => Err(Failure::new("Unexpected failure!")),
    }
}

fn facts(name: &str, entries: Map<String, Json>) -> Outcome {
    let mut facts = Map::new();
    facts.insert(name.to_owned(), entries.into());
    Outcome::changed(false).with("ansible_facts", facts)
}

/// The first field is the key. A key that comes again keeps all of its entries.
fn entries(text: &str, separator: Option<&str>) -> Map<String, Json> {
    let mut found: Map<String, Json> = Map::new();
    for line in text.lines() {
        let mut fields: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        if fields.is_empty() {
            continue;
        }
        let key = fields.remove(0).to_owned();
        let value = Json::from(fields);
        match found.get_mut(&key) {
            None => {
                found.insert(key, value);
            }
            Some(Json::Array(several)) if several.first().is_some_and(Json::is_array) => several.push(value),
            Some(first) => *first = vec![first.take(), value].into(),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rplay_module_api::{Json, json};

    use super::MODULE;
    use crate::support::testing;

    fn check(args: Json, script: &[(&str, i32, &str)], expected: &Json) {
        testing::check(&MODULE, args, script, expected);
    }

    #[test]
    fn databases() {
        check(
            json!({"database": "passwd", "key": "root"}),
            &[("getent passwd root", 0, "root:x:0:0:root:/root:/bin/bash\n")],
            &json!({"changed": false, "ansible_facts": {"getent_passwd": {"root": ["x", "0", "0", "root", "/root", "/bin/bash"]}}}),
        );
        check(
            json!({"database": "hosts", "service": "files"}),
            &[("getent -s files hosts", 0, "127.0.0.1  localhost\n127.0.0.1  me\n::1 localhost\n")],
            &json!({"ansible_facts": {"getent_hosts": {"127.0.0.1": [["localhost"], ["me"]], "::1": ["localhost"]}}}),
        );
        check(
            json!({"database": "group", "key": "x", "fail_key": false}),
            &[("getent group x", 2, "")],
            &json!({"ansible_facts": {"getent_group": {"x": null}}}),
        );
        check(
            json!({"database": "group", "key": "x"}),
            &[("getent group x", 2, "")],
            &json!({"failed": true, "msg": "One or more supplied key could not be found in the database."}),
        );
    }
}
