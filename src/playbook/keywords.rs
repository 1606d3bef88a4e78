//! Every keyword of plays, roles, blocks and tasks: where it may stand and how it is inherited.

use crate::error::closest;

/// How a keyword reaches what stands inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// The innermost value counts.
    Innermost,
    /// A list, the outermost first.
    Extend,
    /// Counts only where it is written.
    No,
}

/// What a keyword is written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Play,
    Role,
    Block,
    Task,
    Handler,
}

impl Place {
    /// As Ansible's messages call it.
    pub fn title(self) -> &'static str {
        match self {
            Place::Play => "Play",
            Place::Role => "RoleInclude",
            Place::Block => "Block",
            Place::Task => "Task",
            Place::Handler => "Handler",
        }
    }

    fn letter(self) -> char {
        match self {
            Place::Play => 'p',
            Place::Role => 'r',
            Place::Block => 'b',
            Place::Task => 't',
            Place::Handler => 'h',
        }
    }
}

pub struct KeywordSpec {
    pub name: &'static str,
    /// `p`lay, `r`ole, `b`lock, `t`ask, `h`andler.
    places: &'static str,
    pub inherit: Inherit,
}

const fn keyword(name: &'static str, places: &'static str, inherit: Inherit) -> KeywordSpec {
    KeywordSpec { name, places, inherit }
}

pub const KEYWORDS: &[KeywordSpec] = &[
    keyword("action", "th", Inherit::No),
    keyword("always", "b", Inherit::No),
    keyword("any_errors_fatal", "prbth", Inherit::Innermost),
    keyword("args", "th", Inherit::No),
    keyword("async", "th", Inherit::No),
    keyword("become", "prbth", Inherit::Innermost),
    keyword("become_exe", "prbth", Inherit::Innermost),
    keyword("become_flags", "prbth", Inherit::Innermost),
    keyword("become_method", "prbth", Inherit::Innermost),
    keyword("become_user", "prbth", Inherit::Innermost),
    keyword("block", "b", Inherit::No),
    keyword("changed_when", "th", Inherit::No),
    keyword("check_mode", "prbth", Inherit::Innermost),
    keyword("collections", "prbth", Inherit::Innermost),
    keyword("connection", "prbth", Inherit::Innermost),
    keyword("debugger", "prbth", Inherit::Innermost),
    keyword("delay", "th", Inherit::No),
    keyword("delegate_facts", "rbth", Inherit::Innermost),
    keyword("delegate_to", "rbth", Inherit::Innermost),
    keyword("diff", "prbth", Inherit::Innermost),
    keyword("environment", "prbth", Inherit::Extend),
    keyword("fact_path", "p", Inherit::No),
    keyword("failed_when", "th", Inherit::No),
    keyword("force_handlers", "p", Inherit::No),
    keyword("gather_facts", "p", Inherit::No),
    keyword("gather_subset", "p", Inherit::No),
    keyword("gather_timeout", "p", Inherit::No),
    keyword("handlers", "p", Inherit::No),
    keyword("hosts", "p", Inherit::No),
    keyword("ignore_errors", "prbth", Inherit::Innermost),
    keyword("ignore_unreachable", "prbth", Inherit::Innermost),
    keyword("listen", "h", Inherit::No),
    keyword("local_action", "th", Inherit::No),
    keyword("loop", "th", Inherit::No),
    keyword("loop_control", "th", Inherit::No),
    keyword("max_fail_percentage", "p", Inherit::No),
    keyword("module_defaults", "prbth", Inherit::Extend),
    keyword("name", "pbth", Inherit::No),
    keyword("no_log", "prbth", Inherit::Innermost),
    keyword("notify", "bth", Inherit::Innermost),
    keyword("order", "p", Inherit::No),
    keyword("poll", "th", Inherit::No),
    keyword("port", "prbth", Inherit::Innermost),
    keyword("post_tasks", "p", Inherit::No),
    keyword("pre_tasks", "p", Inherit::No),
    keyword("register", "th", Inherit::No),
    keyword("remote_user", "prbth", Inherit::Innermost),
    keyword("rescue", "b", Inherit::No),
    keyword("retries", "th", Inherit::No),
    keyword("roles", "p", Inherit::No),
    keyword("run_once", "prbth", Inherit::Innermost),
    keyword("serial", "p", Inherit::No),
    keyword("strategy", "p", Inherit::No),
    keyword("tags", "prbth", Inherit::Extend),
    keyword("tasks", "p", Inherit::No),
    keyword("throttle", "prbth", Inherit::Innermost),
    keyword("timeout", "prbth", Inherit::Innermost),
    keyword("until", "th", Inherit::No),
    keyword("vars", "prbth", Inherit::No),
    keyword("vars_files", "p", Inherit::No),
    keyword("vars_prompt", "p", Inherit::No),
    keyword("when", "rbth", Inherit::Extend),
];

/// Names that older versions of Ansible had, and today's.
pub const RENAMED: &[(&str, &str)] = &[
    ("sudo", "become"),
    ("sudo_user", "become_user"),
    ("su", "become"),
    ("su_user", "become_user"),
    ("user", "remote_user"),
];

/// The keyword of this name, wherever it may stand.
pub fn find(name: &str) -> Option<&'static KeywordSpec> {
    KEYWORDS.binary_search_by(|keyword| keyword.name.cmp(name)).ok().map(|index| &KEYWORDS[index])
}

/// The keyword of this name if it may stand at `place`.
pub fn find_at(name: &str, place: Place) -> Option<&'static KeywordSpec> {
    find(name).filter(|keyword| keyword.places.contains(place.letter()))
}

/// What a key of a task can be besides an action, today's names and old ones.
pub fn names_at_tasks() -> Vec<&'static str> {
    let today =
        KEYWORDS.iter().filter(|keyword| keyword.places.contains(Place::Handler.letter())).map(|keyword| keyword.name);
    let old = RENAMED.iter().map(|(old, _)| *old).filter(|old| *old != "user");
    today.chain(old).collect()
}

/// A keyword of `place` that `name` could be a misspelling of.
pub fn closest_at(name: &str, place: Place) -> Option<&'static str> {
    closest(name, KEYWORDS.iter().filter(|keyword| keyword.places.contains(place.letter())).map(|keyword| keyword.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn a_misspelling_finds_its_keyword() {
        assert_eq!(closest_at("gather_fact", Place::Play), Some("gather_facts"));
        assert_eq!(closest_at("regster", Place::Task), Some("register"));
        assert_eq!(closest_at("gather_fact", Place::Task), None);
    }
}
