//! From text to a runnable template: checks that keep hostile input harmless, parsing, the cache of the run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use minijinja::machinery::{Token, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::lower::Lowering;
use super::tree::{Expr, Template};
use crate::template::Settings;
use crate::template::error::{Fault, Res, TemplateError, TemplateErrorKind, syntax};

/// Deeper brackets, or more operators in one expression, are refused: parsing and dropping them recurses.
const MOST_NESTING: usize = 60;
const MOST_OPERATORS: usize = 2500;
const MOST_CACHED: usize = 20_000;

type Cached<T> = RwLock<HashMap<Arc<str>, Result<Arc<T>, TemplateError>>>;

#[derive(Default)]
pub struct Cache {
    texts: Cached<Template>,
    expressions: Cached<Expr>,
    conditions: Cached<Expr>,
}

/// How a template's text is written.
#[derive(Clone, Debug)]
pub struct Syntax {
    pub config: SyntaxConfig,
    pub plain_backslashes: bool,
    pub newline: &'static str,
    /// What stands for the line ends that are put back at the end.
    pub last_newline: &'static str,
}

impl Default for Syntax {
    fn default() -> Self {
        let config = SyntaxConfig::builder().trim_blocks(true).build().unwrap_or_default();
        Self { config, plain_backslashes: true, newline: "\n", last_newline: "\n" }
    }
}

impl Cache {
    pub fn template(&self, text: &Arc<str>, syntax: &Syntax, settings: &Settings) -> Res<Arc<Template>> {
        cached(&self.texts, text, || match crate::template::file::syntax_of_text(text, syntax.plain_backslashes)? {
            Some((body, syntax)) => template(&body, &syntax, settings),
            None => template(text, syntax, settings),
        })
    }

    pub fn expression(&self, text: &Arc<str>, settings: &Settings) -> Res<Arc<Expr>> {
        cached(&self.expressions, text, || expression(text, settings, false))
    }

    pub fn condition(&self, text: &Arc<str>, settings: &Settings) -> Res<Arc<Expr>> {
        cached(&self.conditions, text, || expression(text, settings, true))
    }
}

fn cached<T>(cache: &Cached<T>, text: &Arc<str>, make: impl FnOnce() -> Res<T>) -> Res<Arc<T>> {
    if let Ok(cache) = cache.read()
        && let Some(found) = cache.get(text)
    {
        return found.clone().map_err(Box::new);
    }
    let made = make().map(Arc::new);
    if let Ok(mut cache) = cache.write() {
        if cache.len() >= MOST_CACHED {
            cache.clear();
        }
        cache.insert(Arc::clone(text), made.as_ref().map(Arc::clone).map_err(|fault| (**fault).clone()));
    }
    made
}

pub fn template(text: &str, options: &Syntax, settings: &Settings) -> Res<Template> {
    let source = keep_newline_after_raw(normalize(text), options);
    refuse_monsters(&source)?;
    let lower = |source: &str, tree| -> Res<Template> {
        let lowering = Lowering::new(source, options.plain_backslashes, options.newline, settings);
        Ok(Template { last_newline: options.last_newline, ..lowering.template(tree)? })
    };
    match parse(&source, "<template>", options.config.clone()) {
        Ok(tree) => lower(&source, &tree),
        Err(error) => {
            let repaired = repair(&source, options, false).ok_or_else(|| syntax_fault(&error, "template"))?;
            // The repaired text only guides the parser; literals are read from what has the same offsets.
            let tree = parse(&repaired.parsed, "<template>", options.config.clone())
                .map_err(|_| syntax_fault(&error, "template"))?;
            lower(&repaired.read, &tree)
        }
    }
}

fn expression(text: &str, settings: &Settings, embedded: bool) -> Res<Expr> {
    let source = normalize(text);
    refuse_monsters(&source)?;
    let lower = |source: &str, tree: &minijinja::machinery::ast::Expr<'_>| {
        let mut lowering = Lowering::new(source, false, "\n", settings);
        lowering.embedded = embedded;
        lowering.expr(tree)
    };
    let fix = |mut fault: Fault| {
        if fault.kind == TemplateErrorKind::Syntax {
            fault.message = fault.message.replacen("Syntax error in template", "Syntax error in expression", 1);
        }
        fault
    };
    match parse_expr(&source) {
        // The parser takes text that is no token for the end, if the expression may end there.
        Ok(_) if let Some(error) = tokenize(&source, true, Syntax::default().config).find_map(Result::err) => {
            Err(syntax_fault(&error, "expression"))
        }
        Ok(tree) => lower(&source, &tree).map_err(fix),
        Err(error) => {
            let options = Syntax::default();
            let repaired = repair(&source, &options, true).ok_or_else(|| syntax_fault(&error, "expression"))?;
            let tree = parse_expr(&repaired.parsed).map_err(|_| syntax_fault(&error, "expression"))?;
            lower(&repaired.read, &tree).map_err(fix)
        }
    }
}

fn syntax_fault(error: &minijinja::Error, what: &str) -> Fault {
    let detail = error.detail().unwrap_or("unexpected input");
    let mut fault = syntax(detail);
    fault.message = format!("Syntax error in {what}: {detail}");
    fault.line = error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
    fault
}

/// Line ends as Jinja2 normalizes them.
fn normalize(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// `trim_blocks` leaves the line end after `{% raw %}` alone; the parser is told so with a `+`.
fn keep_newline_after_raw<'a>(source: Cow<'a, str>, options: &Syntax) -> Cow<'a, str> {
    if !options.config.trim_blocks() || options.config.block_delimiters() != ("{%", "%}") || !source.contains("raw") {
        return source;
    }
    match RAW.replace_all(&source, "${1}+%}") {
        Cow::Borrowed(_) => source,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

static RAW: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"(\{%[-+]?\s*raw\s*)%\}").expect("a constant pattern"));

fn refuse_monsters(source: &str) -> Res<()> {
    if source.len() < MOST_NESTING {
        return Ok(());
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                operators += 1;
                if depth > MOST_NESTING {
                    return deep_check(source);
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'.' | b'|' | b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b' ' => {
                operators += 1;
                if operators > MOST_OPERATORS {
                    return deep_check(source);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The same by tokens: text between tags does not count.
fn deep_check(source: &str) -> Res<()> {
    let (mut depth, mut operators, mut not_run) = (0_usize, 0_usize, 0_usize);
    for token in tokenize(source, false, Syntax::default().config) {
        let Ok((token, _)) = token else { return Ok(()) };
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => depth = depth.saturating_sub(1),
            Token::VariableStart | Token::BlockStart => (depth, operators, not_run) = (0, 0, 0),
            Token::Comma | Token::Colon => operators = 0,
            Token::Ident("not" | "if" | "else") | Token::Minus => {
                operators += 1;
                not_run += 1;
            }
            Token::TemplateData(_) => {}
            _ => operators += 1,
        }
        if depth > MOST_NESTING || operators > MOST_OPERATORS || not_run > 200 {
            return Err(syntax("the expression is nested too deeply"));
        }
    }
    Ok(())
}

struct Repaired {
    parsed: String,
    read: String,
}

/// An open bracket, and what has been seen inside it.
struct Bracket {
    inside: usize,
    subscript: bool,
    commas: usize,
    slice: bool,
}

/// What Jinja2 accepts and the parser does not: unary plus, tuples without parentheses, escapes it does not know.
fn repair(source: &str, options: &Syntax, expression: bool) -> Option<Repaired> {
    let masked = mask_escapes(source);
    let mut edits: Vec<(usize, char)> = Vec::new();
    let mut plus: Vec<usize> = Vec::new();
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
        // Where the name of a filter or a test follows.
        before_is_name =
            matches!(token, Token::Pipe | Token::Ident("is")) || before_is_name && matches!(token, Token::Ident("not"));
        last_end = to;
    }
    if edits.is_empty() && plus.is_empty() && masked == source {
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
            out.push(if plus.contains(&at) { sign } else { char });
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
