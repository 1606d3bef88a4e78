//! A play as the iterator walks it: sections in order, tags applied, the flushes of handlers between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::tags::TagFilter;
use crate::error::Error;
use crate::playbook::{Block, Entry, Play, Role, Task};

pub type Steps = Arc<[Step]>;

#[derive(Clone, Debug)]
pub enum Step {
    Task(Arc<Task>),
    Block(Arc<BlockSteps>),
    /// Runs a role's steps, unless the host has been through this role already.
    Role {
        role: Arc<Role>,
        steps: Steps,
    },
    /// Runs what was notified. The number places it among the tasks.
    Flush(u64),
}

#[derive(Debug)]
pub struct BlockSteps {
    pub tasks: Steps,
    pub rescue: Steps,
    pub always: Steps,
}

/// Steps that no file has are numbered from here, above all tasks of the loader.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1 << 60);

pub fn next_number() -> u64 {
    NEXT_NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn flush() -> Step {
    Step::Flush(next_number())
}

/// The whole play. `gather` is the implicit task that gathers facts.
pub fn of_play(
    play: &Play,
    gather: Option<Arc<Task>>,
    force_handlers: bool,
    filter: &TagFilter,
) -> Result<Steps, Error> {
    let mut steps = Vec::new();
    if let Some(gather) = gather
        && filter.selects(&gather)?
    {
        steps.push(Step::Task(gather));
    }
    let pre_tasks = of_entries(&play.pre_tasks, filter)?;
    let mut tasks = Vec::new();
    for usage in &play.roles {
        tasks.extend(of_role(&usage.role, &usage.tasks, filter)?);
    }
    tasks.extend(of_entries(&play.tasks, filter)?);
    let post_tasks = of_entries(&play.post_tasks, filter)?;
    for section in [pre_tasks, tasks, post_tasks] {
        add_section(&mut steps, section, force_handlers);
    }
    Ok(steps.into())
}

/// With `force_handlers` a section's flush happens whatever became of its tasks.
fn add_section(steps: &mut Vec<Step>, section: Vec<Step>, force_handlers: bool) {
    if force_handlers {
        let always: Steps = [flush()].into();
        steps.push(Step::Block(Arc::new(BlockSteps { tasks: section.into(), rescue: [].into(), always })));
    } else {
        steps.extend(section);
        steps.push(flush());
    }
}

pub fn of_entries(entries: &[Entry], filter: &TagFilter) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry {
            Entry::Task(task) if filter.selects(task)? => {
                steps.push(Step::Task(Arc::clone(task)));
            }
            Entry::Task(_) => {}
            Entry::Block(block) => steps.extend(of_block(block, filter)?.map(|block| Step::Block(Arc::new(block)))),
            Entry::Role { role, tasks } => steps.extend(of_role(role, tasks, filter)?),
        }
    }
    Ok(steps)
}

/// Nothing if no task of the role is selected.
pub fn of_role(role: &Arc<Role>, tasks: &[Entry], filter: &TagFilter) -> Result<Option<Step>, Error> {
    let steps = of_entries(tasks, filter)?;
    Ok((!steps.is_empty()).then(|| Step::Role { role: Arc::clone(role), steps: steps.into() }))
}

fn of_block(block: &Block, filter: &TagFilter) -> Result<Option<BlockSteps>, Error> {
    let tasks = of_entries(&block.tasks, filter)?;
    let rescue = of_entries(&block.rescue, filter)?;
    let always = of_entries(&block.always, filter)?;
    if tasks.is_empty() && rescue.is_empty() && always.is_empty() {
        return Ok(None);
    }
    Ok(Some(BlockSteps { tasks: tasks.into(), rescue: rescue.into(), always: always.into() }))
}

pub fn collect_tasks(entries: &[Entry], out: &mut Vec<Arc<Task>>) {
    for entry in entries {
        match entry {
            Entry::Task(task) => out.push(Arc::clone(task)),
            Entry::Block(block) => {
                collect_tasks(&block.tasks, out);
                collect_tasks(&block.rescue, out);
                collect_tasks(&block.always, out);
            }
            Entry::Role { tasks, .. } => collect_tasks(tasks, out),
        }
    }
}

/// The numbers of all steps, in the order in which they are written.
pub fn order(steps: &[Step], out: &mut Vec<u64>) {
    for step in steps {
        match step {
            Step::Task(task) => out.push(task.id),
            Step::Flush(id) => out.push(*id),
            Step::Role { steps, .. } => order(steps, out),
            Step::Block(block) => {
                order(&block.tasks, out);
                order(&block.rescue, out);
                order(&block.always, out);
            }
        }
    }
}
