//! YAML as PyYAML's dumper writes it.

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use crate::value::Value;
use crate::value::python::float_repr;
use crate::yaml::is_plain_text;

pub struct Options {
    pub indent: i32,
    pub width: i32,
    pub unicode: bool,
    /// Collections on one line: always, never, or when they hold only scalars.
    pub flow: Option<bool>,
    pub sort_keys: bool,
    pub explicit_start: bool,
    pub explicit_end: bool,
    pub style: Option<String>,
}

pub fn dump(value: &Value, options: &Options) -> Result<String, String> {
    let mut out = Vec::new();
    {
        let mut emitter = Emitter::new();
        emitter.set_output_string(&mut out);
        emitter.set_indent(options.indent);
        emitter.set_width(options.width);
        emitter.set_unicode(options.unicode);
        let mut writer = Writer { emitter, options };
        writer.emit(Event::stream_start(Encoding::Utf8))?;
        writer.emit(Event::document_start(None, &[], !options.explicit_start))?;
        writer.write(value)?;
        writer.emit(Event::document_end(!options.explicit_end))?;
        writer.emit(Event::stream_end())?;
        writer.emitter.flush().map_err(|error| error.to_string())?;
    }
    String::from_utf8(out).map_err(|error| error.to_string())
}

struct Writer<'w, 'o> {
    emitter: Emitter<'w>,
    options: &'o Options,
}

impl Writer<'_, '_> {
    fn emit(&mut self, event: Event) -> Result<(), String> {
        self.emitter.emit(event).map_err(|error| error.to_string())
    }

    fn write(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Null | Value::Omit => self.plain("null", "tag:yaml.org,2002:null"),
            Value::Bool(bool) => self.plain(if *bool { "true" } else { "false" }, "tag:yaml.org,2002:bool"),
            Value::Int(_) | Value::BigInt(_) => self.plain(&value.to_text(), "tag:yaml.org,2002:int"),
            Value::Float(number) => self.plain(&yaml_float(*number), "tag:yaml.org,2002:float"),
            Value::Date(_) | Value::DateTime(..) => self.plain(&value.to_text(), "tag:yaml.org,2002:timestamp"),
            Value::Str(text) => self.text(text),
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
                let flow = self.options.flow.unwrap_or_else(|| items.iter().all(is_leaf));
                let style = if flow { SequenceStyle::Flow } else { SequenceStyle::Block };
                self.emit(Event::sequence_start(None, None, true, style))?;
                for item in items.iter() {
                    self.write(item)?;
                }
                self.emit(Event::sequence_end())
            }
            Value::Dict(dict) => {
                let flow =
                    self.options.flow.unwrap_or_else(|| dict.iter().all(|(key, item)| is_leaf(key) && is_leaf(item)));
                let style = if flow { MappingStyle::Flow } else { MappingStyle::Block };
                self.emit(Event::mapping_start(None, None, true, style))?;
                let mut entries: Vec<(&Value, &Value)> = dict.iter().collect();
                if self.options.sort_keys && sortable(dict.keys()) {
                    entries.sort_by(|a, b| compare(a.0, b.0));
                }
                for (key, item) in entries {
                    self.write(key)?;
                    self.write(item)?;
                }
                self.emit(Event::mapping_end())
            }
        }
    }

    /// A scalar that reads back as itself without quotes.
    fn plain(&mut self, text: &str, tag: &str) -> Result<(), String> {
        let style = self.style();
        if matches!(style, ScalarStyle::Any | ScalarStyle::Plain) {
            return self.emit(Event::scalar(None, None, text, true, false, ScalarStyle::Plain));
        }
        self.emit(Event::scalar(None, Some(tag), text, false, false, style))
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
        let mut style = self.style();
        // Several lines are written as a block, as Ansible's dumper does.
        if matches!(style, ScalarStyle::Any) && text.contains('\n') && self.block_allowed(text) {
            style = ScalarStyle::Literal;
        }
        let plain = is_plain_text(text);
        if !plain && matches!(style, ScalarStyle::Any) {
            style = ScalarStyle::SingleQuoted;
        }
        self.emit(Event::scalar(None, None, text, plain, true, style))
    }

    fn block_allowed(&self, _text: &str) -> bool {
        false
    }
}

fn is_leaf(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Dict(_))
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
