//! From raw nodes to nodes with values: tags, YAML 1.1 scalars, merge keys, duplicate keys, trust.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use libyaml_safer::Mark;

use super::compose::{Document, RawKind, RawNode};
use super::scalar::{self, Scalar};
use super::{DuplicateKeys, MAX_DEPTH, MAX_REPEATED_NODES, Node, NodeKind, Reader, Tag, mistake};
use crate::error::Error;
use crate::source::{SourceFile, Span};
use crate::value::python::str_repr;
use crate::value::{Str, Value};
use crate::vault;

const YAML_TAG: &str = "tag:yaml.org,2002:";

pub fn construct(reader: &Reader, source: &Arc<SourceFile>, document: &Document, secret: bool) -> Result<Node, Error> {
    let mut builder = Builder {
        reader,
        source,
        document,
        secret,
        collections: HashMap::new(),
        merged: HashMap::new(),
        count: 0,
        repeated: 0,
        deepest: 0,
    };
    match document.root {
        Some(root) => builder.node(root, Context::default()),
        None => Ok(Node { span: Span::new(source, 1, 1), kind: NodeKind::Scalar(Value::Null), tag: Tag::None }),
    }
}

/// What the surroundings say about a node.
#[derive(Clone, Copy, Default)]
struct Context {
    /// Inside `!unsafe`.
    is_unsafe: bool,
    depth: usize,
}

struct Builder<'a> {
    reader: &'a Reader,
    source: &'a Arc<SourceFile>,
    document: &'a Document,
    secret: bool,
    /// Collections that were built, so that an alias is the same collection.
    collections: HashMap<(usize, bool), Built>,
    /// Mappings whose merge keys were resolved.
    merged: HashMap<usize, Arc<Vec<(usize, usize)>>>,
    /// Nodes as they would be without sharing.
    count: usize,
    /// Nodes that came by alias or merge key.
    repeated: usize,
    deepest: usize,
}

#[derive(Clone)]
struct Built {
    node: Node,
    /// Nodes in it, as they would be without sharing.
    count: usize,
    /// Levels below it.
    height: usize,
}

impl Builder<'_> {
    fn mistake(&self, context: &str, problem: &str, mark: Mark) -> Error {
        let text = if self.source.text.is_empty() { "" } else { &self.source.text };
        mistake::at_mark(self.source, text, context, problem, mark)
    }

    fn span(&self, raw: &RawNode) -> Span {
        let span = mistake::span(self.source, raw.mark);
        if raw.end.line == raw.mark.line {
            let length = raw.end.column.saturating_sub(raw.mark.column);
            return span.with_length(usize::try_from(length).unwrap_or(0));
        }
        span
    }

    fn repeat(&mut self, nodes: usize, mark: Mark) -> Result<(), Error> {
        self.repeated = self.repeated.saturating_add(nodes);
        if self.repeated > MAX_REPEATED_NODES {
            return Err(self.mistake("", "aliases make this document too large", mark));
        }
        Ok(())
    }

    fn node(&mut self, index: usize, context: Context) -> Result<Node, Error> {
        let raw = self.document.node(index);
        self.deepest = self.deepest.max(context.depth);
        if let Some(built) = self.collections.get(&(index, context.is_unsafe)).cloned() {
            self.deepest = self.deepest.max(context.depth + built.height);
            if self.deepest > MAX_DEPTH {
                return Err(self.too_deep(raw.mark));
            }
            self.count += built.count;
            self.repeat(built.count, raw.mark)?;
            return Ok(built.node);
        }
        if context.depth > MAX_DEPTH {
            return Err(self.too_deep(raw.mark));
        }
        self.count += 1;
        if matches!(raw.kind, RawKind::Scalar { .. }) {
            return self.build(index, raw, context);
        }
        let (count, deepest) = (self.count, std::mem::replace(&mut self.deepest, context.depth));
        let node = self.build(index, raw, context)?;
        let built = Built { node: node.clone(), count: self.count - count + 1, height: self.deepest - context.depth };
        self.deepest = self.deepest.max(deepest);
        self.collections.insert((index, context.is_unsafe), built);
        Ok(node)
    }

    fn too_deep(&self, mark: Mark) -> Error {
        self.mistake("", &format!("collections are nested more than {MAX_DEPTH} levels deep"), mark)
    }

    fn build(&mut self, index: usize, raw: &RawNode, context: Context) -> Result<Node, Error> {
        let span = self.span(raw);
        let inside = Context { depth: context.depth + 1, ..context };
        let (kind, tag) = match raw.tag.as_deref() {
            Some("!unsafe") => {
                let inside = Context { is_unsafe: true, ..inside };
                (self.untagged(index, raw, &span, inside)?, Tag::Unsafe)
            }
            Some(tag @ ("!vault" | "!vault-encrypted")) => (self.vault(raw, &span, tag)?, Tag::Vault),
            Some(tag) if tag != "!" => (self.tagged(index, raw, &span, inside, tag)?, Tag::None),
            _ => (self.untagged(index, raw, &span, inside)?, Tag::None),
        };
        Ok(Node { span, kind, tag })
    }

    fn untagged(&mut self, index: usize, raw: &RawNode, span: &Span, inside: Context) -> Result<NodeKind, Error> {
        match &raw.kind {
            RawKind::Scalar { text, plain } => {
                let resolved = if *plain { scalar::resolve(text) } else { Scalar::Str };
                self.scalar(raw, text, resolved, span, inside)
            }
            RawKind::Sequence(items) => self.sequence(items, inside),
            RawKind::Mapping(_) => self.mapping(index, inside),
        }
    }

    fn sequence(&mut self, items: &[usize], inside: Context) -> Result<NodeKind, Error> {
        let nodes = items.iter().map(|item| self.node(*item, inside)).collect::<Result<_, _>>()?;
        Ok(NodeKind::Sequence(Arc::new(nodes)))
    }

    fn scalar(
        &self,
        raw: &RawNode,
        text: &str,
        resolved: Scalar,
        span: &Span,
        inside: Context,
    ) -> Result<NodeKind, Error> {
        let value = match resolved {
            Scalar::Str => self.string(text, span, inside),
            Scalar::Merge => return Err(self.no_constructor("tag:yaml.org,2002:merge", raw.mark)),
            Scalar::Value => return Err(self.no_constructor("tag:yaml.org,2002:value", raw.mark)),
            other => scalar::construct(text, other).map_err(|problem| mistake::unplaced(span, &problem))?,
        };
        Ok(NodeKind::Scalar(value))
    }

    fn string(&self, text: &str, span: &Span, inside: Context) -> Value {
        let str = Str::trusted(text, Some(span.clone()));
        let str = if self.secret { str.into_secret() } else { str };
        Value::Str(if inside.is_unsafe { str.into_untrusted() } else { str })
    }

    fn no_constructor(&self, tag: &str, mark: Mark) -> Error {
        let tag = str_repr(tag);
        self.mistake("", &format!("could not determine a constructor for the tag {tag}"), mark)
    }

    fn vault(&self, raw: &RawNode, span: &Span, tag: &str) -> Result<NodeKind, Error> {
        let refused = || self.mistake("", &format!("the '{tag}' tag requires a string value"), raw.mark);
        let RawKind::Scalar { text, plain } = &raw.kind else { return Err(refused()) };
        let is_string = !*plain || matches!(scalar::resolve(text), Scalar::Str);
        if !is_string || text.is_empty() {
            return Err(refused());
        }
        if tag == "!vault-encrypted" {
            let message = "Use of the YAML `!vault-encrypted` tag is deprecated. Use `!vault` instead.";
            self.reader.notices.deprecated(message, Some(span));
        }
        Ok(NodeKind::Scalar(vault::seal(text, self.reader.vault.as_ref(), Some(span))))
    }

    fn tagged(
        &mut self,
        index: usize,
        raw: &RawNode,
        span: &Span,
        inside: Context,
        tag: &str,
    ) -> Result<NodeKind, Error> {
        let name = tag.strip_prefix(YAML_TAG).unwrap_or_default();
        let wanted = match name {
            "str" | "python/unicode" => Some(Scalar::Str),
            "int" => Some(Scalar::Int),
            "float" => Some(Scalar::Float),
            "bool" => Some(Scalar::Bool),
            "null" => Some(Scalar::Null),
            "timestamp" => Some(Scalar::Timestamp),
            "binary" => Some(Scalar::Binary),
            _ => None,
        };
        match (name, wanted, &raw.kind) {
            (_, Some(Scalar::Binary), RawKind::Scalar { text, .. }) => {
                scalar::binary(text).map(NodeKind::Scalar).map_err(|problem| self.mistake("", &problem, raw.mark))
            }
            (_, Some(wanted), RawKind::Scalar { text, .. }) => self.scalar(raw, text, wanted, span, inside),
            // YAML 1.1 lets a mapping stand for the scalar under its `=` key.
            (_, Some(wanted), RawKind::Mapping(entries)) => {
                let default = entries.iter().find_map(|(key, value)| {
                    match (&self.document.node(*key).kind, &self.document.node(*value).kind) {
                        (RawKind::Scalar { text, plain: true }, RawKind::Scalar { text: default, .. }) => {
                            (text == "=").then_some(default)
                        }
                        _ => None,
                    }
                });
                match default {
                    Some(text) => self.scalar(raw, text, wanted, span, inside),
                    None => Err(self.mistake("", "expected a scalar node, but found mapping", raw.mark)),
                }
            }
            (_, Some(_), RawKind::Sequence(_)) => {
                Err(self.mistake("", "expected a scalar node, but found sequence", raw.mark))
            }
            ("seq", None, RawKind::Sequence(items)) => self.sequence(items, inside),
            ("seq", None, kind) => {
                Err(self.mistake("", &format!("expected a sequence node, but found {}", kind.id()), raw.mark))
            }
            ("map" | "python/dict", None, RawKind::Mapping(_)) => self.mapping(index, inside),
            ("set", None, RawKind::Mapping(_)) => {
                // There is no value for a set; a list is what templates make of one.
                let NodeKind::Mapping(entries) = self.mapping(index, inside)? else {
                    return Ok(NodeKind::Scalar(Value::Null));
                };
                Ok(NodeKind::Sequence(Arc::new(entries.iter().map(|(key, _)| key.clone()).collect())))
            }
            ("map" | "python/dict" | "set", None, kind) => {
                Err(self.mistake("", &format!("expected a mapping node, but found {}", kind.id()), raw.mark))
            }
            ("omap" | "pairs", None, kind) => self.pairs(name, raw, kind, span, inside),
            _ => Err(self.no_constructor(tag, raw.mark)),
        }
    }

    /// `!!omap` and `!!pairs`: a list of pairs.
    fn pairs(
        &mut self,
        name: &str,
        raw: &RawNode,
        kind: &RawKind,
        span: &Span,
        inside: Context,
    ) -> Result<NodeKind, Error> {
        let hint = if name == "omap" { ", as key order is always preserved" } else { "" };
        let message = format!("Use of the YAML `!!{name}` tag is deprecated. Use a standard mapping instead{hint}.");
        self.reader.notices.deprecated(message, Some(span));
        let context = if name == "omap" { "while constructing an ordered map" } else { "while constructing pairs" };
        let RawKind::Sequence(items) = kind else {
            return Err(self.mistake(context, &format!("expected a sequence, but found {}", kind.id()), raw.mark));
        };
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            let item = self.document.node(*item);
            let RawKind::Mapping(entries) = &item.kind else {
                let problem = format!("expected a mapping of length 1, but found {}", item.kind.id());
                return Err(self.mistake(context, &problem, item.mark));
            };
            let [(key, value)] = entries.as_slice() else {
                let problem = format!("expected a single mapping item, but found {} items", entries.len());
                return Err(self.mistake(context, &problem, item.mark));
            };
            let inner = Context { depth: inside.depth + 1, ..inside };
            let pair = vec![self.node(*key, inner)?, self.node(*value, inner)?];
            pairs.push(Node { span: self.span(item), kind: NodeKind::Sequence(Arc::new(pair)), tag: Tag::None });
        }
        Ok(NodeKind::Sequence(Arc::new(pairs)))
    }

    fn mapping(&mut self, index: usize, inside: Context) -> Result<NodeKind, Error> {
        let flat = self.flatten(index, 0)?;
        let mut entries: IndexMap<Value, (Node, Node)> = IndexMap::with_capacity(flat.len());
        for (key_index, value_index) in flat.iter() {
            let key = self.key(*key_index, inside)?;
            let value = self.node(*value_index, inside)?;
            let key_value = key.to_value();
            match entries.get_mut(&key_value) {
                Some(entry) => {
                    self.duplicate(&key, &key_value)?;
                    // The later value wins, but as in a Python dict the key stays where it was.
                    entry.1 = value;
                }
                None => {
                    entries.insert(key_value, (key, value));
                }
            }
        }
        Ok(NodeKind::Mapping(Arc::new(entries.into_values().collect())))
    }

    fn key(&mut self, index: usize, inside: Context) -> Result<Node, Error> {
        let raw = self.document.node(index);
        match &raw.kind {
            // `=` is a plain string when it is a key.
            RawKind::Scalar { text, plain: true } if raw.tag.is_none() && text == "=" => {
                let span = self.span(raw);
                let kind = NodeKind::Scalar(self.string(text, &span, inside));
                Ok(Node { span, kind, tag: Tag::None })
            }
            RawKind::Scalar { .. } => self.node(index, inside),
            _ => Err(self.mistake("while constructing a mapping", "found unhashable key", raw.mark)),
        }
    }

    fn duplicate(&self, key: &Node, value: &Value) -> Result<(), Error> {
        let message = format!("Found duplicate mapping key {}.", value.repr());
        match self.reader.duplicate_keys {
            DuplicateKeys::Ignore => Ok(()),
            DuplicateKeys::Warn => {
                self.reader.notices.warn(message, Some(&key.span));
                Ok(())
            }
            DuplicateKeys::Error => Err(Error::project(format!("YAML parsing failed: {message}"), Some(&key.span))),
        }
    }

    /// The entries of a mapping with what its `<<` keys bring put before its own.
    fn flatten(&mut self, index: usize, depth: usize) -> Result<Arc<Vec<(usize, usize)>>, Error> {
        if let Some(done) = self.merged.get(&index) {
            return Ok(Arc::clone(done));
        }
        let document = self.document;
        let RawNode { mark, kind, .. } = document.node(index);
        let mark = *mark;
        let RawKind::Mapping(entries) = kind else {
            return Ok(Arc::default());
        };
        if depth > MAX_DEPTH {
            return Err(self.too_deep(mark));
        }
        let (mut brought, mut own) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            if !is_merge_key(document.node(*key)) {
                own.push((*key, *value));
                continue;
            }
            let merged = document.node(*value);
            match &merged.kind {
                RawKind::Mapping(_) => brought.extend(self.flatten(*value, depth + 1)?.iter().copied()),
                RawKind::Sequence(items) => {
                    let mut lists = Vec::with_capacity(items.len());
                    for item in items {
                        let node = document.node(*item);
                        if !matches!(node.kind, RawKind::Mapping(_)) {
                            let problem = format!("expected a mapping for merging, but found {}", node.kind.id());
                            return Err(self.mistake("while constructing a mapping", &problem, node.mark));
                        }
                        lists.push(self.flatten(*item, depth + 1)?);
                    }
                    // The first of several wins, so it comes last.
                    for list in lists.into_iter().rev() {
                        brought.extend(list.iter().copied());
                    }
                }
                RawKind::Scalar { .. } => {
                    let problem = "expected a mapping or list of mappings for merging, but found scalar";
                    return Err(self.mistake("while constructing a mapping", problem, merged.mark));
                }
            }
            self.repeat(brought.len(), mark)?;
        }
        brought.append(&mut own);
        let flat = Arc::new(brought);
        self.merged.insert(index, Arc::clone(&flat));
        Ok(flat)
    }
}

impl RawKind {
    /// The kind as PyYAML calls it.
    fn id(&self) -> &'static str {
        match self {
            RawKind::Scalar { .. } => "scalar",
            RawKind::Sequence(_) => "sequence",
            RawKind::Mapping(_) => "mapping",
        }
    }
}

fn is_merge_key(raw: &RawNode) -> bool {
    match (&raw.kind, raw.tag.as_deref()) {
        (RawKind::Scalar { text, plain: true }, None) => text == "<<",
        (RawKind::Scalar { .. }, Some(tag)) => tag == "tag:yaml.org,2002:merge",
        _ => false,
    }
}
