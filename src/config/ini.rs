//! ansible.cfg as Python's configparser reads it: sections, `key = value` or `key: value`, indented continuation lines.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};

pub struct Entry {
    pub section: String,
    /// In lower case.
    pub key: String,
    pub value: String,
    pub span: Span,
}

pub fn parse(source: &Arc<SourceFile>) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section: Option<String> = None;
    // The indentation of the entry that following lines may continue.
    let mut open: Option<usize> = None;
    for (number, full_line) in (1_u32..).zip(source.text.lines()) {
        let line = without_comment(full_line);
        let content = line.trim();
        if content.is_empty() {
            // An empty line in a value is part of it, a comment is not.
            if !full_line.trim().is_empty() {
                continue;
            }
            if let (Some(_), Some(entry)) = (open, entries.last_mut()) {
                entry.value.push('\n');
            }
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let span = Span::new(source, number, column(indent)).with_length(content.chars().count());
        if let (Some(open), Some(entry)) = (open, entries.last_mut())
            && indent > open
        {
            entry.value.push('\n');
            entry.value.push_str(content);
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            section = Some(name.to_owned());
            open = None;
            continue;
        }
        let Some(section) = &section else {
            return Err(mistake("File contains no section headers.", span)
                .hint("settings belong below `[defaults]` or another section"));
        };
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return Err(mistake("this line is no section, setting or comment", span));
        };
        let key = key.trim().to_lowercase();
        if entries.iter().any(|entry| entry.section == *section && entry.key == key) {
            return Err(mistake(&format!("option '{key}' in section '{section}' already exists"), span));
        }
        open = Some(indent);
        entries.push(Entry { section: section.clone(), key, value: value.trim().to_owned(), span });
    }
    for entry in &mut entries {
        entry.value.truncate(entry.value.trim_end().len());
    }
    Ok(entries)
}

fn column(indent: usize) -> u32 {
    u32::try_from(indent + 1).unwrap_or(1)
}

fn mistake(message: &str, span: Span) -> Error {
    let message = format!("Error reading config file ({}): {message}", span.path().display());
    Error { place: Some(span), ..Error::new(ErrorKind::Usage, message) }
}

/// `#` and `;` at the beginning of a line, `;` after a space anywhere.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let comment = line.match_indices(';').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
    comment.map_or(line, |(at, _)| &line[..at])
}
