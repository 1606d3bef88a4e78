//! Texts as the parser wants them, where Jinja2 takes more: line ends, blanks, newlines after `raw`, blocks in macros.

use std::borrow::Cow;
use std::sync::LazyLock;

use minijinja::machinery::{Token, ast, tokenize};

use super::compile::Syntax;
use crate::template::error::{Res, syntax};

/// What the parser says of a block in a macro.
pub const BLOCK_IN_MACRO: &str = "block tags in macros are not allowed";

/// Stands before the name of a block that is written as a call.
const BLOCK_CALL: &str = "__block_";

/// Line ends as Jinja2 normalizes them.
pub fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// Blanks of Python's that are not the parser's.
fn is_odd_space(char: char) -> bool {
    matches!(char, '\x0b' | '\x0c' | '\x1c'..='\x1f') || (!char.is_ascii() && char.is_whitespace())
}

/// Inside tags every blank that Python knows separates words; outside of them, in strings and in `raw` it is text.
pub fn plain_spaces<'a>(source: Cow<'a, str>, options: &Syntax, expression: bool) -> Cow<'a, str> {
    if !source.contains(is_odd_space) {
        return source;
    }
    let (block, variable, comment) =
        (options.config.block_delimiters(), options.config.variable_delimiters(), options.config.comment_delimiters());
    let mut out = String::with_capacity(source.len());
    let mut rest = &*source;
    if expression {
        copy_tag(&mut rest, "", &mut out);
        return Cow::Owned(out);
    }
    while let Some(char) = rest.chars().next() {
        if rest.starts_with(comment.0) {
            let length = rest.find(comment.1).map_or(rest.len(), |at| at + comment.1.len());
            copy(&mut rest, length, &mut out);
        } else if rest.starts_with(variable.0) {
            copy(&mut rest, variable.0.len(), &mut out);
            copy_tag(&mut rest, variable.1, &mut out);
        } else if rest.starts_with(block.0) {
            let tag = out.len();
            copy(&mut rest, block.0.len(), &mut out);
            copy_tag(&mut rest, block.1, &mut out);
            let words = out.get(tag + block.0.len()..).unwrap_or("").trim_start_matches(['-', '+']);
            if words.trim_end_matches(['-', '+']).trim() == "raw" {
                let end = END_RAW.find_iter(rest).map(|found| found.start()).find(|at| {
                    rest.get(..*at).is_some_and(|before| before.trim_end_matches(['-', '+']).ends_with(block.0))
                });
                let length = end.unwrap_or(rest.len());
                copy(&mut rest, length, &mut out);
                copy_tag(&mut rest, block.1, &mut out);
            }
        } else {
            copy(&mut rest, char.len_utf8(), &mut out);
        }
    }
    Cow::Owned(out)
}

static END_RAW: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"[-+]?\s*endraw").expect("a constant pattern"));

fn copy(rest: &mut &str, length: usize, out: &mut String) {
    let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
    out.push_str(part);
    *rest = behind;
}

/// A tag up to before its end, with plain blanks. An empty end is the text's.
fn copy_tag(rest: &mut &str, end: &str, out: &mut String) {
    let mut quote = None;
    while let Some(char) = rest.chars().next() {
        match quote {
            Some(_) if char == '\\' => {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                copy(rest, 1 + escaped, out);
                continue;
            }
            Some(open) if open == char => quote = None,
            None if !end.is_empty() && rest.starts_with(end) => return,
            None if matches!(char, '\'' | '"') => quote = Some(char),
            None if is_odd_space(char) => {
                out.push(' ');
                *rest = rest.get(char.len_utf8()..).unwrap_or("");
                continue;
            }
            _ => {}
        }
        copy(rest, char.len_utf8(), out);
    }
}

/// `trim_blocks` leaves the line end after `{% raw %}` alone; the parser is told so with a `+`, which no text may have there.
pub fn keep_newline_after_raw<'a>(source: Cow<'a, str>, options: &Syntax) -> Res<Cow<'a, str>> {
    if !source.contains("raw") {
        return Ok(source);
    }
    let (start, end) = options.config.block_delimiters();
    let own;
    let raw = if (start, end) == ("{%", "%}") {
        &*RAW
    } else {
        let pattern = format!(r"({}[-+]?\s*raw\s*)(\+?){}", regex::escape(start), regex::escape(end));
        own = regex::Regex::new(&pattern).map_err(|_| syntax("invalid delimiters"))?;
        &own
    };
    if raw.captures_iter(&source).any(|found| found.get(2).is_some_and(|plus| !plus.is_empty())) {
        return Err(syntax("Encountered unknown tag 'raw'."));
    }
    if !options.config.trim_blocks() {
        return Ok(source);
    }
    match raw.replace_all(&source, |found: &regex::Captures<'_>| format!("{}+{end}", &found[1])) {
        Cow::Borrowed(_) => Ok(source),
        Cow::Owned(changed) => Ok(Cow::Owned(changed)),
    }
}

static RAW: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"(\{%[-+]?\s*raw\s*)(\+?)%\}").expect("a constant pattern"));

/// Blocks inside macros and call blocks written as call blocks of a name that only `Lowering` knows; none if there are none.
pub fn blocks_as_calls(source: &str, options: &Syntax) -> Option<String> {
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut macros = 0_usize;
    let mut blocks: Vec<bool> = Vec::new();
    let mut words: Vec<(String, usize, usize)> = Vec::new();
    for token in tokenize(source, false, options.config.clone()) {
        let (token, span) = token.ok()?;
        match token {
            Token::BlockStart => words.clear(),
            Token::BlockEnd => {
                let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
                let (from, to) = (first.1, last.2);
                match first.0.as_str() {
                    "macro" | "call" => macros += 1,
                    "endmacro" | "endcall" => macros = macros.saturating_sub(1),
                    "block" => {
                        blocks.push(macros > 0);
                        if macros > 0 {
                            let name = words.get(1).map_or("", |(name, ..)| name);
                            let is = |flag: &str| words.iter().skip(2).any(|(word, ..)| word == flag);
                            let kind = if is("scoped") { "scoped_" } else { "" };
                            edits.push((from, to, format!("call {BLOCK_CALL}{kind}_{name}()")));
                        }
                    }
                    "endblock" if blocks.pop() == Some(true) => edits.push((from, to, "endcall".to_owned())),
                    _ => {}
                }
            }
            Token::Ident(word) => words.push((word.to_owned(), span.start_offset as usize, span.end_offset as usize)),
            _ => {}
        }
    }
    if edits.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(source.len() + 16 * edits.len());
    let mut copied = 0;
    for (from, to, with) in edits {
        out.push_str(source.get(copied..from)?);
        out.push_str(&with);
        copied = to;
    }
    out.push_str(source.get(copied..)?);
    Some(out)
}

/// Whether a block that `blocks_as_calls` has rewritten is scoped, and its name.
pub fn written_as_call<'a>(callee: &ast::Expr<'a>) -> Option<(bool, &'a str)> {
    let ast::Expr::Var(var) = callee else { return None };
    let rest = var.id.strip_prefix(BLOCK_CALL)?;
    Some(match rest.strip_prefix("scoped__") {
        Some(name) => (true, name),
        None => (false, rest.strip_prefix('_')?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_plain_in_tags_alone() {
        let plain = |text: &'static str| plain_spaces(Cow::Borrowed(text), &Syntax::default(), false).into_owned();
        assert_eq!(plain("a\u{a0}{{\u{a0}x | d('\u{a0}')\u{2003}}}\u{a0}"), "a\u{a0}{{ x | d('\u{a0}') }}\u{a0}");
        assert_eq!(
            plain("{%\u{a0}raw %}{{\u{a0}x }}{% endraw\u{a0}%}{#\u{a0}#}"),
            "{% raw %}{{\u{a0}x }}{% endraw %}{#\u{a0}#}"
        );
    }
}
