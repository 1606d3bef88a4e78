//! Values as they travel to Python and back: JSON, and objects with the one key `MARK` for what JSON does not have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use num_bigint::BigInt;
use serde_json::{Map, Number, Value as Json};

use crate::value::{Dict, Value};

/// The key of an object that is a value of another type: `{MARK: [type, content]}`.
pub const MARK: &str = "\0";

/// A value of a type that JSON does not have.
pub fn marked(kind: &str, content: impl Into<Json>) -> Json {
    Json::Object(Map::from_iter([(MARK.to_owned(), Json::Array(vec![kind.into(), content.into()]))]))
}

pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Omit => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Int(number) => Json::from(*number),
        Value::BigInt(number) => marked("int", number.to_string()),
        Value::Float(number) => float(*number),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => marked("bytes", STANDARD.encode(bytes)),
        Value::Date(date) => marked("date", date.to_string()),
        Value::DateTime(time, zone) => marked("datetime", time_text(*time, *zone)),
        Value::Sealed(_) => Json::from(value.to_text()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Dict(dict) => dict_to_json(dict.iter().map(|(key, item)| (key, to_json(item)))),
    }
}

/// A dictionary whose values are JSON already.
pub fn dict_to_json<'a>(entries: impl Iterator<Item = (&'a Value, Json)>) -> Json {
    let entries: Vec<_> = entries.collect();
    let plain = entries.iter().all(|(key, _)| key.as_str().is_some_and(|key| key != MARK));
    if plain {
        return entries.into_iter().map(|(key, item)| (key.to_text(), item)).collect::<Map<_, _>>().into();
    }
    let pairs = entries.into_iter().map(|(key, item)| Json::Array(vec![to_json(key), item]));
    marked("dict", pairs.collect::<Vec<_>>())
}

pub fn float(number: f64) -> Json {
    Number::from_f64(number).map_or_else(|| marked("float", number.to_string()), Json::Number)
}

pub fn time_text(time: NaiveDateTime, zone: Option<FixedOffset>) -> String {
    let zone = zone.map(|zone| zone.to_string()).unwrap_or_default();
    format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.6f"))
}

/// The type and the content of a value that JSON does not have.
pub fn mark_of(json: &Json) -> Option<(&str, &Json)> {
    let Json::Object(map) = json else { return None };
    let Some(Json::Array(pair)) = map.get(MARK).filter(|_| map.len() == 1) else { return None };
    match pair.as_slice() {
        [Json::String(kind), content] => Some((kind, content)),
        _ => None,
    }
}

/// What Python gives is data: strings in it are never templates.
pub fn from_json(json: &Json) -> Result<Value, String> {
    if let Some((kind, content)) = mark_of(json) {
        return from_mark(kind, content);
    }
    Ok(match json {
        Json::Array(items) => Value::list(items.iter().map(from_json).collect::<Result<_, _>>()?),
        Json::Object(map) => {
            let entries = map.iter().map(|(key, item)| Ok((Value::str(key.as_str()), from_json(item)?)));
            Value::dict(entries.collect::<Result<Dict, String>>()?)
        }
        scalar => Value::from_json(scalar.clone()),
    })
}

fn from_mark(kind: &str, content: &Json) -> Result<Value, String> {
    let text = content.as_str().unwrap_or_default();
    let wrong = || format!("Python gave a {kind} that is none: {text}");
    Ok(match kind {
        "bytes" => Value::Bytes(STANDARD.decode(text).map_err(|_| wrong())?.into()),
        "int" => Value::big(text.parse::<BigInt>().map_err(|_| wrong())?),
        "float" => Value::Float(text.parse().map_err(|_| wrong())?),
        "date" => Value::Date(text.parse::<NaiveDate>().map_err(|_| wrong())?),
        "datetime" => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Value::DateTime(time.naive_local(), Some(*time.offset())),
            Err(_) => Value::DateTime(text.parse::<NaiveDateTime>().map_err(|_| wrong())?, None),
        },
        "tuple" | "set" => from_json(content)?,
        "dict" => {
            let pairs = content.as_array().ok_or_else(wrong)?.iter().map(|pair| {
                let key = pair.get(0).ok_or_else(wrong)?;
                let item = pair.get(1).ok_or_else(wrong)?;
                Ok((from_json(key)?, from_json(item)?))
            });
            Value::dict(pairs.collect::<Result<Dict, String>>()?)
        }
        "undefined" => return Err(text.to_owned()),
        _ => return Err(format!("Python gave a value of the unknown type {kind}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_know_comes_back_as_it_was() {
        let pairs = Dict::from_iter([(Value::Int(1), Value::str("a")), (Value::str(MARK), Value::Null)]);
        let values = [
            Value::Bytes([0, 255].as_slice().into()),
            Value::big("123456789012345678901234567890".parse::<BigInt>().unwrap()),
            Value::Float(f64::INFINITY),
            Value::Date("2024-02-29".parse().unwrap()),
            Value::DateTime("2024-02-29T01:02:03.5".parse().unwrap(), None),
            Value::DateTime("2024-02-29T01:02:03".parse().unwrap(), FixedOffset::east_opt(7200)),
            Value::dict(pairs),
            Value::dict(Dict::from_iter([(Value::str(MARK), Value::list(vec![Value::str("int"), Value::str("1")]))])),
        ];
        for value in values {
            let text = to_json(&value).to_string();
            let back = from_json(&serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(back.repr(), value.repr(), "{text}");
        }
    }
}
