//! Template files, as the module `template` renders them.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;

use super::engine::compile::{Syntax, template};
use super::engine::context::Context;
use super::engine::output::finalize;
use super::error::{Res, syntax};
use super::{Templar, TemplateError, TemplateErrorKind, outside};
use crate::source::{SourceFile, Span};
use crate::value::{Dict, Value};

/// The options of the module `template`.
#[derive(Clone, Debug)]
pub struct FileOptions {
    pub newline_sequence: String,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub variable_start_string: String,
    pub variable_end_string: String,
    pub block_start_string: String,
    pub block_end_string: String,
    pub comment_start_string: String,
    pub comment_end_string: String,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            newline_sequence: "\n".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            variable_start_string: "{{".into(),
            variable_end_string: "}}".into(),
            block_start_string: "{%".into(),
            block_end_string: "%}".into(),
            comment_start_string: "{#".into(),
            comment_end_string: "#}".into(),
        }
    }
}

struct Overrides {
    options: FileOptions,
    line_statement_prefix: Option<String>,
    line_comment_prefix: Option<String>,
    keep_trailing_newline: bool,
}

const HEADER: &str = "#jinja2:";

impl Templar {
    /// Renders a template file to the text that is written. `extra` are variables of this file alone.
    pub fn render_file(
        &self,
        source: &Arc<SourceFile>,
        options: &FileOptions,
        extra: &Dict,
    ) -> Result<String, TemplateError> {
        Ok(match self.render_file_value(source, options, extra)? {
            Value::Null => String::new(),
            other => other.to_text(),
        })
    }

    /// The same as a native value, as the lookup `template` gives it.
    pub fn render_file_value(
        &self,
        source: &Arc<SourceFile>,
        options: &FileOptions,
        extra: &Dict,
    ) -> Result<Value, TemplateError> {
        let newline = newline_of(&options.newline_sequence).map_err(|fault| *fault)?;
        self.render_text_file(source, options, newline, extra).map_err(|fault| {
            let line = fault.line.max(1);
            let place = Span::new(source, line, 1);
            outside(fault, Some(&place))
        })
    }

    fn render_text_file(
        &self,
        source: &Arc<SourceFile>,
        options: &FileOptions,
        newline: &'static str,
        extra: &Dict,
    ) -> Res<Value> {
        let mut overrides = Overrides {
            options: options.clone(),
            line_statement_prefix: None,
            line_comment_prefix: None,
            keep_trailing_newline: false,
        };
        let text = read_header(&source.text, &mut overrides)?;
        // The header's choice is for the text; what is put back at the end follows it with plain line feeds.
        let has_header = text.len() < source.text.len();
        let last_newline = if has_header { "\n" } else { newline };
        let newline = newline_of(&overrides.options.newline_sequence)?;
        let starts = [
            &overrides.options.variable_start_string,
            &overrides.options.block_start_string,
            &overrides.options.comment_start_string,
        ];
        let lines_matter = overrides.line_statement_prefix.is_some() || overrides.line_comment_prefix.is_some();
        if !lines_matter && !starts.iter().any(|start| text.contains(start.as_str())) {
            return Ok(Value::str(text));
        }
        let text = without_line_comments(text, &overrides);
        let syntax = Arc::new(Syntax { config: config(&overrides)?, plain_backslashes: false, newline, last_newline });
        let compiled = Arc::new(template(&text, &syntax, &self.engine().settings)?);
        let templar = Templar { file: Some(syntax), ..self.with_locals(extra.clone()) };
        let context = Context::new(templar);
        let _session = context.session();
        let value = finalize(&context.run_template(&compiled)?)?;
        Ok(match value {
            Value::Omit => {
                return Err(Box::new(TemplateError::new(TemplateErrorKind::Omit, "Template result was omitted.")));
            }
            other => other,
        })
    }
}

fn newline_of(text: &str) -> Res<&'static str> {
    match text {
        "\n" | "\\n" => Ok("\n"),
        "\r" | "\\r" => Ok("\r"),
        "\r\n" | "\\r\\n" => Ok("\r\n"),
        _ => Err(Box::new(TemplateError::new(
            TemplateErrorKind::Other,
            "newline_sequence needs to be one of: \n, \r or \r\n",
        ))),
    }
}

fn config(overrides: &Overrides) -> Res<SyntaxConfig> {
    let it = &overrides.options;
    let mut builder = SyntaxConfig::builder();
    builder
        .block_delimiters(it.block_start_string.clone(), it.block_end_string.clone())
        .variable_delimiters(it.variable_start_string.clone(), it.variable_end_string.clone())
        .comment_delimiters(it.comment_start_string.clone(), it.comment_end_string.clone())
        .trim_blocks(it.trim_blocks)
        .lstrip_blocks(it.lstrip_blocks)
        .keep_trailing_newline(overrides.keep_trailing_newline);
    if let Some(prefix) = &overrides.line_statement_prefix {
        builder.line_statement_prefix(prefix.clone());
    }
    builder.build().map_err(|error| syntax(error.detail().unwrap_or("invalid delimiters")))
}

/// The header of a text that is not a file: the rest of the text, and how it is written.
pub(crate) fn syntax_of_text(text: &str, plain_backslashes: bool) -> Res<Option<(Cow<'_, str>, Syntax)>> {
    if !text.starts_with(HEADER) {
        return Ok(None);
    }
    let mut overrides = Overrides {
        options: FileOptions::default(),
        line_statement_prefix: None,
        line_comment_prefix: None,
        keep_trailing_newline: false,
    };
    let body = read_header(text, &mut overrides)?;
    let newline = newline_of(&overrides.options.newline_sequence)?;
    let body = without_line_comments(body, &overrides);
    Ok(Some((body, Syntax { config: config(&overrides)?, plain_backslashes, newline, last_newline: "\n" })))
}

/// The text without its line comments and the blanks before them. The parser's own would take the line end, too.
fn without_line_comments<'a>(text: &'a str, overrides: &Overrides) -> Cow<'a, str> {
    let Some(prefix) = overrides.line_comment_prefix.as_deref().filter(|prefix| text.contains(prefix)) else {
        return Cow::Borrowed(text);
    };
    let options = &overrides.options;
    let tags = [
        (&options.variable_start_string, &options.variable_end_string),
        (&options.block_start_string, &options.block_end_string),
        (&options.comment_start_string, &options.comment_end_string),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some((start, end)) = tags.iter().find(|(start, _)| rest.starts_with(start.as_str())) {
            let inside = &rest[start.len()..];
            let length = inside.find(end.as_str()).map_or(rest.len(), |at| start.len() + at + end.len());
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        } else if rest.starts_with(prefix) {
            out.truncate(out.trim_end_matches([' ', '\t']).len());
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else {
            out.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    Cow::Owned(out)
}

/// `#jinja2: trim_blocks: False, …` in the first line changes the options of this file.
fn read_header<'a>(text: &'a str, overrides: &mut Overrides) -> Res<&'a str> {
    let Some(rest) = text.strip_prefix(HEADER) else { return Ok(text) };
    let (header, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let header = header.trim_end_matches('\r');
    for pair in header.split(',') {
        if pair.trim().is_empty() {
            return Err(syntax("Empty '#jinja2:' override pair not allowed."));
        }
        let Some((key, value)) = pair.split_once(':') else {
            return Err(syntax(format!(
                "Missing key-value separator `:` in '#jinja2:' override pair {}.",
                crate::value::python::str_repr(pair)
            )));
        };
        apply(overrides, key.trim(), value.trim())?;
    }
    Ok(body)
}

enum Literal {
    Bool(bool),
    Text(String),
}

fn literal(value: &str) -> Res<Literal> {
    match value {
        "True" => return Ok(Literal::Bool(true)),
        "False" => return Ok(Literal::Bool(false)),
        _ => {}
    }
    let quoted = ['\'', '"'].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    match quoted {
        Some(text) => Ok(Literal::Text(text.to_owned())),
        None => Err(syntax("malformed node or string on line 1")),
    }
}

fn apply(overrides: &mut Overrides, key: &str, value: &str) -> Res<()> {
    let value = literal(value)?;
    let wrong = |wanted: &str, given: &str| {
        Err(syntax(format!("TemplateOverrides.{key} must be <class '{wanted}'> instead of <class '{given}'>")))
    };
    let options = &mut overrides.options;
    let flag = match key {
        "trim_blocks" => Some(&mut options.trim_blocks),
        "lstrip_blocks" => Some(&mut options.lstrip_blocks),
        "keep_trailing_newline" => Some(&mut overrides.keep_trailing_newline),
        _ => None,
    };
    if let Some(flag) = flag {
        let Literal::Bool(value) = value else { return wrong("bool", "str") };
        *flag = value;
        return Ok(());
    }
    let text = match key {
        "variable_start_string" => &mut options.variable_start_string,
        "variable_end_string" => &mut options.variable_end_string,
        "block_start_string" => &mut options.block_start_string,
        "block_end_string" => &mut options.block_end_string,
        "comment_start_string" => &mut options.comment_start_string,
        "comment_end_string" => &mut options.comment_end_string,
        "newline_sequence" => &mut options.newline_sequence,
        "line_statement_prefix" => overrides.line_statement_prefix.get_or_insert_default(),
        "line_comment_prefix" => overrides.line_comment_prefix.get_or_insert_default(),
        other => return Err(syntax(format!("Invalid '#jinja2:' override key '{other}'."))),
    };
    let Literal::Text(value) = value else { return wrong("str", "bool") };
    *text = value;
    Ok(())
}

/// For callers that only check whether a value would be accepted.
pub fn check_newline_sequence(text: &str) -> Result<(), String> {
    newline_of(text).map(|_| ()).map_err(|fault| fault.message)
}
