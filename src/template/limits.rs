//! What ends a rendering that would never end by itself: how much it may hold, and a flag that others set.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::error::{Fault, Res, raised};

/// Bytes that one rendering may hold at a time.
pub const MOST_MEMORY: isize = 2_000_000_000;
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
    memory: isize,
}

impl Budget {
    pub fn new(interrupt: &Interrupt, memory: isize) -> Self {
        Self { interrupt: interrupt.clone(), steps: Cell::new(0), before: held(), memory }
    }

    /// To be called for each step of a template.
    pub fn step(&self) -> Res<()> {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if held() - self.before > self.memory {
            return Err(raised(format!(
                "the template holds more than {} MB of memory, the limit of one rendering",
                self.memory / 1_000_000
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
    use std::time::Duration;

    use super::*;
    use crate::template::{Engine, SearchPath, Settings, Templar};
    use crate::value::{Dict, Str, Value};

    fn templar(variables: Dict, interrupt: &Interrupt) -> Templar {
        let settings = Settings { interrupt: interrupt.clone(), memory: 50_000_000, ..Settings::default() };
        Engine::new(settings).templar(Arc::new(variables), Arc::new(SearchPath::default()))
    }

    fn rendered(text: &str) -> String {
        let rendered = templar(Dict::new(), &Interrupt::default()).render(&Value::Str(Str::trusted(text, None)));
        rendered.map_or_else(|error| error.message, |value| value.to_text())
    }

    #[test]
    fn a_template_that_grows_without_end_is_told_its_limit() {
        for (text, limit) in [
            ("{% set x = 'x' * 1000000 %}{% for i in range(1000) %}{{ x }}{% endfor %}", "200 MB"),
            (
                "{% macro m() %}{% for i in range(1000) %}{{ 'x' * 1000000 }}{% endfor %}{% endmacro %}{{ m() }}",
                "50 MB",
            ),
            ("{% set x %}{% for i in range(1000) %}{{ 'x' * 1000000 }}{% endfor %}{% endset %}", "50 MB"),
            ("{% set ns = namespace(x='xy') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "MB"),
            (
                "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "50 MB",
            ),
            ("{% set l = [] %}{% for i in range(99999) %}{% set _ = l.append('x' * 9999) %}{% endfor %}", "50 MB"),
            ("{{ 'x' * 10**9 }}", "too large"),
            ("{{ range(10**12) | list }}", "Range too big"),
            ("{{ 'a' | center(10**10) }}", "200 MB"),
            ("{{ '%1000000000d' % 1 }}", "too big"),
            ("{{ 2 ** (10**9) }}", "too large"),
            ("{{ ('a' * 10**6).replace('a', 'b' * 10**6) }}", "too large"),
            ("{{ ('a' * 10**6) | replace('a', 'b' * 10**6) }}", "too large"),
            ("{{ ('a,' * 10**5).split(',') | join('x' * 10**6) }}", "too long"),
            ("{{ ('ab\n' * 100000) | indent(100000) }}", "200 MB"),
            ("{{ range(3000) | permutations(3000) | list }}", "too many"),
            ("{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", "recursion"),
        ] {
            let message = rendered(text);
            assert!(message.len() < 1000 && message.contains(limit), "{text}: {message:.200}");
        }
    }

    #[test]
    fn containers_as_deep_as_a_template_likes_are_dropped() {
        for nest in ["[ns.x]", "{'a': ns.x}", "namespace(x=ns.x)", "{'a': [(ns.x, 1)]}"] {
            let text = format!(
                "{{% set ns = namespace(x=1) %}}{{% for i in range(50000) %}}{{% set ns.x = {nest} %}}{{% endfor %}}end"
            );
            assert_eq!(rendered(&text), "end", "{nest}");
        }
        let tuples = "{% set ns = namespace(x=1) %}{% for i in range(50000) %}{% set ns.x = (ns.x,) %}{% endfor %}end";
        assert!(rendered(tuples).contains("nested too deeply"));
    }

    #[test]
    fn variables_refer_to_each_other_two_hundred_deep_but_not_in_a_circle() {
        let chain = |length: usize, last: &str| -> Dict {
            let link = |at: usize| if at == length { last.to_owned() } else { format!("{{{{ v{} }}}}", at + 1) };
            (0..=length).map(|at| (Value::str(format!("v{at}")), Value::Str(Str::trusted(link(at), None)))).collect()
        };
        let first = Value::Str(Str::trusted("{{ v0 }}", None));
        let render = |variables: Dict| templar(variables, &Interrupt::default()).render(&first);
        assert_eq!(render(chain(200, "end")).map_err(|error| error.message), Ok(Value::str("end")));
        let circle = render(chain(30, "{{ v0 }}{{ v0 }}")).expect_err("it has no end");
        assert!(circle.message.starts_with("Recursive loop detected in template"), "{}", circle.message);
    }

    #[test]
    fn a_template_that_loops_without_end_is_interrupted() {
        for text in [
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "{% for i in range(99999) %}{{ '' }}{% for j in range(99999) if j < 0 %}{% endfor %}{% endfor %}",
        ] {
            let interrupt = Interrupt::default();
            let stopper = interrupt.child();
            let run = interrupt.clone();
            let thread = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                run.stop("interrupted by the user");
            });
            let result = templar(Dict::new(), &Interrupt::default())
                .with_interrupt(stopper)
                .render(&Value::Str(Str::trusted(text, None)));
            let message = result.map_or_else(|error| error.message, |value| value.to_text());
            assert!(message.contains("interrupted by the user"), "{message}");
            thread.join().expect("it only sleeps");
        }
    }

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
