//! Values in INI inventories: a Python literal if the text is one, the text itself otherwise.

use num_bigint::BigInt;
use num_traits::Num;

use crate::source::Span;
use crate::value::{Dict, Str, Value};

const MAX_DEPTH: usize = 100;

/// The value of a text; strings are text from the project.
pub fn parse_literal(text: &str, place: Option<&Span>) -> Value {
    let plain = || Value::Str(Str::trusted(text, place.cloned()));
    // Python refuses a literal that begins with a space.
    if text.starts_with(' ') || text.starts_with('\t') {
        return plain();
    }
    let mut parser = Parser { text, position: 0, place };
    let value = parser.value(0).filter(|_| {
        parser.skip_space();
        parser.position == text.len()
    });
    value.unwrap_or_else(plain)
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    place: Option<&'a Span>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        while let Some(char) = self.peek() {
            match char {
                ' ' | '\t' | '\n' | '\r' => self.position += 1,
                '#' => self.position += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn take(&mut self, expected: char) -> bool {
        self.skip_space();
        let found = self.peek() == Some(expected);
        if found {
            self.position += expected.len_utf8();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_space();
        match self.peek()? {
            '[' => {
                self.position += 1;
                self.items(']', depth).map(|(items, _)| Value::list(items))
            }
            '(' => {
                self.position += 1;
                let (mut items, trailing_comma) = self.items(')', depth)?;
                // Parentheses around one value without a comma are just parentheses.
                if items.len() == 1 && !trailing_comma { items.pop() } else { Some(Value::list(items)) }
            }
            '{' => {
                self.position += 1;
                self.braces(depth)
            }
            '-' => {
                self.position += 1;
                self.skip_space();
                match self.number()? {
                    Value::Int(number) => {
                        number.checked_neg().map(Value::Int).or_else(|| Some(Value::big(-BigInt::from(number))))
                    }
                    Value::BigInt(number) => Some(Value::big(-(*number).clone())),
                    Value::Float(number) => Some(Value::Float(-number)),
                    _ => None,
                }
            }
            '+' => {
                self.position += 1;
                self.skip_space();
                self.number()
            }
            char if char.is_ascii_digit() || char == '.' => self.number(),
            _ => self.string_or_name(),
        }
    }

    fn items(&mut self, close: char, depth: usize) -> Option<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut trailing_comma = false;
        loop {
            if self.take(close) {
                return Some((items, trailing_comma));
            }
            if !items.is_empty() && !trailing_comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            trailing_comma = self.take(',');
        }
    }

    /// A dict or a set; a set becomes a list.
    fn braces(&mut self, depth: usize) -> Option<Value> {
        if self.take('}') {
            return Some(Value::dict(Dict::new()));
        }
        let first = self.value(depth + 1)?;
        if !self.take(':') {
            let mut items = vec![first];
            while self.take(',') {
                if self.take('}') {
                    return Some(Value::list(items));
                }
                let item = self.value(depth + 1)?;
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            return self.take('}').then(|| Value::list(items));
        }
        let mut dict = Dict::new();
        let mut key = first;
        loop {
            if matches!(key, Value::List(_) | Value::Dict(_)) {
                return None;
            }
            dict.insert(key, self.value(depth + 1)?);
            let comma = self.take(',');
            if self.take('}') {
                return Some(Value::dict(dict));
            }
            if !comma {
                return None;
            }
            key = self.value(depth + 1)?;
            if !self.take(':') {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.');
        let rest = self.rest();
        let mut end = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
        let is_hex = rest.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
        // The sign of an exponent belongs to the number.
        if !is_hex && rest.get(..end)?.ends_with(['e', 'E']) && rest.get(end..)?.starts_with(['+', '-']) {
            let digits = rest.get(end + 1..)?.find(|char: char| !char.is_ascii_digit() && char != '_');
            end = digits.map_or(rest.len(), |digits| end + 1 + digits);
        }
        let text = rest.get(..end)?.to_owned();
        let value = parse_number(&text)?;
        self.position += end;
        Some(value)
    }

    fn string_or_name(&mut self) -> Option<Value> {
        for (name, value) in [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)] {
            if let Some(rest) = self.rest().strip_prefix(name)
                && !rest.starts_with(|char: char| char.is_alphanumeric() || char == '_')
            {
                self.position += name.len();
                return Some(value);
            }
        }
        let mut text = String::new();
        let mut bytes = None;
        // Strings that stand next to each other are one.
        loop {
            let is_bytes = self.string(&mut text)?;
            if *bytes.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.skip_space();
            let next = self.rest().trim_start_matches(['r', 'R', 'b', 'B', 'u', 'U']);
            if !next.starts_with(['\'', '"']) || self.rest().len() > next.len() + 2 {
                break;
            }
        }
        Some(Value::Str(if bytes == Some(true) { Str::data(text) } else { Str::trusted(text, self.place.cloned()) }))
    }

    /// Reads one string; says whether it is of bytes.
    fn string(&mut self, out: &mut String) -> Option<bool> {
        let rest = self.rest();
        let length = rest.find(['\'', '"'])?;
        let prefix = rest.get(..length)?.to_lowercase();
        let (raw, is_bytes) = match prefix.as_str() {
            "" | "u" => (false, false),
            "r" => (true, false),
            "b" => (false, true),
            "br" | "rb" => (true, true),
            _ => return None,
        };
        self.position += length;
        let quote = self.peek()?;
        let triple = quote.to_string().repeat(3);
        let close = if self.rest().starts_with(&triple) { triple } else { quote.to_string() };
        self.position += close.len();
        loop {
            if self.rest().starts_with(&close) {
                self.position += close.len();
                return Some(is_bytes);
            }
            let char = self.peek()?;
            self.position += char.len_utf8();
            match char {
                '\n' if close.len() == 1 => return None,
                '\\' if raw => {
                    out.push('\\');
                    let next = self.peek()?;
                    out.push(next);
                    self.position += next.len_utf8();
                }
                '\\' => self.escape(out)?,
                char if is_bytes && !char.is_ascii() => return None,
                char => out.push(char),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        let char = self.peek()?;
        self.position += char.len_utf8();
        let coded = |digits: usize| {
            let code = self.rest().get(..digits)?;
            char::from_u32(u32::from_str_radix(code, 16).ok()?)
        };
        let (decoded, length) = match char {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => (char, 0),
            'a' => ('\u{7}', 0),
            'b' => ('\u{8}', 0),
            'f' => ('\u{c}', 0),
            'n' => ('\n', 0),
            'r' => ('\r', 0),
            't' => ('\t', 0),
            'v' => ('\u{b}', 0),
            'x' => (coded(2)?, 2),
            'u' => (coded(4)?, 4),
            'U' => (coded(8)?, 8),
            '0'..='7' => {
                let start = self.position - 1;
                let digits: String =
                    self.text.get(start..)?.chars().take(3).take_while(|char| ('0'..='7').contains(char)).collect();
                (char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?, digits.len() - 1)
            }
            other => {
                out.push('\\');
                (other, 0)
            }
        };
        out.push(decoded);
        self.position += length;
        Some(())
    }
}

fn parse_number(text: &str) -> Option<Value> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let digits = text.replace('_', "");
    let lower = digits.to_lowercase();
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return BigInt::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('-')).map(Value::big);
        }
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // `0644` is no Python number.
        if digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0') {
            return None;
        }
        return (digits.len() <= 4300).then(|| BigInt::from_str_radix(&digits, 10).ok()).flatten().map(Value::big);
    }
    let is_float = lower.starts_with(|char: char| char.is_ascii_digit() || char == '.')
        && lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'))
        && lower.bytes().any(|byte| byte.is_ascii_digit());
    is_float.then(|| lower.parse().ok()).flatten().map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_pythons() {
        for (text, wanted) in [
            ("1", "1"),
            ("0644", "'0644'"),
            ("-5", "-5"),
            ("1e3", "1000.0"),
            ("True", "True"),
            ("yes", "'yes'"),
            ("[1, 'a', (2,)] # c", "[1, 'a', [2]]"),
            ("{'a': {1, 2}}", "{'a': [1, 2]}"),
            ("'a' 'b'", "'ab'"),
            ("'it''s'", "'its'"),
            ("(1)", "1"),
            ("[1", "'[1'"),
            ("1+1", "'1+1'"),
            ("", "''"),
            ("'x", "\"'x\""),
            ("99999999999999999999", "99999999999999999999"),
        ] {
            assert_eq!(parse_literal(text, None).repr(), wanted, "{text}");
        }
    }
}
