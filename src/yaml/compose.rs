//! From the events of the parser to a tree of raw nodes: anchors are resolved, nothing is interpreted yet.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::sync::Arc;

use libyaml_safer::{EventData, Mark, Parser, ScalarStyle};

use super::flow_tags::Spaced;
use super::{MAX_DEPTH, mistake};
use crate::error::Error;
use crate::source::SourceFile;

/// A document. Nodes refer to each other by number, an alias is the number of the node it means.
pub struct Document {
    nodes: Vec<RawNode>,
    pub root: Option<usize>,
}

impl Document {
    /// A node by a number that came from this document.
    pub fn node(&self, index: usize) -> &RawNode {
        &self.nodes[index]
    }
}

pub struct RawNode {
    pub mark: Mark,
    pub end: Mark,
    pub tag: Option<String>,
    pub kind: RawKind,
}

pub enum RawKind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
}

struct Composer<'a> {
    source: &'a Arc<SourceFile>,
    text: &'a str,
    nodes: Vec<RawNode>,
    anchors: HashMap<String, usize>,
    /// The collections that are not finished.
    open: Vec<Open>,
}

struct Open {
    node: usize,
    /// A mapping's key that waits for its value.
    key: Option<usize>,
}

pub fn compose(source: &Arc<SourceFile>, text: &str) -> Result<Document, Error> {
    if let Some(err) = mistake::forbidden_character(source, text) {
        return Err(err);
    }
    let mut composer = Composer { source, text, nodes: Vec::new(), anchors: HashMap::new(), open: Vec::new() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The parser panics at a block scalar that ends the file without a line break, so there is always one.
    let added = if text.ends_with(is_line_break) { "" } else { "\n" };
    // A small buffer, because the parser holds what it has buffered as four bytes a character.
    let mut parser = Parser::new();
    let spaced = Spaced::new(text);
    parser.set_input(BufReader::with_capacity(16 * 1024, spaced.text.as_bytes().chain(added.as_bytes())));
    let mut root = None;
    let mut documents = 0;
    loop {
        let event = parser.parse().map_err(|err| mistake::from_parser(source, text, &err))?;
        let (start, end) = (spaced.original(event.start_mark), spaced.original(event.end_mark));
        match event.data {
            EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => {}
            EventData::StreamEnd => return Ok(Document { nodes: composer.nodes, root }),
            EventData::DocumentStart { .. } => {
                documents += 1;
                if documents > 1 {
                    let problem = "but found another document";
                    return Err(composer.mistake("expected a single document in the stream", problem, start));
                }
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                if let Some(open) = composer.open.pop() {
                    composer.finish(open.node, end, &mut root);
                }
            }
            EventData::Alias { anchor } => {
                let node = composer.alias(&anchor, start)?;
                composer.finish(node, end, &mut root);
            }
            EventData::Scalar { anchor, tag, mut value, plain_implicit, style, .. } => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if is_block && usize::try_from(end.index).is_ok_and(|end| end > text.len()) {
                    drop_added_line_break(&mut value, text, start);
                }
                let plain = match tag.as_deref() {
                    None | Some("!") => plain_implicit,
                    Some(_) => style == ScalarStyle::Plain,
                };
                let kind = RawKind::Scalar { text: value, plain };
                let node = composer.start(anchor, tag, start, end, kind)?;
                composer.finish(node, end, &mut root);
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                composer.open_collection(anchor, tag, start, end, RawKind::Sequence(Vec::new()))?;
            }
            EventData::MappingStart { anchor, tag, .. } => {
                composer.open_collection(anchor, tag, start, end, RawKind::Mapping(Vec::new()))?;
            }
        }
    }
}

fn is_line_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A block scalar whose last line has no line break in the file has none in its value.
fn drop_added_line_break(value: &mut String, text: &str, start: Mark) {
    let last_line = text.rsplit(is_line_break).next().unwrap_or("");
    let header = usize::try_from(start.index).ok().and_then(|start| text.get(start..)).unwrap_or("");
    let keeps_breaks = header.chars().take(3).take_while(|char| !is_line_break(*char)).any(|char| char == '+');
    // A last line of spaces alone is indentation, whose break counts only where all breaks are kept.
    let is_content = !last_line.trim_matches(' ').is_empty() || value.ends_with(" \n");
    if (is_content || keeps_breaks) && value.ends_with('\n') {
        value.pop();
    }
}

impl Composer<'_> {
    fn mistake(&self, context: &str, problem: &str, mark: Mark) -> Error {
        mistake::at_mark(self.source, self.text, context, problem, mark)
    }

    fn start(
        &mut self,
        anchor: Option<String>,
        tag: Option<String>,
        mark: Mark,
        end: Mark,
        kind: RawKind,
    ) -> Result<usize, Error> {
        let index = self.nodes.len();
        self.nodes.push(RawNode { mark, end, tag, kind });
        if let Some(anchor) = anchor
            && self.anchors.insert(anchor, index).is_some()
        {
            return Err(self.mistake("found duplicate anchor; first occurrence", "second occurrence", mark));
        }
        Ok(index)
    }

    fn open_collection(
        &mut self,
        anchor: Option<String>,
        tag: Option<String>,
        mark: Mark,
        end: Mark,
        kind: RawKind,
    ) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.mistake("", &format!("collections are nested more than {MAX_DEPTH} levels deep"), mark));
        }
        let node = self.start(anchor, tag, mark, end, kind)?;
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn alias(&self, anchor: &str, mark: Mark) -> Result<usize, Error> {
        let Some(&node) = self.anchors.get(anchor) else {
            return Err(self.mistake("", "found undefined alias", mark));
        };
        if self.open.iter().any(|open| open.node == node) {
            return Err(self.mistake("", "found an alias to a collection that contains it", mark));
        }
        Ok(node)
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, node: usize, end: Mark, root: &mut Option<usize>) {
        if let Some(raw) = self.nodes.get_mut(node)
            && !matches!(raw.kind, RawKind::Scalar { .. })
        {
            raw.end = end;
        }
        let Some(open) = self.open.last_mut() else {
            *root = Some(node);
            return;
        };
        match (self.nodes.get_mut(open.node).map(|raw| &mut raw.kind), open.key.take()) {
            (Some(RawKind::Sequence(items)), _) => items.push(node),
            (Some(RawKind::Mapping(entries)), Some(key)) => entries.push((key, node)),
            (Some(RawKind::Mapping(_)), None) => open.key = Some(node),
            _ => {}
        }
    }
}
