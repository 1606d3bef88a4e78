//! Values as people write them where an argument takes several forms.

use rplay_module_api::Json;

/// A lone value or a list, nested lists flattened; null is nothing.
pub fn one_or_many(value: &Json) -> Vec<&Json> {
    match value {
        Json::Null => Vec::new(),
        Json::Array(items) => items.iter().flat_map(one_or_many).collect(),
        other => vec![other],
    }
}

/// A whole number, be it written as text.
pub fn integer(value: &Json) -> Option<i64> {
    match value {
        Json::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

/// Yes or no, be it written as text.
pub fn boolean(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(value) => Some(*value),
        Json::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "y" | "on" | "true" | "t" | "1" => Some(true),
            "no" | "n" | "off" | "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
