//! What is wrong with a YAML file, where, and what to do about the mistakes people make most.

use std::sync::Arc;

use libyaml_safer::Mark;

use crate::error::Error;
use crate::source::{SourceFile, Span};

const PREFIX: &str = "YAML parsing failed:";

pub fn span(source: &Arc<SourceFile>, mark: Mark) -> Span {
    let number = |value: u64| u32::try_from(value + 1).unwrap_or(u32::MAX);
    Span::new(source, number(mark.line), number(mark.column))
}

/// Python's words for a value that cannot be converted.
pub fn unplaced(span: &Span, problem: &str) -> Error {
    Error::project(format!("{PREFIX} {problem}"), Some(span))
}

pub fn from_parser(source: &Arc<SourceFile>, text: &str, err: &libyaml_safer::Error) -> Error {
    match err.problem_mark() {
        Some(mark) => at_mark(source, text, err.context().unwrap_or_default(), err.problem(), mark),
        None => Error::project(format!("{PREFIX} {err}"), Some(&Span::new(source, 1, 1))),
    }
}

/// A mistake at a place; the line it stands on may say more about its cause than the parser does.
pub fn at_mark(source: &Arc<SourceFile>, text: &str, context: &str, problem: &str, mark: Mark) -> Error {
    let place = span(source, mark);
    let line = text.split('\n').nth(usize::try_from(mark.line).unwrap_or(usize::MAX)).unwrap_or("");
    let column = usize::try_from(mark.column).unwrap_or(usize::MAX);
    if let Some((message, hint, column)) = cause(line.trim_end_matches('\r'), column) {
        let place = Span { column: u32::try_from(column + 1).unwrap_or(u32::MAX), ..place };
        return Error::project(format!("{PREFIX} {message}"), Some(&place)).hint(hint);
    }
    let sentence = if context.is_empty() { problem.to_owned() } else { format!("{context} {problem}") };
    let mut chars = sentence.chars();
    let sentence: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    let err = Error::project(format!("{PREFIX} {sentence}."), Some(&place));
    match hint(&sentence) {
        Some(hint) => err.hint(hint),
        None => err,
    }
}

/// A likely cause that the line shows: what Ansible says about it, what to do, and at which column it is.
fn cause(line: &str, column: usize) -> Option<(&'static str, &'static str, usize)> {
    let _ = (line, column);
    None
}

fn hint(sentence: &str) -> Option<&'static str> {
    if sentence.contains("did not find expected key") || sentence.contains("did not find expected '-'") {
        return Some("check the indentation: entries of one mapping or list begin in the same column");
    }
    if sentence.contains("apping values are not allowed") {
        return Some("check the indentation of this line and the one above it");
    }
    if sentence.contains("unexpected end of stream") && sentence.contains("quoted scalar") {
        return Some("a quote that was opened further up is never closed");
    }
    if sentence.contains("cannot start any token") {
        return Some("put the value in quotes");
    }
    None
}

/// The first character that YAML forbids; it is looked for in advance because the whole file counts.
pub fn forbidden_character(source: &Arc<SourceFile>, text: &str) -> Option<Error> {
    let is_allowed = |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let (position, char) = text.char_indices().find(|(_, char)| !is_allowed(*char))?;
    let before = text.get(..position)?;
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    let place =
        Span::new(source, u32::try_from(line + 1).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX));
    let problem = format!(
        "unacceptable character #x{:04x}: control characters are not allowed in \"<unicode string>\", position {position}",
        u32::from(char)
    );
    Some(unplaced(&place, &problem))
}
