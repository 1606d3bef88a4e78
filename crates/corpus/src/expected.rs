//! Values in the notation of the corpora.

use base64::Engine;
use rplay::value::Value;
use serde_json::{Map, Value as Json, json};

pub fn encode(value: &Value) -> Json {
    match value {
        Value::Null | Value::Omit => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Int(number) => json!(number),
        Value::BigInt(number) => match number.to_string().parse::<u64>() {
            Ok(number) => json!(number),
            Err(_) => json!(number.to_string().parse::<f64>().unwrap_or(f64::NAN)),
        },
        Value::Float(number) if number.is_finite() => json!(number),
        Value::Float(_) => json!({"__float__": value.repr()}),
        Value::Str(text) => json!(text.as_str()),
        Value::Bytes(bytes) => json!({"__bytes__": base64::engine::general_purpose::STANDARD.encode(bytes)}),
        Value::Date(_) => json!({"__date__": value.to_text()}),
        Value::DateTime(..) => json!({"__datetime__": value.to_text()}),
        Value::List(items) => Json::Array(items.iter().map(encode).collect()),
        Value::Dict(dict) if dict.keys().all(|key| key.as_str().is_some()) => {
            let entries = dict.iter().map(|(key, value)| (key.to_text(), encode(value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Value::Dict(dict) => {
            let pairs: Vec<Json> = dict.iter().map(|(key, value)| json!([encode(key), encode(value)])).collect();
            json!({"__pairs__": pairs})
        }
        Value::Sealed(sealed) => json!({"__vault__": sealed.ciphertext()}),
    }
}
