//! `password`: a password kept in a file, made when the file does not exist.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::Request;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::chance::Chance;
use crate::template::filters::digests::{Crypt, crypt, random_salt, salt_length};
use crate::value::Str;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        out.push(one(scope, &request, &term)?);
    }
    Ok(out)
}

fn one(scope: &Scope, request: &Request, term: &str) -> Res<Val> {
    let mut words = term.split_whitespace();
    let mut path = words.next().unwrap_or("").to_owned();
    let mut options: Vec<(String, String)> = Vec::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => options.push((name.to_owned(), value.to_owned())),
            None if options.is_empty() => path = format!("{path} {word}"),
            None => {
                return Err(raised(format!(
                    "Unrecognized value after key=value parameters given to password lookup: {word}"
                )));
            }
        }
    }
    for (name, _) in &options {
        if !matches!(name.as_str(), "length" | "encrypt" | "chars" | "ident" | "seed") {
            return Err(raised(format!("Unrecognized parameter(s) given to password lookup: {name}")));
        }
    }
    let option = |name: &str| -> Res<Option<String>> {
        match options.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(Some(value.clone())),
            None => request.text(name),
        }
    };
    let length: usize =
        option("length")?.map_or(Ok(20), |text| text.parse().map_err(|_| raised(format!("invalid length: {text}"))))?;
    let encrypt = option("encrypt")?.filter(|kind| !kind.is_empty() && kind != "None");
    let chars: Vec<char> = match (options.iter().find(|(name, _)| name == "chars"), request.option("chars")) {
        (Some((_, text)), _) => alphabet(&split_alphabet(text)),
        (None, Some(list @ (Val::List(_) | Val::Tuple(_)))) => {
            alphabet(&list.iterate()?.iter().map(print::text).collect::<Res<Vec<_>>>()?)
        }
        (None, Some(other)) => alphabet(&split_alphabet(&print::text(other)?)),
        (None, None) => alphabet(&["ascii_letters", "digits", ".,:-_"].map(str::to_owned)),
    };
    if length > 100_000 {
        return Err(raised("the password is too long"));
    }
    if chars.is_empty() && length > 0 {
        return Err(raised("Cannot choose from an empty sequence"));
    }
    let mut chance = Chance::new(option("seed")?.map(Val::str).as_ref())?;
    let ident = option("ident")?;
    let file = scope.context.templar.search().basedir.join(PathBuf::from(&path));
    let existing = if path == "/dev/null" { None } else { fs::read_to_string(&file).ok() };
    let (mut password, mut salt, mut changed) = match existing {
        Some(content) => {
            let content = content.trim_end_matches('\n');
            match content.rsplit_once(" salt=") {
                Some((password, salt)) => {
                    let salt = salt.split(" ident=").next().unwrap_or(salt);
                    (password.to_owned(), Some(salt.to_owned()), false)
                }
                None => (content.to_owned(), None, false),
            }
        }
        None => ((0..length).filter_map(|_| chars.get(chance.index(chars.len()))).collect(), None, true),
    };
    if encrypt.is_some() && salt.is_none() {
        salt = Some(random_salt(salt_length(encrypt.as_deref().unwrap_or(""))));
        changed = true;
    }
    if changed && path != "/dev/null" {
        let content = match &salt {
            Some(salt) => format!("{password} salt={salt}\n"),
            None => format!("{password}\n"),
        };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| raised(format!("cannot create the path for the password lookup: {error}")))?;
        }
        let mut handle = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)
            .map_err(|error| raised(format!("cannot write the password file: {error}")))?;
        handle
            .write_all(content.as_bytes())
            .map_err(|error| raised(format!("cannot write the password file: {error}")))?;
    }
    if let Some(kind) = encrypt {
        password = crypt(password.as_bytes(), &Crypt { kind, salt, ident, ..Crypt::default() })?;
    }
    let password = Str::data(password).into_secret();
    scope.context.note_secret(&password);
    Ok(Val::Str(password))
}

/// Parts are separated by commas; two commas stand for the comma itself.
fn split_alphabet(text: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        text.replace(",,", ",").split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if text.contains(",,") {
        parts.push(",".to_owned());
    }
    parts
}

/// Names of Python's character classes, or characters as they are. Quotes are left out of passwords.
fn alphabet(parts: &[String]) -> Vec<char> {
    const DIGITS: &str = "0123456789";
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const PUNCTUATION: &str = "!#$%&()*+,-./:;<=>?@[\\]^_`{|}~";
    const SPACE: &str = " \t\n\r\u{b}\u{c}";
    let mut out = String::new();
    for part in parts {
        match part.as_str() {
            "ascii_letters" => out.push_str(LETTERS),
            "ascii_lowercase" => out.extend('a'..='z'),
            "ascii_uppercase" => out.extend('A'..='Z'),
            "digits" => out.push_str(DIGITS),
            "hexdigits" => out.push_str("0123456789abcdefABCDEF"),
            "octdigits" => out.push_str("01234567"),
            "punctuation" => out.push_str(PUNCTUATION),
            "whitespace" => out.push_str(SPACE),
            "printable" => out.extend([DIGITS, LETTERS, PUNCTUATION, SPACE]),
            other => out.push_str(other),
        }
    }
    out.chars().filter(|char| !matches!(char, '"' | '\'')).collect()
}
