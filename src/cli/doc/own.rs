//! What rplay itself has, from its tables.

use indexmap::IndexMap;
use rplay_module_api::{Arg, Kind as ArgKind, Return, Spec};
use serde_json::{Map, Value as Json, json};

use super::Document;
use crate::actions::table::ACTIONS;
use crate::callback::table::CALLBACKS;
use crate::catalog::{BUILTIN, Kind, home};
use crate::modules;
use crate::playbook::keywords::{KEYWORDS, Place, Rendered, Type};
use crate::template::engine::arguments::Parameters;
use crate::template::filters::table::FILTERS;
use crate::template::lookups::table::LOOKUPS;
use crate::template::tests::table::TESTS;

/// Plugins that are part of rplay without a table, each with a sentence.
const OTHERS: &[(&str, &[(&str, &str)])] = &[
    (
        "become",
        &[
            ("ansible.builtin.su", "Substitute User"),
            ("ansible.builtin.sudo", "Substitute User DO"),
            ("community.general.doas", "Do As user"),
        ],
    ),
    (
        "cache",
        &[
            ("ansible.builtin.jsonfile", "Facts are kept in files of JSON"),
            ("ansible.builtin.memory", "Facts are kept as long as the run"),
            ("community.general.yaml", "Facts are kept in files of YAML"),
        ],
    ),
    (
        "connection",
        &[("ansible.builtin.local", "The controller itself"), ("ansible.builtin.ssh", "Hosts are reached by SSH")],
    ),
    (
        "inventory",
        &[
            ("ansible.builtin.advanced_host_list", "Hosts and ranges of hosts, separated by commas"),
            ("ansible.builtin.auto", "The plugin that a file of YAML names"),
            ("ansible.builtin.constructed", "Groups and variables made by expressions"),
            ("ansible.builtin.generator", "Hosts and groups made of layers of values"),
            ("ansible.builtin.host_list", "Hosts separated by commas"),
            ("ansible.builtin.ini", "Files of sections, as /etc/ansible/hosts"),
            ("ansible.builtin.script", "What a program prints as JSON"),
            ("ansible.builtin.toml", "Files of TOML"),
            ("ansible.builtin.yaml", "Files of YAML"),
        ],
    ),
    (
        "strategy",
        &[
            ("ansible.builtin.debug", "As linear, with the debugger"),
            ("ansible.builtin.free", "Each host goes on by itself"),
            ("ansible.builtin.host_pinned", "As free, with as many hosts at a time as there are forks"),
            ("ansible.builtin.linear", "All hosts do a task before the next one"),
        ],
    ),
    ("shell", &[("ansible.builtin.sh", "A POSIX shell")]),
    ("vars", &[("ansible.builtin.host_group_vars", "Files of group_vars and host_vars")]),
];

pub fn all(kind: &str) -> Vec<Document> {
    match kind {
        "module" => {
            let modules = modules::all();
            let mut found: IndexMap<String, Document> =
                modules.iter().map(|(name, module)| (name.clone(), of_spec(name, module.spec(), false))).collect();
            for action in ACTIONS {
                let name = home(Kind::Module, action.name, BUILTIN);
                found.insert(name.clone(), of_spec(&name, action.spec, true));
            }
            found.into_values().collect()
        }
        "filter" => {
            let rows = FILTERS.iter().map(|filter| (home(Kind::Filter, filter.name, BUILTIN), &filter.parameters));
            rows.map(|(name, parameters)| of_parameters(&name, "filter", parameters)).collect()
        }
        "test" => {
            let rows = TESTS.iter().map(|test| (home(Kind::Test, test.name, BUILTIN), &test.parameters));
            rows.map(|(name, parameters)| of_parameters(&name, "test", parameters)).collect()
        }
        "lookup" => LOOKUPS
            .iter()
            .map(|lookup| {
                let options = lookup.options.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
                plain(&home(Kind::Lookup, lookup.name, BUILTIN), "lookup", None, options)
            })
            .collect(),
        "callback" => {
            let names = CALLBACKS.iter().map(|row| home(Kind::Callback, row.name, BUILTIN));
            names.map(|name| plain(&name, "callback", None, Map::new())).collect()
        }
        kind => OTHERS
            .iter()
            .filter(|(other, _)| *other == kind)
            .flat_map(|(_, plugins)| plugins.iter())
            .map(|(name, summary)| plain(name, kind, Some(summary), Map::new()))
            .collect(),
    }
}

/// A plugin by its full name, or by its short one if it is Ansible's own or the only one.
pub fn find(kind: &str, name: &str) -> Option<Document> {
    let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    let mut found = all(kind);
    let is = |wanted: String| move |document: &Document| document.full_name == wanted;
    let at = found.iter().position(is(name.to_owned())).or_else(|| {
        let builtin = found.iter().position(is(format!("{BUILTIN}.{name}")));
        builtin.or_else(|| found.iter().position(|document| document.full_name.rsplit('.').next() == Some(name)))
    })?;
    Some(found.swap_remove(at))
}

fn collection(full_name: &str) -> String {
    full_name.rsplit_once('.').map_or(BUILTIN, |(collection, _)| collection).to_owned()
}

fn plain(full_name: &str, kind: &str, summary: Option<&str>, options: Map<String, Json>) -> Document {
    let mut doc = Map::new();
    doc.insert("collection".to_owned(), Json::from(collection(full_name)));
    if let Some(summary) = summary {
        doc.insert("description".to_owned(), json!([summary]));
        doc.insert("short_description".to_owned(), Json::from(summary));
    } else {
        let short = full_name.rsplit('.').next().unwrap_or(full_name);
        doc.insert("short_description".to_owned(), Json::from(format!("The {kind} {short}")));
    }
    doc.insert("name".to_owned(), Json::from(full_name.rsplit('.').next().unwrap_or(full_name)));
    doc.insert("options".to_owned(), Json::Object(options));
    doc.insert("plugin_name".to_owned(), Json::from(full_name));
    Document { full_name: full_name.to_owned(), doc, ..Document::default() }
}

fn of_parameters(full_name: &str, kind: &str, parameters: &Parameters) -> Document {
    let mut options = Map::new();
    let mut positional = Vec::new();
    for (number, name) in parameters.names.iter().enumerate() {
        // A rest of positional or of named arguments.
        if name.starts_with('*') {
            continue;
        }
        let name = if number == 0 { "_input" } else { name };
        positional.push(name);
        options.insert(name.to_owned(), json!({"required": number < parameters.required}));
    }
    let mut document = plain(full_name, kind, None, options);
    document.doc.insert("positional".to_owned(), Json::from(positional.join(", ")));
    document
}

fn of_spec(full_name: &str, spec: &Spec, has_action: bool) -> Document {
    let options: Map<String, Json> = spec.all_args().filter(|arg| !arg.internal).map(option).collect();
    let short = full_name.rsplit('.').next().unwrap_or(full_name);
    let mut doc = Map::new();
    let support = |yes: bool| if yes { "full" } else { "none" };
    doc.insert("attributes".to_owned(), json!({"check_mode": {"support": support(spec.check_mode)}}));
    doc.insert("collection".to_owned(), Json::from(collection(full_name)));
    doc.insert("description".to_owned(), json!([spec.summary]));
    doc.insert("has_action".to_owned(), Json::from(has_action));
    doc.insert("module".to_owned(), Json::from(short));
    doc.insert("options".to_owned(), Json::Object(options));
    doc.insert("plugin_name".to_owned(), Json::from(full_name));
    doc.insert("short_description".to_owned(), Json::from(spec.summary.trim_end_matches('.')));
    let returns: Map<String, Json> = spec.returns.iter().map(returned).collect();
    let returns = if returns.is_empty() { Json::Null } else { Json::Object(returns) };
    Document { full_name: full_name.to_owned(), doc, examples: spec.example.to_owned(), returns, file: None }
}

fn kind_name(kind: ArgKind) -> Json {
    serde_json::to_value(kind).unwrap_or_default()
}

fn option(arg: &Arg) -> (String, Json) {
    let mut out = Map::new();
    out.insert("description".to_owned(), json!([arg.summary]));
    out.insert("type".to_owned(), kind_name(arg.kind));
    if arg.required {
        out.insert("required".to_owned(), Json::from(true));
    }
    if let Some(default) = arg.default {
        let typed = match arg.kind {
            ArgKind::Int | ArgKind::Float => serde_json::from_str(default).unwrap_or_else(|_| Json::from(default)),
            ArgKind::Bool => crate::config::parse_bool(default).map_or_else(|| Json::from(default), Json::from),
            _ => Json::from(default),
        };
        out.insert("default".to_owned(), typed);
    }
    if let Some(elements) = arg.elements {
        out.insert("elements".to_owned(), kind_name(elements));
    }
    if !arg.choices.is_empty() {
        out.insert("choices".to_owned(), json!(arg.choices));
    }
    if !arg.aliases.is_empty() {
        out.insert("aliases".to_owned(), json!(arg.aliases));
    }
    if !arg.options.is_empty() {
        out.insert("suboptions".to_owned(), Json::Object(arg.options.iter().map(option).collect()));
    }
    (arg.name.to_owned(), Json::Object(out))
}

fn returned(value: &Return) -> (String, Json) {
    let out = json!({"description": [value.summary], "returned": value.when, "type": kind_name(value.kind)});
    (value.name.to_owned(), out)
}

/// Keywords of playbooks, sorted, as `ansible-doc -t keyword` describes them.
pub fn keywords() -> IndexMap<String, Json> {
    let places = [
        (Place::Play, "Play"),
        (Place::Role, "Role"),
        (Place::Block, "Block"),
        (Place::Task, "Task"),
        (Place::Handler, "Handler"),
    ];
    let of_row = |row: &crate::playbook::keywords::Row| {
        let at: Vec<&str> = places.iter().filter(|(place, _)| row.is_at(*place)).map(|(_, name)| *name).collect();
        let kind = match row.kind {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::Text => "string",
            Type::List | Type::Tasks | Type::Condition => "list",
            Type::Dict => "dict",
        };
        let template = match row.rendered {
            Rendered::Never => "static",
            Rendered::Play | Rendered::Host => "explicit",
        };
        let doc = json!({"applies_to": at, "description": row.doc, "template": template, "type": kind});
        (row.name.to_owned(), doc)
    };
    KEYWORDS.iter().map(of_row).collect()
}
