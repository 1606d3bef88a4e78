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
        let trial = with_spaces(text, &candidates);
        let found = tags_of(&trial);
        let is_tag = |(number, at): (usize, &usize)| found.includes(at + number).then_some(*at);
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

/// What the parser says of a text, up to the first mistake.
struct Found<'a> {
    text: &'a str,
    /// Where tags of empty scalars end in flow collections.
    ends: Vec<usize>,
    /// Behind the last thing that was read, and whether that is inside a flow collection.
    mistake: Option<(usize, bool)>,
}

impl Found<'_> {
    /// The parser reads ahead of what it reports: behind a mistake, whatever may stand in a flow collection counts, for the text
    /// gives no value any more.
    fn includes(&self, at: usize) -> bool {
        let behind_mistake = |(end, inside): &(usize, bool)| {
            self.text.get(*end..at).is_some_and(|between| *inside || between.contains(['[', '{']))
        };
        self.ends.contains(&at) || self.mistake.as_ref().is_some_and(behind_mistake)
    }
}

fn tags_of(text: &str) -> Found<'_> {
    let mut parser = Parser::new();
    let input = format!("{text}\n");
    let mut input = input.as_bytes();
    parser.set_input(&mut input);
    let mut found = Found { text, ends: Vec::new(), mistake: None };
    // Of the collections that are open, whether each is a flow collection.
    let mut open = Vec::new();
    let mut last_end = 0;
    loop {
        let inside = open.last() == Some(&true);
        let Ok(event) = parser.parse() else {
            found.mistake = Some((last_end, inside));
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
