//! Environment variables and home directories as the task sees them.

use std::collections::BTreeMap;
use std::fs;

type Environment = BTreeMap<String, String>;

pub fn variable(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).cloned().or_else(|| std::env::var(name).ok())
}

/// The home directory of `user`, or of the present one.
pub fn directory(environment: &Environment, user: Option<&str>) -> Option<String> {
    match user {
        Some(user) => passwd_home(|name, _| name == user),
        None => variable(environment, "HOME").or_else(|| {
            let uid = rustix::process::getuid().as_raw().to_string();
            passwd_home(|_, id| id == uid)
        }),
    }
}

fn passwd_home(wanted: impl Fn(&str, &str) -> bool) -> Option<String> {
    let passwd = fs::read("/etc/passwd").ok()?;
    String::from_utf8_lossy(&passwd).lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        match fields.as_slice() {
            [name, _, uid, _, _, home, ..] if wanted(name, uid) => Some((*home).to_owned()),
            _ => None,
        }
    })
}

/// `~` and `$VAR` in one word, as in a path argument.
pub fn expand(word: &str, environment: &Environment) -> String {
    rplay_module_api::validate::expand_path(word, &|name| variable(environment, name), &|user| {
        directory(environment, user)
    })
}
