//! Tests of text: case and regular expressions.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::Res;
use crate::template::filters::regex::{Anchor, Flags, compile, matches};

pub fn lower(_scope: &Scope, args: Bound) -> Res<bool> {
    let text = print::text(&args.val(0))?;
    Ok(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
}

pub fn upper(_scope: &Scope, args: Bound) -> Res<bool> {
    let text = print::text(&args.val(0))?;
    Ok(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
}

fn run(value: &Val, pattern: &Val, flags: Flags, anchor: Anchor) -> Res<bool> {
    let (text, pattern) = (print::text(value)?, print::text(pattern)?);
    let compiled = compile(&pattern, flags)?;
    matches(&compiled, &text, anchor)
}

fn flags(args: &Bound, first: usize) -> Res<Flags> {
    Ok(Flags { ignore_case: args.bool(first, false)?, multiline: args.bool(first + 1, false)?, ..Flags::default() })
}

fn pattern(args: &Bound) -> Val {
    args.get(1).cloned().unwrap_or_else(|| Val::str(""))
}

pub fn matching(_scope: &Scope, args: Bound) -> Res<bool> {
    run(&args.val(0), &pattern(&args), flags(&args, 2)?, Anchor::Start)
}

pub fn search(_scope: &Scope, args: Bound) -> Res<bool> {
    run(&args.val(0), &pattern(&args), flags(&args, 2)?, Anchor::None)
}

pub fn regex(_scope: &Scope, args: Bound) -> Res<bool> {
    let anchor = match args.text_or(4, "search")? {
        "match" => Anchor::Start,
        "fullmatch" => Anchor::Whole,
        _ => Anchor::None,
    };
    run(&args.val(0), &pattern(&args), flags(&args, 2)?, anchor)
}
