//! What a module calls facts: what becomes a variable decides nothing about connections, and nothing is lost without being told.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::actions::ActionResult;
use rplay::remote::result;
use rplay::value::{Dict, Value};
use rplay::vars::{HostVariables, UntrustedFacts, names};
use rplay_module_api::{Json, json};

/// A result whose facts have the names in these lines, each with the text after its `=`.
fn result_of_lines(text: &str) -> Vec<u8> {
    let facts = text.lines().map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), Json::from(value))
    });
    json!({"result": {"Ok": {"changed": false, "fields": {"ansible_facts": Json::Object(facts.collect())}}}, "warnings": []})
        .to_string()
        .into_bytes()
}

/// The names that any connection or become is made of; what facts must never set, whatever else they may.
fn decides(name: &str) -> bool {
    let name = name.strip_prefix("ansible_").unwrap_or_default();
    ["connection", "host", "port", "user", "password", "remote_tmp", "shell_type", "executable"].contains(&name)
        || ["become", "ssh_args", "ssh_common_args", "ssh_extra_args", "ssh_executable"].iter().any(|start| name == *start)
        || name.ends_with("_interpreter")
}

fn check(mut fields: Dict) {
    let Some(untrusted) = UntrustedFacts::of_result(&mut fields) else { return };
    let Some(Value::Dict(returned)) = fields.get("ansible_facts") else { return };
    let (facts, removed) = untrusted.clean();
    assert_eq!(returned.len(), facts.injected().len() + removed.len());
    let host = HostVariables::default();
    host.add_facts(&facts, true);
    drop(host.add_cacheable(returned));
    for (name, _) in host.layers().injected.iter() {
        let name = name.to_text();
        assert!(!names::is_restricted(&name) && !decides(&name), "{name}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let lines = std::str::from_utf8(bytes).map(result_of_lines).unwrap_or_default();
    for body in [bytes, &lines] {
        if let Ok(response) = result::read("setup", body) {
            check(ActionResult::from_module(response.result).fields);
        }
    }
});
