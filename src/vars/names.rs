//! What may be called a variable, and the names that mean something else already.

/// Whether `name` is a Python identifier that is no keyword, as variables must be.
pub fn is_valid(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !PYTHON_KEYWORDS.contains(&name)
}

pub const RULE: &str = "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores.";

const PYTHON_KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];
