//! The names that Ansible and the collections of its community package have, from `names.txt`: what a name was renamed
//! to, when it was removed, or only that there is such a plugin.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Kind;

static TEXT: &str = include_str!("names.txt");

/// What is known of a name besides that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Plugin,
    /// The collection, and the name there when it is another.
    Renamed(&'static str),
    Removed(&'static str),
}

/// The sections of the file: the lines below `[kind collection]`. No name has a bracket, and one character is found fast.
static SECTIONS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let sections = TEXT.split('[').filter_map(|section| section.split_once(']'));
    sections.map(|(title, lines)| (title, lines.trim_matches('\n'))).collect()
});

fn section(kind: Kind, collection: &str) -> Option<&'static str> {
    SECTIONS.get(format!("{} {collection}", kind.section()).as_str()).copied()
}

fn parts(line: &'static str) -> (&'static str, Fact) {
    match line.bytes().position(|byte| matches!(byte, b'>' | b'!')) {
        None => (line, Fact::Plugin),
        Some(at) => {
            let (name, fact) = line.split_at(at);
            let what = &fact[1..];
            (name, if fact.starts_with('>') { Fact::Renamed(what) } else { Fact::Removed(what) })
        }
    }
}

/// What is known of `collection.name`; none when there is no such plugin.
pub fn find(kind: Kind, collection: &str, name: &str) -> Option<Fact> {
    let text = section(kind, collection)?;
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = text.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = text.get(start..)?;
        let line = rest.split('\n').next().unwrap_or_default();
        let (found, fact) = parts(line);
        match found.cmp(name) {
            std::cmp::Ordering::Equal => return Some(fact),
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// The first collection that has a plugin of this name.
pub fn collection_of(kind: Kind, name: &str) -> Option<&'static str> {
    let of_kind = |title: &'static str| title.strip_prefix(kind.section())?.strip_prefix(' ');
    let collections = SECTIONS.keys().filter_map(|title| of_kind(title));
    collections.filter(|collection| find(kind, collection, name) == Some(Fact::Plugin)).min()
}

/// The names of a collection, without those that were removed.
pub fn names(kind: Kind, collection: &str) -> impl Iterator<Item = &'static str> {
    let lines = section(kind, collection).unwrap_or_default().lines().map(parts);
    lines.filter(|(_, fact)| !matches!(fact, Fact::Removed(_))).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{Fact, Kind, SECTIONS, TEXT, find, names, parts};

    #[test]
    fn every_name_is_found_in_its_section() {
        let mut count = 0;
        for (title, lines) in SECTIONS.iter() {
            let (kind, collection) = title.split_once(' ').expect("kind and collection");
            let kind = Kind::ALL.iter().copied().find(|it| it.section() == kind).expect("a kind");
            for line in lines.lines() {
                let (name, fact) = parts(line);
                assert_eq!(find(kind, collection, name), Some(fact), "{title} {name}");
                count += 1;
            }
        }
        assert_eq!(count, TEXT.lines().filter(|line| !line.starts_with('[')).count());
        assert!(count > 10_000, "{count}");
    }

    #[test]
    fn facts() {
        assert_eq!(find(Kind::Module, "ansible.builtin", "dnf"), Some(Fact::Plugin));
        assert_eq!(find(Kind::Module, "ansible.builtin", "ufw"), Some(Fact::Renamed("community.general")));
        assert_eq!(find(Kind::Module, "ansible.builtin", "yum"), Some(Fact::Renamed("ansible.builtin.dnf")));
        assert_eq!(
            find(Kind::Module, "community.docker", "docker_compose"),
            Some(Fact::Removed("4.0.0 community.docker.docker_compose_v2"))
        );
        assert_eq!(find(Kind::Module, "community.general", "copy"), None);
        assert!(names(Kind::Filter, "community.general").any(|name| name == "json_query"));
    }
}
