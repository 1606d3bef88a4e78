//! Reads YAML 1.1 as PyYAML does (and JSON, which Ansible tries first) into nodes that know their places.

mod compose;
mod construct;
mod flow_tags;
mod json;
mod mistake;
mod scalar;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Notices};
use crate::source::{SourceFile, Span};
use crate::value::{Dict, Str, Value, mask};
use crate::vault;

/// Deeper documents are refused: everything that walks a value does so by recursion.
pub const MAX_DEPTH: usize = 200;

/// A document is refused when its aliases repeat more nodes than this.
const MAX_REPEATED_NODES: usize = 1_000_000;

/// A piece of a document. Merge keys are resolved and the keys of a mapping are unique.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub kind: NodeKind,
    pub tag: Tag,
}

/// Collections are shared: an alias costs nothing.
#[derive(Clone, Debug)]
pub enum NodeKind {
    Scalar(Value),
    Sequence(Arc<Vec<Node>>),
    Mapping(Arc<Vec<(Node, Node)>>),
}

/// The tags that are still of interest once a document is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    #[default]
    None,
    Vault,
    Unsafe,
}

impl Node {
    /// A text that a person wrote at `span`, outside of any document.
    pub fn text(text: &str, span: &Span) -> Self {
        Self::scalar(Value::Str(Str::trusted(text, Some(span.clone()))), span)
    }

    pub fn scalar(value: Value, span: &Span) -> Self {
        Self { span: span.clone(), kind: NodeKind::Scalar(value), tag: Tag::None }
    }

    pub fn sequence(items: Vec<Node>, span: &Span) -> Self {
        Self { span: span.clone(), kind: NodeKind::Sequence(Arc::new(items)), tag: Tag::None }
    }

    pub fn mapping<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>, span: &Span) -> Self {
        let entries = entries.into_iter().map(|(name, value)| (Self::text(name, span), value)).collect();
        Self { span: span.clone(), kind: NodeKind::Mapping(Arc::new(entries)), tag: Tag::None }
    }

    /// The same without places, except those that strings keep.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::Sequence(items) => Value::list(items.iter().map(Node::to_value).collect()),
            NodeKind::Mapping(entries) => {
                let mut dict = Dict::with_capacity(entries.len());
                for (key, value) in entries.iter() {
                    dict.insert(key.to_value(), value.to_value());
                }
                Value::dict(dict)
            }
        }
    }

    /// The entry of a mapping under a string key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The entries of a mapping; nothing for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            NodeKind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; nothing for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::Sequence(items) => items,
            _ => &[],
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar(Value::Null))
    }

    pub fn is_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping(_))
    }

    pub fn is_sequence(&self) -> bool {
        matches!(self.kind, NodeKind::Sequence(_))
    }

    /// The type as Python has it.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar(value) => value.type_name(),
            NodeKind::Sequence(_) => "list",
            NodeKind::Mapping(_) => "dict",
        }
    }
}

/// Whether a text written without quotes is read as that text, and not as a number, a boolean or the like.
pub fn is_plain_text(text: &str) -> bool {
    scalar::resolve(text) == scalar::Scalar::Str
}

/// What a mapping with the same key twice leads to (`DUPLICATE_YAML_DICT_KEY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    #[default]
    Warn,
    Error,
    Ignore,
}

/// Reads files of a project.
#[derive(Clone, Default)]
pub struct Reader {
    pub notices: Notices,
    pub vault: Option<Arc<vault::Secrets>>,
    pub duplicate_keys: DuplicateKeys,
}

impl Reader {
    /// Reads one document; an empty file is null.
    pub fn read(&self, source: &Arc<SourceFile>) -> Result<Node, Error> {
        self.read_text(source, &source.text, false)
    }

    /// Reads one document as YAML, although it may look like JSON, which has other numbers.
    pub fn read_yaml(&self, source: &Arc<SourceFile>) -> Result<Node, Error> {
        construct::construct(self, source, &compose::compose(source, &source.text)?, false)
    }

    /// Reads a file, decrypting it when it is a vault as a whole.
    pub fn read_file(&self, path: &Path) -> Result<Node, Error> {
        self.read_content(read_bytes(path)?, path)
    }

    fn read_content(&self, bytes: Vec<u8>, path: &Path) -> Result<Node, Error> {
        if vault::is_encrypted(&bytes) {
            let plain = self.decrypt(&bytes, path)?;
            let text = decode_hidden(plain, path)?;
            // The place names the file but not the plaintext, which must not appear in messages.
            let node = self.read_text(&SourceFile::new(path, ""), &text, true)?;
            // Variables are secrets; the words of vaulted tasks are only those of any playbook.
            if node.is_mapping() {
                remember_secrets(&node);
            }
            return Ok(node);
        }
        let source = SourceFile::new(path, decode(bytes, path)?);
        self.read(&source)
    }

    /// Reads files up to the first that is wrong; the keys of vaults among them are derived side by side.
    pub fn read_files(&self, paths: &[PathBuf]) -> Result<Vec<Node>, Error> {
        let contents: Vec<Result<Vec<u8>, Error>> = paths.iter().map(|path| read_bytes(path)).collect();
        if let Some(secrets) = &self.vault {
            secrets.prepare(contents.iter().flatten().map(Vec::as_slice).filter(|bytes| vault::is_encrypted(bytes)));
        }
        paths.iter().zip(contents).map(|(path, content)| self.read_content(content?, path)).collect()
    }

    /// The text of a file, decrypted when it is a vault.
    pub fn read_plain_text(&self, path: &Path) -> Result<String, Error> {
        let bytes = read_bytes(path)?;
        if !vault::is_encrypted(&bytes) {
            return decode(bytes, path);
        }
        let text = decode_hidden(self.decrypt(&bytes, path)?, path)?;
        mask::remember(&text);
        Ok(text)
    }

    /// The content of a file, decrypted when it is a vault.
    pub fn read_plain_bytes(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let bytes = read_bytes(path)?;
        if !vault::is_encrypted(&bytes) {
            return Ok(bytes);
        }
        let plain = self.decrypt(&bytes, path)?;
        mask::remember(&String::from_utf8_lossy(&plain));
        Ok(plain)
    }

    fn decrypt(&self, bytes: &[u8], path: &Path) -> Result<Vec<u8>, Error> {
        let none = vault::Secrets::default();
        let secrets = self.vault.as_deref().unwrap_or(&none);
        secrets.decrypt(bytes).map_err(|err| vault::Secrets::file_error(&err, path))
    }

    fn read_text(&self, source: &Arc<SourceFile>, text: &str, secret: bool) -> Result<Node, Error> {
        if let Some(node) = json::read(self, source, text, secret)? {
            return Ok(node);
        }
        let document = compose::compose(source, text)?;
        construct::construct(self, source, &document, secret)
    }
}

fn remember_secrets(node: &Node) {
    match &node.kind {
        NodeKind::Scalar(Value::Str(text)) => mask::remember(text),
        NodeKind::Scalar(number @ (Value::Int(_) | Value::Float(_))) => mask::remember(&number.to_text()),
        NodeKind::Scalar(_) => {}
        NodeKind::Sequence(items) => items.iter().for_each(remember_secrets),
        NodeKind::Mapping(entries) => entries.iter().for_each(|(_, value)| remember_secrets(value)),
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|err| Error::new(ErrorKind::File, format!("cannot read {}: {}", path.display(), err)))
}

/// Nothing of a vault's content is shown.
fn decode_hidden(plain: Vec<u8>, path: &Path) -> Result<String, Error> {
    let place = Span::new(&SourceFile::new(path, ""), 1, 1);
    String::from_utf8(plain).map_err(|_| {
        Error::project(format!("the content of the vault {} is not UTF-8 text", path.display()), Some(&place))
    })
}

fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|err| {
        let valid = err.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(err.as_bytes().get(..valid).unwrap_or_default()).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let source = SourceFile::new(path, String::from_utf8_lossy(err.as_bytes()).into_owned());
        let place = Span::new(&source, number(line), number(column));
        Error::project(format!("{} is not UTF-8 text (line {line}, byte {valid})", path.display()), Some(&place))
            .hint("save the file as UTF-8; it looks like another encoding such as Latin-1")
    })
}

#[cfg(test)]
mod tests;
