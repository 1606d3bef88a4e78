//! `rplay doc`: rplay's own tables, and what installed collections say of themselves.

use crate::commands::{linked, run_as};
use crate::project::{Ended, Project};

const MODULE: &str = r#"#!/usr/bin/python
DOCUMENTATION = r"""
module: thing
short_description: Manage a thing
description:
  - Makes a thing as O(name) says, see M(ansible.builtin.copy).
extends_documentation_fragment:
  - acme.tools.common
options:
  name:
    description: Its name.
    type: str
    required: true
"""
EXAMPLES = r"""
- acme.tools.thing:
    name: x
"""
RETURN = r"""
size:
  description: How large it is.
  returned: always
  type: int
"""
raise SystemExit("nobody runs this")
"#;

const FRAGMENT: &str = "class ModuleDocFragment(object):\n    DOCUMENTATION = r'''\noptions:\n  force:\n    description: Even so.\n    \
                        type: bool\n    default: false\n'''\n";

const SPECS: &str = "argument_specs:\n  main:\n    short_description: The web server\n    options:\n      port:\n        type: int\n        \
                     description: Where it listens.\n        required: true\n";

fn project() -> Project {
    let collection = "collections/ansible_collections/acme/tools";
    linked(
        Project::new()
            .file(&format!("{collection}/plugins/modules/thing.py"), MODULE)
            .file(&format!("{collection}/plugins/doc_fragments/common.py"), FRAGMENT)
            .file(
                &format!("{collection}/plugins/filter/up.yml"),
                "DOCUMENTATION:\n  name: up\n  short_description: Upwards\n",
            )
            .file("roles/web/meta/argument_specs.yml", SPECS),
    )
}

fn doc(project: &Project, arguments: &[&str]) -> Ended {
    run_as(project, "ansible-doc", arguments, "")
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|err| panic!("{err}: {}{}", ended.stdout, ended.stderr))
}

#[test]
fn a_module_of_rplay_is_described() {
    let project = project();
    let ping = doc(&project, &["ping"]).stdout;
    assert!(ping.starts_with("> MODULE ansible.builtin.ping (compiled in)\n"), "{ping}");
    assert!(ping.contains("OPTIONS (= indicates it is required):") && ping.contains("default: pong"), "{ping}");
    let described = json(&doc(&project, &["-j", "ansible.builtin.copy"]));
    let options = &described["ansible.builtin.copy"]["doc"]["options"];
    assert_eq!(options["dest"]["required"], true);
    assert_eq!(options["dest"]["type"], "path");
    let snippet = doc(&project, &["-s", "ping"]).stdout;
    assert!(snippet.starts_with("- name: ") && snippet.contains("\n  ping:\n      data:"), "{snippet}");
    let unknown = doc(&project, &["coppy"]);
    assert_eq!((unknown.status, unknown.stdout.as_str()), (0, ""));
    assert!(unknown.stderr.contains("module coppy not found Did you mean 'copy'?"), "{}", unknown.stderr);
}

#[test]
fn an_installed_collection_describes_itself() {
    let project = project();
    let thing = doc(&project, &["acme.tools.thing"]).stdout;
    assert!(thing.contains("Makes a thing as `name' says, see ansible.builtin.copy."), "{thing}");
    assert!(thing.contains(" = name") && thing.contains("force") && thing.contains("default: false"), "{thing}");
    assert!(thing.contains("EXAMPLES:\n- acme.tools.thing:\n") && thing.contains("RETURN VALUES:"), "{thing}");
    let listed = json(&doc(&project, &["-l", "-j", "acme.tools"]));
    assert_eq!(listed, serde_json::json!({"acme.tools.thing": "Manage a thing"}));
    let filters = json(&doc(&project, &["-t", "filter", "-l", "-j"]));
    assert_eq!(filters["acme.tools.up"], "Upwards");
    assert!(filters.get("ansible.builtin.combine").is_some());
    let files = doc(&project, &["-F", "acme.tools"]).stdout;
    assert!(files.starts_with("acme.tools.thing <cwd>/collections/"), "{files}");
}

#[test]
fn keywords_and_roles_are_described() {
    let project = project();
    let hosts = doc(&project, &["-t", "keyword", "hosts"]).stdout;
    assert!(hosts.starts_with("hosts:\n  applies_to:\n  - Play\n  description: "), "{hosts}");
    let wrong = doc(&project, &["-t", "keyword", "becom"]);
    assert!(
        wrong.stderr.contains("Skipping Invalid keyword 'becom' specified. Did you mean 'become'?"),
        "{}",
        wrong.stderr
    );
    let roles = json(&doc(&project, &["-t", "role", "-l", "-j"]));
    assert_eq!(roles["web"]["entry_points"]["main"], "The web server");
    let web = doc(&project, &["-t", "role", "web"]).stdout;
    assert!(web.contains("ENTRY POINT: main - The web server") && web.contains(" = port"), "{web}");
}

/// What ansible-lint asks at its start.
#[test]
fn every_type_is_listed_as_json() {
    let project = project();
    for kind in [
        "become",
        "cache",
        "callback",
        "cliconf",
        "connection",
        "httpapi",
        "inventory",
        "lookup",
        "netconf",
        "shell",
        "vars",
        "module",
        "strategy",
        "test",
        "filter",
        "role",
        "keyword",
    ] {
        let listed = doc(&project, &["--json", "-l", "-t", kind]);
        assert_eq!(listed.status, 0, "{kind}: {}", listed.stderr);
        assert!(json(&listed).is_object(), "{kind}");
    }
    let everything = json(&doc(&project, &["--metadata-dump"]));
    assert!(everything["all"]["module"]["ansible.builtin.copy"]["doc"].is_object());
}
