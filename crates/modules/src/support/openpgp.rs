//! As much of OpenPGP as trusting a package archive needs: taking the armor off a key and telling which key it is.
//! Nothing is verified here; that is apt's work.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use sha2::Sha256;

const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// One public key with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// In upper-case hexadecimal digits.
    pub fingerprint: String,
    subkeys: Vec<String>,
    /// Its packets, without armor.
    pub packets: Vec<u8>,
}

impl PublicKey {
    /// The last eight bytes of the fingerprint; the first ones of the newer kind.
    pub fn id(&self) -> &str {
        key_id(&self.fingerprint)
    }

    /// Whether `wanted`, an id or a fingerprint with or without `0x` and blanks, means this key or a part of it.
    pub fn is_called(&self, wanted: &str) -> bool {
        let wanted = normalized(wanted);
        wanted.len() >= 8
            && std::iter::once(&self.fingerprint)
                .chain(&self.subkeys)
                .any(|it| it.ends_with(&wanted) || key_id(it).ends_with(&wanted))
    }
}

fn key_id(fingerprint: &str) -> &str {
    let range = if fingerprint.len() == 64 { 0..16 } else { fingerprint.len().saturating_sub(16)..fingerprint.len() };
    fingerprint.get(range).unwrap_or(fingerprint)
}

/// An id as it is compared: upper case, no blanks, no `0x`.
pub fn normalized(id: &str) -> String {
    let id: String = id.chars().filter(|it| !it.is_whitespace()).collect::<String>().to_uppercase();
    id.strip_prefix("0X").map(str::to_owned).unwrap_or(id)
}

/// All public keys in a file, armored or not.
pub fn read(bytes: &[u8]) -> Vec<PublicKey> {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        return armored_blocks(&text).iter().flat_map(|block| read_binary(block)).collect();
    }
    read_binary(bytes)
}

/// Files that gpg 2 writes for itself, which apt does not read.
pub fn is_keybox(bytes: &[u8]) -> bool {
    bytes.get(8..12) == Some(b"KBXf")
}

fn armored_blocks(text: &str) -> Vec<Vec<u8>> {
    text.split("-----BEGIN PGP PUBLIC KEY BLOCK-----")
        .skip(1)
        .filter_map(|block| {
            let body = block.split("-----END").next()?;
            // Headers such as `Version:` end with an empty line; the checksum begins with an equals sign.
            let encoded: String =
                body.lines().map(str::trim).filter(|line| !line.contains(": ") && !line.starts_with('=')).collect();
            STANDARD.decode(encoded).ok()
        })
        .collect()
}

struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    /// Header and body.
    whole: &'a [u8],
}

fn read_binary(bytes: &[u8]) -> Vec<PublicKey> {
    let mut keys: Vec<PublicKey> = Vec::new();
    let mut rest = bytes;
    while let Some(packet) = next_packet(&mut rest) {
        match packet.tag {
            PUBLIC_KEY => {
                let Some(fingerprint) = fingerprint(packet.body) else { return keys };
                keys.push(PublicKey { fingerprint, subkeys: Vec::new(), packets: packet.whole.to_vec() });
                continue;
            }
            PUBLIC_SUBKEY => {
                if let (Some(key), Some(fingerprint)) = (keys.last_mut(), fingerprint(packet.body)) {
                    key.subkeys.push(fingerprint);
                }
            }
            _ => {}
        }
        if let Some(key) = keys.last_mut() {
            key.packets.extend_from_slice(packet.whole);
        }
    }
    keys
}

fn next_packet<'a>(rest: &mut &'a [u8]) -> Option<Packet<'a>> {
    let bytes = *rest;
    let first = *bytes.first()?;
    let byte = |index: usize| bytes.get(index).copied().map(usize::from);
    let (tag, header, length) = if first & 0xc0 == 0xc0 {
        let (header, length) = match byte(1)? {
            short @ 0..=191 => (2, short),
            medium @ 192..=223 => (3, ((medium - 192) << 8) + byte(2)? + 192),
            255 => (6, (byte(2)? << 24) | (byte(3)? << 16) | (byte(4)? << 8) | byte(5)?),
            // Partial lengths are for data, not for keys.
            _ => return None,
        };
        (first & 0x3f, header, length)
    } else if first & 0x80 != 0 {
        let (header, length) = match first & 3 {
            0 => (2, byte(1)?),
            1 => (3, (byte(1)? << 8) | byte(2)?),
            2 => (5, (byte(1)? << 24) | (byte(2)? << 16) | (byte(3)? << 8) | byte(4)?),
            _ => return None,
        };
        ((first >> 2) & 0xf, header, length)
    } else {
        return None;
    };
    let end = header + length;
    let packet = Packet { tag, body: bytes.get(header..end)?, whole: bytes.get(..end)? };
    *rest = bytes.get(end..)?;
    Some(packet)
}

fn fingerprint(body: &[u8]) -> Option<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|it| format!("{it:02X}")).collect::<String>();
    match body.first()? {
        4 => {
            let length = u16::try_from(body.len()).ok()?.to_be_bytes();
            Some(hex(&Sha1::new().chain_update([0x99]).chain_update(length).chain_update(body).finalize()))
        }
        version @ (5 | 6) => {
            let prefix = if *version == 5 { 0x9a } else { 0x9b };
            let length = u32::try_from(body.len()).ok()?.to_be_bytes();
            Some(hex(&Sha256::new().chain_update([prefix]).chain_update(length).chain_update(body).finalize()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_keybox, normalized, read};

    #[test]
    fn nonsense_has_no_keys() {
        for bytes in [
            &b""[..],
            b"hello",
            b"\x99\xff",
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n-----END",
            &[0xc6, 0xff, 0xff],
        ] {
            assert!(read(bytes).is_empty());
        }
        assert!(is_keybox(b"\0\0\0 \x01\x01\0\x02KBXf"));
    }

    #[test]
    fn a_version_4_key() {
        // An old-format packet header, then version, time, algorithm and a tiny number.
        let packets = [0x98, 9, 4, 0, 0, 0, 1, 1, 0, 1, 1];
        let keys = read(&packets);
        let [key] = keys.as_slice() else { panic!("one key") };
        assert_eq!(key.fingerprint.len(), 40);
        assert_eq!(key.packets, packets);
        assert!(key.is_called(&key.fingerprint) && key.is_called(&format!("0x{}", key.id().to_lowercase())));
        assert!(!key.is_called("") && !key.is_called("00000000"));
        assert_eq!(normalized("0xab cd"), "ABCD");
    }
}
