//! Arguments as written become arguments as the module uses them: aliases resolved, types converted, defaults filled in.
//! The texts are Ansible's, because they end up in task results.

mod convert;
mod level;
mod literal;
mod paths;
mod rules;
mod secrets;
#[cfg(test)]
mod tests;
mod written;

use serde_json::{Map, Value};

use crate::Spec;

pub use convert::convert;

pub use crate::python::{python_repr, python_str, python_type};
pub(crate) use level::default_value;
pub use paths::{expand_path, expand_paths};
pub use secrets::{WHOLE, hide, is_secret, secret_values, without};
pub use written::{Written, check_written};

/// What is wrong with one task's arguments, in Ansible's wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The argument as the user wrote it; none when it is the whole that is wrong.
    pub arg: Option<String>,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    fn whole(message: String) -> Self {
        Self { arg: None, message, hint: None }
    }

    fn of(arg: &str, message: String) -> Self {
        Self { arg: Some(arg.to_owned()), message, hint: None }
    }
}

/// Converts rendered arguments; stops at the first problem, as Ansible does.
///
/// Optional arguments that are absent or null are left out of the result. Paths are not expanded: that needs the
/// machine where the module runs, see [`expand_paths`].
pub fn validate(spec: &Spec, args: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let mut known = Vec::new();
    let mut internal = Vec::new();
    for arg in spec.all_args() {
        if arg.internal { internal.push(arg) } else { known.push(arg) }
    }
    let mut unknown = Vec::new();
    let mut validated = level::check(&known, spec.rules, args, &[], &mut unknown)?;
    unknown.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(first) = unknown.first() {
        return Err(unsupported(spec, &known, first, &unknown));
    }
    for arg in internal {
        if let Some(value) = level::default_value(arg)? {
            validated.insert(arg.name.to_owned(), value);
        }
    }
    Ok(validated)
}

/// What Ansible warns of when an argument is given twice under two of its names; the alias wins.
pub fn alias_warnings(spec: &Spec, args: &Map<String, Value>) -> Vec<String> {
    spec.all_args()
        .filter(|arg| args.contains_key(arg.name))
        .flat_map(|arg| arg.aliases.iter().map(move |alias| (arg, alias)))
        .filter(|(_, alias)| args.contains_key(**alias))
        .map(|(arg, alias)| format!("Both option {} and its alias {alias} are set.", arg.name))
        .collect()
}

fn unsupported(spec: &Spec, known: &[&'static crate::Arg], first: &level::Unknown, all: &[level::Unknown]) -> Problem {
    let names = all.iter().map(|it| it.path.as_str()).collect::<Vec<_>>().join(", ");
    let supported = all
        .iter()
        .find(|it| !it.path.contains('.'))
        .map_or_else(|| level::supported(&first.known), |_| level::supported(known));
    Problem {
        arg: Some(first.written.clone()),
        message: format!(
            "Unsupported parameters for ({}) module: {names}. Supported parameters include: {supported}.",
            spec.name
        ),
        hint: first.hint(),
    }
}
