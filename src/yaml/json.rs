//! JSON as Python's `json.loads` reads it, with places. Every file is tried as JSON before it is read as YAML.

use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::Num;

use super::{MAX_DEPTH, Node, NodeKind, Reader, Tag};
use crate::error::Error;
use crate::source::{SourceFile, Span};
use crate::value::{Str, Value};
use crate::vault;

/// The document, or nothing when the text is not JSON.
pub fn read(reader: &Reader, source: &Arc<SourceFile>, text: &str, secret: bool) -> Result<Option<Node>, Error> {
    let mut parser = Parser { reader, source, text, position: 0, line: 1, line_start: 0, secret, too_deep: None };
    let node = parser.document();
    match parser.too_deep {
        Some(place) => {
            let message = format!("YAML parsing failed: Collections are nested more than {MAX_DEPTH} levels deep.");
            Err(Error::project(message, Some(&place)))
        }
        None => Ok(node),
    }
}

struct Parser<'a> {
    reader: &'a Reader,
    source: &'a Arc<SourceFile>,
    text: &'a str,
    position: usize,
    line: u32,
    /// Where the current line begins.
    line_start: usize,
    secret: bool,
    too_deep: Option<Span>,
}

impl Parser<'_> {
    fn document(&mut self) -> Option<Node> {
        let node = self.value(0)?;
        self.skip_space();
        (self.position == self.text.len()).then_some(node)
    }

    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = self.position + 1;
                }
                b' ' | b'\t' | b'\r' => {}
                _ => return,
            }
            self.position += 1;
        }
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.position += 1)
    }

    fn span(&self) -> Span {
        let before = self.text.get(self.line_start..self.position).unwrap_or("");
        // Long single-line documents: counting would take quadratic time, and nobody reads the column.
        let column = if before.len() > 10_000 { 0 } else { before.chars().count() };
        Span::new(self.source, self.line, u32::try_from(column + 1).unwrap_or(u32::MAX))
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.skip_space();
        let span = self.span();
        if depth > MAX_DEPTH {
            self.too_deep.get_or_insert(span);
            return None;
        }
        let start = self.position;
        let kind = match self.peek()? {
            b'{' => self.object(depth, &span)?,
            b'[' => self.array(depth)?,
            b'"' => NodeKind::Scalar(self.string_value(&span)?),
            _ => NodeKind::Scalar(self.literal()?),
        };
        let length = if matches!(kind, NodeKind::Scalar(_)) { self.position - start } else { 1 };
        let tag = match &kind {
            NodeKind::Scalar(Value::Sealed(_)) => Tag::Vault,
            NodeKind::Scalar(Value::Str(text)) if !text.is_trusted() => Tag::Unsafe,
            _ => Tag::None,
        };
        Some(Node { span: span.with_length(length), kind, tag })
    }

    fn object(&mut self, depth: usize, span: &Span) -> Option<NodeKind> {
        self.take(b'{')?;
        let mut entries: indexmap::IndexMap<Value, (Node, Node)> = indexmap::IndexMap::new();
        self.skip_space();
        if self.take(b'}').is_some() {
            return Some(NodeKind::Mapping(Arc::default()));
        }
        loop {
            self.skip_space();
            let place = self.span();
            let name = self.string_value(&place)?;
            self.skip_space();
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            let key = Node { span: place, kind: NodeKind::Scalar(name.clone()), tag: Tag::None };
            match entries.get_mut(&name) {
                Some(entry) => entry.1 = value,
                None => {
                    entries.insert(name, (key, value));
                }
            }
            self.skip_space();
            if self.take(b'}').is_some() {
                break;
            }
            self.take(b',')?;
        }
        if let Some(marked) = self.marked(&entries, span) {
            return Some(NodeKind::Scalar(marked));
        }
        Some(NodeKind::Mapping(Arc::new(entries.into_values().collect())))
    }

    /// How Ansible writes strings that are data, and sealed ones, in JSON.
    fn marked(&self, entries: &indexmap::IndexMap<Value, (Node, Node)>, span: &Span) -> Option<Value> {
        if let Some((_, node)) = entries.get("__ansible_unsafe") {
            let NodeKind::Scalar(Value::Str(text)) = &node.kind else { return None };
            return Some(Value::Str(text.clone().into_untrusted()));
        }
        let (_, node) = entries.get("__ansible_vault")?;
        Some(vault::seal(node.as_str()?, self.reader.vault.as_ref(), Some(span)))
    }

    fn array(&mut self, depth: usize) -> Option<NodeKind> {
        self.take(b'[')?;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']').is_some() {
            return Some(NodeKind::Sequence(Arc::default()));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']').is_some() {
                return Some(NodeKind::Sequence(Arc::new(items)));
            }
            self.take(b',')?;
        }
    }

    fn string_value(&mut self, span: &Span) -> Option<Value> {
        let text = self.string()?;
        let text = Str::trusted(text, Some(span.clone()));
        Some(Value::Str(if self.secret { text.into_secret() } else { text }))
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|char: char| char == '"' || char == '\\' || char < ' ')?;
            out.push_str(rest.get(..plain)?);
            self.position += plain;
            match self.peek()? {
                b'"' => {
                    self.position += 1;
                    return Some(out);
                }
                b'\\' => {
                    self.position += 1;
                    out.push(self.escape()?);
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.position += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    let before = self.position;
                    self.position += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                    }
                    self.position = before;
                }
                // Half a surrogate pair is no character.
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        self.position += 4;
        Some(number)
    }

    fn literal(&mut self) -> Option<Value> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.position += word.len();
                return Some(value);
            }
        }
        self.number()
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let whole = if bytes.get(start) == Some(&b'0') { 1 } else { digits(start) };
        if whole == 0 {
            return None;
        }
        let mut end = start + whole;
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
            is_float = true;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
                is_float = true;
            }
        }
        let number = rest.get(..end)?;
        let value = if is_float {
            Value::Float(number.parse().ok()?)
        } else if let Ok(number) = number.parse() {
            Value::Int(number)
        } else if number.len() > 4300 {
            return None;
        } else {
            Value::big(BigInt::from_str_radix(number, 10).ok()?)
        };
        self.position += end;
        Some(value)
    }
}
