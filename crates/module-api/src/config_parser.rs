//! Files of sections with options, read by the rules of Python's `configparser`. Every reader of such files in Ansible is one.

use std::fmt;

/// In what the readers differ.
#[derive(Clone, Copy, Default)]
pub struct Rules {
    /// A `;` after a space ends the line anywhere, not at its beginning alone.
    pub inline_comments: bool,
    /// Names of options keep their case; otherwise they are in lower case.
    pub case_sensitive: bool,
    /// An option may stand without `=` and value.
    pub allow_no_value: bool,
    /// The section of options that stand before the first `[section]`.
    pub unnamed_section: Option<&'static str>,
}

pub struct Section {
    pub name: String,
    pub entries: Vec<Entry>,
}

pub struct Entry {
    pub name: String,
    /// Lines of one value are joined by line feeds.
    pub value: Option<String>,
    pub line: Line,
}

/// A line of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Without what surrounds it, and without a comment.
    pub content: String,
    /// Bytes before the content.
    pub indent: usize,
}

#[derive(Debug)]
pub struct Mistake {
    pub kind: MistakeKind,
    pub line: Line,
}

#[derive(Debug, PartialEq, Eq)]
pub enum MistakeKind {
    NoSection,
    NoOption,
    SectionTwice { section: String },
    OptionTwice { section: String, option: String },
}

/// The sentences of Python's own exceptions, without their places.
impl fmt::Display for MistakeKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MistakeKind::NoSection => out.write_str("File contains no section headers."),
            MistakeKind::NoOption => out.write_str("Source contains parsing errors"),
            MistakeKind::SectionTwice { section } => write!(out, "section '{section}' already exists"),
            MistakeKind::OptionTwice { section, option } => {
                write!(out, "option '{option}' in section '{section}' already exists")
            }
        }
    }
}

/// The sections in their order; `DEFAULT` may come more than once.
pub fn read(text: &str, rules: Rules) -> Result<Vec<Section>, Mistake> {
    let mut sections: Vec<Section> = Vec::new();
    if let Some(name) = rules.unnamed_section {
        sections.push(Section { name: name.to_owned(), entries: Vec::new() });
    }
    // The indentation of the entry that lines which stand deeper continue.
    let mut open: Option<usize> = None;
    for (number, full) in (1..).zip(text.lines()) {
        let uncommented = without_comment(full, rules.inline_comments);
        let content = uncommented.trim();
        let value = sections.last_mut().and_then(|section| section.entries.last_mut()?.value.as_mut());
        if content.is_empty() {
            // An empty line belongs to a value, a comment doesn't.
            if full.trim().is_empty()
                && let (Some(_), Some(value)) = (open, value)
            {
                value.push('\n');
            }
            continue;
        }
        let indent = uncommented.len() - uncommented.trim_start().len();
        if let (Some(open), Some(value)) = (open, value)
            && indent > open
        {
            value.push('\n');
            value.push_str(content);
            continue;
        }
        let mistake = |kind| Mistake { kind, line: Line { number, content: content.to_owned(), indent } };
        if let Some(name) = header(content) {
            if name != "DEFAULT" && sections.iter().any(|section| section.name == name) {
                return Err(mistake(MistakeKind::SectionTwice { section: name.to_owned() }));
            }
            sections.push(Section { name: name.to_owned(), entries: Vec::new() });
            open = None;
            continue;
        }
        let Some(section) = sections.last() else { return Err(mistake(MistakeKind::NoSection)) };
        let (name, value) = match content.split_once(['=', ':']) {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start().to_owned())),
            None if rules.allow_no_value => (content, None),
            None => return Err(mistake(MistakeKind::NoOption)),
        };
        let name = if rules.case_sensitive { name.to_owned() } else { name.to_lowercase() };
        if name.is_empty() {
            return Err(mistake(MistakeKind::NoOption));
        }
        let same = |other: &Section| other.name == section.name && other.entries.iter().any(|entry| entry.name == name);
        if sections.iter().any(same) {
            return Err(mistake(MistakeKind::OptionTwice { section: section.name.clone(), option: name }));
        }
        open = Some(indent);
        let line = Line { number, content: content.to_owned(), indent };
        if let Some(section) = sections.last_mut() {
            section.entries.push(Entry { name, value, line });
        }
    }
    for value in sections.iter_mut().flat_map(|section| &mut section.entries).filter_map(|entry| entry.value.as_mut()) {
        value.truncate(value.trim_end().len());
    }
    Ok(sections)
}

/// The name in `[name]`; what follows the last bracket is not looked at.
fn header(content: &str) -> Option<&str> {
    let (name, _) = content.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

fn without_comment(line: &str, inline: bool) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let comment = line.match_indices(';').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
    comment.filter(|_| inline).map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str, rules: Rules) -> Vec<(String, String, Option<String>)> {
        let sections = read(text, rules).expect("it can be read");
        sections
            .into_iter()
            .flat_map(|section| {
                let name = section.name;
                section.entries.into_iter().map(move |entry| (name.clone(), entry.name, entry.value))
            })
            .collect()
    }

    fn row(section: &str, name: &str, value: &str) -> (String, String, Option<String>) {
        (section.to_owned(), name.to_owned(), Some(value.to_owned()))
    }

    // What Python 3.13's ConfigParser makes of the same texts.
    #[test]
    fn reads_as_python_does() {
        let text = "# c\n[a]\nKey: x ; y\n  more\n\n   last\n ; no\n[b]c]\nq =\n";
        let expected = [row("a", "key", "x ; y\nmore\n\nlast"), row("b]c", "q", "")];
        assert_eq!(flat(text, Rules::default()), expected);
        let expected = [row("a", "Key", "x\nmore\n\nlast"), row("b]c", "q", "")];
        let rules = Rules { inline_comments: true, case_sensitive: true, ..Rules::default() };
        assert_eq!(flat(text, rules), expected);
    }

    #[test]
    fn options_before_a_section_and_without_a_value() {
        let rules = Rules { allow_no_value: true, unnamed_section: Some("all"), ..Rules::default() };
        assert_eq!(flat("a\nb=1\n", rules), [("all".to_owned(), "a".to_owned(), None), row("all", "b", "1")]);
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, number, kind) in [
            ("\na=1\n", 2, MistakeKind::NoSection),
            ("[a]\nx\n", 2, MistakeKind::NoOption),
            ("[a]\n=x\n", 2, MistakeKind::NoOption),
            ("[a]\n[a]\n", 2, MistakeKind::SectionTwice { section: "a".to_owned() }),
            ("[a]\nx=1\nX=2\n", 3, MistakeKind::OptionTwice { section: "a".to_owned(), option: "x".to_owned() }),
        ] {
            let mistake = read(text, Rules::default()).err().expect("a mistake");
            assert_eq!((mistake.line.number, mistake.kind), (number, kind));
        }
    }
}
