//! A line split as a POSIX shell would: quotes, backslashes, `#` comments.

/// The words, or what is wrong in Python's words.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '#' => break,
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(char) => word.push(char),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(char @ ('"' | '\\')) => word.push(char),
                            Some(char) => {
                                word.push('\\');
                                word.push(char);
                            }
                            None => return Err("No closing quotation"),
                        },
                        Some(char) => word.push(char),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(char) => word.get_or_insert_default().push(char),
                None => return Err("No escaped character"),
            },
            char if char.is_ascii_whitespace() => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Ok(words)
}
