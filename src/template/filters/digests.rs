//! Hashes and identifiers.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn digest(name: &str, bytes: &[u8]) -> Option<String> {
    Some(match name {
        "md5" => hex(&Md5::digest(bytes)),
        "sha1" => hex(&Sha1::digest(bytes)),
        "sha224" => hex(&Sha224::digest(bytes)),
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha384" => hex(&Sha384::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
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
    let name = args.get(1).map_or_else(|| Ok("sha1".to_owned()), print::text)?;
    match digest(&name, &bytes_of(&args.val(0))?) {
        Some(digest) => Ok(Val::str(digest)),
        None => Err(raised(format!("unsupported hash type {name}"))),
    }
}

pub fn checksum(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(hex(&Sha1::digest(bytes_of(&args.val(0))?))))
}

pub fn md5(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(hex(&Md5::digest(bytes_of(&args.val(0))?))))
}

/// Ansible's own namespace for names without one.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

pub fn to_uuid(_scope: &Scope, args: Bound) -> Res<Val> {
    let namespace = args.text_or(1, NAMESPACE)?;
    let namespace = uuid::Uuid::parse_str(namespace).map_err(|_| {
        raised(format!("Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"))
    })?;
    let name = print::text(&args.val(0))?;
    Ok(Val::str(uuid::Uuid::new_v5(&namespace, name.as_bytes()).to_string()))
}

const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub fn random_salt(length: usize) -> String {
    (0..length).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

pub fn password_hash(_scope: &Scope, args: Bound) -> Res<Val> {
    let password = match args.val(0) {
        Val::Null => String::new(),
        other => print::text(&other)?,
    };
    let kind = args.get(1).map_or_else(|| Ok("sha512".to_owned()), print::text)?;
    let salt = args.some(2).map(print::text).transpose()?;
    let rounds = if args.some(4).is_some() { Some(args.int(4, 0)?) } else { None };
    Ok(Val::str(crypt(&password, &kind, salt.as_deref(), rounds)?))
}

/// A hash as crypt(3) writes it.
pub fn crypt(password: &str, kind: &str, salt: Option<&str>, rounds: Option<i64>) -> Res<String> {
    let (kind, most_salt) = match kind {
        "sha512" | "sha512_crypt" => ("sha512", 16),
        "sha256" | "sha256_crypt" => ("sha256", 16),
        "blowfish" | "bcrypt" => ("bcrypt", 22),
        other => {
            return Err(raised(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )));
        }
    };
    let salt = salt.map_or_else(|| random_salt(most_salt), str::to_owned);
    if !salt.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return Err(raised("invalid characters in salt"));
    }
    if kind == "bcrypt" {
        return bcrypt_text(password, &salt, rounds);
    }
    let salt: String = salt.chars().take(most_salt).collect();
    let rounds = match rounds {
        None if kind == "sha512" => 656_000,
        None => 535_000,
        Some(rounds) => u32::try_from(rounds).unwrap_or(0),
    };
    if !(1000..=9_999_999).contains(&rounds) {
        return Err(raised("Could not hash the secret."));
    }
    let params = sha_crypt::Params::new(rounds).map_err(|error| raised(format!("{error:?}")))?;
    let prefix = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
    Ok(if kind == "sha512" {
        let raw = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), params);
        format!("$6${prefix}{salt}${}", crypt64(&raw, &sha512_order()))
    } else {
        let raw = sha_crypt::sha256_crypt(password.as_bytes(), salt.as_bytes(), params);
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
fn crypt64(raw: &[u8], order: &[[Option<usize>; 3]]) -> String {
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

fn bcrypt_text(password: &str, salt: &str, rounds: Option<i64>) -> Res<String> {
    use base64::Engine;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let cost = u32::try_from(rounds.unwrap_or(12)).unwrap_or(12);
    if !(4..=20).contains(&cost) {
        return Err(raised("Could not hash the secret."));
    }
    if salt.len() != 22 {
        return Err(raised("Could not hash the secret."));
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let raw = GeneralPurpose::new(&base64::alphabet::BCRYPT, config)
        .decode(salt)
        .map_err(|error| raised(error.to_string()))?;
    let raw: [u8; 16] = raw.as_slice().try_into().map_err(|_| raised("Could not hash the secret."))?;
    let parts = bcrypt::hash_with_salt(password, cost, raw).map_err(|error| raised(error.to_string()))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoB))
}
