//! Text to bytes and back, as Python's codecs do it.

use std::fmt::Write;

use super::charmap::Charmap;
use crate::template::error::{Fault, Res, raised};

#[derive(Clone, Copy)]
enum Codec {
    Utf8,
    Utf8Marked,
    Utf16,
    Utf16Little,
    Utf16Big,
    Utf32,
    Utf32Little,
    Utf32Big,
    Ascii,
    Latin1,
    Table(Charmap),
}

fn codec(encoding: &str) -> Res<Codec> {
    let plain = encoding.to_ascii_lowercase().replace(['_', ' '], "-");
    Ok(match plain.as_str() {
        "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Codec::Utf8,
        "utf-8-sig" => Codec::Utf8Marked,
        "utf-16" | "utf16" | "u16" => Codec::Utf16,
        "utf-16-le" | "utf-16le" => Codec::Utf16Little,
        "utf-16-be" | "utf-16be" => Codec::Utf16Big,
        "utf-32" | "utf32" | "u32" => Codec::Utf32,
        "utf-32-le" | "utf-32le" => Codec::Utf32Little,
        "utf-32-be" | "utf-32be" => Codec::Utf32Big,
        "ascii" | "us-ascii" | "646" => Codec::Ascii,
        "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => Codec::Latin1,
        _ => match Charmap::named(encoding) {
            Some(table) => Codec::Table(table),
            None => return Err(raised(format!("unknown encoding: {encoding}"))),
        },
    })
}

pub fn encode(text: &str, encoding: &str, errors: &str) -> Res<Vec<u8>> {
    let units = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let codes = |to: fn(u32) -> [u8; 4]| text.chars().flat_map(|char| to(u32::from(char))).collect::<Vec<u8>>();
    Ok(match codec(encoding)? {
        Codec::Utf8 => text.as_bytes().to_vec(),
        Codec::Utf8Marked => ["\u{feff}".as_bytes(), text.as_bytes()].concat(),
        Codec::Utf16 => [vec![0xff, 0xfe], units(u16::to_le_bytes)].concat(),
        Codec::Utf16Little => units(u16::to_le_bytes),
        Codec::Utf16Big => units(u16::to_be_bytes),
        Codec::Utf32 => [vec![0xff, 0xfe, 0, 0], codes(u32::to_le_bytes)].concat(),
        Codec::Utf32Little => codes(u32::to_le_bytes),
        Codec::Utf32Big => codes(u32::to_be_bytes),
        Codec::Ascii => tabled(text, "ascii", "ordinal not in range(128)", errors, |char| first_characters(char, 128))?,
        Codec::Latin1 => {
            tabled(text, "latin-1", "ordinal not in range(256)", errors, |char| first_characters(char, 256))?
        }
        Codec::Table(table) => tabled(text, table.name, table.reason(), errors, table.encoder())?,
    })
}

/// Encodings with a byte for each of the first `limit` characters.
fn first_characters(char: char, limit: u32) -> Option<Vec<u8>> {
    let code = u32::from(char);
    (code < limit).then(|| u8::try_from(code).ok().map(|byte| vec![byte]))?
}

/// Encodings that do not know every character.
fn tabled(
    text: &str,
    name: &str,
    reason: &str,
    errors: &str,
    encode: impl Fn(char) -> Option<Vec<u8>>,
) -> Res<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for (at, char) in text.chars().enumerate() {
        let code = u32::from(char);
        match encode(char) {
            Some(bytes) => out.extend(bytes),
            None => match errors {
                "ignore" => {}
                "replace" => out.push(b'?'),
                "xmlcharrefreplace" => out.extend(format!("&#{code};").bytes()),
                "backslashreplace" => out.extend(backslashed(code).bytes()),
                "strict" | "surrogateescape" | "surrogate_or_strict" => {
                    let run = text.chars().skip(at).take_while(|char| encode(*char).is_none()).count();
                    return Err(not_encodable(name, reason, code, at, run));
                }
                other => return Err(raised(format!("unknown error handler name '{other}'"))),
            },
        }
    }
    Ok(out)
}

fn backslashed(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn not_encodable(name: &str, reason: &str, code: u32, at: usize, run: usize) -> Fault {
    raised(if run > 1 && !reason.contains("multibyte") {
        format!("'{name}' codec can't encode characters in position {at}-{}: {reason}", at + run - 1)
    } else {
        let char = backslashed(code);
        format!("'{name}' codec can't encode character '{char}' in position {at}: {reason}")
    })
}

pub fn decode(bytes: &[u8], encoding: &str, errors: &str) -> Res<String> {
    match codec(encoding)? {
        Codec::Utf8 => utf8(bytes, errors),
        Codec::Utf8Marked => utf8(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes), errors),
        Codec::Utf16 => match bytes.strip_prefix(&[0xfe, 0xff]) {
            Some(rest) => utf16(rest, u16::from_be_bytes, errors),
            None => utf16(bytes.strip_prefix(&[0xff, 0xfe]).unwrap_or(bytes), u16::from_le_bytes, errors),
        },
        Codec::Utf16Little => utf16(bytes, u16::from_le_bytes, errors),
        Codec::Utf16Big => utf16(bytes, u16::from_be_bytes, errors),
        Codec::Utf32 => utf32(bytes.strip_prefix(&[0xff, 0xfe, 0, 0]).unwrap_or(bytes), u32::from_le_bytes),
        Codec::Utf32Little => utf32(bytes, u32::from_le_bytes),
        Codec::Utf32Big => utf32(bytes, u32::from_be_bytes),
        Codec::Ascii => {
            let mut out = String::with_capacity(bytes.len());
            for (at, byte) in bytes.iter().enumerate() {
                if byte.is_ascii() {
                    out.push(char::from(*byte));
                } else {
                    unreadable(&mut out, "ascii", &[*byte], at, "ordinal not in range(128)", errors)?;
                }
            }
            Ok(out)
        }
        Codec::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        Codec::Table(table) => {
            let mut out = String::with_capacity(bytes.len());
            let mut at = 0;
            while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
                match table.decode(rest) {
                    Ok((text, length)) => {
                        out.push_str(&text);
                        at += length;
                    }
                    Err(length) => {
                        unreadable(&mut out, table.name, &rest[..length], at, table.reason(), errors)?;
                        at += length.max(1);
                    }
                }
            }
            Ok(out)
        }
    }
}

fn utf8(bytes: &[u8], errors: &str) -> Res<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        at += chunk.valid().len();
        let wrong = chunk.invalid();
        if let Some(first) = wrong.first() {
            let reason = match first {
                0xc2..=0xf4 if at + wrong.len() == bytes.len() => "unexpected end of data",
                0xc2..=0xf4 => "invalid continuation byte",
                _ => "invalid start byte",
            };
            unreadable(&mut out, "utf-8", wrong, at, reason, errors)?;
            at += wrong.len();
        }
    }
    Ok(out)
}

fn unreadable(out: &mut String, codec: &str, bytes: &[u8], at: usize, reason: &str, errors: &str) -> Res<()> {
    match errors {
        "ignore" => {}
        "replace" => out.push('\u{fffd}'),
        "backslashreplace" => {
            for byte in bytes {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        _ => {
            let byte = bytes.first().copied().unwrap_or(0);
            return Err(raised(format!("'{codec}' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")));
        }
    }
    Ok(())
}

fn utf16(bytes: &[u8], join: fn([u8; 2]) -> u16, errors: &str) -> Res<String> {
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() && errors == "strict" {
        return Err(raised("'utf-16' codec can't decode byte in data: truncated data"));
    }
    let units: Vec<u16> = pairs.map(|pair| join([pair[0], pair[1]])).collect();
    if errors == "strict" {
        return String::from_utf16(&units).map_err(|_| raised("'utf-16' codec can't decode bytes: illegal encoding"));
    }
    Ok(String::from_utf16_lossy(&units))
}

fn utf32(bytes: &[u8], join: fn([u8; 4]) -> u32) -> Res<String> {
    let codes = bytes.chunks_exact(4);
    if !codes.remainder().is_empty() {
        return Err(raised("'utf-32' codec can't decode byte in data: truncated data"));
    }
    codes
        .map(|four| char::from_u32(join([four[0], four[1], four[2], four[3]])))
        .collect::<Option<String>>()
        .ok_or_else(|| raised("'utf-32' codec can't decode bytes: code point not in range(0x110000)"))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    fn refused(text: &str, encoding: &str) -> String {
        encode(text, encoding, "strict").map_or_else(|fault| fault.message, |bytes| format!("{bytes:?}"))
    }

    #[test]
    fn text_survives_the_way_to_bytes_and_back() {
        for encoding in ["utf-8", "UTF_16", "utf-16-be", "utf-32", "utf-8-sig"] {
            let bytes = encode("é日𝄞", encoding, "strict").expect("every character has a code");
            assert_eq!(decode(&bytes, encoding, "strict").expect("the same encoding"), "é日𝄞", "{encoding}");
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_named_with_its_place() {
        let message = "'latin-1' codec can't encode character '\\u65e5' in position 1: ordinal not in range(256)";
        assert_eq!(refused("é日", "latin-1"), message);
        let message = "'ascii' codec can't encode characters in position 0-1: ordinal not in range(128)";
        assert_eq!(refused("éé", "ascii"), message);
        assert_eq!(refused("é", "nope"), "unknown encoding: nope");
        assert_eq!(encode("é", "ascii", "xmlcharrefreplace").ok(), Some(b"&#233;".to_vec()));
    }
}
