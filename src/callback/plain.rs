//! The gate to the terminal: what is shown went through here. Secrets are hidden, and what would steer a terminal is shown as text.

use std::borrow::Cow;
use std::fmt::Write;

use rplay_module_api::safe_url::without_url_passwords;

use crate::value::mask;

/// Text for people. Lines and tabs stay; other control characters appear as JSON writes them.
pub fn plain(text: &str) -> Cow<'_, str> {
    let text = then(mask::hide(text), without_url_passwords);
    then(text, visible)
}

fn then<'a>(text: Cow<'a, str>, next: impl for<'b> Fn(&'b str) -> Cow<'b, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => next(text),
        Cow::Owned(text) => Cow::Owned(next(&text).into_owned()),
    }
}

fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        // A terminal's lines end with both; alone, it lets a line overwrite itself.
        let ends_line = char == '\r' && chars.peek().is_none_or(|next| *next == '\n');
        if ends_line || matches!(char, '\n' | '\t') || !(char.is_control() || turns_text(char)) {
            out.push(char);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        }
    }
    Cow::Owned(out)
}

/// Marks that show text in another order than it has.
fn turns_text(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_text() {
        for (text, shown) in [
            ("a\x1b[2Jb", "a\\u001b[2Jb"),
            ("\x1b]52;c;eA==\x07", "\\u001b]52;c;eA==\\u0007"),
            ("\u{9b}31mé", "\\u009b31mé"),
            ("good\rbad\r\nx\ty\r", "good\\u000dbad\r\nx\ty\r"),
            ("a\u{202e}b\u{7f}\0", "a\\u202eb\\u007f\\u0000"),
            ("http://u:p\x1b@h", "http://u:********@h"),
            ("ä ü 你", "ä ü 你"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
