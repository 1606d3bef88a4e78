//! What may be called a variable.

use super::Value;

pub const RULE: &str = "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores.";

/// Names that mean something else in a template.
const TEMPLATE_KEYWORDS: &[&str] = &["False", "None", "True", "false", "none", "not", "true"];

pub fn is_valid(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !TEMPLATE_KEYWORDS.contains(&name)
}

/// What is wrong with a name that a mapping of variables has.
pub fn mistake(name: &Value) -> Option<String> {
    match name {
        Value::Str(text) if is_valid(text) => None,
        Value::Str(_) => Some(format!("Invalid variable name {}.", name.repr())),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Null => {
            Some(format!("Invalid variable name '{}' of type '{}'.", name.to_text(), name.type_name()))
        }
        other => Some(format!("Invalid variable name of type '{}'.", other.type_name())),
    }
}
