//! The items of a list. Lists that came of one another by adding share their store: whoever adds to the longest of them writes behind its
//! end, so that adding costs what is added, and not what is there. A list as it is never changes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Value;

#[derive(Clone)]
pub struct List {
    store: Arc<Store>,
    length: usize,
}

/// The memory of a vector, of which the first `taken` values are there or being written by the one who took them. What is there stays as
/// it is until nobody holds the store.
struct Store {
    start: NonNull<Value>,
    capacity: usize,
    taken: AtomicUsize,
    /// So many of the first items were found to be such as `all_remembered` was asked about.
    remembered: AtomicUsize,
}

// SAFETY: shared values are only read, and values may be read and dropped on any thread.
unsafe impl Send for Store {}
// SAFETY: as above; who writes has taken the place with `taken`, and shows it to nobody before it is written.
unsafe impl Sync for Store {}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the parts are those of a vector, and whoever took a place has filled it: nobody else holds the store.
        drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), *self.taken.get_mut(), self.capacity) });
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        let mut items = ManuallyDrop::new(items);
        let (length, capacity) = (items.len(), items.capacity());
        let start = NonNull::new(items.as_mut_ptr()).unwrap_or(NonNull::dangling());
        let store = Store { start, capacity, taken: AtomicUsize::new(length), remembered: AtomicUsize::new(0) };
        Self { store: Arc::new(store), length }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        // SAFETY: so many values are there, and they change only when nobody else sees them (`make_mut`).
        unsafe { slice::from_raw_parts(self.store.start.as_ptr(), self.length) }
    }
}

impl List {
    /// A list of these items and more.
    #[must_use]
    pub fn with(&self, mut more: Vec<Value>) -> Self {
        let length = self.length + more.len();
        if length <= self.store.capacity && self.take(length) {
            // SAFETY: the places from `self.length` on are within the capacity, and nobody else's since they were taken. The values move.
            unsafe {
                let behind = self.store.start.as_ptr().add(self.length);
                std::ptr::copy_nonoverlapping(more.as_ptr(), behind, more.len());
                more.set_len(0);
            }
            return Self { store: Arc::clone(&self.store), length };
        }
        // Room for half as much again: adding on and on copies each item a few times at most.
        let mut items = Vec::with_capacity(length + length / 2);
        items.extend_from_slice(self);
        items.append(&mut more);
        let longer = Self::from(items);
        longer
            .store
            .remembered
            .store(self.store.remembered.load(Ordering::Relaxed).min(self.length), Ordering::Relaxed);
        longer
    }

    /// Takes the places behind this list's end, unless somebody else has.
    fn take(&self, end: usize) -> bool {
        self.store.taken.compare_exchange(self.length, end, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether all items are such. Always the same question: no item is asked about twice.
    pub fn all_remembered(&self, is_such: impl FnMut(&Value) -> bool) -> bool {
        let known = self.store.remembered.load(Ordering::Relaxed).min(self.length);
        let all = self.get(known..).is_none_or(|rest| rest.iter().all(is_such));
        if all {
            self.store.remembered.fetch_max(self.length, Ordering::Relaxed);
        }
        all
    }

    /// The items, of which others that hold this list see no change.
    pub fn make_mut(&mut self) -> &mut [Value] {
        if Arc::get_mut(&mut self.store).is_none() {
            *self = Self::from(self.to_vec());
        }
        self.store.remembered.store(0, Ordering::Relaxed);
        // SAFETY: nobody else holds the store, so that nobody else sees these values.
        unsafe { slice::from_raw_parts_mut(self.store.start.as_ptr(), self.length) }
    }

    /// The same for the same list alone, as long as one of them is there.
    pub fn identity(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.store).addr(), self.length)
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Hash for List {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &List) -> Vec<String> {
        list.iter().map(Value::to_text).collect()
    }

    fn list(items: &[&str]) -> List {
        List::from(items.iter().map(|item| Value::str(*item)).collect::<Vec<_>>())
    }

    fn one(item: &str) -> Vec<Value> {
        vec![Value::str(item)]
    }

    #[test]
    fn lists_that_grow_share_their_items() {
        let first = list(&[]).with(one("a"));
        let second = first.with(one("b"));
        let third = second.with(one("c"));
        let other = second.with(one("d"));
        assert_eq!(texts(&first), ["a"]);
        assert_eq!(texts(&second), ["a", "b"]);
        assert_eq!(texts(&third), ["a", "b", "c"]);
        assert_eq!(texts(&other), ["a", "b", "d"]);
        drop((first, second, third));
        assert_eq!(texts(&other.with(vec![])), ["a", "b", "d"]);
    }

    #[test]
    fn each_item_is_copied_a_few_times_at_most() {
        let mut grown = list(&[]);
        let mut stores = 0;
        for number in 0..10_000 {
            let longer = grown.with(vec![Value::Int(number)]);
            stores += usize::from(longer.identity().0 != grown.identity().0);
            grown = longer;
        }
        assert_eq!(grown.len(), 10_000);
        assert!(stores < 40, "{stores}");
    }

    #[test]
    fn threads_that_add_to_one_list_do_not_meet() {
        let mut base = list(&["a"]).with(one("b"));
        for _ in 0..200 {
            let shared = &base;
            let longer: Vec<List> = std::thread::scope(|scope| {
                let adding = ["x", "y", "z"].map(|item| scope.spawn(move || shared.with(one(item))));
                adding.map(|added| added.join().expect("it adds")).into()
            });
            for (list, item) in longer.iter().zip(["x", "y", "z"]) {
                assert_eq!(list.get(..base.len()), Some(&*base));
                assert_eq!(list.last().and_then(Value::as_str), Some(item));
            }
            base = longer.into_iter().next_back().expect("three of them");
        }
    }

    #[test]
    fn what_is_changed_is_nobody_elses() {
        let mut changed = list(&["a", "b"]);
        let kept = changed.clone();
        let is_text = |item: &Value| item.as_str().is_some();
        assert!(changed.all_remembered(is_text));
        for item in changed.make_mut() {
            *item = Value::Null;
        }
        assert!(kept.all_remembered(is_text) && !changed.all_remembered(is_text));
        assert_eq!(texts(&kept), ["a", "b"]);
        assert_eq!(changed.len(), 2);
    }

    #[test]
    fn no_item_is_asked_about_twice() {
        let mut asked = 0;
        let mut grown = list(&["a"]);
        for _ in 0..1000 {
            grown = grown.with(one("b"));
            assert!(grown.all_remembered(|_| {
                asked += 1;
                true
            }));
        }
        assert_eq!(asked, 1001);
        assert!(!grown.with(one("c")).all_remembered(|item| item.as_str() != Some("c")));
    }
}
