//! Encodings of text: base64, URLs.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::template::engine::arguments::Bound;
use crate::template::engine::attributes::dict_of;
use crate::template::engine::encoding::{decode, encode};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Val, from_key};
use crate::template::error::{Res, raised};

pub fn b64encode(_scope: &Scope, args: Bound) -> Res<Val> {
    let bytes = match args.val(0) {
        Val::Bytes(bytes) => bytes.to_vec(),
        other => encode(&print::text(&other)?, args.text_or(1, "utf-8")?, "strict")?,
    };
    Ok(Val::str(if args.bool(2, false)? { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }))
}

/// Python's decoder: characters outside the alphabet are skipped, padding must fit.
pub fn b64decode(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0))?;
    let urlsafe = args.bool(2, false)?;
    let text: String = if urlsafe { text.replace('-', "+").replace('_', "/") } else { text };
    let mut digits = String::new();
    let mut padding = 0;
    for char in text.chars() {
        match char {
            '=' => {
                padding += 1;
                if digits.len() % 4 >= 2 && (digits.len() + padding).is_multiple_of(4) {
                    break;
                }
            }
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => digits.push(char),
            _ => {}
        }
    }
    match digits.len() % 4 {
        1 => {
            return Err(raised(format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                digits.len()
            )));
        }
        2 if padding < 2 => return Err(raised("Incorrect padding")),
        3 if padding < 1 => return Err(raised("Incorrect padding")),
        _ => {}
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let bytes =
        GeneralPurpose::new(&alphabet::STANDARD, config).decode(digits).map_err(|error| raised(error.to_string()))?;
    Ok(Val::str(decode(&bytes, args.text_or(1, "utf-8")?, "replace")?))
}

/// Percent-encodes everything but letters, digits, `_.-~` and what is listed.
pub fn percent_encode(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

pub fn urlencode(_scope: &Scope, args: Bound) -> Res<Val> {
    let pair = |key: &Val, value: &Val| -> Res<String> {
        let quote = |value: &Val| print::text(value).map(|text| percent_encode(&text, "").replace("%20", "+"));
        Ok(format!("{}={}", quote(key)?, quote(value)?))
    };
    let value = args.val(0);
    Ok(Val::str(match &value {
        Val::Dict(dict) => {
            let pairs: Res<Vec<String>> =
                dict.to_map().iter().map(|(key, value)| pair(&from_key(key), value)).collect();
            pairs?.join("&")
        }
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => {
            let mut pairs = Vec::new();
            for item in value.iterate()? {
                let both = item.iterate()?;
                let [key, value] = both.as_slice() else {
                    return Err(raised(format!("not enough values to unpack (expected 2, got {})", both.len())));
                };
                pairs.push(pair(key, value)?);
            }
            pairs.join("&")
        }
        other => percent_encode(&print::text(other)?, "/"),
    }))
}

pub fn urldecode(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Str(text) = args.val(0) else {
        return Err(raised(format!("'{}' object has no attribute 'replace'", args.val(0).type_name())));
    };
    Ok(Val::str(percent_decode(&text.replace('+', " "))))
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
            .flatten();
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub fn urlsplit(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if matches!(value, Val::List(_) | Val::Dict(_)) {
        return Err(raised(format!("unhashable type: '{}'", value.type_name())));
    }
    if !matches!(value, Val::Str(_) | Val::Bytes(_)) && value.truthy()? {
        return Err(raised(format!("'{}' object has no attribute 'decode'", value.type_name())));
    }
    let url = print::text(&value)?.replace(['\t', '\n', '\r'], "");
    let (rest, fragment) = url.split_once('#').map_or((url.as_str(), ""), |(rest, fragment)| (rest, fragment));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, after))
            if scheme.starts_with(|char: char| char.is_ascii_alphabetic())
                && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char)) =>
        {
            (scheme.to_ascii_lowercase(), after)
        }
        _ => (String::new(), rest),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(after) => after.find('/').map_or((after, ""), |at| after.split_at(at)),
        None => ("", rest),
    };
    let (user_info, host_port) = netloc.rsplit_once('@').map_or((None, netloc), |(user, host)| (Some(user), host));
    let (username, password) = match user_info {
        None => (Val::Null, Val::Null),
        Some(info) => match info.split_once(':') {
            Some((user, password)) => (Val::str(user), Val::str(password)),
            None => (Val::str(info), Val::Null),
        },
    };
    let (host, port) = match host_port.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => host_port.split_once(':').map_or((host_port, None), |(host, port)| (host, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        None => Val::Null,
        Some(port) => match port.parse::<u32>() {
            Ok(number) if number <= 65535 => Val::Int(i64::from(number)),
            Ok(_) => return Err(raised("Port out of range 0-65535")),
            Err(_) => {
                return Err(raised(format!(
                    "Port could not be cast to integer value as {}",
                    crate::value::python::str_repr(port)
                )));
            }
        },
    };
    let hostname = if host.is_empty() { Val::Null } else { Val::str(host.to_lowercase()) };
    let parts = vec![
        ("fragment", Val::str(fragment)),
        ("hostname", hostname),
        ("netloc", Val::str(netloc)),
        ("password", password),
        ("path", Val::str(path)),
        ("port", port),
        ("query", Val::str(query)),
        ("scheme", Val::str(scheme)),
        ("username", username),
    ];
    match args.some(1).map(print::text).transpose()?.filter(|name| !name.is_empty()) {
        None => Ok(dict_of(parts)),
        Some(name) => parts
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .ok_or_else(|| raised(format!("unknown URL component: {name}"))),
    }
}
