//! YAML as PyYAML's dumper writes it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use crate::value::python::float_repr;
use crate::value::{Dict, Value};
use crate::yaml::is_plain_text;

pub struct Options {
    pub indent: i32,
    pub width: i32,
    pub unicode: bool,
    /// Collections on one line: always, never, or when they hold only scalars.
    pub flow: Option<bool>,
    pub sort_keys: bool,
    /// Vaulted text is written as it is in its file, tagged `!vault`.
    pub vault_tags: bool,
    pub explicit_start: bool,
    pub explicit_end: bool,
    /// Texts of several lines are written as blocks.
    pub blocks: bool,
    /// How every scalar is written; unknown ones only keep collections off one line.
    pub style: Option<String>,
    pub canonical: bool,
    pub version: Option<(i32, i32)>,
    /// Handles of tags and what they stand for.
    pub tags: Vec<(String, String)>,
}

/// What YAML takes for the end of a line.
pub const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

impl Default for Options {
    /// Blocks of two spaces, keys sorted, in 80 columns, and every letter as it is.
    fn default() -> Self {
        Self {
            indent: 2,
            width: 80,
            unicode: true,
            flow: Some(false),
            sort_keys: true,
            vault_tags: false,
            explicit_start: false,
            explicit_end: false,
            blocks: false,
            style: None,
            canonical: false,
            version: None,
            tags: Vec::new(),
        }
    }
}

pub fn dump(value: &Value, options: &Options) -> Result<String, String> {
    // The emitter's own directives cannot be made from outside it.
    let directives = directives(options);
    let explicit_start = options.explicit_start || !directives.is_empty();
    let mut out = Vec::new();
    {
        let mut emitter = Emitter::new();
        emitter.set_output_string(&mut out);
        emitter.set_indent(options.indent);
        emitter.set_width(options.width);
        emitter.set_unicode(options.unicode);
        emitter.set_canonical(options.canonical);
        let mut anchors = Anchors::default();
        anchors.visit(value, options);
        let mut writer = Writer { emitter, options, anchors: anchors.names, written: HashSet::new() };
        writer.emit(Event::stream_start(Encoding::Utf8))?;
        writer.emit(Event::document_start(None, &[], !explicit_start))?;
        writer.write(value)?;
        writer.emit(Event::document_end(!options.explicit_end))?;
        writer.emit(Event::stream_end())?;
        writer.emitter.flush().map_err(|error| error.to_string())?;
    }
    String::from_utf8(out).map(|text| directives + &escaped(&text)).map_err(|error| error.to_string())
}

/// libyaml takes no character beyond the first 65,536 for printable. Texts with one are quoted, and here it is escaped.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_beyond) {
        return Cow::Borrowed(text);
    }
    let escape = |char| if is_beyond(char) { format!("\\U{:08X}", u32::from(char)) } else { String::from(char) };
    Cow::Owned(text.chars().map(escape).collect())
}

fn is_beyond(char: char) -> bool {
    u32::from(char) > 0xffff
}

fn directives(options: &Options) -> String {
    let mut out = options.version.map_or_else(String::new, |(major, minor)| format!("%YAML {major}.{minor}\n"));
    for (handle, prefix) in &options.tags {
        out += &format!("%TAG {handle} {prefix}\n");
    }
    out
}

/// Containers that occur more than once, known by their identity: the second time only their anchor is written.
#[derive(Default)]
struct Anchors {
    seen: HashSet<Identity>,
    names: HashMap<Identity, String>,
}

impl Anchors {
    fn visit(&mut self, value: &Value, options: &Options) {
        let Some(identity) = identity(value) else { return };
        if !self.seen.insert(identity) {
            // Numbered in the order in which they are met again.
            let number = self.names.len() + 1;
            self.names.entry(identity).or_insert_with(|| format!("id{number:03}"));
            return;
        }
        match value {
            Value::List(items) => items.iter().for_each(|item| self.visit(item, options)),
            Value::Dict(dict) => {
                for (key, item) in entries(dict, options) {
                    self.visit(key, options);
                    self.visit(item, options);
                }
            }
            _ => {}
        }
    }
}

/// The same for the same container alone.
type Identity = (usize, usize);

fn identity(value: &Value) -> Option<Identity> {
    match value {
        Value::List(items) => Some(items.identity()),
        Value::Dict(dict) => Some((Arc::as_ptr(dict).addr(), 0)),
        _ => None,
    }
}

fn entries<'a>(dict: &'a Dict, options: &Options) -> Vec<(&'a Value, &'a Value)> {
    let mut entries: Vec<(&Value, &Value)> = dict.iter().collect();
    if options.sort_keys && sortable(dict.keys()) {
        entries.sort_by(|a, b| compare(a.0, b.0));
    }
    entries
}

struct Writer<'w, 'o> {
    emitter: Emitter<'w>,
    options: &'o Options,
    anchors: HashMap<Identity, String>,
    written: HashSet<Identity>,
}

impl Writer<'_, '_> {
    fn emit(&mut self, event: Event) -> Result<(), String> {
        self.emitter.emit(event).map_err(|error| error.to_string())
    }

    fn write(&mut self, value: &Value) -> Result<(), String> {
        let identity = identity(value);
        let anchor = identity.and_then(|identity| self.anchors.get(&identity).cloned());
        if let (Some(anchor), Some(identity)) = (&anchor, identity)
            && !self.written.insert(identity)
        {
            return self.emit(Event::alias(anchor));
        }
        match value {
            Value::Null | Value::Omit => self.plain("null", "tag:yaml.org,2002:null"),
            Value::Bool(bool) => self.plain(if *bool { "true" } else { "false" }, "tag:yaml.org,2002:bool"),
            Value::Int(_) | Value::BigInt(_) => self.plain(&value.to_text(), "tag:yaml.org,2002:int"),
            Value::Float(number) => self.plain(&yaml_float(*number), "tag:yaml.org,2002:float"),
            Value::Date(_) | Value::DateTime(..) => self.plain(&value.to_text(), "tag:yaml.org,2002:timestamp"),
            Value::Str(text) => self.text(text),
            Value::Sealed(sealed) if self.options.vault_tags => {
                self.emit(Event::scalar(None, Some("!vault"), sealed.ciphertext(), false, false, ScalarStyle::Literal))
            }
            Value::Sealed(_) => self.text(&value.to_text()),
            Value::Bytes(bytes) => {
                use base64::Engine;
                let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
                let mut lines: String =
                    encoded.as_bytes().chunks(76).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
                if lines.is_empty() {
                    lines.push('\n');
                }
                let tag = Some("tag:yaml.org,2002:binary");
                self.emit(Event::scalar(None, tag, &lines, false, false, ScalarStyle::Literal))
            }
            Value::List(items) => {
                let flow = self.options.flow.unwrap_or_else(|| items.iter().all(|item| self.is_leaf(item)));
                let style = if flow { SequenceStyle::Flow } else { SequenceStyle::Block };
                self.emit(Event::sequence_start(anchor.as_deref(), Some("tag:yaml.org,2002:seq"), true, style))?;
                for item in items.iter() {
                    self.write(item)?;
                }
                self.emit(Event::sequence_end())
            }
            Value::Dict(dict) => {
                let leaves = || dict.iter().all(|(key, item)| self.is_leaf(key) && self.is_leaf(item));
                let flow = self.options.flow.unwrap_or_else(leaves);
                let style = if flow { MappingStyle::Flow } else { MappingStyle::Block };
                self.emit(Event::mapping_start(anchor.as_deref(), Some("tag:yaml.org,2002:map"), true, style))?;
                for (key, item) in entries(dict, self.options) {
                    self.write(key)?;
                    self.write(item)?;
                }
                self.emit(Event::mapping_end())
            }
        }
    }

    /// Collections of these are written on one line; a scalar with a style of its own is none of them.
    fn is_leaf(&self, value: &Value) -> bool {
        !matches!(value, Value::List(_) | Value::Dict(_) | Value::Bytes(_))
            && self.options.style.as_deref().unwrap_or("").is_empty()
    }

    /// A scalar that reads back as itself without quotes; with them a `!` says that it is no text.
    fn plain(&mut self, text: &str, tag: &str) -> Result<(), String> {
        let style = match self.style() {
            ScalarStyle::Any => ScalarStyle::Plain,
            style => style,
        };
        self.emit(Event::scalar(None, Some(tag), text, true, false, style))
    }

    fn style(&self) -> ScalarStyle {
        match self.options.style.as_deref() {
            Some("'") => ScalarStyle::SingleQuoted,
            Some("\"") => ScalarStyle::DoubleQuoted,
            Some("|") => ScalarStyle::Literal,
            Some(">") => ScalarStyle::Folded,
            _ => ScalarStyle::Any,
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        let plain = is_plain_text(text);
        let style = match self.style() {
            _ if text.contains(is_beyond) => ScalarStyle::DoubleQuoted,
            ScalarStyle::Any if self.options.blocks && text.contains(BREAKS) => ScalarStyle::Literal,
            ScalarStyle::Any if !plain => ScalarStyle::SingleQuoted,
            style => style,
        };
        self.emit(Event::scalar(None, Some("tag:yaml.org,2002:str"), text, plain, true, style))
    }
}

fn sortable<'a>(keys: impl Iterator<Item = &'a Value>) -> bool {
    let mut kinds = keys.map(|key| match key {
        Value::Str(_) => 0,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => 1,
        _ => 2,
    });
    let Some(first) = kinds.next() else { return true };
    first != 2 && kinds.all(|kind| kind == first)
}

fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => (**a).cmp(&**b),
        _ => {
            let number =
                |value: &Value| value.to_text().parse::<f64>().unwrap_or(f64::from(u8::from(value.is_truthy())));
            number(a).total_cmp(&number(b))
        }
    }
}

fn yaml_float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = float_repr(number);
    match text.split_once('e') {
        // YAML 1.1 wants a point before the exponent.
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}
