//! Regular expressions with Python's syntax: the filters, and compiling for the tests.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use fancy_regex::{Captures, Regex, RegexBuilder};

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    pub ignore_case: bool,
    pub multiline: bool,
    pub dot_all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    None,
    Start,
    Whole,
}

type Compiled = HashMap<(String, Flags), Arc<Regex>>;
static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

pub fn compile(pattern: &str, flags: Flags) -> Res<Arc<Regex>> {
    let key = (pattern.to_owned(), flags);
    if let Ok(cache) = COMPILED.lock()
        && let Some(found) = cache.get(&key)
    {
        return Ok(Arc::clone(found));
    }
    check_group_names(pattern)?;
    if let Some(fault) = structural_fault(pattern) {
        return Err(raised(fault));
    }
    let mut prefix = String::new();
    for (on, letter) in [(flags.ignore_case, 'i'), (flags.multiline, 'm'), (flags.dot_all, 's')] {
        if on {
            prefix.push(letter);
        }
    }
    let prefix = if prefix.is_empty() { prefix } else { format!("(?{prefix})") };
    let built = RegexBuilder::new(&format!("{prefix}{}", from_python(pattern)))
        .backtrack_limit(1_000_000)
        .delegate_size_limit(20_000_000)
        .build()
        .map_err(|error| raised(format!("Invalid regular expression: {error}")))?;
    let built = Arc::new(built);
    if let Ok(mut cache) = COMPILED.lock() {
        if cache.len() > 2000 {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&built));
    }
    Ok(built)
}

/// The engine accepts names that Python does not.
fn check_group_names(pattern: &str) -> Res<()> {
    const OPEN: &str = "(?P<";
    for (at, _) in pattern.match_indices(OPEN) {
        let (before, rest) = (pattern.get(..at).unwrap_or(""), pattern.get(at + OPEN.len()..).unwrap_or(""));
        let is_escaped = before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let Some((name, _)) = rest.split_once('>') else { continue };
        let begins = name.starts_with(|char: char| char.is_alphabetic() || char == '_');
        let is_name = begins && name.chars().all(|char| char.is_alphanumeric() || char == '_');
        if is_escaped || is_name {
            continue;
        }
        let position = before.chars().count() + OPEN.len();
        return Err(raised(format!("bad character in group name '{name}' at position {position}")));
    }
    Ok(())
}

/// What Python says of a pattern whose brackets or repetitions don't fit together.
fn structural_fault(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut open = Vec::new();
    let mut before = Before::Nothing;
    let mut at = 0;
    while let Some(char) = chars.get(at) {
        let begin = at;
        at += 1;
        match char {
            '\\' if at == chars.len() => return Some(format!("bad escape (end of pattern) at position {begin}")),
            '\\' => {
                at += 1;
                before = Before::Atom;
            }
            '[' => match end_of_class(&chars, at) {
                Some(end) => {
                    at = end;
                    before = Before::Atom;
                }
                None => return Some(format!("unterminated character set at position {begin}")),
            },
            '(' => {
                open.push(begin);
                before = Before::Nothing;
                if chars.get(at) == Some(&'?') {
                    at += 1;
                }
            }
            ')' => {
                if open.pop().is_none() {
                    return Some(format!("unbalanced parenthesis at position {begin}"));
                }
                before = Before::Atom;
            }
            '|' | '^' | '$' => before = Before::Nothing,
            '*' | '+' | '?' | '{' => {
                let counted = if *char == '{' { counted(&chars, at) } else { Some(at) };
                let Some(end) = counted else {
                    before = Before::Atom;
                    continue;
                };
                let what = match before {
                    Before::Atom => None,
                    Before::Nothing => Some("nothing to repeat"),
                    Before::Repetition => Some("multiple repeat"),
                };
                if let Some(what) = what {
                    return Some(format!("{what} at position {begin}"));
                }
                // Lazy or possessive.
                at = if matches!(chars.get(end), Some('?' | '+')) { end + 1 } else { end };
                before = Before::Repetition;
            }
            _ => before = Before::Atom,
        }
    }
    open.last().map(|at| format!("missing ), unterminated subpattern at position {at}"))
}

/// What a sign of repetition follows.
enum Before {
    Nothing,
    Atom,
    Repetition,
}

/// The place after a class of characters whose bracket was opened before `at`; a bracket that comes first is a character.
fn end_of_class(chars: &[char], at: usize) -> Option<usize> {
    let first = if chars.get(at) == Some(&'^') { at + 1 } else { at };
    let mut at = first;
    loop {
        match chars.get(at)? {
            '\\' => at += 2,
            ']' if at > first => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The place after `n}`, `n,}`, `,m}` or `n,m}`; any other text after a brace is just text.
fn counted(chars: &[char], at: usize) -> Option<usize> {
    let length = chars.get(at..)?.iter().position(|char| *char == '}')?;
    let inner: String = chars.get(at..at + length)?.iter().collect();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let counts = match inner.split_once(',') {
        Some((least, most)) => is_number(least) && is_number(most),
        None => !inner.is_empty() && is_number(&inner),
    };
    counts.then_some(at + length + 1)
}

/// What Python writes differently from the engine: `\Z`, literal brackets and operators inside classes.
fn from_python(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut class_start: Option<usize> = None;
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('Z') if class_start.is_none() => out.push_str("\\z"),
                // Python reads these escapes as the plain character.
                Some(next)
                    if matches!(
                        next,
                        '/' | '"'
                            | '\''
                            | '@'
                            | '%'
                            | ','
                            | ';'
                            | ':'
                            | '='
                            | '!'
                            | '`'
                            | '<'
                            | '>'
                            | '_'
                            | ' '
                            | '-'
                            | '#'
                            | '~'
                            | '&'
                    ) =>
                {
                    if matches!(next, '-' | '#' | '~' | '&' | ' ') {
                        out.push('\\');
                    }
                    out.push(next);
                }
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push('\\'),
            },
            '[' if class_start.is_some() => out.push_str("\\["),
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                class_start = Some(out.len());
            }
            ']' if class_start.is_some() => {
                class_start = None;
                out.push(']');
            }
            '&' | '~' if class_start.is_some() => {
                out.push('\\');
                out.push(char);
            }
            '-' if class_start.is_some() && chars.peek() == Some(&'-') => out.push_str("\\-"),
            // A brace that is no repetition is itself.
            '{' if class_start.is_none() => {
                let ahead: String = chars.clone().take_while(|char| *char != '}').collect();
                let closed = chars.clone().nth(ahead.chars().count()) == Some('}');
                let repetition = closed
                    && !ahead.is_empty()
                    && ahead != ","
                    && ahead.chars().all(|char| char.is_ascii_digit() || char == ',')
                    && ahead.matches(',').count() <= 1;
                if repetition {
                    out.push('{');
                    if ahead.starts_with(',') {
                        out.push('0');
                    }
                } else {
                    out.push_str("\\{");
                }
            }
            '$' if class_start.is_none() => out.push('$'),
            other => out.push(other),
        }
    }
    // Without the multiline flag Python's `$` also matches before a last newline.
    out
}

fn failed(error: &fancy_regex::Error) -> crate::template::error::Fault {
    raised(format!("the regular expression could not be matched: {error}"))
}

pub fn matches(regex: &Regex, text: &str, anchor: Anchor) -> Res<bool> {
    if anchor == Anchor::None {
        return regex.is_match(text).map_err(|error| failed(&error));
    }
    let anchored = match anchor {
        Anchor::Whole => format!("^(?:{})\\z", regex.as_str()),
        _ => format!("\\A(?:{})", regex.as_str()),
    };
    let anchored = match anchor {
        Anchor::Whole => anchored.replacen('^', "\\A", 1),
        _ => anchored,
    };
    translated(anchored)?.is_match(text).map_err(|error| failed(&error))
}

/// Compiles what is written for the engine already.
fn translated(pattern: String) -> Res<Arc<Regex>> {
    let key = (pattern, Flags::default());
    if let Some(found) = COMPILED.lock().ok().and_then(|cache| cache.get(&key).cloned()) {
        return Ok(found);
    }
    let built = RegexBuilder::new(&key.0)
        .backtrack_limit(1_000_000)
        .build()
        .map_err(|error| raised(format!("Invalid regular expression: {error}")))?;
    let built = Arc::new(built);
    if let Ok(mut cache) = COMPILED.lock() {
        cache.insert(key, Arc::clone(&built));
    }
    Ok(built)
}

fn flags(args: &Bound, multiline: usize, ignore_case: usize) -> Res<Flags> {
    Ok(Flags { multiline: args.bool(multiline, false)?, ignore_case: args.bool(ignore_case, false)?, dot_all: false })
}

/// A subject as text; Ansible refuses what is not text or a number.
fn subject(value: &Val) -> Res<String> {
    print::text(value)
}

fn captures<'t>(regex: &Regex, text: &'t str) -> Res<Vec<Captures<'t, str>>> {
    // Python also takes an empty match right behind a longer one, and after an empty one it looks for a longer one
    // at the same place: `\G` is where a search starts.
    let moving = LazyCell::new(|| translated(format!("(?:{})(?!\\G)", regex.as_str())));
    let mut out = Vec::new();
    let mut at = 0;
    let mut after_empty = false;
    while at <= text.len() {
        let found = if after_empty {
            let moving = moving.as_ref().map_err(Clone::clone)?;
            moving.captures_from_pos(text, at)
        } else {
            regex.captures_from_pos(text, at)
        };
        let Some(found) = found.map_err(|error| failed(&error))? else { break };
        let Some(whole) = found.get(0) else { break };
        at = whole.end();
        after_empty = whole.start() == whole.end();
        out.push(found);
    }
    Ok(out)
}

pub fn replace(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = subject(&args.val(0))?;
    let pattern = args.get(1).map_or_else(|| Ok(String::new()), print::text)?;
    let replacement = args.get(2).map_or_else(|| Ok(String::new()), print::text)?;
    let regex = compile(&pattern, flags(&args, 4, 3)?)?;
    let count = usize::try_from(args.int(5, 0)?).unwrap_or(0);
    let required = args.int(6, 0)?;
    let template = Replacement::parse(&replacement, &regex)?;
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    let mut replaced = 0;
    for found in captures(&regex, &text)? {
        if count > 0 && replaced >= count {
            break;
        }
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(last..whole.start()).unwrap_or(""));
        template.expand(&found, &mut out);
        last = whole.end();
        replaced += 1;
        if out.len() > print::MOST_TEXT {
            return Err(raised("the result is too large"));
        }
    }
    out.push_str(text.get(last..).unwrap_or(""));
    if required > 0 && i64::try_from(replaced).unwrap_or(0) != required {
        return Err(raised(format!(
            "'{pattern}' should match {required} times, but matches {count} times in '{text}'"
        )));
    }
    Ok(Val::str(out))
}

enum Piece {
    Text(String),
    Group(usize),
}

/// Python's replacement text: `\1`, `\g<name>`, and escapes.
struct Replacement(Vec<Piece>);

impl Replacement {
    fn parse(text: &str, regex: &Regex) -> Res<Self> {
        let groups = regex.captures_len();
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        let group = |index: usize| -> Res<usize> {
            if index < groups {
                Ok(index)
            } else {
                Err(raised(format!("invalid group reference {index} at position 1")))
            }
        };
        while let Some(char) = chars.next() {
            if char != '\\' {
                literal.push(char);
                continue;
            }
            let index =
                match chars.next() {
                    None => return Err(raised("bad escape (end of pattern)")),
                    Some('g') => {
                        if chars.next() != Some('<') {
                            return Err(raised("missing <"));
                        }
                        let mut name = String::new();
                        loop {
                            match chars.next() {
                                Some('>') => break,
                                Some(char) => name.push(char),
                                None => return Err(raised("missing >, unterminated name")),
                            }
                        }
                        match name.parse::<usize>() {
                            Ok(index) => group(index)?,
                            Err(_) => regex.capture_names().position(|known| known == Some(name.as_str())).ok_or_else(
                                || raised(format!("unknown group name {}", crate::value::python::str_repr(&name))),
                            )?,
                        }
                    }
                    Some('0') => {
                        let mut code = 0;
                        for _ in 0..2 {
                            let Some(digit) = chars.peek().and_then(|char| char.to_digit(8)) else { break };
                            chars.next();
                            code = code * 8 + digit;
                        }
                        literal.push(char::from_u32(code).unwrap_or('\0'));
                        continue;
                    }
                    Some(digit @ '1'..='9') => {
                        let mut index = digit.to_digit(10).unwrap_or(0) as usize;
                        if let Some(next) = chars.peek().and_then(|char| char.to_digit(10)) {
                            index = index * 10 + next as usize;
                            chars.next();
                        }
                        group(index)?
                    }
                    Some(other) => {
                        match other {
                            'n' => literal.push('\n'),
                            't' => literal.push('\t'),
                            'r' => literal.push('\r'),
                            'a' => literal.push('\u{7}'),
                            'b' => literal.push('\u{8}'),
                            'f' => literal.push('\u{c}'),
                            'v' => literal.push('\u{b}'),
                            '\\' => literal.push('\\'),
                            letter if letter.is_ascii_alphabetic() => {
                                return Err(raised(format!("bad escape \\{letter} at position 0")));
                            }
                            other => {
                                literal.push('\\');
                                literal.push(other);
                            }
                        }
                        continue;
                    }
                };
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Group(index));
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    fn expand(&self, found: &Captures<'_, str>, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(index) => out.push_str(found.get(*index).map_or("", |group| group.as_str())),
            }
        }
    }
}

pub fn search(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = subject(&args.val(0))?;
    for (name, _) in &args.named {
        if !matches!(&**name, "ignorecase" | "multiline") {
            return Err(raised(format!("regex_search() got an unexpected keyword argument '{name}'")));
        }
    }
    let flag =
        |name: &str| args.named.iter().find(|(known, _)| &**known == name).map_or(Ok(false), |(_, it)| it.truthy());
    let flags = Flags { ignore_case: flag("ignorecase")?, multiline: flag("multiline")?, dot_all: false };
    let regex = compile(&print::text(&args.val(1))?, flags)?;
    let wanted: Vec<Group> = args.rest.iter().map(group_reference).collect::<Res<_>>()?;
    let Some(found) = regex.captures(&text).map_err(|error| failed(&error))? else { return Ok(Val::Null) };
    let group = |group: Option<fancy_regex::Match<'_>>| group.map_or(Val::Null, |group| Val::str(group.as_str()));
    if args.rest.is_empty() {
        return Ok(group(found.get(0)));
    }
    let mut out = Vec::new();
    for wanted in &wanted {
        out.push(group(match wanted {
            Group::Number(index) if *index < found.len() => found.get(*index),
            Group::Name(name) if regex.capture_names().any(|known| known == Some(name)) => found.name(name),
            _ => return Err(raised("no such group")),
        }));
    }
    Ok(Val::list(out))
}

/// A group that `regex_search` shall return.
enum Group {
    Number(usize),
    Name(String),
}

/// `\1` or `\g<name>`. Whatever follows is passed over, as Python's `re.match` does.
fn group_reference(wanted: &Val) -> Res<Group> {
    let Val::Str(text) = wanted else {
        return Err(raised(format!("'{}' object has no attribute 'startswith'", wanted.type_name())));
    };
    let Some(reference) = text.strip_prefix('\\') else { return Err(raised("Unknown argument")) };
    let found = if reference.starts_with('g') {
        let name = reference.strip_prefix("g<").and_then(|rest| rest.rsplit_once('>')).map(|(name, _)| name);
        name.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
            .map(|name| name.parse().map_or_else(|_| Group::Name(name.to_owned()), Group::Number))
    } else {
        let digits = reference.find(|char: char| !char.is_ascii_digit()).unwrap_or(reference.len());
        reference.get(..digits).and_then(|digits| digits.parse().ok()).map(Group::Number)
    };
    found.ok_or_else(|| raised("'NoneType' object has no attribute 'group'"))
}

pub fn find_all(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = subject(&args.val(0))?;
    let regex = compile(&print::text(&args.val(1))?, flags(&args, 2, 3)?)?;
    let group = |group: Option<fancy_regex::Match<'_>>| Val::str(group.map_or("", |group| group.as_str()));
    let mut out = Vec::new();
    for found in captures(&regex, &text)? {
        out.push(match found.len() {
            1 => group(found.get(0)),
            2 => group(found.get(1)),
            more => Val::tuple((1..more).map(|index| group(found.get(index))).collect()),
        });
    }
    Ok(Val::list(out))
}

pub fn escape(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0))?;
    match args.text_or(1, "python")? {
        "python" => {
            let mut out = String::new();
            for char in text.chars() {
                if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(char) {
                    out.push('\\');
                }
                out.push(char);
            }
            Ok(Val::str(out))
        }
        "posix_basic" => {
            let mut out = String::new();
            for char in text.chars() {
                if "].[*^$\\".contains(char) {
                    out.push('\\');
                }
                out.push(char);
            }
            Ok(Val::str(out))
        }
        "posix_extended" => Err(raised("Regex type (posix_extended) not yet implemented")),
        other => Err(raised(format!("Invalid regex type ({other})"))),
    }
}
