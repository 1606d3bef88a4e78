//! What is said about a name that leads nowhere.

use super::{BUILTIN, Kind};

/// A name that can't be used, whatever the task's condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nobody knows it. `near` is what it may have been meant to be.
    Unknown {
        near: Option<String>,
    },
    Removed(Removed),
}

/// A plugin that its collection does not have any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub full_name: String,
    message: String,
    /// The full name of what there is instead.
    pub instead: Option<String>,
}

impl Removed {
    pub(super) fn new(kind: Kind, full_name: &str, collection: &str, fact: &str) -> Self {
        let (when, instead) = fact.split_once(' ').map_or((fact, None), |(when, instead)| (when, Some(instead)));
        let owner =
            if collection == BUILTIN { "ansible-core".to_owned() } else { format!("collection '{collection}'") };
        // A version has dots, a date has hyphens.
        let since = if when.contains('-') { format!("in a release after {when}") } else { format!("version {when}") };
        let message = format!(
            "The '{full_name}' {} has been removed. This feature was removed from {owner} {since}.",
            kind.title()
        );
        Self { full_name: full_name.to_owned(), message, instead: instead.map(str::to_owned) }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn hint(&self) -> Option<String> {
        self.instead.as_ref().map(|instead| format!("use `{instead}`"))
    }
}

/// The message for a name that is known and has no implementation here.
pub fn not_there(kind: Kind, full_name: &str) -> String {
    format!("the {} '{full_name}' is known, but not there in rplay yet", kind.title())
}

/// The message for a name that rplay does not implement and that Python can not stand in for.
pub fn not_in_python(kind: Kind, full_name: &str, why: impl std::fmt::Display) -> String {
    format!("the {} '{full_name}' is not part of rplay, and can not be run in Python: {why}", kind.title())
}
