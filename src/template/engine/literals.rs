//! String literals: as Python reads them, or as Ansible leaves them in arguments of tasks.

use std::fmt::Display;

/// One or more adjacent literals, quotes included. `None` when the text is not made of literals.
pub fn join_literals(source: &str, read: fn(&str) -> Result<String, String>) -> Result<Option<String>, impl Display> {
    let mut out = String::new();
    let mut rest = source.trim();
    loop {
        let Some(quote) = rest.chars().next().filter(|char| matches!(char, '\'' | '"')) else {
            return Ok::<_, String>(None);
        };
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, char)| {
            if escaped {
                escaped = false;
                return false;
            }
            escaped = *char == '\\';
            *char == quote
        });
        let Some((end, _)) = end else { return Ok(None) };
        out.push_str(&read(&rest[1..end])?);
        rest = rest[end + 1..].trim_start();
        if rest.is_empty() {
            return Ok(Some(out));
        }
    }
}

pub fn raw_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// Escapes as Python's `unicode-escape` reads them.
pub fn python_text(text: &str) -> Result<String, String> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            None => out.push('\\'),
            Some('\n') => {}
            Some('\\') => out.push('\\'),
            Some('\'') => out.push('\''),
            Some('"') => out.push('"'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some(kind @ ('x' | 'u' | 'U')) => {
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let mut code = 0_u32;
                for _ in 0..digits {
                    let digit = chars.peek().and_then(|char| char.to_digit(16)).ok_or_else(|| {
                        format!("(unicode error) 'unicodeescape' codec can't decode: truncated \\{kind} escape")
                    })?;
                    chars.next();
                    code = code.wrapping_mul(16).wrapping_add(digit);
                }
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            Some(first @ '0'..='7') => {
                let mut code = first.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|char| char.to_digit(8)) else { break };
                    chars.next();
                    code = code * 8 + digit;
                }
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    Ok(out)
}
