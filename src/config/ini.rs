//! ansible.cfg: sections of settings, each with its place.

use std::sync::Arc;

use rplay_module_api::config_parser::{self, Line, MistakeKind, Rules};

use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};

#[derive(Debug)]
pub struct Entry {
    pub section: String,
    /// In lower case.
    pub key: String,
    pub value: String,
    pub span: Span,
}

pub fn parse(source: &Arc<SourceFile>) -> Result<Vec<Entry>, Error> {
    let rules = Rules { inline_comments: true, ..Rules::default() };
    let sections = config_parser::read(&source.text, rules).map_err(|found| {
        let message = format!("Error reading config file ({}): {}", source.path.display(), found.kind);
        let error = Error { place: Some(span(source, &found.line)), ..Error::new(ErrorKind::Usage, message) };
        match found.kind {
            MistakeKind::NoSection => error.hint("settings belong below `[defaults]` or another section"),
            MistakeKind::NoOption => error.hint("a line is a `[section]`, a `setting = value` or a comment"),
            MistakeKind::SectionTwice { .. } | MistakeKind::OptionTwice { .. } => error,
        }
    })?;
    let entries = sections.into_iter().flat_map(|section| {
        section.entries.into_iter().map(move |entry| Entry {
            section: section.name.clone(),
            key: entry.name,
            value: entry.value.unwrap_or_default(),
            span: span(source, &entry.line),
        })
    });
    Ok(entries.collect())
}

fn span(source: &Arc<SourceFile>, line: &Line) -> Span {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Span::new(source, number(line.number), number(line.indent + 1)).with_length(line.content.chars().count())
}
