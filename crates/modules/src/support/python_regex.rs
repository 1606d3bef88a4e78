//! Python's regular expressions over bytes, on a Rust engine: the pattern is translated, and text is passed on with each byte
//! beyond ASCII as one private character, so that `.` is one byte and `\w` is ASCII, as Python has it for bytes.

use fancy_regex::Regex;

pub type Captures<'t> = fancy_regex::Captures<'t, str>;

/// First of the 256 characters that stand for bytes beyond ASCII.
const PRIVATE: u32 = 0xE000;

pub struct PythonRegex {
    regex: Regex,
}

/// Bytes in the form that the engine reads.
pub fn to_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            0..0x80 => char::from(*byte),
            _ => char::from_u32(PRIVATE + u32::from(*byte)).unwrap_or('\u{FFFD}'),
        })
        .collect()
}

/// The bytes that `text` stands for.
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match u32::from(letter).checked_sub(PRIVATE).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

impl PythonRegex {
    /// A pattern for text in the form of `to_text`.
    pub fn of_bytes(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, &to_text(pattern.as_bytes()))
    }

    /// A pattern for text as it is. `flags` are Python's letters: `m`, `s`, `i`.
    pub fn of_text(pattern: &str, flags: &str) -> Result<Self, String> {
        Self::compile(pattern, &format!("(?{flags}){pattern}"))
    }

    fn compile(written: &str, pattern: &str) -> Result<Self, String> {
        Regex::new(&translate(pattern))
            .map(|regex| Self { regex })
            .map_err(|err| format!("invalid regular expression `{written}`: {err}"))
    }

    /// Searches for the pattern anywhere in `text`.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, String> {
        self.regex
            .captures(text)
            .map_err(|err| format!("the regular expression `{}` gave up: {err}", self.regex.as_str()))
    }

    /// Replaces every match; returns the text and how many there were.
    pub fn replace_all(&self, text: &str, template: &str) -> Result<(String, usize), String> {
        let (mut result, mut end, mut count) = (String::with_capacity(text.len()), 0, 0);
        for captures in self.regex.captures_iter(text) {
            let captures = captures.map_err(|err| format!("the regular expression gave up: {err}"))?;
            let Some(whole) = captures.get(0) else { continue };
            result.push_str(text.get(end..whole.start()).unwrap_or_default());
            result.push_str(&expand(template, &captures)?);
            end = whole.end();
            count += 1;
        }
        result.push_str(text.get(end..).unwrap_or_default());
        Ok((result, count))
    }
}

/// Puts groups into a template as Python's `Match.expand` does: `\1`, `\g<name>`, and the escapes of a string.
pub fn expand(template: &str, captures: &Captures<'_>) -> Result<String, String> {
    let mut result = String::with_capacity(template.len());
    let mut letters = template.char_indices().peekable();
    while let Some((position, letter)) = letters.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        let Some((_, escaped)) = letters.next() else {
            return Err(format!("bad escape (end of pattern) at position {position}"));
        };
        match escaped {
            'g' => {
                let rest = template.get(position + 2..).unwrap_or_default();
                let name = rest
                    .strip_prefix('<')
                    .and_then(|rest| rest.split_once('>'))
                    .map(|(name, _)| name)
                    .ok_or_else(|| format!("missing group name at position {}", position + 2))?;
                for _ in 0..name.chars().count() + 2 {
                    letters.next();
                }
                let group = match name.parse::<usize>() {
                    Ok(number) if number < captures.len() => captures.get(number),
                    Ok(number) => return Err(format!("invalid group reference {number} at position {}", position + 3)),
                    Err(_) => captures.name(name),
                };
                result.push_str(group.map_or("", |group| group.as_str()));
            }
            '0' => result.push('\0'),
            '1'..='9' => {
                let mut number = escaped.to_digit(10).unwrap_or(0) as usize;
                if let Some(second) = letters.peek().and_then(|(_, letter)| letter.to_digit(10)) {
                    number = number * 10 + second as usize;
                    letters.next();
                }
                if number >= captures.len() {
                    return Err(format!("invalid group reference {number} at position {}", position + 1));
                }
                result.push_str(captures.get(number).map_or("", |group| group.as_str()));
            }
            'a' => result.push('\u{7}'),
            'b' => result.push('\u{8}'),
            'f' => result.push('\u{c}'),
            'n' => result.push('\n'),
            'r' => result.push('\r'),
            't' => result.push('\t'),
            'v' => result.push('\u{b}'),
            '\\' => result.push('\\'),
            other if other.is_ascii_alphabetic() => return Err(format!("bad escape \\{other} at position {position}")),
            other => result.extend(['\\', other]),
        }
    }
    Ok(result)
}

/// Says in the engine's language what the pattern says in Python's.
fn translate(pattern: &str) -> String {
    let letters: Vec<char> = pattern.chars().collect();
    let at = |index: usize| letters.get(index).copied();
    let multiline = has_inline_flag(&letters, 'm');
    let mut result = String::with_capacity(pattern.len() + 8);
    let mut index = 0;
    while let Some(letter) = at(index) {
        index += 1;
        match letter {
            '\\' => {
                index += 1;
                push_escape(&mut result, at(index - 1));
            }
            // Python's `$` also matches before a line feed at the very end.
            '$' if !multiline => result.push_str(r"(?=\n?\z)"),
            '{' => match quantifier(letters.get(index..).unwrap_or_default()) {
                Some((text, length)) => {
                    result.push_str(&text);
                    index += length;
                }
                None => result.push_str(r"\{"),
            },
            '}' => result.push_str(r"\}"),
            '[' => index = push_class(&mut result, &letters, index),
            '(' if at(index) == Some('?') && at(index + 1) == Some('P') && at(index + 2) == Some('=') => {
                let name: String = letters.iter().skip(index + 3).take_while(|letter| **letter != ')').collect();
                index += 3 + name.chars().count() + 1;
                result.push_str(&format!(r"\k<{name}>"));
            }
            '(' if at(index) == Some('?') && at(index + 1) == Some('#') => {
                while at(index).is_some_and(|letter| letter != ')') {
                    index += 1;
                }
                index += 1;
            }
            other => result.push(other),
        }
    }
    result
}

/// Whether flags at the pattern's start, such as `(?im)`, have this one.
fn has_inline_flag(letters: &[char], flag: char) -> bool {
    match letters {
        ['(', '?', rest @ ..] => {
            let flags: Vec<_> = rest.iter().take_while(|letter| letter.is_ascii_lowercase()).collect();
            rest.get(flags.len()) == Some(&')') && flags.contains(&&flag)
        }
        _ => false,
    }
}

fn push_escape(result: &mut String, escaped: Option<char>) {
    match escaped {
        Some('Z') => result.push_str(r"\z"),
        Some('0') => result.push_str(r"\x00"),
        Some(letter) if letter.is_ascii_alphanumeric() => result.extend(['\\', letter]),
        Some(other) => push_literal(result, other),
        // The engine reports it.
        None => result.push('\\'),
    }
}

fn push_literal(result: &mut String, letter: char) {
    if letter.is_ascii_punctuation() && letter != '<' && letter != '>' {
        result.push('\\');
    }
    result.push(letter);
}

/// What follows a `{`, if it is a repetition: its text for the engine and its length in the pattern.
fn quantifier(rest: &[char]) -> Option<(String, usize)> {
    let length = rest.iter().position(|letter| *letter == '}')?;
    let inner: String = rest.get(..length)?.iter().collect();
    let (low, high) = inner.split_once(',').map_or((inner.as_str(), None), |(low, high)| (low, Some(high)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(low) || !high.is_none_or(digits) || (low.is_empty() && high.is_none()) {
        return None;
    }
    let low = if low.is_empty() { "0" } else { low };
    let text = high.map_or_else(|| format!("{{{low}}}"), |high| format!("{{{low},{high}}}"));
    Some((text, length + 1))
}

/// Translates a class from behind its `[`; returns the index behind its `]`.
fn push_class(result: &mut String, letters: &[char], mut index: usize) -> usize {
    result.push('[');
    if letters.get(index) == Some(&'^') {
        result.push('^');
        index += 1;
    }
    let first = index;
    while let Some(letter) = letters.get(index).copied() {
        index += 1;
        match letter {
            ']' if index - 1 == first => result.push_str(r"\]"),
            ']' => {
                result.push(']');
                return index;
            }
            '\\' => {
                index += 1;
                match letters.get(index - 1) {
                    Some('b') => result.push_str(r"\x08"),
                    other => push_escape(result, other.copied()),
                }
            }
            // These mean set operations to the engine and themselves to Python.
            '[' | '&' | '~' => result.extend(['\\', letter]),
            '-' if letters.get(index) == Some(&'-') => result.push_str(r"\-"),
            other => result.push(other),
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let regex = PythonRegex::of_bytes(pattern).unwrap();
        let text = to_text(text.as_bytes());
        let captures = regex.search(&text).unwrap()?;
        Some(String::from_utf8_lossy(&to_bytes(captures.get(0).unwrap().as_str())).into_owned())
    }

    #[test]
    fn reads_what_python_reads() {
        for (pattern, text, expected) in [
            ("^server {", "server {\n", Some("server {")),
            ("a{2}", "caab", Some("aa")),
            ("a{,2}b", "aab", Some("aab")),
            ("a{x}", "a{x}", Some("a{x}")),
            ("two$", "two\n", Some("two")),
            ("two$", "two\r\n", None),
            (r"two\Z", "two\n", None),
            ("gr..e", "grüe", Some("grüe")),
            (r"\<a\>", "<a>", Some("<a>")),
            (r"[[:]", "a[", Some("[")),
            (r"[]a]", "]", Some("]")),
            (r"[a&&b]+", "a&b", Some("a&b")),
            (r"(?P<q>['\x22]).*(?P=q)", "x='1'", Some("'1'")),
            (r"\#\ \/\-\=", "# /-=", Some("# /-=")),
            (r"(?m)^b$", "a\nb\nc", Some("b")),
            ("(?#note)a", "a", Some("a")),
            ("}", "}", Some("}")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), expected, "{pattern} on {text:?}");
        }
    }
}
