//! Every lookup by name.

use super::{Lookup, commands, csvfile, env, file, files, ini, inventory_hostnames, lists, password, url, vars};

pub static LOOKUPS: &[Lookup] = &[
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
