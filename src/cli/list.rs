//! `--list-hosts`, `--list-tasks`, `--list-tags`: what a run would work on.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::engine::tags::TagFilter;
use crate::error::Error;
use crate::playbook::keywords::Keyword;
use crate::playbook::{Entry, Play, Playbook, Task};
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

/// The lists of a playbook; `hosts` finds the hosts of a play, `filter` what its tags select.
pub fn playbook(
    playbook: &Playbook,
    shown_path: &str,
    wanted: Wanted,
    hosts: &mut dyn FnMut(&Play) -> Result<Vec<String>, Error>,
    filter: &dyn Fn(&Play) -> TagFilter,
) -> Result<String, Error> {
    let mut out = format!("\nplaybook: {shown_path}\n");
    for (index, play) in playbook.plays.iter().enumerate() {
        let pattern = pattern(&play.hosts);
        let name = play.name.as_ref().map_or_else(|| pattern.clone(), |name| name.as_str().to_owned());
        let tags = play.context.keywords.get(Keyword::Tags).map(tag_names).unwrap_or_default();
        let _ = writeln!(out, "\n  play #{} ({pattern}): {name}\tTAGS: [{}]", index + 1, joined(&tags));
        if wanted.hosts {
            let hosts = hosts(play)?;
            let _ = write!(
                out,
                "    pattern: {}\n    hosts ({}):\n",
                Value::list(patterns(&play.hosts)).repr(),
                hosts.len()
            );
            for host in hosts {
                let _ = writeln!(out, "      {host}");
            }
        }
        if wanted.tasks || wanted.tags {
            tasks(play, wanted, &filter(play), &mut out)?;
        }
    }
    Ok(out)
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
            Entry::Task(task) if task.implicit || task.is_builtin("meta") => {}
            Entry::Task(task) => tasks.push(task),
            Entry::Block(block) => collect(&block.tasks, tasks),
        }
    }
}

fn title(task: &Task) -> String {
    let name = task.name.as_ref().map_or(task.action.as_str(), |name| name.as_str());
    match task.role() {
        Some(role) => format!("{} : {name}", role.full_name),
        None => name.to_owned(),
    }
}

fn patterns(hosts: &Value) -> Vec<Value> {
    match hosts {
        Value::List(items) => items.to_vec(),
        single => vec![single.clone()],
    }
}

fn pattern(hosts: &Value) -> String {
    patterns(hosts).iter().map(Value::to_text).collect::<Vec<_>>().join(",")
}

fn tag_names(tags: &Value) -> BTreeSet<String> {
    tags.as_list().unwrap_or_default().iter().map(Value::to_text).collect()
}

fn joined(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
