//! The words that mean true and false.

/// What a word means as a truth value, in any case; none when it means neither.
pub fn truth(word: &str) -> Option<bool> {
    match word.trim().to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" => Some(false),
        _ => None,
    }
}
