//! What a name means: a plugin of any kind, under the name that a project uses for it, is found here and nowhere else.
//! Full names (`ansible.builtin.copy`), short ones, renamed and removed ones; what implements them is in the tables of
//! the parts above, one `Table` for each kind.

mod known;
mod missing;

use std::collections::HashMap;
use std::sync::Arc;

use known::Fact;

pub use missing::{Missing, Removed, not_in_python, not_there};

pub const BUILTIN: &str = "ansible.builtin";

/// Where Ansible looks for plugins that belong to no collection, before it takes its own of the same name.
pub const LEGACY: &str = "ansible.legacy.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Become,
    Cache,
    Callback,
    Connection,
    Filter,
    Inventory,
    Lookup,
    /// Modules and actions: what a task may name.
    Module,
    Strategy,
    Test,
    Vars,
}

impl Kind {
    pub const ALL: &[Kind] = &[
        Kind::Become,
        Kind::Cache,
        Kind::Callback,
        Kind::Connection,
        Kind::Filter,
        Kind::Inventory,
        Kind::Lookup,
        Kind::Module,
        Kind::Strategy,
        Kind::Test,
        Kind::Vars,
    ];

    fn section(self) -> &'static str {
        match self {
            Kind::Become => "become",
            Kind::Cache => "cache",
            Kind::Callback => "callback",
            Kind::Connection => "connection",
            Kind::Filter => "filter",
            Kind::Inventory => "inventory",
            Kind::Lookup => "lookup",
            Kind::Module => "module",
            Kind::Strategy => "strategy",
            Kind::Test => "test",
            Kind::Vars => "vars",
        }
    }

    /// As messages call it.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Become => "become method",
            Kind::Cache => "cache plugin",
            Kind::Callback => "callback",
            Kind::Connection => "connection plugin",
            Kind::Filter => "filter",
            Kind::Inventory => "inventory plugin",
            Kind::Lookup => "lookup",
            Kind::Module => "module",
            Kind::Strategy => "strategy",
            Kind::Test => "test",
            Kind::Vars => "vars plugin",
        }
    }
}

/// Where a name is written, as far as it decides about what the name means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Collections that are searched for short names before `ansible.builtin`, in this order.
    pub collections: &'a [String],
}

/// What implements a name.
#[derive(Debug)]
pub enum Plugin<T: 'static> {
    /// A row of a table of rplay.
    Native(&'static T),
    /// Ansible or a well-known collection has it, rplay does not have it yet. A task that is skipped need not know.
    Known,
    /// Python has it, under this name.
    Foreign(&'static str),
}

impl<T> Clone for Plugin<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plugin<T> {}

/// A name that was found.
#[derive(Clone, Debug)]
pub struct Found<T: 'static> {
    /// `namespace.collection.name`, after all renamings.
    pub full_name: Arc<str>,
    pub plugin: Plugin<T>,
}

impl<T> Found<T> {
    /// Nothing here implements it.
    pub fn is_only_known(&self) -> bool {
        matches!(self.plugin, Plugin::Known)
    }

    pub fn native(&self) -> Option<&'static T> {
        match self.plugin {
            Plugin::Native(row) => Some(row),
            Plugin::Known | Plugin::Foreign(_) => None,
        }
    }
}

/// What rplay implements of one kind.
pub struct Table<T: 'static> {
    kind: Kind,
    /// By full name.
    rows: HashMap<String, &'static T>,
    /// Short names of what comes from Jinja2 and not from a plugin of Ansible, so that `ansible.legacy` does not have it.
    of_jinja: &'static [&'static str],
}

impl<T> Table<T> {
    /// Rows with their names; what is no full name is in `ansible.builtin`.
    pub fn new<'a>(kind: Kind, rows: impl IntoIterator<Item = (&'a str, &'static T)>) -> Self {
        let rows = rows.into_iter().map(|(name, row)| (full_name(name), row)).collect();
        Self { kind, rows, of_jinja: &[] }
    }

    pub fn of_jinja(self, of_jinja: &'static [&'static str]) -> Self {
        Self { of_jinja, ..self }
    }

    /// What a name means where it is written.
    pub fn resolve(&self, name: &str, scope: &Scope) -> Result<Found<T>, Missing> {
        if let Some(rest) = name.strip_prefix(LEGACY) {
            if self.of_jinja.contains(&rest) {
                return Err(self.unknown(name));
            }
            return self.follow(&format!("{BUILTIN}.{rest}")).unwrap_or_else(|| Err(self.unknown(name)));
        }
        if is_full(name) {
            return self.follow(name).unwrap_or_else(|| Err(self.unknown(name)));
        }
        let searched = scope.collections.iter().map(String::as_str).chain([BUILTIN]);
        let mut found = searched.filter(|_| !name.contains('.')).filter_map(|it| self.follow(&format!("{it}.{name}")));
        found.next().unwrap_or_else(|| Err(self.unknown(name)))
    }

    /// The row of a full name, without a look at renamings.
    pub fn row(&self, full_name: &str) -> Option<&'static T> {
        self.rows.get(full_name).copied()
    }

    /// Follows a full name through renamings; none when nobody knows it.
    fn follow(&self, full_name: &str) -> Option<Result<Found<T>, Missing>> {
        let mut name = full_name.to_owned();
        // A circle of renamings would be a mistake of the list of names, not of the project.
        for _ in 0..8 {
            if let Some(row) = self.row(&name) {
                return Some(Ok(Found { full_name: name.into(), plugin: Plugin::Native(row) }));
            }
            let (collection, short) = split(&name)?;
            match known::find(self.kind, collection, short) {
                Some(Fact::Renamed(to)) => name = renamed(to, short),
                Some(Fact::Removed(fact)) => {
                    return Some(Err(Missing::Removed(Removed::new(self.kind, &name, collection, fact))));
                }
                Some(Fact::Plugin) => return Some(Ok(Found { full_name: name.into(), plugin: Plugin::Known })),
                // Renamed into a collection that is not in the community package any more, but may be installed.
                None if name != full_name => return Some(Ok(Found { full_name: name.into(), plugin: Plugin::Known })),
                None => return None,
            }
        }
        None
    }

    fn unknown(&self, name: &str) -> Missing {
        Missing::Unknown { near: self.near(name) }
    }

    /// The name that a misspelled one may mean: what rplay has goes before what it only knows of.
    pub fn near(&self, name: &str) -> Option<String> {
        let ours = self.rows.keys().map(|row| row.strip_prefix("ansible.builtin.").unwrap_or(row));
        let (collection, short) = split(name).unwrap_or((BUILTIN, name));
        if let Some(row) = self.rows.keys().filter(|row| split(row).is_some_and(|(_, known)| known == short)).min() {
            return Some(row.clone());
        }
        if let Some(elsewhere) = known::collection_of(self.kind, short) {
            return Some(format!("{elsewhere}.{short}"));
        }
        let ours = closest(name, ours.chain(self.rows.keys().map(|row| split(row).map_or("", |(_, short)| short))));
        if let Some(near) = ours {
            return Some(near.to_owned());
        }
        let near = closest(short, known::names(self.kind, collection))?;
        Some(if is_full(name) { format!("{collection}.{near}") } else { near.to_owned() })
    }
}

fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut names: Vec<&str> = names.filter(|known| *known != name).collect();
    names.sort_unstable();
    crate::error::closest(name, names)
}

/// Whether a name says its collection.
pub fn is_full(name: &str) -> bool {
    split(name).is_some()
}

/// Collection and name of a full name.
pub fn split(full_name: &str) -> Option<(&str, &str)> {
    let (at, _) = full_name.match_indices('.').nth(1)?;
    let (collection, name) = (&full_name[..at], &full_name[at + 1..]);
    (!name.is_empty()).then_some((collection, name))
}

/// Whether `name` is one of the names of a plugin of `ansible.builtin`.
pub fn is_builtin(name: &str, short: &str) -> bool {
    let bare = name.strip_prefix(LEGACY).or_else(|| name.strip_prefix(BUILTIN)?.strip_prefix('.'));
    bare.unwrap_or(name) == short
}

/// The last part of a full name; other names as they are.
pub fn short(name: &str) -> &str {
    split(name).map_or(name, |(_, short)| short)
}

fn full_name(name: &str) -> String {
    if is_full(name) { name.to_owned() } else { format!("{BUILTIN}.{name}") }
}

fn renamed(to: &str, short: &str) -> String {
    if is_full(to) { to.to_owned() } else { format!("{to}.{short}") }
}

/// The full name of a plugin that moved from Ansible into a collection under its own name; in `collection` if it never
/// was Ansible's.
pub fn home(kind: Kind, short: &str, collection: &str) -> String {
    match known::find(kind, BUILTIN, short) {
        Some(Fact::Renamed(to)) => renamed(to, short),
        Some(Fact::Plugin) => full_name(short),
        Some(Fact::Removed(_)) | None => format!("{collection}.{short}"),
    }
}

#[cfg(test)]
mod tests;
