//! The body of a request in its format.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::{Json, Map, python};

use super::Format;
use crate::support::os_error;

pub struct Body {
    pub bytes: Vec<u8>,
    /// What the request says it is, unless the task says it.
    pub content_type: Option<String>,
}

impl Body {
    pub fn new(value: &Json, format: Format) -> Result<Self, String> {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(match format {
            Format::Raw => Self { bytes: text(value).into_bytes(), content_type: None },
            Format::Json => {
                let json = value.as_str().map_or_else(|| python::python_json(value), str::to_owned);
                Self { bytes: json.into_bytes(), content_type: Some("application/json".into()) }
            }
            Format::FormUrlencoded => Self {
                bytes: match value {
                    Json::String(ready) => ready.clone().into_bytes(),
                    data => url_encoded(data)?.into_bytes(),
                },
                content_type: Some("application/x-www-form-urlencoded".into()),
            },
            Format::FormMultipart => match value {
                Json::Object(parts) => multipart(parts)?,
                _ => {
                    return Err(
                        "failed to parse body as form-multipart: Mapping is required, cannot be type str".into()
                    );
                }
            },
        })
    }
}

/// Pairs of a mapping or of a list of pairs; a list as value gives one pair for each item.
fn url_encoded(data: &Json) -> Result<String, String> {
    let wrong = || "failed to parse body as form_urlencoded: too many values to unpack (expected 2)".to_owned();
    let mut pairs: Vec<(String, &Json)> = Vec::new();
    match data {
        Json::Object(map) => pairs.extend(map.iter().map(|(name, value)| (name.clone(), value))),
        Json::Array(list) => {
            for item in list {
                match item.as_array().map(Vec::as_slice) {
                    Some([name, value]) => pairs.push((plain(name), value)),
                    _ => return Err(wrong()),
                }
            }
        }
        _ => return Err(wrong()),
    }
    let mut encoded = Vec::new();
    for (name, value) in pairs {
        let alone = std::slice::from_ref(value);
        for value in value.as_array().map_or(alone, Vec::as_slice) {
            encoded.push(format!("{}={}", quoted(&name), quoted(&plain(value))));
        }
    }
    Ok(encoded.join("&"))
}

/// What a file most likely is, by the end of its name.
fn kind_by_name(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase().as_str() {
        "txt" | "log" | "conf" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "xml" => "text/xml",
        "js" => "text/javascript",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "tar" => "application/x-tar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn plain(value: &Json) -> String {
    rplay_module_api::validate::python_str(value)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => quoted.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => quoted.push(char::from(byte)),
            other => quoted.push_str(&format!("%{other:02X}")),
        }
    }
    quoted
}

/// One part for each name: text, or a mapping with `content`, `filename`, `mime_type` and `multipart_encoding`.
fn multipart(parts: &Map<String, Json>) -> Result<Body, String> {
    let mut written: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, part) in parts {
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], " ");
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quote(name));
        let bytes = match part {
            Json::Object(part) => {
                let field = |name: &str| part.get(name).and_then(Json::as_str);
                let (content, filename) = (field("content"), field("filename"));
                let bytes = match (content, filename) {
                    (Some(content), _) => content.as_bytes().to_vec(),
                    (None, Some(path)) => {
                        fs::read(path).map_err(|err| os_error::with_path(&err, std::path::Path::new(path)))?
                    }
                    (None, None) => return Err("at least one of filename or content must be provided".into()),
                };
                if let Some(filename) = filename {
                    let base = filename.rsplit('/').next().unwrap_or(filename);
                    head.push_str(&format!("; filename=\"{}\"", quote(base)));
                }
                let kind = field("mime_type")
                    .map(str::to_owned)
                    .or_else(|| filename.map(|path| kind_by_name(path).to_owned()));
                if let Some(kind) = kind {
                    head.push_str(&format!("\r\nContent-Type: {}", kind.replace(['\r', '\n'], " ")));
                }
                if field("multipart_encoding") == Some("base64")
                    || (content.is_none() && field("multipart_encoding").is_none())
                {
                    head.push_str("\r\nContent-Transfer-Encoding: base64");
                    STANDARD.encode(&bytes).into_bytes()
                } else {
                    bytes
                }
            }
            Json::String(text) => text.clone().into_bytes(),
            _ => return Err("value must be a string, or mapping, cannot be type list".into()),
        };
        written.push((head, bytes));
    }
    // A boundary that is in none of the parts.
    let boundary = (0..=u32::MAX)
        .map(|number| format!("=={}{number:08}==", std::process::id()))
        .find(|it| !written.iter().any(|(_, bytes)| bytes.windows(it.len()).any(|part| part == it.as_bytes())))
        .unwrap_or_default();
    let mut bytes = Vec::new();
    for (head, content) in written {
        bytes.extend(format!("--{boundary}\r\n{head}\r\n\r\n").into_bytes());
        bytes.extend(content);
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok(Body { bytes, content_type: Some(format!("multipart/form-data; boundary=\"{boundary}\"")) })
}

#[cfg(test)]
mod tests {
    use rplay_module_api::json;

    use super::*;

    #[test]
    fn forms_are_encoded_as_browsers_do() {
        let cases = [
            (json!({"a": "x y", "b": 2}), "a=x+y&b=2"),
            (json!({"a": ["1", "2&3"]}), "a=1&a=2%263"),
            (json!([["a", "ä"], ["b", true]]), "a=%C3%A4&b=True"),
        ];
        for (data, text) in cases {
            assert_eq!(url_encoded(&data).unwrap(), text);
        }
        assert!(url_encoded(&json!(["a"])).is_err());
    }

    #[test]
    fn a_boundary_is_in_no_part() {
        let first = multipart(json!({"a": "x"}).as_object().unwrap()).unwrap().content_type.unwrap();
        let boundary = first.split('"').nth(1).unwrap().to_owned();
        let body = multipart(json!({"a": boundary}).as_object().unwrap()).unwrap();
        assert!(!body.content_type.unwrap().contains(&boundary));
        let file = json!({"f": {"content": "text", "filename": "/x/a.txt", "mime_type": "text/plain"}});
        let text = String::from_utf8(multipart(file.as_object().unwrap()).unwrap().bytes).unwrap();
        assert!(text.contains("name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ntext\r\n"), "{text}");
    }
}
