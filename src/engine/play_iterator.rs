//! Each host's place in the tree of blocks, and where it goes when a task fails.

use std::collections::HashSet;
use std::sync::Arc;

use super::play_state::HostId;
use super::steps::{BlockSteps, Step, Steps};
use crate::playbook::{Role, Task};

/// What a host does next.
#[derive(Clone, Debug)]
pub enum Next {
    Task(Arc<Task>),
    Flush(u64),
}

impl Next {
    pub fn id(&self) -> u64 {
        match self {
            Next::Task(task) => task.id,
            Next::Flush(id) => *id,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Tasks,
    Rescue,
    Always,
}

#[derive(Debug)]
enum Kind {
    List,
    Role(Arc<Role>),
    Handlers,
    Block { block: Arc<BlockSteps>, stage: Stage, failed: bool },
}

#[derive(Debug)]
struct Frame {
    steps: Steps,
    next: usize,
    kind: Kind,
}

#[derive(Debug, Default)]
struct HostPlace {
    frames: Vec<Frame>,
    failed: bool,
    /// Handlers that wait for the next flush, by task number.
    notified: HashSet<u64>,
    /// Roles of which this host has run a task, and those it has been through.
    roles_begun: HashSet<u64>,
    roles_done: HashSet<u64>,
}

/// What a failure led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// A `rescue` section follows, now or after an `always`.
    Rescued,
    /// The host is out, perhaps after an `always`.
    Lost,
}

/// The places of all hosts of a batch.
#[derive(Debug)]
pub struct PlayIterator {
    places: Vec<HostPlace>,
}

impl PlayIterator {
    pub fn new(hosts: usize, steps: &Steps) -> Self {
        let place = || {
            let frames = vec![Frame { steps: Arc::clone(steps), next: 0, kind: Kind::List }];
            HostPlace { frames, ..HostPlace::default() }
        };
        Self { places: std::iter::repeat_with(place).take(hosts).collect() }
    }

    fn place(&mut self, host: HostId) -> Option<&mut HostPlace> {
        self.places.get_mut(host.index())
    }

    /// What a host does next; nothing when it is through or failed.
    pub fn peek(&mut self, host: HostId) -> Option<Next> {
        self.place(host)?.settle()
    }

    /// Steps over what `peek` showed.
    pub fn take(&mut self, host: HostId) {
        if let Some(frame) = self.place(host).and_then(|place| place.frames.last_mut()) {
            frame.next += 1;
        }
    }

    /// The host's last task failed.
    pub fn fail(&mut self, host: HostId) -> AfterFailure {
        self.place(host).map_or(AfterFailure::Lost, |place| {
            let rescued = place.will_be_rescued();
            place.fail();
            if rescued { AfterFailure::Rescued } else { AfterFailure::Lost }
        })
    }

    /// Nothing more of the play runs on this host.
    pub fn end_host(&mut self, host: HostId) {
        if let Some(place) = self.place(host) {
            place.frames.clear();
        }
    }

    /// A host that was lost goes on where it was.
    pub fn revive(&mut self, host: HostId) {
        if let Some(place) = self.place(host) {
            place.failed = false;
            for frame in &mut place.frames {
                if let Kind::Block { failed, .. } = &mut frame.kind {
                    *failed = false;
                }
            }
        }
    }

    /// The rest of the innermost role is left out.
    pub fn end_role(&mut self, host: HostId) {
        let Some(place) = self.place(host) else { return };
        while let Some(frame) = place.frames.last() {
            if matches!(frame.kind, Kind::Role(_)) {
                if let Some(frame) = place.frames.last_mut() {
                    frame.next = frame.steps.len();
                }
                return;
            }
            place.frames.pop();
        }
    }

    /// Lets a host run `steps` before it goes on, such as those of an included file.
    pub fn insert(&mut self, host: HostId, steps: Steps) {
        if let Some(place) = self.place(host) {
            place.frames.push(Frame { steps, next: 0, kind: Kind::List });
        }
    }

    /// Lets a host run the handlers that it has notified.
    pub fn flush(&mut self, host: HostId, handlers: &Steps) {
        if let Some(place) = self.place(host)
            && !place.notified.is_empty()
        {
            place.frames.push(Frame { steps: Arc::clone(handlers), next: 0, kind: Kind::Handlers });
        }
    }

    /// Notes a handler for the next flush; says whether it is new.
    pub fn notify(&mut self, host: HostId, handler: u64) -> bool {
        self.place(host).is_some_and(|place| place.notified.insert(handler))
    }

    /// A handler was read again: who notified it means the new one.
    pub fn rename_handler(&mut self, old: u64, new: u64) {
        for place in self.places.iter_mut().filter(|place| !place.notified.is_empty()) {
            if place.notified.remove(&old) {
                place.notified.insert(new);
            }
        }
    }

    /// The handler has run.
    pub fn handled(&mut self, host: HostId, handler: u64) {
        if let Some(place) = self.place(host) {
            place.notified.remove(&handler);
        }
    }

    /// A task of the role ran on this host.
    pub fn role_begun(&mut self, host: HostId, role: &Arc<Role>) {
        if let Some(place) = self.place(host) {
            place.roles_begun.insert(role.identity);
        }
    }
}

impl HostPlace {
    /// Leaves what is finished and enters what comes next, until a task is in front.
    fn settle(&mut self) -> Option<Next> {
        if self.failed {
            return None;
        }
        loop {
            let frame = self.frames.last_mut()?;
            let Some(step) = frame.steps.get(frame.next) else {
                self.leave();
                if self.failed {
                    return None;
                }
                continue;
            };
            match step {
                Step::Task(task) => {
                    if matches!(frame.kind, Kind::Handlers) && !self.notified.contains(&task.id) {
                        frame.next += 1;
                        continue;
                    }
                    return Some(Next::Task(Arc::clone(task)));
                }
                Step::Flush(id) => return Some(Next::Flush(*id)),
                Step::Block(block) => {
                    let block = Arc::clone(block);
                    frame.next += 1;
                    self.frames.push(Frame {
                        steps: Arc::clone(&block.tasks),
                        next: 0,
                        kind: Kind::Block { block, stage: Stage::Tasks, failed: false },
                    });
                }
                Step::Role { role, steps } => {
                    let (role, steps) = (Arc::clone(role), Arc::clone(steps));
                    frame.next += 1;
                    if role.allow_duplicates || !self.roles_done.contains(&role.identity) {
                        self.frames.push(Frame { steps, next: 0, kind: Kind::Role(role) });
                    }
                }
            }
        }
    }

    /// The last frame has no steps left.
    fn leave(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        match &mut frame.kind {
            Kind::List | Kind::Handlers => {
                self.frames.pop();
            }
            Kind::Role(role) => {
                let id = role.identity;
                if self.roles_begun.contains(&id) {
                    self.roles_done.insert(id);
                }
                self.frames.pop();
            }
            Kind::Block { block, stage, failed } => {
                if *stage != Stage::Always && !block.always.is_empty() {
                    frame.steps = Arc::clone(&block.always);
                    frame.next = 0;
                    *stage = Stage::Always;
                    return;
                }
                let failed = *failed;
                self.frames.pop();
                if failed {
                    self.fail();
                }
            }
        }
    }

    fn fail(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if let Kind::Block { block, stage, failed } = &mut frame.kind {
                if *stage == Stage::Tasks && !block.rescue.is_empty() {
                    frame.steps = Arc::clone(&block.rescue);
                    frame.next = 0;
                    *stage = Stage::Rescue;
                    return;
                }
                if *stage != Stage::Always && !block.always.is_empty() {
                    frame.steps = Arc::clone(&block.always);
                    frame.next = 0;
                    *stage = Stage::Always;
                    *failed = true;
                    return;
                }
            }
            self.frames.pop();
        }
        self.failed = true;
    }

    fn will_be_rescued(&self) -> bool {
        self.frames.iter().any(
            |frame| matches!(&frame.kind, Kind::Block { block, stage: Stage::Tasks, .. } if !block.rescue.is_empty()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(id: u64) -> Step {
        Step::Flush(id)
    }

    fn block(tasks: &[u64], rescue: &[u64], always: &[u64]) -> Step {
        let steps = |ids: &[u64]| ids.iter().map(|id| flush(*id)).collect::<Steps>();
        Step::Block(Arc::new(BlockSteps { tasks: steps(tasks), rescue: steps(rescue), always: steps(always) }))
    }

    /// Walks a host through `steps`, failing at `fails`; flushes stand for tasks, since only their numbers matter.
    fn walk(steps: Vec<Step>, fails: &[u64]) -> (Vec<u64>, Vec<AfterFailure>) {
        let host = HostId::all(1).next().expect("one host");
        let mut iterator = PlayIterator::new(1, &steps.into());
        let (mut seen, mut outcomes) = (Vec::new(), Vec::new());
        while let Some(next) = iterator.peek(host) {
            iterator.take(host);
            seen.push(next.id());
            if fails.contains(&next.id()) {
                outcomes.push(iterator.fail(host));
            }
        }
        (seen, outcomes)
    }

    #[test]
    fn rescue_and_always() {
        let steps = || vec![block(&[1, 2], &[3], &[4]), flush(5)];
        assert_eq!(walk(steps(), &[]), (vec![1, 2, 4, 5], vec![]));
        assert_eq!(walk(steps(), &[1]), (vec![1, 3, 4, 5], vec![AfterFailure::Rescued]));
        assert_eq!(walk(steps(), &[1, 3]), (vec![1, 3, 4], vec![AfterFailure::Rescued, AfterFailure::Lost]));
        assert_eq!(walk(steps(), &[5]), (vec![1, 2, 4, 5], vec![AfterFailure::Lost]));
    }

    #[test]
    fn always_without_rescue_ends_in_failure() {
        assert_eq!(walk(vec![block(&[1], &[], &[2]), flush(3)], &[1]), (vec![1, 2], vec![AfterFailure::Lost]));
    }
}
