//! What ends a rendering that would never end by itself: how much it may hold, and a flag that others set.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::error::{Fault, Res, raised};

/// Bytes that one rendering may hold at a time.
pub const MOST_MEMORY: isize = 2 << 30;
/// Steps between two looks at the flag.
const STEPS_BETWEEN: u32 = 256;

/// Ends renderings from outside: whoever holds a copy may say `stop`, and every rendering under it fails with the reason.
/// Renderings look at it between two steps, so one that loops without end is over within a moment.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    stopped: AtomicBool,
    reason: OnceLock<String>,
    parent: Option<Interrupt>,
}

impl Interrupt {
    /// One that is stopped with this one, or alone: for a task with a timeout in a run that may be interrupted.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(Arc::new(Flag { parent: Some(self.clone()), ..Flag::default() }))
    }

    /// The first reason counts.
    pub fn stop(&self, reason: impl Into<String>) {
        let _ = self.0.reason.set(reason.into());
        self.0.stopped.store(true, Ordering::Release);
    }

    /// Why renderings are to end, if they are.
    pub fn reason(&self) -> Option<&str> {
        if self.0.stopped.load(Ordering::Acquire) {
            return self.0.reason.get().map(String::as_str);
        }
        self.0.parent.as_ref()?.reason()
    }
}

/// The share of one rendering, all templates within it included.
pub struct Budget {
    interrupt: Interrupt,
    steps: Cell<u32>,
    before: isize,
}

impl Budget {
    pub fn new(interrupt: &Interrupt) -> Self {
        Self { interrupt: interrupt.clone(), steps: Cell::new(0), before: held() }
    }

    /// To be called for each step of a template.
    pub fn step(&self) -> Res<()> {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if held() - self.before > MOST_MEMORY {
            return Err(raised(format!(
                "the template holds more than {} GiB of memory, the limit of one rendering",
                MOST_MEMORY >> 30
            )));
        }
        if steps.is_multiple_of(STEPS_BETWEEN)
            && let Some(reason) = self.interrupt.reason()
        {
            return Err(raised(format!("the template was interrupted: {reason}")));
        }
        Ok(())
    }
}

pub fn too_long() -> Fault {
    raised(format!(
        "the text is longer than {} MB, the limit of one rendering",
        super::engine::print::MOST_TEXT / 1_000_000
    ))
}

/// The system's allocator, which counts what each thread holds. A rendering stays on one thread.
pub struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Bytes that this thread took and did not give back.
fn held() -> isize {
    HELD.get()
}

#[expect(clippy::cast_possible_wrap, reason = "no allocation is larger than isize::MAX")]
fn count(more: usize, less: usize) {
    HELD.set(HELD.get().wrapping_add(more as isize).wrapping_sub(less as isize));
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_stopped_with_its_parent_and_alone() {
        let run = Interrupt::default();
        let (one, other) = (run.child(), run.child());
        one.stop("the task took too long");
        assert_eq!((one.reason(), other.reason(), run.reason()), (Some("the task took too long"), None, None));
        run.stop("interrupted by the user");
        run.stop("once more");
        assert_eq!((one.reason(), other.reason()), (Some("the task took too long"), Some("interrupted by the user")));
    }

    #[test]
    fn what_a_thread_holds_is_counted() {
        let before = held();
        let text = vec![0_u8; 1000];
        assert_eq!(held() - before, 1000);
        drop(text);
        assert_eq!(held(), before);
    }
}
