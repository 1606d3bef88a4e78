//! Command lines in words, as Python's `shlex` splits and quotes them: a shell's quotes and backslashes, nothing expanded.
//! (The crate shlex takes `#` for a comment always; in Python the caller decides.)

use std::fmt;

/// A line that ends too early.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfinished {
    Quote,
    Backslash,
}

/// Python's words.
impl fmt::Display for Unfinished {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Unfinished::Quote => "No closing quotation",
            Unfinished::Backslash => "No escaped character",
        })
    }
}

/// The words of a line; `#` is a letter like others.
pub fn split(line: &str) -> Result<Vec<String>, Unfinished> {
    words(line, false)
}

/// The words up to the first `#` outside of quotes.
pub fn split_to_comment(line: &str) -> Result<Vec<String>, Unfinished> {
    words(line, true)
}

fn words(line: &str, comments: bool) -> Result<Vec<String>, Unfinished> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '#' if comments => break,
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(Unfinished::Quote)? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(Unfinished::Quote)? {
                        '"' => break,
                        '\\' => match letters.next().ok_or(Unfinished::Quote)? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next().ok_or(Unfinished::Backslash)?),
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The word in quotes, if a shell would read it as anything but itself without them.
pub fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "@%+=:,./-_".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // What Python's shlex.split gives.
    #[test]
    fn splits_as_python_does() {
        for (line, expected) in [
            ("", vec![]),
            (r#"a "b c"d 'e\f' \g"#, vec!["a", "b cd", r"e\f", "g"]),
            (r#""x\"y\z""#, vec![r#"x"y\z"#]),
            ("a#b c '' #d", vec!["a#b", "c", "", "#d"]),
        ] {
            assert_eq!(split(line).expect(line), expected);
        }
        assert_eq!(split_to_comment("a '#' b#c d").expect("closed"), ["a", "#", "b"]);
        assert_eq!(split("a 'b"), Err(Unfinished::Quote));
        assert_eq!(split("a\\"), Err(Unfinished::Backslash));
    }

    #[test]
    fn quotes_what_a_shell_would_change() {
        for (word, quoted) in [("", "''"), ("a-b", "a-b"), ("a b", "'a b'"), ("it's", "'it'\"'\"'s'")] {
            assert_eq!(quote(word), quoted);
        }
    }
}
