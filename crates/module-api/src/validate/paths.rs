//! `~` and `$VAR` in path arguments. Done where the module runs, because they mean that machine's user and environment.

use serde_json::{Map, Value};

use crate::{Arg, Kind, Spec};

/// Expands every path argument. `home` answers the home directory of a user, of the present one if none is named.
pub fn expand_paths(
    spec: &Spec,
    args: &mut Map<String, Value>,
    variable: &dyn Fn(&str) -> Option<String>,
    home: &dyn Fn(Option<&str>) -> Option<String>,
) {
    let known: Vec<_> = spec.all_args().collect();
    expand_level(&known, args, &|path| expand_path(path, variable, home));
}

fn expand_level(known: &[&'static Arg], args: &mut Map<String, Value>, expand: &dyn Fn(&str) -> String) {
    for arg in known {
        let Some(value) = args.get_mut(arg.name) else { continue };
        let is_path = arg.kind == Kind::Path || arg.elements == Some(Kind::Path);
        let inner: Vec<_> = arg.options.iter().collect();
        let items = match value {
            Value::Array(items) => items.as_mut_slice(),
            single => std::slice::from_mut(single),
        };
        for item in items {
            match item {
                Value::String(text) if is_path => *text = expand(text),
                Value::Object(map) if !inner.is_empty() => expand_level(&inner, map, expand),
                _ => {}
            }
        }
    }
}

/// Expands one path.
pub fn expand_path(
    path: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    home: &dyn Fn(Option<&str>) -> Option<String>,
) -> String {
    let path = expand_variables(path, variable);
    let Some(rest) = path.strip_prefix('~') else { return path };
    let (user, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match home(Some(user).filter(|it| !it.is_empty())) {
        Some(directory) => {
            let joined = format!("{}{below}", directory.trim_end_matches('/'));
            if joined.is_empty() { "/".into() } else { joined }
        }
        None => path,
    }
}

/// Replaces `$NAME` and `${NAME}`; unknown variables stay as they are written.
fn expand_variables(path: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, end) = match after.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some((name, end)) => (name, end),
            None => {
                after.split_at(after.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(after.len()))
            }
        };
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(after.get(..after.len() - end.len()).unwrap_or_default());
            }
        }
        rest = end;
    }
    out + rest
}
