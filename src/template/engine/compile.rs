//! From text to a runnable template: checks that keep hostile input harmless, parsing, the cache of the run.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use minijinja::machinery::{Token, ast, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::lower::Lowering;
use super::normalize::{BLOCK_IN_MACRO, blocks_as_calls, keep_newline_after_raw, line_ends, plain_spaces};
use super::repair::{has_sign_behind_test, repair};
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
    Ok(Template { trailing_newlines: trailing_newlines(text), ..untrimmed(text, options, settings)? })
}

/// Line feeds at the end of a text as it was read.
pub fn trailing_newlines(text: &str) -> usize {
    text.bytes().rev().take_while(|byte| *byte == b'\n').count()
}

fn untrimmed(text: &str, options: &Syntax, settings: &Settings) -> Res<Template> {
    let source = keep_newline_after_raw(plain_spaces(line_ends(text), options, false), options)?;
    refuse_monsters(&source)?;
    match parsed(&source, options, settings) {
        Err(fault) if fault.message.ends_with(BLOCK_IN_MACRO) => match blocks_as_calls(&source, options) {
            Some(source) => parsed(&source, options, settings),
            None => Err(fault),
        },
        result => result,
    }
}

fn parsed(source: &str, options: &Syntax, settings: &Settings) -> Res<Template> {
    let lower = |source: &str, tree: &ast::Stmt<'_>| -> Res<Template> {
        let mut lowering = Lowering::new(source, options.plain_backslashes, options.newline, settings);
        lowering.block_end = options.config.block_delimiters().1;
        Ok(Template { last_newline: options.last_newline, ..lowering.template(tree)? })
    };
    if has_sign_behind_test(source)
        && let Some(repaired) = repair(source, options, false)
        && let Ok(tree) = parse(&repaired.parsed, "<template>", options.config.clone())
    {
        return lower(&repaired.read, &tree);
    }
    match parse(source, "<template>", options.config.clone()) {
        Ok(tree) => lower(source, &tree),
        Err(error) => {
            let repaired = repair(source, options, false).ok_or_else(|| syntax_fault(&error, "template"))?;
            // The repaired text only guides the parser; literals are read from what has the same offsets.
            let tree = parse(&repaired.parsed, "<template>", options.config.clone())
                .map_err(|_| syntax_fault(&error, "template"))?;
            lower(&repaired.read, &tree)
        }
    }
}

fn expression(text: &str, settings: &Settings, embedded: bool) -> Res<Expr> {
    let source = plain_spaces(line_ends(text), &Syntax::default(), true);
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
    if has_sign_behind_test(&source)
        && let Some(repaired) = repair(&source, &Syntax::default(), true)
        && let Ok(tree) = parse_expr(&repaired.parsed)
    {
        return lower(&repaired.read, &tree).map_err(fix);
    }
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
