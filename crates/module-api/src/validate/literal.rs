//! Python literals, which Ansible accepts where a dict is given as text.

use serde_json::{Map, Number, Value};

use crate::python::python_str;

/// Deeper nesting than this is refused, so that no input can exhaust the stack.
const DEEPEST: usize = 100;

/// The value of a literal, or none if `text` isn't one.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.rest.chars().next()? {
            '{' => self.dict(depth),
            '[' => self.sequence("[", "]", depth),
            '(' => self.sequence("(", ")", depth),
            '\'' | '"' => self.text().map(Value::from),
            _ => self.word(),
        }
    }

    fn sequence(&mut self, open: &str, close: &str, depth: usize) -> Option<Value> {
        self.take(open);
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") {
                return self.take(close).then_some(items.into());
            }
        }
        Some(items.into())
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        self.take("{");
        let mut map = Map::new();
        while !self.take("}") {
            let name = self.value(depth + 1)?;
            if !self.take(":") {
                return None;
            }
            map.insert(python_str(&name), self.value(depth + 1)?);
            if !self.take(",") {
                return self.take("}").then_some(map.into());
            }
        }
        Some(map.into())
    }

    fn text(&mut self) -> Option<String> {
        let mut chars = self.rest.char_indices();
        let (_, quote) = chars.next()?;
        let mut out = String::new();
        while let Some((index, char)) = chars.next() {
            match char {
                char if char == quote => {
                    self.rest = self.rest.get(index + 1..)?;
                    return Some(out);
                }
                '\n' => return None,
                '\\' => match chars.next()?.1 {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    it @ ('\\' | '\'' | '"') => out.push(it),
                    it => {
                        out.push('\\');
                        out.push(it);
                    }
                },
                char => out.push(char),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end =
            self.rest.find(|it: char| !it.is_ascii_alphanumeric() && !"+-._".contains(it)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "None" => Some(Value::Null),
            "True" => Some(true.into()),
            "False" => Some(false.into()),
            _ => number(word),
        }
    }
}

fn number(word: &str) -> Option<Value> {
    if !word.starts_with(|it: char| it.is_ascii_digit() || "+-.".contains(it)) {
        return None;
    }
    word.parse::<i64>()
        .map(Value::from)
        .ok()
        .or_else(|| word.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number))
}
