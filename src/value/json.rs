//! Values to and from JSON, as it crosses the wire to modules.

use std::str::FromStr;

use num_bigint::BigInt;
use serde_json::{Map, Number, Value as Json};

use super::{Dict, Value};

impl Value {
    /// JSON for a module. Keys become text, dates and bytes too, sealed strings are opened.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null | Value::Omit => Json::Null,
            Value::Bool(bool) => Json::Bool(*bool),
            Value::Int(number) => Json::from(*number),
            Value::BigInt(number) => {
                u64::try_from(&**number).map_or_else(|_| Json::String(number.to_string()), Json::from)
            }
            Value::Float(number) => Number::from_f64(*number).map_or_else(|| Json::String(self.repr()), Json::Number),
            Value::Str(text) => Json::String(text.as_str().to_owned()),
            Value::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Value::Date(_) | Value::DateTime(..) | Value::Sealed(_) => Json::String(self.to_text()),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Value::Dict(dict) => {
                Json::Object(dict.iter().map(|(key, item)| (key.to_json_key(), item.to_json())).collect())
            }
        }
    }

    /// A key as Python's json module writes it.
    pub fn to_json_key(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Bool(bool) => bool.to_string(),
            other => other.to_text(),
        }
    }

    /// Data: strings in it are never templates.
    pub fn from_json(json: Json) -> Self {
        match json {
            Json::Null => Value::Null,
            Json::Bool(bool) => Value::Bool(bool),
            Json::Number(number) => from_number(&number),
            Json::String(text) => Value::str(text),
            Json::Array(items) => Value::list(items.into_iter().map(Value::from_json).collect()),
            Json::Object(map) => Value::dict(Dict::from_json(map)),
        }
    }
}

/// Conversion of whole objects.
pub trait FromJsonMap {
    fn from_json(map: Map<String, Json>) -> Self;
}

impl FromJsonMap for Dict {
    fn from_json(map: Map<String, Json>) -> Self {
        map.into_iter().map(|(key, item)| (Value::str(key), Value::from_json(item))).collect()
    }
}

fn from_number(number: &Number) -> Value {
    if let Some(number) = number.as_i64() {
        return Value::Int(number);
    }
    if number.is_u64()
        && let Ok(number) = BigInt::from_str(&number.to_string())
    {
        return Value::big(number);
    }
    Value::Float(number.as_f64().unwrap_or(f64::NAN))
}
