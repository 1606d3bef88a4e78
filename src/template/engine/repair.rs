//! Texts that Jinja2 accepts and the parser does not, changed so that it does.

use std::sync::LazyLock;

use minijinja::machinery::{Token, tokenize};

use super::compile::Syntax;

pub struct Repaired {
    pub parsed: String,
    pub read: String,
}

/// Statements with a body that may begin behind a colon.
const TAKES_COLON: &[&str] = &["autoescape", "block", "call", "elif", "else", "filter", "for", "if", "macro", "set"];

/// An open bracket, and what has been seen inside it.
struct Bracket {
    inside: usize,
    subscript: bool,
    commas: usize,
    slice: bool,
}

/// Whether the parser may take a sign behind a test for the test's argument, which Jinja2 never does.
pub fn has_sign_behind_test(source: &str) -> bool {
    static SIGN: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"\bis\s+(?:not\s+)?\w+\s*[-+]\s*[^%}\s]").expect("a constant pattern"));
    source.contains("is") && SIGN.is_match(source)
}

/// What Jinja2 accepts and the parser does not: unary plus, tuples without parentheses, escapes it does not know.
pub fn repair(source: &str, options: &Syntax, expression: bool) -> Option<Repaired> {
    let masked = mask_escapes(source);
    let mut edits: Vec<(usize, char)> = Vec::new();
    let mut plus: Vec<usize> = Vec::new();
    // Colons at the end of statements, as Python has them.
    let mut colons: Vec<usize> = Vec::new();
    let mut last_colon = None;
    // The end of a test's name, while a sign behind it would be taken for the test's argument.
    let mut test_end: Option<usize> = None;
    let mut expects_test = false;
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut after_comma = false;
    let mut before_is_value = false;
    let mut before_is_name = false;
    let mut depth = 0_usize;
    // Where a tuple may stand without parentheses: its start, and the commas seen at this level.
    let mut start: Option<usize> = expression.then_some(0);
    let mut commas = 0;
    let mut statement: Option<&str> = None;
    let mut last_end = 0;
    let mut words = 0;
    for token in tokenize(&masked, expression, options.config.clone()) {
        let (token, span) = token.ok()?;
        let (from, to) = (span.start_offset as usize, span.end_offset as usize);
        if let (Token::Plus | Token::Minus, Some(end)) = (&token, test_end) {
            edits.extend([(end, '('), (end, ')')]);
        }
        test_end = matches!(token, Token::Ident(name) if expects_test && name != "not").then_some(to);
        expects_test = matches!(token, Token::Ident("is")) || expects_test && matches!(token, Token::Ident("not"));
        match &token {
            Token::VariableStart => {
                (start, commas, depth, statement) = (Some(to), 0, 0, None);
                before_is_value = false;
            }
            Token::BlockStart => {
                (start, commas, depth, statement, words) = (None, 0, 0, Some(""), 0);
                before_is_value = false;
            }
            Token::VariableEnd | Token::BlockEnd => {
                if let Some(colon) = last_colon
                    && statement.is_some_and(|statement| TAKES_COLON.contains(&statement))
                {
                    colons.push(colon);
                }
                if commas > 0
                    && let Some(start) = start
                {
                    edits.push((start, '('));
                    edits.push((last_end, ')'));
                }
                (start, statement) = (None, None);
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                depth += 1;
                let subscript = before_is_value && matches!(token, Token::BracketOpen);
                brackets.push(Bracket { inside: to, subscript, commas: 0, slice: false });
                before_is_value = false;
            }
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                depth = depth.saturating_sub(1);
                if let Some(it) = brackets.pop()
                    && it.subscript
                    && it.commas > 0
                    && !it.slice
                    && !after_comma
                {
                    edits.push((it.inside, '('));
                    edits.push((from, ')'));
                }
                before_is_value = true;
            }
            Token::Colon => {
                if let Some(it) = brackets.last_mut() {
                    it.slice = true;
                }
                before_is_value = false;
            }
            Token::Comma => {
                if let Some(it) = brackets.last_mut() {
                    it.commas += 1;
                }
                if depth == 0 && start.is_some() {
                    commas += 1;
                }
                before_is_value = false;
            }
            Token::Plus if before_is_name => return None,
            Token::Plus if !before_is_value => plus.push(from),
            Token::Ident(word) => {
                if statement == Some("") {
                    statement = Some(*word);
                    if matches!(*word, "if" | "elif" | "include" | "extends") {
                        (start, commas) = (Some(to), 0);
                    }
                } else if statement == Some("for") && depth == 0 {
                    if *word == "in" && words == 0 {
                        (start, commas, words) = (Some(to), 0, 1);
                    } else if matches!(*word, "if" | "recursive") {
                        if commas > 0
                            && let Some(start) = start
                        {
                            edits.push((start, '('));
                            edits.push((last_end, ')'));
                        }
                        start = None;
                    }
                }
                before_is_value = !matches!(*word, "and" | "or" | "not" | "in" | "if" | "else" | "is");
            }
            Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => {
                before_is_value = true;
            }
            _ => before_is_value = false,
        }
        after_comma = matches!(token, Token::Comma);
        last_colon = matches!(token, Token::Colon).then_some(from);
        // Where the name of a filter or a test follows.
        before_is_name =
            matches!(token, Token::Pipe | Token::Ident("is")) || before_is_name && matches!(token, Token::Ident("not"));
        last_end = to;
    }
    if edits.is_empty() && plus.is_empty() && colons.is_empty() && masked == source {
        return None;
    }
    edits.sort_by_key(|(at, _)| *at);
    let apply = |text: &str, sign: char| {
        let mut out = String::with_capacity(text.len() + edits.len());
        let mut edits = edits.iter().peekable();
        for (at, char) in text.char_indices() {
            while let Some((_, insert)) = edits.next_if(|(place, _)| *place <= at) {
                out.push(*insert);
            }
            let changed = if plus.contains(&at) {
                sign
            } else if colons.contains(&at) {
                ' '
            } else {
                char
            };
            out.push(changed);
        }
        out.extend(edits.map(|(_, insert)| *insert));
        out
    };
    // The parser knows a minus at this place; a plus in the text that is read tells them apart.
    Some(Repaired { parsed: apply(&masked, '-'), read: apply(source, '+') })
}

/// Escapes the tokenizer would judge become two harmless characters; what they mean is read from the source.
fn mask_escapes(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut quote: Option<char> = None;
    let mut in_tag = false;
    let mut chars = source.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if !in_tag {
            in_tag = source[at..].starts_with("{{") || source[at..].starts_with("{%");
        } else if quote.is_none() && (source[at..].starts_with("}}") || source[at..].starts_with("%}")) {
            in_tag = false;
        }
        match quote {
            Some(_) if char == '\\' => {
                out.push('_');
                if let Some((_, next)) = chars.next() {
                    if next.is_ascii() && next != '\n' { out.push('_') } else { out.push(next) }
                }
                continue;
            }
            Some(open) if char == open => quote = None,
            None if in_tag && matches!(char, '\'' | '"') => quote = Some(char),
            _ => {}
        }
        out.push(char);
    }
    out
}
