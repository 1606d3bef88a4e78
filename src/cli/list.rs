//! `--list-hosts`, `--list-tasks`, `--list-tags`: what a run would work on.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::engine::tags::TagFilter;
use crate::engine::{Overview, task_name};
use crate::error::Error;
use crate::playbook::keywords::Keyword;
use crate::playbook::{Entry, Play, Task};
use crate::value::Value;

/// Which lists are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub hosts: bool,
    pub tasks: bool,
    pub tags: bool,
}

impl Wanted {
    pub fn any(self) -> bool {
        self.hosts || self.tasks || self.tags
    }
}

/// The lists of a play.
pub fn play(index: usize, play: &Play, overview: &Overview, wanted: Wanted, out: &mut String) -> Result<(), Error> {
    let Overview { name, patterns, hosts, filter } = overview;
    let tags = play.context.keywords.get(Keyword::Tags).map(tag_names).unwrap_or_default();
    let _ = writeln!(out, "\n  play #{} ({}): {name}\tTAGS: [{}]", index + 1, patterns.join(","), joined(&tags));
    if wanted.hosts {
        let patterns = Value::list(patterns.iter().map(|pattern| Value::str(pattern.as_str())).collect());
        let _ = write!(out, "    pattern: {}\n    hosts ({}):\n", patterns.repr(), hosts.len());
        for host in hosts {
            let _ = writeln!(out, "      {host}");
        }
    }
    if wanted.tasks || wanted.tags {
        tasks(play, wanted, filter, out)?;
    }
    Ok(())
}

fn tasks(play: &Play, wanted: Wanted, filter: &TagFilter, out: &mut String) -> Result<(), Error> {
    let mut all_tags = BTreeSet::new();
    let mut lines = String::new();
    let mut listed = Vec::new();
    for section in sections(play) {
        collect(section, &mut listed);
    }
    for task in listed {
        let tags: BTreeSet<String> = filter.tags_of(task)?.into_iter().collect();
        // Tags alone are listed whatever is selected.
        if (!wanted.tags || wanted.tasks) && !filter.selects(task)? {
            continue;
        }
        let _ = writeln!(lines, "      {}\tTAGS: [{}]", title(task), joined(&tags));
        all_tags.extend(tags);
    }
    if wanted.tasks {
        let _ = write!(out, "    tasks:\n{lines}");
    }
    if wanted.tags {
        let _ = writeln!(out, "      TASK TAGS: [{}]", joined(&all_tags));
    }
    Ok(())
}

fn sections(play: &Play) -> Vec<&[Entry]> {
    let mut sections: Vec<&[Entry]> = vec![&play.pre_tasks];
    sections.extend(play.roles.iter().map(|role| role.tasks.as_slice()));
    sections.extend([play.tasks.as_slice(), play.post_tasks.as_slice()]);
    sections
}

/// Tasks of a list and of the main parts of its blocks.
fn collect<'a>(entries: &'a [Entry], tasks: &mut Vec<&'a Task>) {
    for entry in entries {
        match entry {
            Entry::Task(task) if task.implicit => {}
            Entry::Task(task) => tasks.push(task),
            Entry::Block(block) => collect(&block.tasks, tasks),
            Entry::Role { tasks: inner, .. } => collect(inner, tasks),
        }
    }
}

/// An unnamed task is listed by its action alone.
fn title(task: &Task) -> String {
    task.name.as_ref().map_or_else(|| task.action.clone(), |_| task_name::written(task))
}

fn tag_names(tags: &Value) -> BTreeSet<String> {
    tags.as_list().unwrap_or_default().iter().map(Value::to_text).collect()
}

fn joined(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
