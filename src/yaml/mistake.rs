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
    let lines = || text.split('\n');
    if let Some(line) = lines().position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        return unfinished_merge(source, line);
    }
    let (place, line) = match lines().nth(usize::try_from(mark.line).unwrap_or(usize::MAX)) {
        Some(line) => (span(source, mark), line),
        // Line breaks of other kinds count, too, and then there is no such line.
        None if text.ends_with('\n') => (span(source, mark), ""),
        // The end of a file whose last line is not ended.
        None => {
            let last = lines().next_back().unwrap_or("");
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            (Span::new(source, number(lines().count()), number(last.chars().count() + 1)), last)
        }
    };
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

/// What version control leaves where two people have changed the same lines.
fn unfinished_merge(source: &Arc<SourceFile>, line: usize) -> Error {
    let place = Span { length: 7, ..Span::new(source, u32::try_from(line + 1).unwrap_or(u32::MAX), 1) };
    Error::project(format!("{PREFIX} A merge conflict is not resolved."), Some(&place))
        .hint("decide for one side and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`")
}

const INDENTATION: &str = "check the indentation of this line and the one above it";

/// A template that begins a value.
static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| before_value(r"\w\s", r"(\{\{.*\}\})"));

/// A value, whatever it is; brackets may be part of its key.
static VALUE: LazyLock<Regex> = LazyLock::new(|| before_value(r"\w\s\[\]{}", "(.*)$"));

/// A value that begins with a quote.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| before_value(r"\w\s", r#"(["'].*)$"#));

/// All of a value between quotes.
static WHOLLY_QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^\s*('[^']*'|"[^"]*")\s*$"#).expect("a constant pattern"));

/// A colon that YAML takes for the end of a key.
static COLON: LazyLock<Regex> = LazyLock::new(|| Regex::new(":(?: |$)").expect("a constant pattern"));

/// A value behind the dashes of lists and a simple key.
fn before_value(key: &str, value: &str) -> Regex {
    Regex::new(&format!(r"^\s*(?:-\s+)*(?:[{key}]+:\s+)?{value}")).expect("a constant pattern")
}

/// A likely cause that the line shows: what Ansible says about it, what to do, and at which column it is.
fn cause(line: &str) -> Option<(&'static str, &'static str, usize)> {
    let column = |offset: usize| line.get(..offset).map_or(0, |before| before.chars().count());
    if let Some(tab) = line.find('\t') {
        return Some(("Tabs are usually invalid in YAML.", "indent with spaces", column(tab)));
    }
    let value_in = |pattern: &Regex| pattern.captures(line).and_then(|found| found.get(1));
    if let Some(template) = value_in(&TEMPLATE) {
        let message = "This may be an issue with missing quotes around a template block.";
        return Some((message, "a value that begins with `{{` needs quotes: \"{{ … }}\"", column(template.start())));
    }
    let value =
        value_in(&VALUE).filter(|value| !line.trim_start().starts_with(':') && !WHOLLY_QUOTED.is_match(value.as_str()));
    if let Some(colon) = value.and_then(|value| Some(value.start() + COLON.find(value.as_str())?.start())) {
        let message = "Colons in unquoted values must be followed by a non-space character.";
        // A key alone on its line is in the wrong place more often than it is a value.
        let is_key = line.get(colon + 1..).is_some_and(|rest| rest.trim().is_empty());
        let hint = if is_key { INDENTATION } else { "put the whole value in quotes" };
        return Some((message, hint, column(colon)));
    }
    let value = value_in(&QUOTED)?;
    let quote = value.as_str().chars().next()?;
    let hint = "put the whole value in quotes of the other kind";
    if !value.as_str().ends_with(quote) {
        return Some(("Values starting with a quote must end with the same quote.", hint, column(value.start())));
    }
    if line.matches(quote).count() > 2 {
        let message = "Values starting with a quote must end with the same quote, and not contain that quote.";
        return Some((message, hint, column(value.start())));
    }
    None
}

fn hint(sentence: &str) -> Option<&'static str> {
    if sentence.contains("did not find expected key") || sentence.contains("did not find expected '-'") {
        return Some("check the indentation: entries of one mapping or list begin in the same column");
    }
    if sentence.contains("apping values are not allowed") {
        return Some(INDENTATION);
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
