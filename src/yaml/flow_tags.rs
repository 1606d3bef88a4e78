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
        // Most files have no tag at all, and need no pattern.
        let candidates: Vec<usize> = if text.contains('!') {
            CANDIDATE.find_iter(text).map(|found| found.end() - 1).collect()
        } else {
            Vec::new()
        };
        if candidates.is_empty() {
            return Self { text: Cow::Borrowed(text), inserted: Vec::new() };
        }
        // With a space at each, which no text panics with, the parser tells which of them are tags.
        let trial = with_spaces(text, &candidates);
        let found = tags_of(&trial);
        let is_tag = |(number, at): (usize, &usize)| found.includes(at + number).then_some(*at);
        let tags: Vec<usize> = candidates.iter().enumerate().filter_map(is_tag).collect();
        let (mut line, mut counted) = (0, 0);
        let place = |(number, at): (usize, &usize)| {
            line += text.get(counted..*at).map_or(0, |between| between.matches('\n').count() as u64);
            counted = *at;
            (at + number, line)
        };
        let inserted = tags.iter().enumerate().map(place).collect();
        Self { text: Cow::Owned(with_spaces(text, &tags)), inserted }
    }

    /// The same place in the text as it was given.
    pub fn original(&self, mut mark: Mark) -> Mark {
        let all = self.inserted.partition_point(|(at, _)| (*at as u64) < mark.index);
        let on_lines_before = self.inserted.partition_point(|(_, line)| *line < mark.line);
        mark.index -= all as u64;
        mark.column = mark.column.saturating_sub(all.saturating_sub(on_lines_before) as u64);
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

/// What the parser says of a text, up to the first mistake.
#[derive(Default)]
struct Found {
    /// Where tags of empty scalars end in flow collections, from the first to the last.
    ends: Vec<usize>,
    /// Where the first flow collection behind a mistake begins.
    unread: Option<usize>,
}

impl Found {
    /// The parser reads ahead of what it reports: behind a mistake, whatever may stand in a flow collection counts, for the text
    /// gives no value any more.
    fn includes(&self, at: usize) -> bool {
        self.ends.binary_search(&at).is_ok() || self.unread.is_some_and(|unread| unread <= at)
    }
}

fn tags_of(text: &str) -> Found {
    let mut parser = Parser::new();
    let input = format!("{text}\n");
    let mut input = input.as_bytes();
    parser.set_input(&mut input);
    let mut found = Found::default();
    // Of the collections that are open, whether each is a flow collection.
    let mut open = Vec::new();
    let mut last_end = 0;
    loop {
        let inside = open.last() == Some(&true);
        let Ok(event) = parser.parse() else {
            let bracket = |rest: &str| if inside { Some(0) } else { rest.find(['[', '{']) };
            found.unread = text.get(last_end..).and_then(bracket).map(|offset| last_end + offset);
            return found;
        };
        last_end = usize::try_from(event.end_mark.index).unwrap_or(usize::MAX);
        match event.data {
            EventData::StreamEnd => return found,
            EventData::SequenceStart { style, .. } => open.push(style == SequenceStyle::Flow),
            EventData::MappingStart { style, .. } => open.push(style == MappingStyle::Flow),
            EventData::SequenceEnd | EventData::MappingEnd => drop(open.pop()),
            EventData::Scalar { tag: Some(_), value, .. } if inside && value.is_empty() => found.ends.push(last_end),
            _ => {}
        }
    }
}
