//! What happens to the lines: pure functions from bytes to bytes.

use crate::support::python_regex::{self, PythonRegex};

/// How the line that is to be replaced or removed is known.
pub(super) enum Search {
    Nothing,
    Regexp(PythonRegex),
    Text(Vec<u8>),
}

impl Search {
    pub(super) fn new(regexp: Option<&str>, text: Option<&str>) -> Result<Self, String> {
        match (regexp, text) {
            (Some(regexp), _) => PythonRegex::of_bytes(regexp).map(Self::Regexp),
            (None, Some(text)) => Ok(Self::Text(text.as_bytes().to_vec())),
            (None, None) => Ok(Self::Nothing),
        }
    }

    fn matches(&self, line: &[u8]) -> Result<bool, String> {
        match self {
            Self::Nothing => Ok(false),
            Self::Regexp(regex) => Ok(regex.search(&python_regex::to_text(line))?.is_some()),
            Self::Text(text) => Ok(text.is_empty() || line.windows(text.len()).any(|window| window == text)),
        }
    }
}

/// Where a new line goes.
pub(super) enum Place {
    Beginning,
    End,
    After(PythonRegex),
    Before(PythonRegex),
}

impl Place {
    pub(super) fn new(after: Option<&str>, before: Option<&str>) -> Result<Self, String> {
        match (after, before) {
            (None, Some("BOF")) => Ok(Self::Beginning),
            (Some("EOF") | None, None) => Ok(Self::End),
            (Some(after), _) => PythonRegex::of_bytes(after).map(Self::After),
            (None, Some(before)) => PythonRegex::of_bytes(before).map(Self::Before),
        }
    }
}

pub(super) struct Edit<'a> {
    pub line: &'a [u8],
    pub backrefs: bool,
    pub first_match: bool,
}

fn lines(content: &[u8]) -> Vec<&[u8]> {
    content.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A line without what ends it, be it from Unix or Windows.
fn bare(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    line.get(..end).unwrap_or_default()
}

impl Edit<'_> {
    /// The content with the line in it, and what was done.
    pub(super) fn apply(
        &self,
        content: &[u8],
        search: &Search,
        place: &Place,
    ) -> Result<(Vec<u8>, &'static str), String> {
        let lines = lines(content);
        if let Some(index) = self.position(lines.iter().map(|line| search.matches(line)))? {
            let replacement = self.replacement(lines.get(index).copied().unwrap_or_default(), search)?;
            return Ok(replaced(&lines, index, &replacement));
        }
        if self.backrefs {
            return Ok((content.to_vec(), ""));
        }
        if let Some(index) = lines.iter().rposition(|line| bare(line) == self.line) {
            return Ok(replaced(&lines, index, &self.ended_line()));
        }
        let index = match place {
            Place::Beginning => Some(0),
            Place::End => None,
            Place::After(regex) => self.find(&lines, regex)?.map(|index| index + 1),
            Place::Before(regex) => self.find(&lines, regex)?,
        };
        Ok((inserted(&lines, index.unwrap_or(lines.len()), self.line), "line added"))
    }

    fn find(&self, lines: &[&[u8]], regex: &PythonRegex) -> Result<Option<usize>, String> {
        self.position(lines.iter().map(|line| Ok(regex.search(&python_regex::to_text(line))?.is_some())))
    }

    /// The first or the last that matches, as the task wants it.
    fn position(&self, matches: impl Iterator<Item = Result<bool, String>>) -> Result<Option<usize>, String> {
        let mut position = None;
        for (index, matched) in matches.enumerate() {
            if matched? {
                position = Some(index);
                if self.first_match {
                    break;
                }
            }
        }
        Ok(position)
    }

    fn ended_line(&self) -> Vec<u8> {
        let mut line = self.line.to_vec();
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        line
    }

    fn replacement(&self, old: &[u8], search: &Search) -> Result<Vec<u8>, String> {
        let Search::Regexp(regex) = search else { return Ok(self.ended_line()) };
        let old = python_regex::to_text(old);
        match regex.search(&old)? {
            Some(captures) if self.backrefs => {
                let template = python_regex::to_text(self.line);
                let mut line = python_regex::to_bytes(&python_regex::expand(&template, &captures)?);
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                Ok(line)
            }
            _ => Ok(self.ended_line()),
        }
    }
}

fn replaced(lines: &[&[u8]], index: usize, line: &[u8]) -> (Vec<u8>, &'static str) {
    let mut content = Vec::new();
    let mut msg = "";
    for (number, old) in lines.iter().enumerate() {
        if number == index && *old != line {
            content.extend_from_slice(line);
            msg = "line replaced";
        } else {
            content.extend_from_slice(old);
        }
    }
    (content, msg)
}

fn inserted(lines: &[&[u8]], index: usize, line: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = lines.iter().take(index).copied().flatten().copied().collect();
    // The last line of a file may lack its end; a new line must not be glued to it.
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    content.extend_from_slice(line);
    content.push(b'\n');
    content.extend(lines.iter().skip(index).copied().flatten().copied());
    content
}

/// The content without the lines that match, and how many those were.
pub(super) fn without(content: &[u8], search: &Search, line: Option<&[u8]>) -> Result<(Vec<u8>, usize), String> {
    let (mut kept, mut found) = (Vec::with_capacity(content.len()), 0_usize);
    for old in lines(content) {
        let matched = match (search, line) {
            (Search::Nothing, Some(line)) => bare(old) == line,
            _ => search.matches(old)?,
        };
        if matched {
            found += 1;
        } else {
            kept.extend_from_slice(old);
        }
    }
    Ok((kept, found))
}
