//! Hashes and identifiers.

use blake2::{Blake2b512, Blake2s256};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use super::md5_crypt::md5_crypt;
use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::python::str_repr;

fn digest(name: &str, bytes: &[u8]) -> Option<String> {
    Some(match name.to_ascii_lowercase().replace('-', "_").as_str() {
        "blake2b" | "blake2b512" => hex::encode(Blake2b512::digest(bytes)),
        "blake2s" | "blake2s256" => hex::encode(Blake2s256::digest(bytes)),
        "md5" => hex::encode(Md5::digest(bytes)),
        "md5_sha1" => hex::encode(Md5::digest(bytes)) + &hex::encode(Sha1::digest(bytes)),
        "sha1" | "sha_1" => hex::encode(Sha1::digest(bytes)),
        "sha224" | "sha_224" => hex::encode(Sha224::digest(bytes)),
        "sha256" | "sha_256" => hex::encode(Sha256::digest(bytes)),
        "sha384" | "sha_384" => hex::encode(Sha384::digest(bytes)),
        "sha512" | "sha_512" => hex::encode(Sha512::digest(bytes)),
        "sha512_224" => hex::encode(Sha512_224::digest(bytes)),
        "sha512_256" => hex::encode(Sha512_256::digest(bytes)),
        "sha3_224" => hex::encode(Sha3_224::digest(bytes)),
        "sha3_256" => hex::encode(Sha3_256::digest(bytes)),
        "sha3_384" => hex::encode(Sha3_384::digest(bytes)),
        "sha3_512" => hex::encode(Sha3_512::digest(bytes)),
        _ => return None,
    })
}

fn bytes_of(value: &Val) -> Res<Vec<u8>> {
    match value {
        Val::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Ok(print::text(other)?.into_bytes()),
    }
}

pub fn hash(_scope: &Scope, args: Bound) -> Res<Val> {
    let name = match args.get(1) {
        None => "sha1",
        Some(Val::Str(name)) => name,
        Some(_) => return Err(raised("name must be a string")),
    };
    if matches!(name.to_ascii_lowercase().as_str(), "shake_128" | "shake_256") {
        return Err(raised("hexdigest() missing required argument 'length' (pos 1)"));
    }
    match digest(name, &bytes_of(&args.val(0))?) {
        Some(digest) => Ok(Val::str(digest)),
        None => Err(raised(format!("unsupported hash type {name}"))),
    }
}

pub fn checksum(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(hex::encode(Sha1::digest(bytes_of(&args.val(0))?))))
}

/// Of community.general: the checksum of zip and gzip, in as few digits as it has.
pub fn crc32(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        let found = value.type_name();
        let value = print::repr(&value.used()?)?;
        return Err(raised(format!("Invalid value type (<class '{found}'>) for crc32 ({value})")));
    };
    Ok(Val::str(format!("{:x}", crc32fast::hash(text.as_bytes()))))
}

pub fn md5(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(hex::encode(Md5::digest(bytes_of(&args.val(0))?))))
}

/// Ansible's own namespace for names without one.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

pub fn to_uuid(_scope: &Scope, args: Bound) -> Res<Val> {
    let invalid = |text: &str, why: &str| raised(format!("Invalid value '{text}' for 'namespace': {why}"));
    let namespace = match args.get(1) {
        Some(other) if !matches!(other, Val::Str(_)) => {
            let why = format!("'{}' object has no attribute 'replace'", other.type_name());
            return Err(invalid(&print::text(other)?, &why));
        }
        _ => args.text_or(1, NAMESPACE)?,
    };
    let namespace =
        uuid::Uuid::parse_str(namespace).map_err(|_| invalid(namespace, "badly formed hexadecimal UUID string"))?;
    let name = print::text(&args.val(0))?;
    Ok(Val::str(uuid::Uuid::new_v5(&namespace, name.as_bytes()).to_string()))
}

const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub fn random_salt(length: usize) -> String {
    (0..length).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

pub fn password_hash(_scope: &Scope, args: Bound) -> Res<Val> {
    let password = match args.val(0) {
        Val::Str(text) => text.as_bytes().to_vec(),
        Val::Bytes(bytes) => bytes.to_vec(),
        other => {
            let kind = if matches!(other, Val::Null) { "None" } else { other.type_name() };
            return Err(raised(format!("secret must be unicode or bytes, not {kind}")));
        }
    };
    let kind = args.get(1).map_or_else(|| Ok("sha512".to_owned()), print::text)?;
    let salt = args.some(2).map(print::text).transpose()?;
    let salt_size = match args.some(3) {
        Some(Val::Int(_) | Val::Bool(_)) => usize::try_from(args.int(3, 0)?).ok(),
        Some(_) => return Err(raised("salt_size must be an integer")),
        None => None,
    };
    let rounds = match args.some(4) {
        Some(Val::Str(text)) => Some(
            text.trim()
                .parse()
                .map_err(|_| raised(format!("invalid literal for int() with base 10: {}", str_repr(text))))?,
        ),
        Some(_) => Some(args.int(4, 0)?),
        None => None,
    };
    let ident = args.some(5).map(print::text).transpose()?;
    let how = Crypt { kind, salt, salt_size, rounds: rounds.filter(|rounds| *rounds != 0), ident };
    Ok(Val::str(crypt(&password, &how)?))
}

/// How a password is hashed.
#[derive(Default)]
pub struct Crypt {
    pub kind: String,
    pub salt: Option<String>,
    pub salt_size: Option<usize>,
    pub rounds: Option<i64>,
    pub ident: Option<String>,
}

/// Characters of a salt, at most or exactly.
pub fn salt_length(kind: &str) -> usize {
    match kind {
        "md5" | "md5_crypt" => 8,
        "blowfish" | "bcrypt" => 22,
        _ => 16,
    }
}

/// A hash as crypt(3) writes it.
pub fn crypt(password: &[u8], how: &Crypt) -> Res<String> {
    let kind = match how.kind.as_str() {
        "sha512" | "sha512_crypt" => "sha512_crypt",
        "sha256" | "sha256_crypt" => "sha256_crypt",
        "blowfish" | "bcrypt" => "bcrypt",
        "md5" | "md5_crypt" => "md5_crypt",
        other => {
            return Err(raised(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )));
        }
    };
    let failed = |reason: String| raised(format!("Could not hash the secret: {reason}"));
    let most_salt = salt_length(kind);
    let salt = match how.salt.as_deref().filter(|salt| !salt.is_empty()) {
        Some(salt) => salt.to_owned(),
        None => random_salt(how.salt_size.unwrap_or(most_salt)),
    };
    if !salt.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return Err(failed(format!("invalid characters in {kind} salt")));
    }
    if salt.len() > most_salt {
        return Err(failed(format!("salt too large ({kind} requires <= {most_salt} chars)")));
    }
    match kind {
        "bcrypt" => return bcrypt_text(password, &salt, how),
        "md5_crypt" => return Ok(md5_crypt(password, &salt)),
        _ => {}
    }
    let default = if kind == "sha512_crypt" { 656_000 } else { 535_000 };
    let rounds = how.rounds.unwrap_or(default);
    if !(1000..=999_999_999).contains(&rounds) {
        let (side, limit) =
            if rounds < 1000 { ("low, must be at least", 1000) } else { ("high, must be at most", 999_999_999) };
        return Err(failed(format!("{kind}: min_desired_rounds ({rounds}) is too {side} {limit}")));
    }
    let params =
        sha_crypt::Params::new(u32::try_from(rounds).unwrap_or(0)).map_err(|error| raised(format!("{error:?}")))?;
    let prefix = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
    Ok(if kind == "sha512_crypt" {
        let raw = sha_crypt::sha512_crypt(password, salt.as_bytes(), params);
        format!("$6${prefix}{salt}${}", crypt64(&raw, &sha512_order()))
    } else {
        let raw = sha_crypt::sha256_crypt(password, salt.as_bytes(), params);
        format!("$5${prefix}{salt}${}", crypt64(&raw, &sha256_order()))
    })
}

fn sha512_order() -> Vec<[Option<usize>; 3]> {
    let mut order = Vec::new();
    for index in 0..21 {
        let group = match index % 3 {
            0 => [index, index + 21, index + 42],
            1 => [index + 21, index + 42, index],
            _ => [index + 42, index, index + 21],
        };
        order.push(group.map(Some));
    }
    order.push([None, None, Some(63)]);
    order
}

fn sha256_order() -> Vec<[Option<usize>; 3]> {
    let mut order = Vec::new();
    for index in 0..10 {
        let group = match index % 3 {
            0 => [index, index + 10, index + 20],
            1 => [index + 20, index, index + 10],
            _ => [index + 10, index + 20, index],
        };
        order.push(group.map(Some));
    }
    order.push([None, Some(31), Some(30)]);
    order
}

/// crypt's base64: groups of three bytes in the scheme's order, low bits first.
pub fn crypt64(raw: &[u8], order: &[[Option<usize>; 3]]) -> String {
    let byte = |at: Option<usize>| at.and_then(|at| raw.get(at)).map_or(0, |byte| u32::from(*byte));
    let mut out = String::new();
    for group in order {
        let mut word = (byte(group[0]) << 16) | (byte(group[1]) << 8) | byte(group[2]);
        let digits = group.iter().flatten().count() + 1;
        for _ in 0..digits {
            out.push(char::from(ALPHABET[(word & 63) as usize]));
            word >>= 6;
        }
    }
    out
}

fn bcrypt_text(password: &[u8], salt: &str, how: &Crypt) -> Res<String> {
    use base64::Engine;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let failed = |reason: String| raised(format!("Could not hash the secret: {reason}"));
    let version = match how.ident.as_deref() {
        None | Some("2b") => bcrypt::Version::TwoB,
        Some("2a") => bcrypt::Version::TwoA,
        Some("2y") => bcrypt::Version::TwoY,
        Some(other) => return Err(failed(format!("invalid ident: {}", str_repr(other)))),
    };
    let rounds = how.rounds.unwrap_or(12);
    let cost = u32::try_from(rounds).ok().filter(|cost| (4..=31).contains(cost));
    let Some(cost) = cost else {
        let (side, limit) = if rounds < 4 { ("low, must be at least", 4) } else { ("high, must be at most", 31) };
        return Err(failed(format!("bcrypt: min_desired_rounds ({rounds}) is too {side} {limit}")));
    };
    if salt.len() != 22 {
        return Err(failed("salt too small (bcrypt requires exactly 22 chars)".into()));
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let raw = GeneralPurpose::new(&base64::alphabet::BCRYPT, config)
        .decode(salt)
        .map_err(|error| raised(error.to_string()))?;
    let raw: [u8; 16] = raw.as_slice().try_into().map_err(|_| failed("the salt is not 16 bytes long".into()))?;
    let parts = bcrypt::hash_with_salt(password, cost, raw).map_err(|error| failed(error.to_string()))?;
    Ok(parts.format_for_version(version))
}
