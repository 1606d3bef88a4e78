//! Methods of `list` and `tuple`.

use std::rc::Rc;

use crate::template::engine::arguments::{Arguments, parameters};
use crate::template::engine::comparison::{equal, sort_by_key};
use crate::template::engine::val::{List, Val};
use crate::template::error::{Res, raised};

pub const NAMES: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

const MOST_ITEMS: usize = 10_000_000;

pub fn call(this: &Rc<List>, name: &str, arguments: Arguments) -> Res<Val> {
    match name {
        "append" => {
            let bound = arguments.bind("list.append", &parameters(&["object"], 1))?;
            let item = bound.val(0);
            if this.len() >= MOST_ITEMS {
                return Err(raised("the list is too long"));
            }
            this.change(|items| items.push(item));
            Ok(Val::Null)
        }
        "extend" => {
            let bound = arguments.bind("list.extend", &parameters(&["iterable"], 1))?;
            let more = bound.val(0).iterate()?;
            if this.len() + more.len() > MOST_ITEMS {
                return Err(raised("the list is too long"));
            }
            this.change(|items| items.extend(more));
            Ok(Val::Null)
        }
        "insert" => {
            let bound = arguments.bind("list.insert", &parameters(&["index", "object"], 2))?;
            let (index, item) = (bound.int(0, 0)?, bound.val(1));
            this.change(|items| {
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { (index + length).max(0) } else { index.min(length) };
                items.insert(usize::try_from(at).unwrap_or(0), item);
            });
            Ok(Val::Null)
        }
        "pop" => {
            let bound = arguments.bind("list.pop", &parameters(&["index"], 0))?;
            let index = bound.int(0, -1)?;
            this.change(|items| {
                if items.is_empty() {
                    return Err(raised("pop from empty list"));
                }
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { index + length } else { index };
                match usize::try_from(at) {
                    Ok(at) if at < items.len() => Ok(items.remove(at)),
                    _ => Err(raised("pop index out of range")),
                }
            })
        }
        "remove" => {
            let bound = arguments.bind("list.remove", &parameters(&["value"], 1))?;
            let wanted = bound.val(0);
            let at = find(&this.to_vec(), &wanted)?;
            match at {
                Some(at) => {
                    this.change(|items| items.remove(at));
                    Ok(Val::Null)
                }
                None => Err(raised("list.remove(x): x not in list")),
            }
        }
        "clear" => {
            this.change(Vec::clear);
            Ok(Val::Null)
        }
        "copy" => Ok(Val::list(this.to_vec())),
        "reverse" => {
            this.change(|items| items.reverse());
            Ok(Val::Null)
        }
        "sort" => {
            let bound = arguments.bind("list.sort", &parameters(&["key", "reverse"], 0))?;
            let mut items: Vec<(Val, Val)> = this.to_vec().into_iter().map(|item| (item.clone(), item)).collect();
            sort_by_key(&mut items, bound.bool(1, false)?)?;
            this.change(|list| *list = items.into_iter().map(|(_, item)| item).collect());
            Ok(Val::Null)
        }
        _ => search(&this.to_vec(), "list", name, arguments),
    }
}

pub fn call_tuple(this: &Rc<Vec<Val>>, name: &str, arguments: Arguments) -> Res<Val> {
    search(this, "tuple", name, arguments)
}

fn search(items: &[Val], kind: &str, name: &str, arguments: Arguments) -> Res<Val> {
    match name {
        "count" => {
            let bound = arguments.bind("count", &parameters(&["value"], 1))?;
            let wanted = bound.val(0);
            let mut count = 0;
            for item in items {
                count += i64::from(equal(item, &wanted)?);
            }
            Ok(Val::Int(count))
        }
        "index" => {
            let bound = arguments.bind("index", &parameters(&["value", "start", "stop"], 1))?;
            let wanted = bound.val(0);
            let start = usize::try_from(bound.int(1, 0)?).unwrap_or(0);
            match find(items.get(start..).unwrap_or(&[]), &wanted)? {
                Some(at) => Ok(Val::Int(i64::try_from(at + start).unwrap_or(i64::MAX))),
                None if kind == "list" => {
                    Err(raised(format!("{} is not in list", crate::template::engine::print::repr(&wanted)?)))
                }
                None => Err(raised("tuple.index(x): x not in tuple")),
            }
        }
        _ => Err(raised(format!("'{kind}' object has no attribute '{name}'"))),
    }
}

fn find(items: &[Val], wanted: &Val) -> Res<Option<usize>> {
    for (at, item) in items.iter().enumerate() {
        if equal(item, wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
