//! Sets of items, products, permutations.

use std::collections::HashSet;

use crate::template::engine::arguments::Bound;
use crate::template::engine::comparison::equal;
use crate::template::engine::objects::Sequence;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::Value;

const MOST_ROWS: usize = 2_000_000;

/// Knows which items it has seen, with hashing where that is possible.
#[derive(Default)]
struct Seen {
    hashed: HashSet<Value>,
    others: Vec<Val>,
}

impl Seen {
    fn of(items: &[Val]) -> Res<Self> {
        let mut seen = Self::default();
        for item in items {
            seen.add(item)?;
        }
        Ok(seen)
    }

    fn has(&self, item: &Val) -> Res<bool> {
        item.check()?;
        if let Ok(key) = item.to_key() {
            return Ok(self.hashed.contains(&key));
        }
        for other in &self.others {
            if equal(other, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the item is new.
    fn add(&mut self, item: &Val) -> Res<bool> {
        if self.has(item)? {
            return Ok(false);
        }
        match item.to_key() {
            Ok(key) => {
                self.hashed.insert(key);
            }
            Err(_) => self.others.push(item.clone()),
        }
        Ok(true)
    }
}

fn keep(items: Vec<Val>, test: impl Fn(&Val) -> Res<bool>) -> Res<Vec<Val>> {
    let mut seen = Seen::default();
    let mut out = Vec::new();
    for item in items {
        if test(&item)? && seen.add(&item)? {
            out.push(item);
        }
    }
    Ok(out)
}

type Combine = fn(Vec<Val>, Vec<Val>) -> Res<Vec<Val>>;

fn union_of(a: Vec<Val>, b: Vec<Val>) -> Res<Vec<Val>> {
    keep(a.into_iter().chain(b).collect(), |_| Ok(true))
}

fn intersection_of(a: Vec<Val>, b: Vec<Val>) -> Res<Vec<Val>> {
    let b = Seen::of(&b)?;
    keep(a, |item| b.has(item))
}

fn difference_of(a: Vec<Val>, b: Vec<Val>) -> Res<Vec<Val>> {
    let b = Seen::of(&b)?;
    keep(a, |item| b.has(item).map(|has| !has))
}

fn symmetric_difference_of(a: Vec<Val>, b: Vec<Val>) -> Res<Vec<Val>> {
    let (in_a, in_b) = (Seen::of(&a)?, Seen::of(&b)?);
    keep(a.into_iter().chain(b).collect(), |item| Ok(in_a.has(item)? != in_b.has(item)?))
}

fn of_two(args: &Bound, combine: Combine) -> Res<Val> {
    combine(args.val(0).iterate()?, args.val(1).iterate()?).map(Val::list)
}

pub fn union(_scope: &Scope, args: Bound) -> Res<Val> {
    of_two(&args, union_of)
}

pub fn intersect(_scope: &Scope, args: Bound) -> Res<Val> {
    of_two(&args, intersection_of)
}

pub fn difference(_scope: &Scope, args: Bound) -> Res<Val> {
    of_two(&args, difference_of)
}

pub fn symmetric_difference(_scope: &Scope, args: Bound) -> Res<Val> {
    of_two(&args, symmetric_difference_of)
}

/// Filters of community.general: any number of lists, or a list of them that `flatten` takes apart.
fn of_lists(args: Bound, combine: Combine, concatenates: bool) -> Res<Val> {
    let mut flatten = false;
    for (name, value) in &args.named {
        match &**name {
            "flatten" => flatten = value.truthy()?,
            other => return Err(raised(format!("got unexpected keywords arguments: {other}"))),
        }
    }
    let mut lists: Vec<Val> = std::iter::once(args.val(0)).chain(args.rest).collect();
    if flatten {
        lists = taken_apart(&lists, &is_list)?;
    }
    let [first, more @ ..] = lists.as_slice() else { return Ok(Val::list(Vec::new())) };
    if more.is_empty() {
        return Ok(first.clone());
    }
    let mut all = first.iterate()?;
    for list in more {
        if concatenates && list.type_name() != first.type_name() && !is_list(list) {
            return Err(raised(format!("can only concatenate list (not \"{}\") to list", list.type_name())));
        }
        all = combine(all, list.iterate()?)?;
    }
    Ok(Val::list(all))
}

fn is_list(value: &Val) -> bool {
    matches!(value, Val::List(_) | Val::Tuple(_) | Val::Object(_))
}

/// Of each list that has nothing but lists the inner ones, and no list that is empty.
pub fn taken_apart(lists: &[Val], is_list: &dyn Fn(&Val) -> bool) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for list in lists {
        if !is_list(list) {
            let found = list.type_name();
            let list = print::text(&list.clone().used()?)?;
            return Err(raised(format!("All arguments must be lists. {list} is <class '{found}'>")));
        }
        let items = list.iterate()?;
        if items.iter().all(is_list) {
            out.extend(items);
        } else {
            out.push(list.clone());
        }
    }
    Ok(out)
}

pub fn lists_union(_scope: &Scope, args: Bound) -> Res<Val> {
    of_lists(args, union_of, true)
}

pub fn lists_intersect(_scope: &Scope, args: Bound) -> Res<Val> {
    of_lists(args, intersection_of, false)
}

pub fn lists_difference(_scope: &Scope, args: Bound) -> Res<Val> {
    of_lists(args, difference_of, false)
}

pub fn lists_symmetric_difference(_scope: &Scope, args: Bound) -> Res<Val> {
    of_lists(args, symmetric_difference_of, true)
}

pub fn zip(_scope: &Scope, args: Bound) -> Res<Val> {
    let strict = args.named.iter().find(|(name, _)| &**name == "strict").map_or(Ok(false), |(_, it)| it.truthy())?;
    let rows = columns(&args)?;
    let shortest = rows.iter().map(Vec::len).min().unwrap_or(0);
    if strict && rows.iter().any(|row| row.len() != shortest) {
        return Err(raised("zip() argument 2 is shorter than argument 1"));
    }
    Ok(Sequence::val(
        "zip",
        (0..shortest).map(|at| Val::tuple(rows.iter().filter_map(|row| row.get(at).cloned()).collect())).collect(),
    ))
}

pub fn zip_longest(_scope: &Scope, args: Bound) -> Res<Val> {
    let fill = args.named.iter().find(|(name, _)| &**name == "fillvalue").map_or(Val::Null, |(_, value)| value.clone());
    let rows = columns(&args)?;
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let at = |index: usize| {
        Val::tuple(rows.iter().map(|row| row.get(index).cloned().unwrap_or_else(|| fill.clone())).collect())
    };
    Ok(Sequence::val("zip_longest", (0..longest).map(at).collect()))
}

fn columns(args: &Bound) -> Res<Vec<Vec<Val>>> {
    std::iter::once(&args.val(0)).chain(&args.rest).map(Val::iterate).collect()
}

pub fn product(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut pools = columns(&args)?;
    if let Some((_, times)) = args.named.iter().find(|(name, _)| &**name == "repeat") {
        let Val::Int(times) = times else { return Err(raised("'repeat' must be an integer")) };
        let times = usize::try_from((*times).clamp(0, 64)).unwrap_or(1);
        pools = std::iter::repeat_n(pools, times).flatten().collect();
    }
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for pool in pools {
        if rows.len().saturating_mul(pool.len()) > MOST_ROWS {
            return Err(raised("the product is too large"));
        }
        rows = rows
            .iter()
            .flat_map(|row| pool.iter().map(|item| row.iter().cloned().chain(std::iter::once(item.clone())).collect()))
            .collect();
    }
    Ok(Sequence::val("product", rows.into_iter().map(Val::tuple).collect()))
}

pub fn permutations(_scope: &Scope, args: Bound) -> Res<Val> {
    let items = args.val(0).iterate()?;
    let size = if args.some(1).is_some() { args.int(1, 0)? } else { i64::try_from(items.len()).unwrap_or(0) };
    let size = usize::try_from(size).map_err(|_| raised("r must be non-negative"))?;
    let mut rows = Vec::new();
    pick(&items, size, true, &mut Vec::new(), &mut rows)?;
    Ok(Sequence::val("permutations", rows))
}

pub fn combinations(_scope: &Scope, args: Bound) -> Res<Val> {
    let items = args.val(0).iterate()?;
    let size = usize::try_from(args.int(1, 0)?).map_err(|_| raised("r must be non-negative"))?;
    let mut rows = Vec::new();
    pick(&items, size, false, &mut Vec::new(), &mut rows)?;
    Ok(Sequence::val("combinations", rows))
}

fn pick(items: &[Val], size: usize, ordered: bool, chosen: &mut Vec<usize>, rows: &mut Vec<Val>) -> Res<()> {
    if size > items.len() {
        return Ok(());
    }
    if chosen.len() == size {
        if rows.len() >= MOST_ROWS / 4 {
            return Err(raised("there are too many of them"));
        }
        rows.push(Val::tuple(chosen.iter().filter_map(|at| items.get(*at).cloned()).collect()));
        return Ok(());
    }
    if chosen.len() > 60 {
        return Err(raised("there are too many of them"));
    }
    let start = if ordered { 0 } else { chosen.last().map_or(0, |last| last + 1) };
    for at in start..items.len() {
        if ordered && chosen.contains(&at) {
            continue;
        }
        chosen.push(at);
        pick(items, size, ordered, chosen, rows)?;
        chosen.pop();
    }
    Ok(())
}
