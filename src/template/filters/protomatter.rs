//! Filters of `ansible._protomatter`, by which templates look at what a value is made of.

use crate::template::engine::arguments::Bound;
use crate::template::engine::output;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Val, from_data};
use crate::template::error::Res;
use crate::value::Str;

/// Text as if a person had written it in the project.
pub fn apply_trust(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(match args.val(0) {
        Val::Str(text) if !text.is_trusted() => Val::Str(Str::trusted(text.as_str(), text.span().cloned())),
        other => other,
    })
}

/// The value as it is at the end of a template.
pub fn finalize(_scope: &Scope, args: Bound) -> Res<Val> {
    output::finalize(&args.val(0)).map(|value| from_data(&value))
}

/// Where a text stands; nothing of what stands nowhere.
pub fn origin(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(match args.val(0) {
        Val::Str(text) => text.span().map_or(Val::Null, |span| Val::str(span.to_string())),
        _ => Val::Null,
    })
}
