//! Free-form arguments: `k=v k2="v 2" some text`. Words are kept together by quotes and by Jinja blocks.

use crate::error::{Error, ErrorKind};
use crate::source::Span;
use crate::value::{Dict, Str, Value};

/// How text that is not `k=v` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeForm {
    /// Every `k=v` is an argument.
    Plain,
    /// A command line: only the arguments of the command modules are taken out of it.
    Raw,
}

/// The arguments that may stand in a command line.
const RAW_OPTIONS: &[&str] =
    &["chdir", "creates", "executable", "removes", "stdin", "stdin_add_newline", "strip_empty_ends", "warn"];

/// A word with the spaces and line breaks that follow it, and where it begins in the text (in bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub start: usize,
}

/// The arguments by name, and the rest of the text. A name has its own place, a value that of the whole text, as in Ansible.
pub fn parse_kv(text: &Str, kind: FreeForm) -> Result<(Dict, Option<Str>), Error> {
    let places = Places::new(text);
    let mut args = Dict::new();
    let mut raw: Vec<String> = Vec::new();
    for token in split(text)? {
        let decoded = decode_escapes(&token.text);
        if !decoded.contains('=') {
            raw.push(token.text);
            continue;
        }
        match unescaped_equals(&decoded) {
            Some(at) => {
                let (name, value) = (&decoded[..at], &decoded[at + 1..]);
                if kind == FreeForm::Raw && !RAW_OPTIONS.contains(&name) {
                    raw.push(token.text);
                } else {
                    let name = places.string(text, name.trim(), token.start);
                    args.insert(Value::Str(name), Value::Str(text.with_text(unquote(value.trim()))));
                }
            }
            None => raw.push(decoded.replace("\\=", "=")),
        }
    }
    if !raw.is_empty() {
        return Ok((args, Some(text.with_text(join(&raw)))));
    }
    let given = match args.shift_remove("_raw_params") {
        Some(Value::Str(given)) => Some(given),
        _ => None,
    };
    Ok((args, given))
}

/// The words of a text. Line breaks and repeated spaces stay with the word before them, so that the text can be put
/// together again.
pub fn split(text: &str) -> Result<Vec<Token>, Error> {
    let mut state = Enclosure::default();
    let mut tokens: Vec<Token> = Vec::new();
    let mut position = 0;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let mut continues = false;
        for (index, word) in line.split(' ').enumerate() {
            let start = position;
            position += word.len() + 1;
            if word == "\\" && state.quote.is_none() {
                continues = true;
                continue;
            }
            let was_inside = state.is_inside();
            state.pass(word);
            if word.is_empty() {
                // The first word of an indented line is empty; the break before it was kept already.
                if index > 0 {
                    append(&mut tokens, " ", start);
                }
            } else if was_inside {
                if index > 0 {
                    append(&mut tokens, " ", start);
                }
                append(&mut tokens, word, start);
            } else {
                tokens.push(Token { text: word.to_owned(), start });
            }
        }
        if lines.peek().is_some() && !continues {
            append(&mut tokens, "\n", position);
        }
    }
    if state.is_inside() {
        let message =
            format!("failed at splitting arguments, either an unbalanced jinja2 block or quotes: {}", text.trim_end());
        let error = Error::project(message, None).of_kind(ErrorKind::Unbalanced);
        return Err(error.hint("every quote, `{{` and `{%` needs its end"));
    }
    Ok(tokens)
}

fn append(tokens: &mut Vec<Token>, text: &str, start: usize) {
    match tokens.last_mut() {
        Some(token) => token.text.push_str(text),
        None => tokens.push(Token { text: text.to_owned(), start }),
    }
}

/// The text of some of the tokens.
pub fn join(tokens: &[String]) -> String {
    let mut out = String::new();
    for token in tokens {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        out.push_str(token);
    }
    out
}

/// What keeps words together.
#[derive(Default)]
struct Enclosure {
    quote: Option<char>,
    /// Open `{{`, `{%` and `{#`.
    blocks: [usize; 3],
}

impl Enclosure {
    fn is_inside(&self) -> bool {
        self.quote.is_some() || self.blocks.iter().any(|depth| *depth > 0)
    }

    /// Blocks are counted by word, whatever is quoted: `{{ '}}' }}` ends at the first `}}`, as in Ansible.
    fn pass(&mut self, word: &str) {
        let mut before = None;
        for char in word.chars() {
            if matches!(char, '"' | '\'') && before != Some('\\') {
                match self.quote {
                    None => self.quote = Some(char),
                    Some(open) if open == char => self.quote = None,
                    Some(_) => {}
                }
            }
            before = Some(char);
        }
        for (depth, (open, close)) in self.blocks.iter_mut().zip([("{{", "}}"), ("{%", "%}"), ("{#", "#}")]) {
            let (opened, closed) = (word.matches(open).count(), word.matches(close).count());
            *depth = (*depth + opened).saturating_sub(closed);
        }
    }
}

/// The sign that ends a name; one at the very beginning belongs to the name.
fn unescaped_equals(text: &str) -> Option<usize> {
    text.match_indices('=').map(|(at, _)| at).find(|at| *at > 0 && !text[..*at].ends_with('\\'))
}

/// Removes quotes around the whole.
fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            && !inner.ends_with('\\')
        {
            return inner;
        }
    }
    text
}

/// `\n`, `\x41`, `\u00e9` and the like; an escape that is none stays as it is.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match escape(rest) {
            Some((char, length)) => {
                out.push(char);
                rest = &rest[length..];
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    out
}

/// The character that the text after a backslash stands for, and the text's length.
fn escape(rest: &str) -> Option<(char, usize)> {
    let coded = |digits: usize| {
        let code = rest.get(1..=digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, digits + 1))
    };
    let simple = |char| Some((char, 1));
    match rest.chars().next()? {
        'x' => coded(2),
        'u' => coded(4),
        'U' => coded(8),
        char @ ('\\' | '\'' | '"') => simple(char),
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        _ => None,
    }
}

/// Where the parts of a text stand in its file, if the text stands there as it is.
struct Places {
    /// The place of the text's first character.
    first: Option<Span>,
}

impl Places {
    fn new(text: &Str) -> Self {
        let first = text.span().and_then(|span| {
            let line = span.file.line(span.line)?;
            let begin = line.char_indices().nth(span.column.checked_sub(1)? as usize).map(|(at, _)| at)?;
            let written = line.get(begin..)?;
            if written.starts_with(text.as_str()) {
                return Some(span.clone());
            }
            let inner = written.strip_prefix(['"', '\''])?;
            inner.starts_with(text.as_str()).then(|| Span { column: span.column + 1, ..span.clone() })
        });
        Self { first }
    }

    /// A part of the text with its own place.
    fn string(&self, whole: &Str, part: &str, start: usize) -> Str {
        let Some(first) = &self.first else { return whole.with_text(part) };
        let before = whole.get(..start).map_or(0, |before| before.chars().count());
        let span = Span { column: first.column + u32::try_from(before).unwrap_or(0), ..first.clone() };
        let span = span.with_length(part.chars().count());
        let string = if whole.is_trusted() { Str::trusted(part, Some(span)) } else { return whole.with_text(part) };
        if whole.is_secret() { string.into_secret() } else { string }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn parsed(text: &str, kind: FreeForm) -> String {
        match parse_kv(&Str::trusted(text, None), kind) {
            Ok((args, raw)) => {
                let args: Vec<String> =
                    args.iter().map(|(name, value)| format!("{}={}", name.to_text(), value.repr())).collect();
                format!("{} | {}", args.join(" "), raw.map_or_else(|| "-".to_owned(), |raw| format!("{raw:?}")))
            }
            Err(err) => err.message,
        }
    }

    #[test]
    fn arguments_are_taken_from_text() {
        assert_eq!(
            parsed("a=1 b='x y' c={{ d | default('e f') }}", FreeForm::Plain),
            "a='1' b='x y' c=\"{{ d | default('e f') }}\" | -"
        );
        assert_eq!(parsed("echo a=b  c creates=/x", FreeForm::Raw), "creates='/x' | \"echo a=b  c\"");
        assert_eq!(parsed("echo a=b", FreeForm::Plain), "a='b' | \"echo\"");
        assert!(parsed("echo 'a", FreeForm::Raw).starts_with("failed at splitting arguments"));
    }

    #[test]
    fn an_argument_knows_its_place() {
        let file = SourceFile::new("t.yml", "- debug: msg={{ x }} var=y\n");
        let text = Str::trusted("msg={{ x }} var=y", Some(Span::new(&file, 1, 10)));
        let (args, _) = parse_kv(&text, FreeForm::Plain).expect("balanced");
        let column = |value: &Value| value.span().map(|span| span.column);
        assert_eq!(args.keys().map(column).collect::<Vec<_>>(), [Some(10), Some(22)]);
        assert_eq!(args.values().map(column).collect::<Vec<_>>(), [Some(10), Some(10)]);
    }
}
