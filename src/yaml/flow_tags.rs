//! A tag right before a comma, as in `[!!str, x]`, is YAML, and the parser panics at it. A space in between means the same.

use std::borrow::Cow;
use std::sync::LazyLock;

use libyaml_safer::{EventData, MappingStyle, Mark, Parser, SequenceStyle};
use regex::Regex;

/// What may be a tag with a comma behind it, and may as well be a part of a scalar.
static CANDIDATE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"![^\s,\[\]{}]*,").expect("a constant pattern"));

/// A text that the parser can read, and the marks of the one that it stands for.
pub struct Spaced<'a> {
    pub text: Cow<'a, str>,
    /// Where spaces were inserted: bytes of `text`, and the line.
    inserted: Vec<(usize, u64)>,
}

impl<'a> Spaced<'a> {
    pub fn new(text: &'a str) -> Self {
        let candidates: Vec<usize> = CANDIDATE.find_iter(text).map(|found| found.end() - 1).collect();
        if candidates.is_empty() {
            return Self { text: Cow::Borrowed(text), inserted: Vec::new() };
        }
        // With a space at each, which no text panics with, the parser tells which of them are tags.
        let ends = ends_of_tags(&with_spaces(text, &candidates));
        let is_tag = |(number, at): (usize, &usize)| ends.contains(&(at + number)).then_some(*at);
        let tags: Vec<usize> = candidates.iter().enumerate().filter_map(is_tag).collect();
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count());
        let inserted = tags.iter().enumerate().map(|(number, at)| (at + number, line(*at) as u64)).collect();
        Self { text: Cow::Owned(with_spaces(text, &tags)), inserted }
    }

    /// The same place in the text as it was given.
    pub fn original(&self, mut mark: Mark) -> Mark {
        let before = self.inserted.iter().filter(|(at, _)| (*at as u64) < mark.index);
        let (all, on_line) = before.fold((0, 0), |(all, on_line), (_, line)| {
            (all + 1, if *line == mark.line { on_line + 1 } else { on_line })
        });
        mark.index -= all;
        mark.column -= on_line;
        mark
    }
}

fn with_spaces(text: &str, places: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + places.len());
    let mut done = 0;
    for place in places {
        out.push_str(text.get(done..*place).unwrap_or(""));
        out.push(' ');
        done = *place;
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}

/// Where the tags of empty scalars end, up to the first mistake.
fn ends_of_tags(text: &str) -> Vec<usize> {
    let mut parser = Parser::new();
    let text = format!("{text}\n");
    parser.set_input(text.as_bytes());
    let mut ends = Vec::new();
    // Of the collections that are open, whether each is a flow collection.
    let mut open = Vec::new();
    while let Ok(event) = parser.parse() {
        match event.data {
            EventData::StreamEnd => break,
            EventData::SequenceStart { style, .. } => open.push(style == SequenceStyle::Flow),
            EventData::MappingStart { style, .. } => open.push(style == MappingStyle::Flow),
            EventData::SequenceEnd | EventData::MappingEnd => drop(open.pop()),
            EventData::Scalar { tag: Some(_), value, .. } if value.is_empty() && open.last() == Some(&true) => {
                ends.extend(usize::try_from(event.end_mark.index));
            }
            _ => {}
        }
    }
    ends
}
