//! Encodings of one country or script, as Python has them: those of a byte a character, and Korean.
//! The tables are encoding_rs's; where the Web's encodings say more than Python's, that is taken away again.

use std::collections::HashMap;

use encoding_rs::{
    EUC_KR, Encoding, IBM866, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8,
    ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R, MACINTOSH, WINDOWS_874, WINDOWS_1250,
    WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// An encoding, with the name that Python's messages use.
#[derive(Clone, Copy)]
pub struct Charmap {
    pub name: &'static str,
    encoding: &'static Encoding,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A byte a character. Python leaves undefined what the Web reads as a control.
    Windows,
    Byte,
    /// As `Byte`, but bytes up to this one are controls and the no-break space.
    ControlsTo(u8),
    Multibyte,
}

/// A point that the Web's windows-1255 has and Python's has not.
const HOLAM_HASER: char = '\u{5ba}';

/// Names in lower case with underscores, each with the encoding that it means.
const NAMES: &[(&[&str], &Encoding, Kind)] = &[
    (&["cp1250", "1250", "windows_1250"], WINDOWS_1250, Kind::Windows),
    (&["cp1251", "1251", "windows_1251"], WINDOWS_1251, Kind::Windows),
    (&["cp1252", "1252", "windows_1252"], WINDOWS_1252, Kind::Windows),
    (&["cp1253", "1253", "windows_1253"], WINDOWS_1253, Kind::Windows),
    (&["cp1254", "1254", "windows_1254"], WINDOWS_1254, Kind::Windows),
    (&["cp1255", "1255", "windows_1255"], WINDOWS_1255, Kind::Windows),
    (&["cp1256", "1256", "windows_1256"], WINDOWS_1256, Kind::Windows),
    (&["cp1257", "1257", "windows_1257"], WINDOWS_1257, Kind::Windows),
    (&["cp1258", "1258", "windows_1258"], WINDOWS_1258, Kind::Windows),
    (&["cp866", "866", "csibm866", "ibm866"], IBM866, Kind::Byte),
    (&["cp874"], WINDOWS_874, Kind::Windows),
    (&["koi8_r", "cskoi8r"], KOI8_R, Kind::Byte),
    (&["mac_roman", "macintosh", "macroman"], MACINTOSH, Kind::Byte),
    (
        &["iso8859_2", "iso_8859_2", "csisolatin2", "iso_8859_2_1987", "iso_ir_101", "l2", "latin2", "latin_2"],
        ISO_8859_2,
        Kind::Byte,
    ),
    (
        &["iso8859_3", "iso_8859_3", "csisolatin3", "iso_8859_3_1988", "iso_ir_109", "l3", "latin3"],
        ISO_8859_3,
        Kind::Byte,
    ),
    (
        &["iso8859_4", "iso_8859_4", "csisolatin4", "iso_8859_4_1988", "iso_ir_110", "l4", "latin4"],
        ISO_8859_4,
        Kind::Byte,
    ),
    (
        &["iso8859_5", "iso_8859_5", "csisolatincyrillic", "cyrillic", "iso_8859_5_1988", "iso_ir_144"],
        ISO_8859_5,
        Kind::Byte,
    ),
    (
        &[
            "iso8859_6",
            "iso_8859_6",
            "arabic",
            "asmo_708",
            "csisolatinarabic",
            "ecma_114",
            "iso_8859_6_1987",
            "iso_ir_127",
        ],
        ISO_8859_6,
        Kind::Byte,
    ),
    (
        &[
            "iso8859_7",
            "iso_8859_7",
            "csisolatingreek",
            "ecma_118",
            "elot_928",
            "greek",
            "greek8",
            "iso_8859_7_1987",
            "iso_ir_126",
        ],
        ISO_8859_7,
        Kind::Byte,
    ),
    (
        &["iso8859_8", "iso_8859_8", "csisolatinhebrew", "hebrew", "iso_8859_8_1988", "iso_ir_138"],
        ISO_8859_8,
        Kind::Byte,
    ),
    (
        &["iso8859_9", "iso_8859_9", "csisolatin5", "iso_8859_9_1989", "iso_ir_148", "l5", "latin5"],
        WINDOWS_1254,
        Kind::ControlsTo(0x9f),
    ),
    (
        &["iso8859_10", "iso_8859_10", "csisolatin6", "iso_8859_10_1992", "iso_ir_157", "l6", "latin6"],
        ISO_8859_10,
        Kind::Byte,
    ),
    (&["iso8859_11", "iso_8859_11", "iso_8859_11_2001", "thai"], WINDOWS_874, Kind::ControlsTo(0xa0)),
    (&["iso8859_13", "iso_8859_13", "l7", "latin7"], ISO_8859_13, Kind::Byte),
    (
        &["iso8859_14", "iso_8859_14", "iso_8859_14_1998", "iso_celtic", "iso_ir_199", "l8", "latin8"],
        ISO_8859_14,
        Kind::Byte,
    ),
    (&["iso8859_15", "iso_8859_15", "l9", "latin9", "latin_9"], ISO_8859_15, Kind::Byte),
    (&["iso8859_16", "iso_8859_16", "iso_8859_16_2001", "iso_ir_226", "l10", "latin10"], ISO_8859_16, Kind::Byte),
    (&["cp949", "949", "ms949", "uhc"], EUC_KR, Kind::Multibyte),
];

impl Charmap {
    /// The encoding that Python knows by a name.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
        let (names, encoding, kind) = NAMES.iter().find(|(names, ..)| names.contains(&name.as_str()))?;
        let codec = if *kind == Kind::Multibyte { names[0] } else { "charmap" };
        Some(Self { name: codec, encoding, kind: *kind })
    }

    /// What Python says of a character or a byte that is not in the table.
    pub fn reason(&self) -> &'static str {
        if self.kind == Kind::Multibyte { "illegal multibyte sequence" } else { "character maps to <undefined>" }
    }

    /// What gives the bytes of a character, if it has some.
    pub fn encoder(self) -> impl Fn(char) -> Option<Vec<u8>> {
        let bytes: HashMap<char, u8> = match self.kind {
            Kind::Multibyte => HashMap::new(),
            _ => (0..=u8::MAX).filter_map(|byte| Some((self.decode_byte(byte)?, byte))).collect(),
        };
        move |char| {
            if self.kind != Kind::Multibyte {
                return bytes.get(&char).map(|byte| vec![*byte]);
            }
            let text = char.to_string();
            let (bytes, _, missing) = self.encoding.encode(&text);
            (!missing).then(|| bytes.into_owned())
        }
    }

    fn decode_byte(&self, byte: u8) -> Option<char> {
        let as_control = match self.kind {
            Kind::ControlsTo(last) => byte <= last,
            _ => byte.is_ascii(),
        };
        if as_control {
            return Some(char::from(byte));
        }
        let text = self.encoding.decode_without_bom_handling_and_without_replacement(std::slice::from_ref(&byte))?;
        let char = text.chars().next()?;
        let is_extra = char.is_control() || char == HOLAM_HASER;
        (self.kind != Kind::Windows || !is_extra).then_some(char)
    }

    /// The character that bytes begin with, and how many of them it takes; else how many are wrong.
    pub fn decode(&self, bytes: &[u8]) -> Result<(String, usize), usize> {
        if self.kind != Kind::Multibyte {
            let byte = *bytes.first().ok_or(0_usize)?;
            return self.decode_byte(byte).map(|char| (char.to_string(), 1)).ok_or(1);
        }
        for length in 1..=bytes.len().min(4) {
            let part = &bytes[..length];
            if let Some(text) = self.encoding.decode_without_bom_handling_and_without_replacement(part) {
                return Ok((text.into_owned(), length));
            }
        }
        Err(1)
    }
}
