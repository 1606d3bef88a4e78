//! Template files, as the module `template` renders them.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::syntax::SyntaxConfig;

use super::engine::compile::{Syntax, template, trailing_newlines};
use super::engine::context::Context;
use super::engine::literals::python_text;
use super::engine::output::stored;
use super::engine::tree::Template;
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

/// How a file is written.
struct Overrides {
    options: FileOptions,
    line_statement_prefix: Option<String>,
    line_comment_prefix: Option<String>,
    keep_trailing_newline: bool,
}

impl Overrides {
    fn new(options: FileOptions) -> Self {
        Self { options, line_statement_prefix: None, line_comment_prefix: None, keep_trailing_newline: false }
    }
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
        let mut overrides = Overrides::new(options.clone());
        let text = read_header(&source.text, &mut overrides)?;
        let has_header = text.len() < source.text.len();
        // The header's choice is for the text; what is put back at the end follows the task's.
        let last_newline = newline;
        let newline = newline_of(&overrides.options.newline_sequence)?;
        let starts = [
            &overrides.options.variable_start_string,
            &overrides.options.block_start_string,
            &overrides.options.comment_start_string,
        ];
        if !has_header && !starts.iter().any(|start| text.contains(start.as_str())) {
            return Ok(Value::str(text));
        }
        let trailing_newlines = trailing_newlines(&source.text);
        let text = without_line_comments(text, &overrides);
        let text = without_lines_after_statements(text, &overrides);
        let syntax = Arc::new(Syntax { config: config(&overrides)?, plain_backslashes: false, newline, last_newline });
        let compiled = template(&text, &syntax, &self.engine().settings)?;
        let compiled = Arc::new(Template { trailing_newlines, ..compiled });
        let templar = Templar { file: Some(syntax), ..self.with_locals(extra.clone()) };
        let context = Context::new(templar);
        let _session = context.session();
        let value = stored(&context.run_template(&compiled)?)?;
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
    let mut overrides = Overrides::new(FileOptions::default());
    let body = read_header(text, &mut overrides)?;
    let newline = newline_of(&overrides.options.newline_sequence)?;
    let body = without_lines_after_statements(without_line_comments(body, &overrides), &overrides);
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
    let is_blank = |char: char| char.is_whitespace() && !matches!(char, '\n' | '\r');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // A tag that ends with a minus has taken the blanks that follow it: a comment may not begin with them.
    let mut taken_from = None;
    while let Some(char) = rest.chars().next() {
        if let Some((start, end)) = tags.iter().find(|(start, _)| rest.starts_with(start.as_str())) {
            let inside = &rest[start.len()..];
            let length = inside.find(end.as_str()).map_or(rest.len(), |at| start.len() + at + end.len());
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            taken_from = out.strip_suffix(end.as_str()).is_some_and(|tag| tag.ends_with('-')).then_some(out.len());
        } else if rest.starts_with(prefix) && may_begin(&out, taken_from) {
            out.truncate(out.trim_end_matches(is_blank).len());
            if [&options.block_end_string, &options.comment_end_string].iter().any(|end| out.ends_with(end.as_str())) {
                // The line end behind the comment is not the one that `trim_blocks` takes from behind a tag.
                out.push_str(&options.comment_start_string);
                out.push_str(" +");
                out.push_str(&options.comment_end_string);
            }
            rest = &rest[rest.find(['\n', '\r']).unwrap_or(rest.len())..];
        } else {
            if !char.is_whitespace() {
                taken_from = None;
            }
            out.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    Cow::Owned(out)
}

/// A line statement takes the empty lines behind it with it.
fn without_lines_after_statements<'a>(text: Cow<'a, str>, overrides: &Overrides) -> Cow<'a, str> {
    let Some(prefix) = overrides.line_statement_prefix.as_deref().filter(|prefix| text.contains(prefix)) else {
        return text;
    };
    let mut out = String::with_capacity(text.len());
    let mut after_statement = false;
    for line in text.split_inclusive('\n') {
        if after_statement && line.trim().is_empty() && line.ends_with('\n') {
            continue;
        }
        after_statement = line.trim_start_matches([' ', '\t', '\x0b']).starts_with(prefix);
        out.push_str(line);
    }
    Cow::Owned(out)
}

fn may_begin(before: &str, taken_from: Option<usize>) -> bool {
    match taken_from.and_then(|at| before.get(at..)) {
        None | Some("") => true,
        Some(taken) => taken.ends_with(['\n', '\r']),
    }
}

/// `#jinja2: trim_blocks: False, …` in the first line changes the options of this file. The last of several counts.
fn read_header<'a>(text: &'a str, overrides: &mut Overrides) -> Res<&'a str> {
    let Some(rest) = text.strip_prefix(HEADER) else { return Ok(text) };
    let (header, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let header = header.trim_end_matches('\r');
    let mut given: IndexMap<&str, Literal> = IndexMap::new();
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
        given.insert(key.trim(), literal(value.trim())?);
    }
    for (key, value) in given {
        apply(overrides, key, value)?;
    }
    Ok(body)
}

enum Literal {
    Bool(bool),
    Text(String),
    /// The type of anything else.
    Other(&'static str),
}

impl Literal {
    fn type_name(&self) -> &'static str {
        match self {
            Literal::Bool(_) => "bool",
            Literal::Text(_) => "str",
            Literal::Other(name) => name,
        }
    }
}

/// A literal of Python's, with or without a comment behind it.
fn literal(value: &str) -> Res<Literal> {
    let malformed = || syntax("malformed node or string on line 1");
    if let Some(quote) = value.chars().next().filter(|char| matches!(char, '\'' | '"')) {
        let inside = &value[1..];
        let mut escaped = false;
        let end = inside.find(|char| {
            let is_end = char == quote && !escaped;
            escaped = char == '\\' && !escaped;
            is_end
        });
        let (text, behind) = end.map(|at| (&inside[..at], inside[at + 1..].trim())).ok_or_else(malformed)?;
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(malformed());
        }
        return python_text(text).map(Literal::Text).map_err(syntax);
    }
    Ok(match value.split('#').next().unwrap_or("").trim() {
        "True" => Literal::Bool(true),
        "False" => Literal::Bool(false),
        "None" => Literal::Other("NoneType"),
        word if word.parse::<i64>().is_ok() => Literal::Other("int"),
        word if word.starts_with(|char: char| char.is_ascii_digit()) && word.parse::<f64>().is_ok() => {
            Literal::Other("float")
        }
        _ => return Err(malformed()),
    })
}

fn apply(overrides: &mut Overrides, key: &str, value: Literal) -> Res<()> {
    let wrong = |wanted: &str| {
        let given = value.type_name();
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
        let Literal::Bool(value) = value else { return wrong("bool") };
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
    let Literal::Text(value) = value else { return wrong("str") };
    if key == "newline_sequence" && newline_of(&value).is_err() {
        return Err(syntax(format!(
            "TemplateOverrides.newline_sequence must be one of ('\\n', '\\r\\n', '\\r') instead of {}",
            crate::value::python::str_repr(&value)
        )));
    }
    *text = value;
    Ok(())
}
