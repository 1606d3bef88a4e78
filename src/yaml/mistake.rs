//! What is wrong with a YAML file, where, and what to do about the mistakes people make most.

use std::sync::{Arc, LazyLock};

use libyaml_safer::Mark;
use regex::Regex;

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
        Some(mark) => {
            let found = at_mark(source, text, err.context().unwrap_or_default(), err.problem(), mark);
            match err.context_mark().filter(|_| err.problem().contains("end of stream")) {
                Some(opened) => {
                    found.hint(format!("the quote that is never closed was opened at {}", span(source, opened)))
                }
                None => found,
            }
        }
        None => Error::project(format!("{PREFIX} {err}"), Some(&Span::new(source, 1, 1))),
    }
}

/// A mistake at a place; the line it stands on may say more about its cause than the parser does.
pub fn at_mark(source: &Arc<SourceFile>, text: &str, context: &str, problem: &str, mark: Mark) -> Error {
    let place = span(source, mark);
    let line = text.split('\n').nth(usize::try_from(mark.line).unwrap_or(usize::MAX)).unwrap_or("");
    if let Some((message, hint, column)) = cause(line.trim_end_matches('\r')) {
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

/// What stands before the value on a line: list dashes and a simple key.
static BEFORE_VALUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:-\s+)*(?:[\w\s\[\]{}]+:(?:\s+|$))?").expect("a constant pattern"));

/// A colon that YAML takes for the end of a key.
static COLON: LazyLock<Regex> = LazyLock::new(|| Regex::new(r":(?:\s|$)").expect("a constant pattern"));

/// A likely cause that the line shows: what Ansible says about it, what to do, and at which column it is.
fn cause(line: &str) -> Option<(&'static str, &'static str, usize)> {
    let column = |offset: usize| line.get(..offset).map_or(0, |before| before.chars().count());
    let start = BEFORE_VALUE.find(line).map_or(0, |found| found.end());
    let dashes = line.len() - line.trim_start_matches([' ', '-']).len();
    for offset in [dashes, start] {
        if line.get(offset..).is_some_and(|rest| rest.starts_with("{{") && rest.contains("}}")) {
            let message = "This may be an issue with missing quotes around a template block.";
            return Some((message, "a value that begins with `{{` needs quotes: \"{{ … }}\"", column(offset)));
        }
    }
    if let Some(tab) = line.find('\t') {
        return Some(("Tabs are usually invalid in YAML.", "indent with spaces", column(tab)));
    }
    let value = line.get(start..)?;
    if let Some(colon) = COLON.find(value) {
        let message = "Colons in unquoted values must be followed by a non-space character.";
        return Some((message, "put the whole value in quotes", column(start + colon.start())));
    }
    let value = value.trim_end();
    let quote = value.chars().next().filter(|char| matches!(char, '"' | '\''))?;
    let hint = "put the whole value in quotes of the other kind";
    if !value.ends_with(quote) {
        return Some(("Values starting with a quote must end with the same quote.", hint, column(start)));
    }
    if value.matches(quote).count() > 2 {
        let message = "Values starting with a quote must end with the same quote, and not contain that quote.";
        return Some((message, hint, column(start)));
    }
    None
}

fn hint(sentence: &str) -> Option<&'static str> {
    if sentence.contains("did not find expected key") || sentence.contains("did not find expected '-'") {
        return Some("check the indentation: entries of one mapping or list begin in the same column");
    }
    if sentence.contains("apping values are not allowed") {
        return Some("check the indentation of this line and the one above it");
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
