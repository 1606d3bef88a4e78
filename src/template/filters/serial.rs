//! JSON and YAML, printed as Python's libraries print them.

use crate::source::SourceFile;
use crate::template::engine::arguments::Bound;
use crate::template::engine::encoding::encode;
use crate::template::engine::markup::marked;
use crate::template::engine::output::{finalize, finalize_sharing};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val, from_data};
use crate::template::error::{Res, raised};
use crate::template::filters::yaml_text;
use crate::value::Value;
use crate::value::python::{float_repr, json_text};
use crate::yaml::Reader;

struct Json {
    indent: Option<String>,
    sort_keys: bool,
    ascii: bool,
    item: String,
    colon: String,
}

impl Json {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Res<()> {
        match value {
            Value::Null | Value::Omit => out.push_str("null"),
            Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Value::Int(_) | Value::BigInt(_) => out.push_str(&value.to_text()),
            Value::Float(number) => out.push_str(&json_float(*number)),
            Value::Str(text) => json_text(text, self.ascii, out),
            Value::Sealed(_) | Value::Date(_) => json_text(&value.to_text(), self.ascii, out),
            Value::DateTime(..) => json_text(&value.to_text().replacen(' ', "T", 1), self.ascii, out),
            Value::Bytes(_) => return Err(raised("Object of type bytes is not JSON serializable")),
            Value::List(items) if items.is_empty() => out.push_str("[]"),
            Value::Dict(items) if items.is_empty() => out.push_str("{}"),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.separate(index, depth + 1, out);
                    self.write(item, depth + 1, out)?;
                }
                self.newline(depth, out);
                out.push(']');
            }
            Value::Dict(dict) => {
                let mut entries: Vec<(String, &Value)> = Vec::with_capacity(dict.len());
                for (key, item) in dict.iter() {
                    let name = match key {
                        Value::Str(text) => text.to_string(),
                        Value::Float(number) => json_float(*number),
                        Value::Null | Value::Bool(_) => key.to_json_key(),
                        Value::Int(_) | Value::BigInt(_) => key.to_text(),
                        other => {
                            return Err(raised(format!(
                                "keys must be str, int, float, bool or None, not {}",
                                other.type_name()
                            )));
                        }
                    };
                    entries.push((name, item));
                }
                if self.sort_keys {
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                }
                out.push('{');
                for (index, (name, item)) in entries.into_iter().enumerate() {
                    self.separate(index, depth + 1, out);
                    json_text(&name, self.ascii, out);
                    out.push_str(&self.colon);
                    self.write(item, depth + 1, out)?;
                }
                self.newline(depth, out);
                out.push('}');
            }
        }
        if out.len() > print::MOST_TEXT {
            return Err(raised("the result is too large"));
        }
        Ok(())
    }

    fn separate(&self, index: usize, depth: usize, out: &mut String) {
        if index > 0 {
            out.push_str(&self.item);
        }
        self.newline(depth, out);
    }

    fn newline(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    }
}

fn json_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        float_repr(number)
    }
}

fn named<'a>(args: &'a Bound, name: &str) -> Option<&'a Val> {
    args.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
}

/// What separates items, and keys from values.
type Separators = (&'static str, &'static str);

/// `omit` written into a container is no data; one that comes from a variable is gone by then.
fn refuse_omit(value: &Val, message: &str) -> Res<()> {
    let held = match value {
        Val::Omit => return Err(raised(message)),
        Val::List(list) if list.raw().is_none() => list.to_vec(),
        Val::Tuple(items) => items.to_vec(),
        Val::Dict(dict) if dict.raw().is_none() => dict.to_map().into_values().collect(),
        _ => return Ok(()),
    };
    held.iter().try_for_each(|item| refuse_omit(item, message))
}

fn dump(
    args: &Bound,
    indent: Option<String>,
    separators: Option<Separators>,
    sort_keys: bool,
    ascii: bool,
) -> Res<Val> {
    for (name, _) in &args.named {
        if !matches!(
            &**name,
            "indent"
                | "sort_keys"
                | "ensure_ascii"
                | "separators"
                | "skipkeys"
                | "allow_nan"
                | "check_circular"
                | "vault_to_text"
                | "preprocess_unsafe"
                | "cls"
                | "default"
        ) {
            return Err(raised(format!("JSONEncoder.__init__() got an unexpected keyword argument '{name}'")));
        }
    }
    refuse_omit(&args.val(0), "Object of type _OmitType is not JSON serializable")?;
    let indent = named(args, "indent").map_or(Ok(indent), indentation)?;
    let (item, colon) = separators.unwrap_or((if indent.is_some() { "," } else { ", " }, ": "));
    let (mut item, mut colon) = (item.to_owned(), colon.to_owned());
    if separators.is_none()
        && let Some(given) = named(args, "separators").filter(|it| !matches!(it, Val::Null))
        && let [first, second] = given.iterate()?.as_slice()
    {
        (item, colon) = (print::text(first)?, print::text(second)?);
    }
    let json = Json {
        indent,
        sort_keys: named(args, "sort_keys").map_or(Ok(sort_keys), Val::truthy)?,
        ascii: named(args, "ensure_ascii").map_or(Ok(ascii), Val::truthy)?,
        item,
        colon,
    };
    let mut out = String::new();
    json.write(&finalize(&args.val(0))?, 0, &mut out)?;
    Ok(Val::str(out))
}

/// JSON without blanks.
pub fn compact_json(value: &Val) -> Res<String> {
    let json = Json { indent: None, sort_keys: false, ascii: true, item: ",".to_owned(), colon: ":".to_owned() };
    let mut out = String::new();
    json.write(&finalize(value)?, 0, &mut out)?;
    Ok(out)
}

fn indentation(value: &Val) -> Res<Option<String>> {
    let spaces = |width: i64| Some(" ".repeat(usize::try_from(width.clamp(0, 1000)).unwrap_or(0)));
    Ok(match value {
        Val::Null => None,
        Val::Int(width) => spaces(*width),
        Val::Bool(on) => spaces(i64::from(*on)),
        other => Some(print::text(other)?),
    })
}

pub fn to_json(_scope: &Scope, args: Bound) -> Res<Val> {
    dump(&args, None, None, false, true)
}

pub fn to_nice_json(_scope: &Scope, args: Bound) -> Res<Val> {
    let indent = args.get(1).map_or_else(|| Ok(Some(" ".repeat(4))), indentation)?;
    let sort_keys = args.bool(2, true)?;
    // Its separators are fixed, so that nothing stands behind a comma even on one line.
    dump(&args, indent, Some((",", ": ")), sort_keys, true)
}

/// Jinja2's own: safe inside HTML.
pub fn tojson(_scope: &Scope, args: Bound) -> Res<Val> {
    if matches!(args.val(0), Val::Object(object) if object.type_name() == "range") {
        return Err(raised("Object of type range is not JSON serializable"));
    }
    let indent = args.get(1).map_or(Ok(None), indentation)?;
    let Val::Str(text) = dump(&args, indent, None, true, true)? else { return Ok(Val::Null) };
    let safe = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
    Ok(marked(safe))
}

pub fn from_json(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = match args.val(0) {
        Val::Str(text) => text,
        other => {
            return Err(raised(format!("the JSON object must be str, bytes or bytearray, not {}", other.type_name())));
        }
    };
    let mut parser = JsonParser { text: text.as_bytes(), source: &text, at: 0 };
    let value = parser.document()?;
    Ok(value)
}

/// Python's json: `NaN` and `Infinity` are numbers, and integers have any size.
struct JsonParser<'a> {
    text: &'a [u8],
    source: &'a str,
    at: usize,
}

impl JsonParser<'_> {
    fn document(&mut self) -> Res<Val> {
        self.space();
        let value = self.value(0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.fault("Extra data", self.at));
        }
        Ok(value)
    }

    fn fault(&self, message: &str, at: usize) -> crate::template::error::Fault {
        let before = self.source.get(..at).unwrap_or(self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        raised(format!("{message}: line {line} column {column} (char {})", before.chars().count()))
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Res<Val> {
        if depth > 140 {
            return Err(raised("maximum recursion depth exceeded while decoding a JSON array"));
        }
        let start = self.at;
        let rest = self.source.get(self.at..).unwrap_or("");
        for (word, value) in [
            ("null", Val::Null),
            ("true", Val::Bool(true)),
            ("false", Val::Bool(false)),
            ("NaN", Val::Float(f64::NAN)),
            ("Infinity", Val::Float(f64::INFINITY)),
            ("-Infinity", Val::Float(f64::NEG_INFINITY)),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.text.get(self.at) {
            Some(b'"') => Ok(Val::str(self.string()?)),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => {
                let length = rest
                    .bytes()
                    .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
                    .unwrap_or(rest.len());
                let number = rest.get(..length).unwrap_or("");
                let (number, taken) = json_number(number).ok_or_else(|| self.fault("Expecting value", start))?;
                self.at += taken;
                Ok(number)
            }
            _ => Err(self.fault("Expecting value", start)),
        }
    }

    fn array(&mut self, depth: usize) -> Res<Val> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.text.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Val::list(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Val::list(items));
                }
                _ => return Err(self.fault("Expecting ',' delimiter", self.at)),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Res<Val> {
        self.at += 1;
        let mut map = Map::new();
        self.space();
        if self.text.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Val::dict(map));
        }
        loop {
            self.space();
            if self.text.get(self.at) != Some(&b'"') {
                return Err(self.fault("Expecting property name enclosed in double quotes", self.at));
            }
            let key = self.string()?;
            self.space();
            if self.text.get(self.at) != Some(&b':') {
                return Err(self.fault("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth + 1)?;
            map.insert(Value::str(key), value);
            self.space();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Val::dict(map));
                }
                _ => return Err(self.fault("Expecting ',' delimiter", self.at)),
            }
        }
    }

    fn string(&mut self) -> Res<String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.source.get(self.at..).unwrap_or("");
            let Some(char) = rest.chars().next() else {
                return Err(self.fault("Unterminated string starting at", start));
            };
            self.at += char.len_utf8();
            match char {
                '"' => return Ok(out),
                '\\' => {
                    let escape = self.text.get(self.at).copied();
                    self.at += 1;
                    match escape {
                        Some(b'n') => out.push('\n'),
                        Some(b't') => out.push('\t'),
                        Some(b'r') => out.push('\r'),
                        Some(b'b') => out.push('\u{8}'),
                        Some(b'f') => out.push('\u{c}'),
                        Some(plain @ (b'"' | b'\\' | b'/')) => out.push(char::from(plain)),
                        Some(b'u') => {
                            let mut code = self.unit(start)?;
                            if (0xd800..0xdc00).contains(&code) && self.text.get(self.at..self.at + 2) == Some(b"\\u") {
                                self.at += 2;
                                let low = self.unit(start)?;
                                code = 0x10000 + ((code - 0xd800) << 10) + low.wrapping_sub(0xdc00) % 0x400;
                            }
                            out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        }
                        _ => return Err(self.fault("Invalid \\escape", self.at - 2)),
                    }
                }
                control if u32::from(control) < 0x20 => {
                    return Err(self.fault("Invalid control character at", self.at - 1));
                }
                other => out.push(other),
            }
        }
    }

    fn unit(&mut self, start: usize) -> Res<u32> {
        let digits = self.source.get(self.at..self.at + 4).unwrap_or("");
        let code = u32::from_str_radix(digits, 16).map_err(|_| self.fault("Invalid \\uXXXX escape", start + 1))?;
        self.at += 4;
        Ok(code)
    }
}

/// A number at the start of a text, and how long it is.
fn json_number(text: &str) -> Option<(Val, usize)> {
    let bytes = text.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
        }
        _ => return None,
    }
    let mut float = false;
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        float = true;
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if bytes.get(at + 1 + sign).is_some_and(u8::is_ascii_digit) {
            float = true;
            at += 1 + sign;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
        }
    }
    let number = text.get(..at)?;
    let value = if float {
        Val::Float(number.parse().ok()?)
    } else {
        Val::big(crate::template::engine::number::parse_int(number, 10)?)
    };
    Some((value, at))
}

pub fn to_yaml(_scope: &Scope, args: Bound) -> Res<Val> {
    yaml(&args, 2, None)
}

pub fn to_nice_yaml(_scope: &Scope, args: Bound) -> Res<Val> {
    let indent = if args.some(1).is_some() { args.int(1, 4)? } else { 4 };
    yaml(&args, indent, Some(false))
}

fn yaml(args: &Bound, indent: i64, flow: Option<bool>) -> Res<Val> {
    if let Val::Str(text) = args.val(0)
        && text.is_markup()
    {
        return Err(raised(format!("('cannot represent an object', {})", print::repr(&args.val(0))?)));
    }
    if let Val::Object(object) = args.val(0)
        && object.type_name() == "range"
    {
        return Err(raised(format!("('cannot represent an object', {})", object.text())));
    }
    let number = |name: &str, default: i64| -> Res<i64> {
        match named(args, name) {
            Some(Val::Int(number)) => Ok(*number),
            Some(Val::Float(number)) if number.is_infinite() => Ok(i64::from(i32::MAX)),
            Some(Val::Null) | None => Ok(default),
            Some(other) => {
                Err(raised(format!("'>' not supported between instances of '{}' and 'int'", other.type_name())))
            }
        }
    };
    const KNOWN: &[&str] = &[
        "default_flow_style",
        "default_style",
        "width",
        "sort_keys",
        "explicit_start",
        "explicit_end",
        "indent",
        "line_break",
        "encoding",
        "version",
        "tags",
        "canonical",
    ];
    if let Some((name, _)) = args.named.iter().find(|(name, _)| !KNOWN.contains(&&**name)) {
        return Err(raised(format!("dump_all() got an unexpected keyword argument '{name}'")));
    }
    let flag = |name: &str, default: bool| named(args, name).map_or(Ok(default), Val::truthy);
    let flow = match named(args, "default_flow_style") {
        None => flow,
        Some(Val::Null) => None,
        Some(value) => Some(value.truthy()?),
    };
    let style = named(args, "default_style").filter(|it| !matches!(it, Val::Null)).map(print::text).transpose()?;
    let options = yaml_text::Options {
        indent: i32::try_from(number("indent", indent)?).unwrap_or(2),
        width: i32::try_from(number("width", 80)?).unwrap_or(80),
        unicode: true,
        flow,
        sort_keys: flag("sort_keys", true)?,
        vault_tags: false,
        explicit_start: flag("explicit_start", false)?,
        explicit_end: flag("explicit_end", false)?,
        blocks: false,
        style,
        canonical: flag("canonical", false)?,
        version: named(args, "version").map_or(Ok(None), yaml_version)?,
        tags: named(args, "tags").map_or_else(|| Ok(Vec::new()), yaml_tags)?,
    };
    refuse_omit(&args.val(0), "('cannot represent an object', Omit)")?;
    let text = yaml_text::dump(&finalize_sharing(&args.val(0))?, &options).map_err(raised)?;
    match named(args, "encoding") {
        None | Some(Val::Null) => Ok(Val::str(text)),
        Some(encoding) => Ok(Val::Bytes(encode(&text, &print::text(encoding)?, "strict")?.into())),
    }
}

fn yaml_version(value: &Val) -> Res<Option<(i32, i32)>> {
    if let Val::Null = value {
        return Ok(None);
    }
    match value.iterate()?.as_slice() {
        [Val::Int(1), Val::Int(minor @ 0..=9)] => Ok(Some((1, i32::try_from(*minor).unwrap_or(1)))),
        _ => Err(raised("unsupported YAML version")),
    }
}

fn yaml_tags(value: &Val) -> Res<Vec<(String, String)>> {
    match value {
        Val::Null => Ok(Vec::new()),
        Val::Dict(dict) => {
            dict.to_map().iter().map(|(handle, prefix)| Ok((handle.to_text(), print::text(prefix)?))).collect()
        }
        other => Err(raised(format!("'{}' object has no attribute 'keys'", other.type_name()))),
    }
}

pub fn from_yaml(_scope: &Scope, args: Bound) -> Res<Val> {
    match args.val(0) {
        Val::Str(text) => {
            let node = Reader::default()
                .read_yaml(&SourceFile::new("<unicode string>", &*text))
                .map_err(|error| raised(error.message))?;
            Ok(from_data(&node.to_value()))
        }
        Val::Null => Ok(Val::Null),
        other => Ok(other),
    }
}

pub fn from_yaml_all(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = match args.val(0) {
        Val::Str(text) => text,
        Val::Null => return Ok(Val::list(Vec::new())),
        other => return Ok(other),
    };
    let mut documents = Vec::new();
    for document in split_documents(&text) {
        let node = Reader::default()
            .read_yaml(&SourceFile::new("<unicode string>", document))
            .map_err(|error| raised(error.message))?;
        documents.push(from_data(&node.to_value()));
    }
    Ok(Val::list(documents))
}

/// The documents of a stream: lines `---` begin one, lines `...` end one.
fn split_documents(text: &str) -> Vec<String> {
    let mut documents = Vec::new();
    let mut current = String::new();
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        let marker = line.starts_with("---") && line[3..].chars().next().is_none_or(char::is_whitespace);
        let end = line.trim_end() == "...";
        if marker || end {
            let blank = current.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
            if begun || !blank {
                documents.push(std::mem::take(&mut current));
            }
            current.clear();
            begun = marker;
            if marker {
                current.push_str(&line[3..]);
            }
            continue;
        }
        current.push_str(line);
    }
    let blank = current.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if begun || !blank {
        documents.push(current);
    }
    documents
}
