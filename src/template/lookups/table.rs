//! Every lookup by name.

use super::{
    Lookup, collection_version, commands, csvfile, dependent, env, file, files, filetree, ini, inventory_hostnames,
    lists, merge_variables, password, random_string, url, vars,
};

pub static LOOKUPS: &[Lookup] = &[
    Lookup { name: "cartesian", options: &[], run: lists::cartesian },
    Lookup {
        name: "community.general.collection_version",
        options: &["result_not_found", "result_no_version"],
        run: collection_version::run,
    },
    Lookup { name: "community.general.dependent", options: &[], run: dependent::run },
    Lookup {
        name: "community.general.merge_variables",
        options: &["pattern_type", "initial_value", "override", "groups"],
        run: merge_variables::run,
    },
    Lookup { name: "community.general.random_string", options: random_string::OPTIONS, run: random_string::run },
    Lookup { name: "config", options: &["on_missing", "plugin_type", "plugin_name"], run: lists::config },
    Lookup {
        name: "csvfile",
        options: &["col", "keycol", "default", "delimiter", "file", "encoding"],
        run: csvfile::run,
    },
    Lookup { name: "dict", options: &[], run: lists::dict },
    Lookup { name: "env", options: &["default"], run: env::run },
    Lookup { name: "file", options: &["lstrip", "rstrip"], run: file::run },
    Lookup { name: "fileglob", options: &[], run: files::fileglob },
    Lookup { name: "filetree", options: &[], run: filetree::run },
    Lookup { name: "first_found", options: &["files", "paths", "skip"], run: files::first_found },
    Lookup { name: "flattened", options: &[], run: lists::flattened_lookup },
    Lookup { name: "indexed_items", options: &[], run: lists::indexed_items },
    Lookup {
        name: "ini",
        options: &["type", "file", "section", "re", "encoding", "default", "case_sensitive", "allow_no_value"],
        run: ini::run,
    },
    Lookup { name: "inventory_hostnames", options: &[], run: inventory_hostnames::run },
    Lookup { name: "items", options: &[], run: lists::items },
    Lookup { name: "lines", options: &[], run: commands::lines },
    Lookup { name: "list", options: &[], run: lists::list },
    Lookup { name: "nested", options: &[], run: lists::nested },
    Lookup { name: "password", options: &["length", "encrypt", "chars", "ident", "seed"], run: password::run },
    Lookup { name: "pipe", options: &[], run: commands::pipe },
    Lookup { name: "random_choice", options: &[], run: lists::random_choice },
    Lookup { name: "sequence", options: &["start", "end", "count", "stride", "format"], run: lists::sequence },
    Lookup { name: "subelements", options: &["skip_missing"], run: lists::subelements },
    Lookup { name: "template", options: &["template_vars"], run: files::template },
    Lookup { name: "together", options: &[], run: lists::together },
    Lookup { name: "undefined", options: &[], run: lists::undef },
    Lookup { name: "unvault", options: &[], run: files::unvault },
    Lookup { name: "url", options: url::OPTIONS, run: url::run },
    Lookup { name: "varnames", options: &[], run: lists::varnames },
    Lookup { name: "vars", options: &["default"], run: vars::run },
];
